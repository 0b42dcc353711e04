/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Processes for calls. A keeper, forked at the start, always has one worker waiting for the next order, so
 * that a call does not wait for fork(), and so that the process which reads what others send needs no right
 * to fork or execute.
 */
#ifndef QREXEC_WORKERS_H
#define QREXEC_WORKERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct iovec;

enum { WORKERS_MAX = 256, WORKER_ORDER_MAX = 70000 };

struct workers {
    int fd; /* readable: workers_result() has something */
};

struct worker_result {
    uint32_t id;
    int32_t status; /* WORKER_KILLED: it died by a signal, or there was no process for it */
};

enum { WORKER_KILLED = -1 };

/** A worker's whole work. @return its exit status, at most 255 */
typedef int (*worker_fn)(void *context, const char *order, size_t size);

/**
 * Start the keeper.
 * @param not_theirs  a descriptor to close there, or -1
 * @param detach  not as our child: for a process in the foreground, whose parent may look at its children; in
 * the background systemd takes the one process without a parent for the main one
 * @return 0 or -errno
 */
int workers_start(struct workers *w, worker_fn run, void *context, int not_theirs, bool detach);

/**
 * Give an order. No more than WORKERS_MAX may be without result at a time.
 * @param wait  till the keeper took earlier ones when many are queued
 * @return 0 or -errno
 */
int workers_order(const struct workers *w, uint32_t id, bool wait, const struct iovec *order, size_t parts);

/** Take the result of an order. @return 1, 0 if there is none, -errno if the keeper is gone */
int workers_result(const struct workers *w, struct worker_result *result);

/** Send SIGUSR2 to all that work. */
void workers_cancel(const struct workers *w);

#endif
