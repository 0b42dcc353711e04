/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parse the policy's answer. */
#include "answer.h"

#include <errno.h>
#include <string.h>

enum key { RESULT, USER, TARGET, TARGET_UUID, AUTOSTART, REQUESTED_TARGET, SERVICE, POLICY_SOURCE, KEYS };

static const char *const names[KEYS] = {
    "result", "user", "target", "target_uuid", "autostart", "requested_target", "service", "policy_source"};

static int take_line(char *line, const char *values[KEYS])
{
    char *equals = strchr(line, '=');

    if (!equals || equals == line)
        return -EINVAL;
    *equals = 0;
    for (int i = 0; i < KEYS; i++) {
        if (strcmp(names[i], line) != 0)
            continue;
        if (values[i])
            return -EINVAL;
        values[i] = equals + 1;
    }
    return 0; /* other keys are for others */
}

static int take_allow(const char *values[KEYS], struct answer *a)
{
    if (!values[USER] || !values[TARGET] || !values[REQUESTED_TARGET] || !values[AUTOSTART] ||
        !*values[TARGET])
        return -EINVAL;
    a->autostart = strcmp(values[AUTOSTART], "True") == 0;
    if (!a->autostart && strcmp(values[AUTOSTART], "False") != 0)
        return -EINVAL;
    a->user = values[USER];
    a->target = values[TARGET];
    a->target_uuid = values[TARGET_UUID];
    a->requested_target = values[REQUESTED_TARGET];
    a->service = values[SERVICE];
    a->policy_source = values[POLICY_SOURCE];
    a->allow = true;
    return 0;
}

int answer_parse(const char *untrusted_text, size_t size, struct answer *a)
{
    const char *values[KEYS] = {0};

    memset(a, 0, sizeof(*a));
    if (!size || size > ANSWER_MAX || memchr(untrusted_text, 0, size) || untrusted_text[size - 1] != '\n')
        return -EINVAL;
    memcpy(a->text, untrusted_text, size);
    for (char *line = a->text; *line;) {
        char *end = strchr(line, '\n');

        *end = 0;
        if (take_line(line, values) < 0)
            return -EINVAL;
        line = end + 1;
    }
    if (values[RESULT] && strcmp(values[RESULT], "allow") == 0)
        return take_allow(values, a);
    if (!values[RESULT] || strcmp(values[RESULT], "deny") != 0)
        return -EINVAL;
    return values[USER] || values[TARGET] || values[REQUESTED_TARGET] || values[AUTOSTART] ? -EINVAL : 0;
}
