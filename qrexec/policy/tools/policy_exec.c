/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qrexec-policy-exec: one question answered without the daemon. qrexec-daemon falls back to it; its
 * three-argument form prints the answer that the daemon would give, its old five-argument form also runs the
 * call.
 */
#include "../call/agent_client.h"
#include "../call/policy_log.h"
#include "../call/policy_question.h"
#include "common.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define QREXEC_CLIENT "/usr/bin/qrexec-client"
#define QUBESD_SOCKET "/var/run/qubesd.sock"

/* What the old form has on top of a question. */
struct old_call {
    const char *domain_id, *ident;
};

enum { OPT_ASSUME = COMMON_OPTIONS_END, OPT_EVALUATE };

static const struct option options[] = {
    COMMON_OPTIONS,
    {"assume-yes-for-ask", no_argument, NULL, OPT_ASSUME},
    {"just-evaluate", no_argument, NULL, OPT_EVALUATE},
    {"help", no_argument, NULL, 'h'},
    {0},
};

static void usage(FILE *out)
{
    fputs("usage: qrexec-policy-exec [--assume-yes-for-ask] [--just-evaluate] [--path DIR]... SOURCE TARGET "
          "SERVICE[+ARGUMENT]\n"
          "       qrexec-policy-exec [OPTION]... DOMAIN-ID SOURCE TARGET SERVICE[+ARGUMENT] IDENT\n",
          out);
}

/* A disposable is made and named by its uuid, anything else is started. The name to connect to, or NULL. */
static char *prepare_target(const char *dest, bool disposable)
{
    char *answer = NULL, *target = strdup(dest);
    size_t len;
    int status = 0;

    if (disposable) {
        free(target);
        target = NULL;
        status =
            info_source_admin_call(QUBESD_SOCKET, "admin.vm.CreateDisposable+", dest, "uuid", &target, &len);
    }
    if (!status)
        status = info_source_admin_call(QUBESD_SOCKET, "admin.vm.Start+", target, NULL, &answer, &len);
    free(answer);
    if (status == -EPROTO && !disposable)
        status = 0; /* most likely it runs already; if not, connecting tells */
    if (!status)
        return target;
    fprintf(stderr, "cannot start %s: %s\n", dest, strerror(-status));
    free(target);
    return NULL;
}

static int run_client(const char *target, const char *options_text, const struct policy_call *call,
                      const struct old_call *old, const char *command)
{
    char caller[512];

    snprintf(caller, sizeof(caller), "%s,%s,%s", old->ident, call->decision.source, old->domain_id);
    execl(QREXEC_CLIENT, QREXEC_CLIENT, options_text, target, "-c", caller, "--", command, (char *)NULL);
    perror(QREXEC_CLIENT);
    return 125;
}

static int run_call(const struct policy_call *call, const struct old_call *old)
{
    const struct policy_decision *decision = &call->decision;
    const char *wanted = call->question.target,
               *user = decision->user && *decision->user ? decision->user : "DEFAULT";
    char command[2048];
    bool disposable = !strncmp(decision->target, "@dispvm:", 8);

    if (system_info_is_dom0(decision->target)) {
        snprintf(command, sizeof(command), "QUBESRPC %s %s %s %s", call->question.service, decision->source,
                 *wanted == '@' ? "keyword" : "name", *wanted == '@' ? wanted + 1 : wanted);
        return run_client(SYSTEM_INFO_DOM0, "-Ed", call, old, command);
    }
    snprintf(command, sizeof(command), "%s:QUBESRPC %s %s", user, call->question.service, decision->source);
    char *target = prepare_target(decision->target, disposable);
    if (!target)
        return 125;
    int status = run_client(target, disposable ? "-EWkd" : "-Ed", call, old, command);
    free(target);
    return status;
}

static int answer(struct policy_call *call, const struct old_call *old)
{
    char text[POLICY_ANSWER_MAX];

    if (call->decision.action == POLICY_ASK)
        policy_call_ask(call, -1);
    size_t len = policy_call_answer(call, text, sizeof(text));
    policy_call_notify(call);
    bool allowed = call->decision.action == POLICY_ALLOW;
    if (old->ident)
        return allowed && !call->question.just_evaluate ? run_call(call, old) : !allowed;
    if (call->question.just_evaluate)
        return !allowed;
    fwrite(text, 1, len, stdout);
    return !allowed;
}

/* The daemon, which would keep the last good policy, does not run: at least say why all is denied. */
static struct policy *load(struct common_sources *sources)
{
    char why[1024];
    struct policy *policy = common_load(sources, why, sizeof(why));

    if (!policy) {
        policy_log(LOG_ERR, "all calls are denied, the policy is not valid: %s", why);
        agent_client_report(why, "All calls are denied.");
    }
    return policy;
}

static int decide(struct common_sources *sources, const struct policy_question *question,
                  const struct old_call *old)
{
    struct policy *policy = load(sources);
    const struct system_info *info = policy ? common_info(sources) : NULL;
    struct policy_call call;
    int status = 1;

    if (info) {
        policy_call_start(&call, policy, info, question);
        status = answer(&call, old);
        policy_call_clear(&call);
    } else if (!question->just_evaluate && !old->ident) {
        puts("result=deny");
    }
    policy_free(policy);
    info_source_clear(&sources->info);
    return status;
}

int main(int argc, char **argv)
{
    struct common_sources sources = {0};
    struct policy_question question = {0};
    struct old_call old = {0};
    int option;

    while ((option = getopt_long(argc, argv, "+h", options, NULL)) >= 0) {
        if (option == OPT_ASSUME) {
            question.assume_yes = true;
        } else if (option == OPT_EVALUATE) {
            question.just_evaluate = true;
        } else if (!common_take_option(&sources, option, optarg)) {
            usage(option == 'h' ? stdout : stderr);
            return option == 'h' ? 0 : 2;
        }
    }
    argv += optind;
    argc -= optind;
    if (argc != 3 && argc != 5) {
        usage(stderr);
        return 2;
    }
    if (argc == 5) {
        old = (struct old_call){.domain_id = argv[0], .ident = argv[4]};
        argv++;
    }
    question.source = argv[0];
    question.target = argv[1];
    question.service = argv[2];
    return decide(&sources, &question, &old);
}
