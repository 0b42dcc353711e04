/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "worker.h"

#include <gio/gio.h>

struct worker {
    void *work;
    worker_run_fn run;
    worker_ready_fn ready;
    GDestroyNotify destroy;
};

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
    if (w->run(w->work, &error))
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
    w->ready(w->work, error);
}

void worker_start(void *work, worker_run_fn run, worker_ready_fn ready, GDestroyNotify destroy)
{
    struct worker *w = g_new(struct worker, 1);
    *w = (struct worker){work, run, ready, destroy};
    g_autoptr(GTask) task = g_task_new(NULL, NULL, worker_done, NULL);
    g_task_set_task_data(task, w, worker_free);
    g_task_run_in_thread(task, worker_thread);
}
