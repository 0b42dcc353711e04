/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qrexec-policy-why: which rule decides a call, which rules before it did not match, what an ask list is made
 * of. */
#include "common.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

enum { OPT_REQUESTED = COMMON_OPTIONS_END };

static const struct option options[] = {
    COMMON_OPTIONS,
    {"requested-source", required_argument, NULL, OPT_REQUESTED},
    {"help", no_argument, NULL, 'h'},
    {0},
};

static const char *const mismatches[] = {
    [POLICY_MISMATCH_ARGUMENT] = "argument differs",
    [POLICY_MISMATCH_SOURCE] = "source differs",
    [POLICY_MISMATCH_TARGET] = "target differs",
};

static void usage(FILE *out)
{
    fputs("usage: qrexec-policy-why [--policy-dir DIR]... [--legacy-dir DIR] [--system-info FILE]\n"
          "           [--requested-source REMOTEVM] SOURCE TARGET SERVICE[+ARGUMENT]\n",
          out);
}

static void print_rule(const struct policy *policy, const struct policy_rule *rule, const char *note)
{
    char text[1024];

    policy_rule_format(policy, rule, text, sizeof(text));
    printf("  %s:%u: %s%s%s\n", policy_file(policy, rule->file), rule->line, text, *note ? "   # " : "",
           note);
    if (!rule->line)
        puts("    (implied at the end of an old-format file)");
}

/* Rules on other services are not worth a line. */
static void print_skipped(const struct policy *policy, const struct system_info *info,
                          const struct policy_request *request, const struct policy_decision *decision)
{
    bool any = false;

    for (size_t i = 0; i < policy_rule_count(policy); i++) {
        const struct policy_rule *rule = policy_rule_at(policy, i);
        if (rule == decision->rule)
            break;
        enum policy_mismatch mismatch = policy_rule_check(policy, info, request, decision, rule);
        if (mismatch == POLICY_MISMATCH_SERVICE || mismatch == POLICY_MATCHES)
            continue;
        if (!any)
            puts("skipped:");
        any = true;
        print_rule(policy, rule, mismatches[mismatch]);
    }
}

static void print_ask_list(const struct policy *policy, const struct system_info *info,
                           const struct policy_request *request, const struct policy_decision *decision)
{
    puts("targets to choose from:");
    for (size_t i = 0; i < decision->target_count; i++) {
        const char *target = decision->targets[i];
        const struct policy_rule *origin = policy_ask_origin(policy, info, request, decision, target);
        bool preset = decision->default_target && !strcmp(decision->default_target, target);
        if (origin)
            printf("  %s%s   # by %s:%u\n", target, preset ? " (preset)" : "",
                   policy_file(policy, origin->file), origin->line);
        else
            printf("  %s%s   # by target= of the rule\n", target, preset ? " (preset)" : "");
    }
}

static void print_outcome(const struct policy_decision *decision)
{
    if (decision->action == POLICY_DENY) {
        printf("deny: %s\n", decision->reason);
        return;
    }
    printf("%s", policy_action_names[decision->action]);
    if (decision->target)
        printf(": target %s", decision->target);
    if (decision->relayed)
        printf(" through %s", decision->relayed->relayvm);
    if (decision->user)
        printf(", user %s", decision->user);
    puts(decision->autostart ? "" : ", only if it runs");
}

static void explain(const struct policy *policy, const struct system_info *info,
                    const struct policy_request *request)
{
    struct policy_decision decision;

    policy_decide(policy, info, request, &decision);
    print_outcome(&decision);
    if (decision.failure == POLICY_FAILURE_REQUEST)
        return;
    if (strcmp(decision.requested_target, request->target) != 0)
        printf("target '%s' counts as %s\n", request->target, decision.requested_target);
    if (decision.rule) {
        puts("decided by:");
        print_rule(policy, decision.rule, "");
    }
    print_skipped(policy, info, request, &decision);
    if (decision.action == POLICY_ASK)
        print_ask_list(policy, info, request, &decision);
    policy_decision_clear(&decision);
}

int main(int argc, char **argv)
{
    struct common_sources sources = {0};
    struct policy_request request = {0};
    int option;

    while ((option = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
        if (option == OPT_REQUESTED) {
            request.requested_source = optarg;
        } else if (!common_take_option(&sources, option, optarg)) {
            usage(option == 'h' ? stdout : stderr);
            return option == 'h' ? 0 : 2;
        }
    }
    if (argc - optind != 3) {
        usage(stderr);
        return 2;
    }
    request.source = argv[optind];
    request.target = argv[optind + 1];
    policy_request_set_service(&request, argv[optind + 2]);
    struct policy *policy = common_load_or_tell(&sources);
    const struct system_info *info = policy ? common_info(&sources) : NULL;
    if (info)
        explain(policy, info, &request);
    policy_free(policy);
    info_source_clear(&sources.info);
    return info ? 0 : 1;
}
