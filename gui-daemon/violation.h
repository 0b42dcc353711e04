/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The dialog that tells the user that a domain broke the protocol and asks whether to terminate it. While it
 * is open nothing is read from the agent. "Ignore" skips the message; further violations of that run are then
 * only logged, so that a domain cannot pester the user.
 */
#ifndef VIOLATION_H
#define VIOLATION_H

#include <gtk/gtk.h>
#include <stdbool.h>

#include "config.h"

enum violation_answer {
    VIOLATION_IGNORE,    /* skip the message and go on */
    VIOLATION_TERMINATE, /* kill the domain */
    VIOLATION_CLOSE,     /* fatal: end the connection, leave the domain alone */
};

struct violation {
    const struct config *config;
    void (*pause)(void *data);
    void (*resume)(void *data, enum violation_answer answer);
    void *data;
    GtkWidget *dialog;
    bool ignored;
    bool fatal;
};

/* `pause` is called when a dialog opens, `resume` with the answer. */
void violation_init(struct violation *violation, const struct config *config, void (*pause)(void *data),
                    void (*resume)(void *data, enum violation_answer answer), void *data);
void violation_free(struct violation *violation);

/* Another agent comes: it is asked about anew. An open dialog stays: the user shall know. */
void violation_reset(struct violation *violation);

/* `fatal`: the connection cannot go on whatever the answer. */
void violation_ask(struct violation *violation, const char *text, bool fatal);

#endif
