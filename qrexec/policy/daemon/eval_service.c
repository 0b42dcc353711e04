/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "eval_service.h"
#include "../call/policy_log.h"
#include "../call/policy_question.h"
#include "../call/stream.h"

#include <stdio.h>
#include <string.h>

#define MAX_HEADER  1024
#define MAX_PAYLOAD 96
#define MAX_SOURCE  31
#define MAX_TARGET  63

static const char *const names[POLICY_SERVICES] = {
    [POLICY_SERVICE_EVAL_SIMPLE] = "policy.EvalSimple",
    [POLICY_SERVICE_EVAL_GUI] = "policy.EvalGUI",
};

struct eval_request {
    const char *queried; /* service and argument */
    const char *caller;
    const char *source, *target;
};

/* qrexec made this part, but what follows the "+" is the caller's. */
static const char *parse_header(char *header, const char *name, struct eval_request *request)
{
    char *caller = strchr(header, ' '), *plus = strchr(header, '+');

    if (!caller || caller == header)
        return "the descriptor has no caller";
    *caller++ = '\0';
    caller[strcspn(caller, " ")] = '\0';
    if (!plus || plus > caller || (size_t)(plus - header) != strlen(name) ||
        strncmp(header, name, strlen(name)) != 0)
        return "the call needs an argument: the service to query";
    request->queried = plus + 1;
    request->caller = caller;
    return !*request->queried || *request->queried == '+' ? "the call needs an argument: the service to query"
                                                          : NULL;
}

static bool is_domain_name(const char *text, size_t len, size_t max)
{
    static const char legal[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@_-.";

    return len >= 1 && len <= max && strspn(text, legal) == len;
}

/* `payload` has a byte behind it to end the second name with. */
static const char *parse_payload(char *payload, size_t len, struct eval_request *request)
{
    char *zero = memchr(payload, '\0', len);

    if (!zero)
        return "no NUL between source and target";
    payload[len] = '\0';
    request->source = payload;
    request->target = zero + 1;
    size_t target_len = (size_t)(payload + len - request->target);
    if (!is_domain_name(payload, (size_t)(zero - payload), MAX_SOURCE) ||
        !is_domain_name(request->target, target_len, MAX_TARGET))
        return "source or target is no name";
    return NULL;
}

/* EvalGUI is only for the domain that shows both. */
static bool shows(const struct system_info *info, const char *caller, const char *name)
{
    const struct system_info_vm *vm = system_info_find(info, name);
    char tag[80];

    snprintf(tag, sizeof(tag), "guivm-%.64s", caller);
    return vm && system_info_has_tag(vm, tag);
}

static void answer(struct policy_daemon *daemon, int fd, enum policy_service service,
                   const struct eval_request *request)
{
    const struct policy *policy = policy_daemon_policy(daemon);
    const struct system_info *info = policy_daemon_info(daemon);
    struct policy_question question = {.source = request->source,
                                       .target = request->target,
                                       .service = request->queried,
                                       .assume_yes = true,
                                       .just_evaluate = true};
    struct policy_call call;
    char text[64];

    if (!info)
        return;
    if (service == POLICY_SERVICE_EVAL_GUI &&
        (!shows(info, request->caller, request->source) || !shows(info, request->caller, request->target))) {
        policy_log(LOG_WARNING, "policy.EvalGUI: %s is not the GUI domain of both", request->caller);
        return;
    }
    policy_call_start(&call, policy, info, &question);
    size_t len = policy_call_answer(&call, text, sizeof(text));
    stream_write(fd, text, len);
    policy_call_clear(&call);
}

bool eval_service_take(struct policy_daemon *daemon, int fd, enum policy_service service,
                       char *untrusted_text, size_t len, bool end)
{
    struct eval_request request;
    char *zero = memchr(untrusted_text, '\0', len);

    if (!zero)
        return end || len > MAX_HEADER;
    size_t payload_len = len - (size_t)(zero + 1 - untrusted_text);
    if (!end && payload_len < MAX_PAYLOAD)
        return false;
    if (payload_len > MAX_PAYLOAD)
        payload_len = MAX_PAYLOAD;
    const char *wrong = parse_header(untrusted_text, names[service], &request);
    if (!wrong)
        wrong = parse_payload(zero + 1, payload_len, &request);
    if (wrong)
        policy_log(LOG_WARNING, "%s: %s", names[service], wrong);
    else
        answer(daemon, fd, service, &request);
    return true;
}
