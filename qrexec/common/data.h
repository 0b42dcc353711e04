/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One call's data: moves bytes between a data channel and local descriptors till the call ends. Memory is
 * bounded by one chunk each way, however slow either side is.
 */
#ifndef QREXEC_DATA_H
#define QREXEC_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct libvchan;

struct data_call {
    struct libvchan *vchan;
    bool service; /* we are the called side: sends STDOUT, STDERR and the status; else the caller: sends STDIN
                   */
    size_t chunk; /* longest data message, from data_handshake() */
    int in_fd;    /* read and sent; closed by data_run() */
    int out_fd;   /* gets what the peer sends (STDIN or STDOUT); closed by data_run() */
    int err_fd; /* service: read and sent as STDERR, -1: its end is sent at once; caller: gets STDERR. Closed.
                 */
    pid_t pid;  /* the local process at the other end of those, our child; 0: none */
    bool exit_on_client_eof;       /* service: end when the caller sent its end of file */
    bool exit_on_service_eof;      /* service: end when in_fd ended */
    bool replace_out, replace_err; /* caller: make the bytes safe for a terminal */
    const char *prefix;            /* caller: sent before in_fd's bytes; may be NULL */
    int local_status;              /* out: status of the local process, 0 if none */
};

/** Wait till the client of our vchan server came. @param watch_fd hang-up there ends waiting; -1: none.
 *  @param seconds 0: no limit. @return 0, -ETIMEDOUT or -EPIPE */
int data_wait_client(struct libvchan *vchan, int watch_fd, unsigned seconds);

/** Connect to a vchan server. @param seconds 0: no limit. @return the channel or NULL (reason logged) */
struct libvchan *data_connect(int domain, int port, unsigned seconds);

/** Exchange HELLO. @return chunk size for data, or 0 (reason logged) */
size_t data_handshake(struct libvchan *vchan);

/** Block SIGUSR1 and catch it ("my stdin socket is my stdout, too"), ignore SIGPIPE: before the process is
 * started. */
void data_prepare_signals(void);

/** Unblock all signals, in a child that goes on without exec. */
void data_unblock_signals(void);

/** Undo data_prepare_signals() and every other signal setting, in a child before exec. */
void data_reset_signals(void);

/** Run the call to its end. Does not close the vchan. @return service: status sent; caller: status received,
 * 255: none */
int data_run(struct data_call *call);

/**
 * Service side, after the status: wait a moment for the caller to close first. It may still be sending, and
 * should read the status before it finds the channel closed.
 */
void data_linger(struct libvchan *vchan);

/** Service side: send what a call that could not start sends: both ends of file (if `streams`), the status.
 */
void data_send_status(struct libvchan *vchan, bool streams, bool stderr_too, int status);

#endif
