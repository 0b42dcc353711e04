/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A process forked ahead of need: it waits for its order, so that a call does not wait for fork() and for the
 * memory that a new process copies. One order each; then the next spare is made, while the call goes on.
 */
#ifndef QREXEC_SPARE_H
#define QREXEC_SPARE_H

#include <stddef.h>
#include <sys/types.h>

struct iovec;

struct spare {
    pid_t pid; /* 0: none */
    int fd;    /* where its order goes */
};

/**
 * Fork if there is no spare.
 * @param run called in the new process; its result is the exit status. Gets its order by spare_wait(fd).
 * @return 0 or -errno
 */
int spare_ready(struct spare *s, int (*run)(void *context, int fd), void *context);

/** Give the order to the spare. @return its pid, or -errno; either way there is no spare any more */
pid_t spare_order(struct spare *s, const struct iovec *parts, size_t count);

/** A child ended: forget the spare if it was the one. */
void spare_ended(struct spare *s, pid_t pid);

/** In the spare: wait for the order. @return its size; 0: none will come */
size_t spare_wait(int fd, void *order, size_t size);

#endif
