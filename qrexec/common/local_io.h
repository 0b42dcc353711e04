/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The caller's end of a call: own stdio, or a program, connected with the data channel. */
#ifndef QREXEC_LOCAL_IO_H
#define QREXEC_LOCAL_IO_H

#include <stdbool.h>

#include "data.h"

struct local_call {
    struct libvchan *vchan; /* our server; stays the caller's to close */
    const char *peer;       /* for messages */
    int watch_fd;           /* hang-up there ends waiting for the peer; -1: none */
    unsigned seconds;       /* limit of that waiting; 0: none */
    int no_peer_status;     /* result if the peer does not come or does not shake hands */

    char *const *argv; /* the local program, found by PATH; NULL: our own stdio */
    bool save_fds;     /* the program finds our stdio in SAVED_FD_0, _1 and, if PASS_LOCAL_STDERR, _2 */
    bool stdin_socket; /* our stdin is a socket that also takes the output */
    bool no_data;      /* the call has neither input nor output */
    bool replace_out, replace_err;
    const char *prefix; /* sent before the input; may be NULL */

    int local_status; /* out: status of the local program, 0 if none */
};

/**
 * Wait for the peer, shake hands, carry the data to the end. From then on our stdin and stdout are the
 * call's.
 * @return the status that the peer sent, `no_peer_status`, or EXIT_QREXEC_PROBLEM; reasons logged
 */
int local_call_run(struct local_call *l);

#endif
