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

/* Start; `work` is given to `destroy` after `ready`. */
void worker_start(void *work, worker_run_fn run, worker_ready_fn ready, GDestroyNotify destroy);

#endif
