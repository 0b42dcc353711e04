/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The policy's answer: "key=value" lines. Pure. */
#ifndef QREXEC_ANSWER_H
#define QREXEC_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#define ANSWER_MAX 4096

struct answer {
    bool allow;
    bool autostart;
    char text[ANSWER_MAX + 1]; /* the values point in here */
    const char *user, *target, *target_uuid, *requested_target;
    const char *service, *policy_source; /* NULL when not given */
};

/** Parse. @return 0, or -EINVAL for anything malformed (then nothing is allowed) */
int answer_parse(const char *untrusted_text, size_t size, struct answer *answer);

#endif
