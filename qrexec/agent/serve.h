/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Serve one call in a VM; runs in a process of its own, forked by the agent or by a user's fork server. */
#ifndef QREXEC_SERVE_H
#define QREXEC_SERVE_H

#include <stdint.h>

#include "run.h"

/* The caller opens its data channel as soon as it is told. */
#define SERVE_CONNECT_SECONDS 60

struct serve {
    uint32_t type; /* MSG_EXEC_CMDLINE or MSG_JUST_EXEC */
    uint32_t domain, port;
    unsigned connect_seconds; /* how long to wait for the caller's data channel */
    const char *command;      /* behind "USER:" */
    const char *user;         /* NULL: as who we are (fork server) */
    const char *fork_server;  /* socket path, "%s" stands for the user; NULL or empty: none */
    struct run_shell shell;   /* fork server */
};

/** Serve to the end. @return status of the command */
int serve_call(const struct serve *serve);

/**
 * Connect the call's data channel. As who serves the call's data: a mapping of granted pages may not survive
 * a fork.
 * @return 0 or -errno, reason logged
 */
int serve_open_data(const struct serve *serve, struct run *run);

/** Tell the caller that the call failed before a session was there. @return status */
int serve_fail(const struct serve *serve, struct run *run);

/* session.c or session_plain.c */

/**
 * Become the user in a session of its own, open the data channel and run.
 * @return the command's status
 */
int session_run(const struct serve *serve, const char *user, struct run *run);

#endif
