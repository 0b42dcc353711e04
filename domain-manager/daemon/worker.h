/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What blocks runs in a thread, on copies; what touches domains runs before and after it in the main thread.
 */
#ifndef DM_WORKER_H
#define DM_WORKER_H

#include <glib.h>

/* In a thread: do it; FALSE with error, or TRUE. Must not touch domains. */
typedef gboolean (*worker_run_fn)(void *work, GError **error);
/* In the main thread: it is done. error is NULL on success and belongs to the caller. */
typedef void (*worker_ready_fn)(void *work, const GError *error);

/* In the main thread, a few times a second while `run` copies: bytes done of all that it expects to do. */
typedef void (*worker_tell_fn)(void *work, guint64 done, guint64 expected);

/* Start; `work` is given to `destroy` after `ready`. */
void worker_start(void *work, worker_run_fn run, worker_ready_fn ready, GDestroyNotify destroy);
/* The same for long copies; `tell` is not called for short ones. */
void worker_start_copy(void *work, worker_run_fn run, worker_ready_fn ready, GDestroyNotify destroy,
                       worker_tell_fn tell);
/* For what copies: so many bytes are to be copied, were copied. Nothing happens outside of a worker. */
void worker_expect(guint64 bytes);
void worker_copied(guint64 bytes);

#endif
