/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The policy parser. The input is a set of files separated by NUL: 10.policy, 20.policy (which also exists as
 * an include, an old-format file and a legacy service). A policy that is accepted must print as rules that
 * are accepted again and mean the same, and must decide some calls.
 */
#include "../../../qrexec/policy/lib/policy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FILES 4

static const char *const paths[MAX_FILES] = {"/p/10.policy", "/p/inc", "/old/svc.A", "/p/d/x.policy"};

struct inputs {
    const uint8_t *data[MAX_FILES];
    size_t len[MAX_FILES];
};

static enum policy_path_kind fuzz_kind(void *context, const char *path)
{
    (void)context;
    for (size_t i = 0; i < MAX_FILES; i++)
        if (!strcmp(paths[i], path))
            return POLICY_PATH_FILE;
    return !strcmp(path, "/p") || !strcmp(path, "/old") || !strcmp(path, "/p/d") ? POLICY_PATH_DIR
                                                                                 : POLICY_PATH_NONE;
}

static int fuzz_list(void *context, const char *path, policy_entry_fn entry, void *data)
{
    size_t len = strlen(path);

    (void)context;
    for (size_t i = 0; i < MAX_FILES; i++)
        if (!strncmp(paths[i], path, len) && paths[i][len] == '/' && !strchr(paths[i] + len + 1, '/'))
            entry(data, paths[i] + len + 1);
    return 0;
}

static int fuzz_read(void *context, const char *path, char **content, size_t *len)
{
    const struct inputs *inputs = context;

    for (size_t i = 0; i < MAX_FILES; i++)
        if (!strcmp(paths[i], path)) {
            *len = inputs->len[i];
            *content = malloc(*len + 1);
            if (*len)
                memcpy(*content, inputs->data[i], *len);
            return 0;
        }
    return -ENOENT;
}

static void split(const uint8_t *data, size_t size, struct inputs *inputs)
{
    for (size_t i = 0; i < MAX_FILES && size; i++) {
        const uint8_t *zero = i + 1 < MAX_FILES ? memchr(data, 0, size) : NULL;
        inputs->data[i] = data;
        inputs->len[i] = zero ? (size_t)(zero - data) : size;
        size_t used = inputs->len[i] + (zero ? 1 : 0);
        data += used;
        size -= used;
    }
}

static const struct system_info *some_info(void)
{
    static struct system_info *info;
    static const char json[] =
        "{\"domains\":{\"dom0\":{\"type\":\"AdminVM\",\"uuid\":\"00000000-0000-0000-0000-000000000000\"},"
        "\"a\":{\"type\":\"AppVM\",\"tags\":[\"t\"],\"uuid\":\"1\",\"default_dispvm\":\"d\",\"power_state\":"
        "\"Running\"},"
        "\"b\":{\"type\":\"AppVM\",\"uuid\":\"2\",\"default_dispvm\":\"gone\"},"
        "\"d\":{\"type\":\"AppVM\",\"tags\":[\"t\"],\"uuid\":\"3\",\"template_for_dispvms\":true},"
        "\"r\":{\"type\":\"RemoteVM\",\"relayvm\":\"a\",\"transport_rpc\":\"x\"}}}";
    char error[128];

    if (!info)
        info = system_info_parse(json, sizeof(json) - 1, error, sizeof(error));
    return info;
}

static void decide_some(const struct policy *policy)
{
    static const char *const targets[] = {"", "b", "dom0", "@dispvm", "@dispvm:d", "uuid:2", "r"};
    static const char *const sources[] = {"a", "b", "r", "nobody"};
    struct policy_decision decision;

    for (size_t s = 0; s < sizeof(sources) / sizeof(*sources); s++)
        for (size_t t = 0; t < sizeof(targets) / sizeof(*targets); t++) {
            struct policy_request request = {.source = sources[s], .target = targets[t]};
            policy_request_set_service(&request, t % 2 ? "svc.A+x" : "svc.A");
            policy_decide(policy, some_info(), &request, &decision);
            if (decision.action == POLICY_ASK && decision.target_count == 0)
                abort();
            if (decision.action == POLICY_ALLOW && !decision.target)
                abort();
            if (decision.action == POLICY_ASK)
                policy_decision_choose(policy, some_info(), &decision, decision.targets[0]);
            policy_decision_clear(&decision);
        }
}

/* Printed and read again, a rule is the same rule. Long ones are cut when printed and left out. */
static void check_printing(const struct policy_loader *loader, const struct policy *policy)
{
    char text[8192], again[8192];
    struct policy_error error;

    for (size_t i = 0; i < policy_rule_count(policy) && i < 50; i++) {
        policy_rule_format(policy, policy_rule_at(policy, i), text, sizeof(text));
        if (strlen(text) == sizeof(text) - 1)
            continue;
        struct policy *one = policy_load_text(loader, "/p/one.policy", text, strlen(text), "/old", &error);
        if (!one || policy_rule_count(one) != 1)
            abort();
        policy_rule_format(one, policy_rule_at(one, 0), again, sizeof(again));
        if (strcmp(text, again) != 0)
            abort();
        policy_free(one);
    }
}

static void ignore(void *data, const struct policy_error *error)
{
    (void)data;
    (void)error;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const dirs[] = {"/p"};
    struct inputs inputs = {0};
    const struct policy_loader loader = {&inputs, fuzz_kind, fuzz_list, fuzz_read};
    const struct policy_sources sources = {dirs, 1, "/old"};
    struct policy_error error;

    split(data, size, &inputs);
    struct policy *policy = policy_load(&loader, &sources, &error);
    if (policy) {
        decide_some(policy);
        check_printing(&loader, policy);
    } else if (error.kind == POLICY_ERROR_NONE || !*error.reason) {
        abort();
    }
    policy_free(policy);
    policy_lint("f", (const char *)data, size, size & 1, ignore, NULL);
    return 0;
}
