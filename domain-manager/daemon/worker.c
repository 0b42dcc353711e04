/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "worker.h"

#include <gio/gio.h>
#include <stdatomic.h>

#define TELL_MS 200

struct worker {
    void *work;
    worker_run_fn run;
    worker_ready_fn ready;
    GDestroyNotify destroy;
    worker_tell_fn tell;
    guint timer;
    _Atomic guint64 copied, expected;
    guint64 told;
};

static _Thread_local struct worker *current; /* whose thread this is */

static void worker_free(void *data)
{
    struct worker *w = data;
    w->destroy(w->work);
    g_free(w);
}

static void worker_thread(GTask *task, void *source, void *data, GCancellable *cancellable)
{
    struct worker *w = data;
    GError *error = NULL;
    (void)source, (void)cancellable;
    current = w;
    gboolean ok = w->run(w->work, &error);
    current = NULL;
    if (ok)
        g_task_return_boolean(task, TRUE);
    else
        g_task_return_error(task, error);
}

static void worker_done(GObject *source, GAsyncResult *res, void *data)
{
    struct worker *w = g_task_get_task_data(G_TASK(res));
    g_autoptr(GError) error = NULL;
    (void)source, (void)data;
    g_task_propagate_boolean(G_TASK(res), &error);
    g_clear_handle_id(&w->timer, g_source_remove);
    w->ready(w->work, error);
}

void worker_expect(guint64 bytes)
{
    if (current)
        current->expected += bytes;
}

void worker_copied(guint64 bytes)
{
    if (current)
        current->copied += bytes;
}

static gboolean worker_tell(void *data)
{
    struct worker *w = data;
    guint64 expected = w->expected, copied = MIN(w->copied, expected);
    if (copied != w->told)
        w->tell(w->work, copied, expected);
    w->told = copied;
    return G_SOURCE_CONTINUE;
}

void worker_start_copy(void *work, worker_run_fn run, worker_ready_fn ready, GDestroyNotify destroy,
                       worker_tell_fn tell)
{
    struct worker *w = g_new0(struct worker, 1);
    w->work = work;
    w->run = run;
    w->ready = ready;
    w->destroy = destroy;
    w->tell = tell;
    w->timer = tell ? g_timeout_add(TELL_MS, worker_tell, w) : 0;
    g_autoptr(GTask) task = g_task_new(NULL, NULL, worker_done, NULL);
    g_task_set_task_data(task, w, worker_free);
    g_task_run_in_thread(task, worker_thread);
}

void worker_start(void *work, worker_run_fn run, worker_ready_fn ready, GDestroyNotify destroy)
{
    worker_start_copy(work, run, ready, destroy, NULL);
}
