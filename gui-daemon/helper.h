/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A child made before the system call filter, for the one thing that the daemon itself may not do any more:
 * starting a program. It only waits for a byte.
 */
#ifndef HELPER_H
#define HELPER_H

struct helper {
    int fd; /* -1: none */
};

/* Fork the helper for this domain. Without it (no memory) helper_kill_domain() does nothing. */
void helper_start(struct helper *helper, const char *domain);

/* Have it run "qvm-kill DOMAIN". */
void helper_kill_domain(struct helper *helper);

#endif
