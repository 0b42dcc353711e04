/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the policy sends to the agent: policy.Ask and policy.Notify. Reading and checking, without any GUI. */
#ifndef QREXEC_POLICY_AGENT_MESSAGE_H
#define QREXEC_POLICY_AGENT_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

#define AGENT_MESSAGE_MAX (1u << 20)

struct agent_target {
    char *name;   /* as the policy wrote it, "@dispvm:work" */
    char *title;  /* as a person reads it, "new disposable of work" */
    char *colour; /* "#rrggbb" */
};

enum agent_message_kind { AGENT_ASK, AGENT_NOTIFY };

struct agent_message {
    enum agent_message_kind kind;
    char *source, *source_colour, *service, *argument; /* all of harmless characters only */
    struct agent_target *targets;                      /* ask */
    size_t target_count;
    size_t preset;    /* ask: index of the default target; target_count: none */
    char *target;     /* notify */
    char *resolution; /* notify: "allow", "deny", "fail" */
    char *text;       /* notify: what to tell instead of the above, or NULL */
};

/*
 * Read "SERVICE CALLER …\0JSON". NULL if it is not such a message, or names something with characters that
 * names do not have: nothing of it is then shown.
 */
struct agent_message *agent_message_read(const char *untrusted_data, size_t len);
void agent_message_free(struct agent_message *message);

/* The colour of a label or of an icon named after one ("appvm-red"); grey if it is neither. */
const char *agent_message_colour(const char *label);

#endif
