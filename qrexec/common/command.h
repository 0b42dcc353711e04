/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The text of a command: "[nogui:]QUBESRPC SERVICE+ARG SOURCE[ TYPE TARGET]", or a shell command. Pure
 * functions. */
#ifndef QREXEC_COMMAND_H
#define QREXEC_COMMAND_H

#include <stdbool.h>

struct command {
    bool nogui;
    const char *shell;    /* a shell command; NULL for a service call, which has: */
    char *descriptor;     /* "SERVICE+ARG SOURCE[ TYPE TARGET]", as it came; also owns the following */
    char *full_name;      /* "SERVICE+ARG" or "SERVICE", as called */
    char *service;        /* "SERVICE" */
    const char *argument; /* points into full_name; NULL when called without '+' */
    char *source;
    char *target_type; /* "name", "keyword", or NULL */
    char *target;      /* NULL without a type */
};

/**
 * Take a command apart.
 * @param text  must outlive the result; starts behind "USER:"
 * @return 0 (free with command_free), -EINVAL for a malformed service call, -ENAMETOOLONG, -ENOMEM
 */
int command_parse(const char *text, struct command *command);

void command_free(struct command *command);

/** Split "USER:REST": copies USER to a new string. @return REST, or NULL if there is no ':' or no memory */
const char *command_user(const char *text, char **user);

#endif
