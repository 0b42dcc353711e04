/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Our own stdio as ends of a call, and local programs that take its place. */
#ifndef QREXEC_LOCAL_IO_H
#define QREXEC_LOCAL_IO_H

#include <stdbool.h>

#include "data.h"

/**
 * Use our own stdin, stdout and stderr for a call as its caller. stdout is replaced by /dev/null, so that its
 * reader sees the end when the call closes it.
 * @param socket_stdin  stdin is a socket and serves both ways
 * @return 0 or -errno
 */
int local_attach(struct data_call *call, bool socket_stdin);

/**
 * Start a local program whose stdin and stdout are the call.
 * @param path  looked for in $PATH if it has no slash
 * @param save  hand our own stdio on as $SAVED_FD_0 and $SAVED_FD_1 (and _2 if $PASS_LOCAL_STDERR is set)
 * @return 0 or -errno
 */
int local_start_program(struct data_call *call, const char *path, char *const argv[], bool save);

#endif
