/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Domain states:  Halted → Transient (building, then waiting for qrexec) → Running ⇄ Paused
 *                 Running → Halting (asked) → Dying (clean-up in a thread) → Halted or Crashed
 * Blocking work runs in threads on a struct start_work or stop_work that holds copies only. */
#include "lifecycle.h"

#include <string.h>
#include <unistd.h>

#include "backend.h"
#include "device.h"
#include "dm_error.h"
#include "firewall.h"
#include "guest_keys.h"
#include "property.h"
#include "services.h"
#include "store.h"
#include "volume.h"
#include "worker.h"

struct waiter {
    done_fn done;
    void *data;
};

static GSList *waiter_add(GSList *list, done_fn done, void *data)
{
    struct waiter *w = g_new(struct waiter, 1);
    *w = (struct waiter){done, data};
    return g_slist_append(list, w);
}

static void waiters_answer(GSList **list, const GError *error)
{
    GSList *all = *list;
    *list = NULL; /* an answer may start the domain again */
    for (GSList *l = all; l; l = l->next) {
        struct waiter *w = l->data;
        w->done(error, w->data);
    }
    g_slist_free_full(all, g_free);
}

static void ignore_result(const GError *error, void *data)
{
    (void)error, (void)data;
}

/* A domain that may be renamed, removed or started again before an answer comes. */
struct named {
    struct manager *manager;
    char *name;
    int domid;
};

static struct named *named_new(struct domain *d)
{
    struct named *n = g_new(struct named, 1);
    *n = (struct named){d->manager, g_strdup(d->name), d->domid};
    return n;
}

static void named_free(struct named *n)
{
    g_free(n->name);
    g_free(n);
}

/* -- small blocking operations on a running domain -- */

struct call {
    struct backend *backend;
    int domid;
    gboolean (*operation)(struct backend *b, int domid, GError **error);
    done_fn done;
    void *data;
};

static gboolean call_run(void *data, GError **error)
{
    struct call *c = data;
    return c->operation(c->backend, c->domid, error);
}

static void call_ready(void *data, const GError *error)
{
    struct call *c = data;
    c->done(error, c->data);
}

static void call_backend(struct domain *d, gboolean (*operation)(struct backend *, int, GError **),
                         done_fn done, void *data)
{
    struct call *c = g_new(struct call, 1);
    *c = (struct call){d->manager->backend, d->domid, operation, done, data};
    worker_start(c, call_run, call_ready, g_free);
}

/* -- stop -- */

struct stop_work {
    struct backend *backend;
    struct manager *manager;
    char *name;
    int domid;
    gboolean clean, crashed, destroyed;
    struct volume_plan *plan;
};

static void stop_work_free(void *data)
{
    struct stop_work *w = data;
    volume_plan_free(w->plan);
    g_free(w->name);
    g_free(w);
}

static gboolean stop_run(void *data, GError **error)
{
    struct stop_work *w = data;
    w->destroyed = w->backend->ops->destroy(w->backend, w->domid, error);
    return w->destroyed && (!w->plan || volume_plan_finish(w->plan, w->clean, error));
}

static void forget_run(struct domain *d, enum power_state state)
{
    d->state = state;
    d->domid = -1;
    d->start_time = 0;
    d->qrexec_ready = FALSE;
    d->kill_wanted = d->stop_failed = FALSE;
    d->memory_kib = 0;
    d->cpu_time_ns = 0;
    d->statistics_time = 0;
    g_clear_pointer(&d->root_source, g_free);
    g_clear_pointer(&d->attached, g_array_unref);
}

static void cleanup_disposable(struct domain *d)
{
    g_autoptr(GError) error = NULL;
    if (d->klass == CLASS_DISP && property_get_bool(d, "auto_cleanup") && !d->busy &&
        !domain_remove(d, &error))
        g_warning("%s", error->message);
}

static void stop_ready(void *data, const GError *error)
{
    struct stop_work *w = data;
    struct domain *d = manager_find(w->manager, w->name);
    if (error)
        g_warning("stop of %s: %s", w->name, error->message);
    if (!d)
        return;
    if (!w->destroyed) {
        d->stop_failed = TRUE;
        manager_emit(d->manager, d, "domain-stop-failed", "reason", error->message, NULL);
        waiters_answer(&d->start_waiters, error);
        waiters_answer(&d->stop_waiters, error);
        return;
    }
    gboolean starting = d->start_waiters != NULL;
    forget_run(d, w->crashed ? STATE_CRASHED : STATE_HALTED);
    g_autoptr(GError) died = NULL;
    dm_fail(&died, DM_ERROR_NOT_RUNNING,
            "%s stopped while it was starting; see /var/log/xen/console/guest-%s.log", d->name, d->name);
    manager_emit(d->manager, d, "domain-shutdown", "reason", w->crashed ? "crash" : "poweroff", NULL);
    if (w->crashed)
        manager_emit(d->manager, d, "domain-crashed", NULL);
    if (error)
        manager_emit(d->manager, d, "domain-stop-failed", "reason", error->message, NULL);
    if (starting)
        waiters_answer(&d->start_waiters, died);
    waiters_answer(&d->stop_waiters, error);
    d = manager_find(w->manager, w->name); /* a waiter may have removed it */
    if (d && domain_is_halted(d))
        cleanup_disposable(d);
}

/* The domain has gone down by itself (or must go now): release everything it had. */
static void stop(struct domain *d, gboolean clean, gboolean crashed)
{
    if ((d->state == STATE_DYING && !d->stop_failed) || d->domid < 0)
        return;
    struct stop_work *w = g_new0(struct stop_work, 1);
    w->backend = d->manager->backend;
    w->manager = d->manager;
    w->name = g_strdup(d->name);
    w->domid = d->domid;
    w->clean = clean;
    w->crashed = crashed;
    w->plan = volume_plan_new(d, NULL);
    d->state = STATE_DYING;
    d->stop_failed = FALSE;
    w->backend->ops->unwatch(w->backend, d->domid);
    services_stop(d->manager->services, d);
    manager_emit(d->manager, d, "domain-stopping", NULL);
    worker_start(w, stop_run, stop_ready, stop_work_free);
}

/* A template's changes are committed after a proper shutdown only. */
static void stop_by_event(struct domain *d, enum backend_event event)
{
    stop(d, event == BACKEND_POWEROFF || event == BACKEND_REBOOT, event == BACKEND_CRASH);
}

void lifecycle_on_backend_event(int domid, enum backend_event event, void *data)
{
    struct manager *m = data;
    GHashTableIter it;
    struct domain *d;
    if (event == BACKEND_STORE_LOST) {
        manager_emit(
            m, manager_find(m, "dom0"), "service-failed", "reason",
            "xenstored has ended. Running domains go on, but none can be started or shut down. Save your "
            "work in them and restart the computer.",
            NULL);
        return;
    }
    g_hash_table_iter_init(&it, m->domains);
    while (g_hash_table_iter_next(&it, NULL, (void **)&d))
        if (d->domid == domid && d->klass != CLASS_ADMIN) {
            stop_by_event(d, event);
            return;
        }
}

/* Only now are its windows and its qrexec taken away. */
static void kill_possible(const GError *error, void *data)
{
    struct named *n = data;
    struct domain *d = manager_find(n->manager, n->name);
    if (d && d->domid == n->domid && error)
        waiters_answer(&d->stop_waiters, error);
    else if (d && d->domid == n->domid)
        stop(d, FALSE, FALSE);
    named_free(n);
}

void lifecycle_kill(struct domain *d, done_fn done, void *data)
{
    g_autoptr(GError) error = NULL;
    if (d->klass == CLASS_ADMIN)
        dm_fail(&error, DM_ERROR_VALUE, "dom0 cannot be killed");
    else if (domain_is_halted(d))
        dm_fail(&error, DM_ERROR_NOT_RUNNING, "%s is not running", d->name);
    if (error) {
        done(error, data);
        return;
    }
    d->stop_waiters = waiter_add(d->stop_waiters, done, data);
    if (d->domid < 0)
        d->kill_wanted = TRUE; /* still being built */
    else
        call_backend(d, d->manager->backend->ops->check, kill_possible, named_new(d));
}

/* -- shutdown -- */

struct shutdown_wait {
    struct manager *manager;
    char *name;
    done_fn done;
    void *data;
    gboolean wait; /* for its end; else only for the request */
    guint timer;
    int references; /* the stop waiter and the request */
};

static void shutdown_wait_unref(struct shutdown_wait *w)
{
    if (--w->references > 0)
        return;
    g_free(w->name);
    g_free(w);
}

static void shutdown_wait_finish(struct shutdown_wait *w, const GError *error)
{
    if (w->timer)
        g_source_remove(w->timer);
    w->timer = 0;
    if (w->done)
        w->done(error, w->data);
    w->done = NULL;
}

static gboolean shutdown_timed_out(void *data)
{
    struct shutdown_wait *w = data;
    g_autoptr(GError) error = NULL;
    struct domain *d = manager_find(w->manager, w->name);
    w->timer = 0;
    if (d && d->state == STATE_HALTING)
        d->state = STATE_RUNNING;
    dm_fail(&error, DM_ERROR_TIMEOUT, "%s did not shut down in time; try again, or end it with: qvm-kill %s",
            w->name, w->name);
    shutdown_wait_finish(w, error); /* freed by the stop waiter, whenever that comes */
    return G_SOURCE_REMOVE;
}

static void shutdown_stopped(const GError *error, void *data)
{
    struct shutdown_wait *w = data;
    shutdown_wait_finish(w, error);
    shutdown_wait_unref(w);
}

static void shutdown_requested(const GError *error, void *data)
{
    struct shutdown_wait *w = data;
    struct domain *d = manager_find(w->manager, w->name);
    if (error && d && d->state == STATE_HALTING)
        d->state = STATE_RUNNING;
    if (error || !w->wait)
        shutdown_wait_finish(w, error);
    shutdown_wait_unref(w);
}

static gboolean check_network_clients(struct domain *d, GError **error)
{
    g_autoptr(GPtrArray) all = manager_sorted(d->manager);
    for (guint i = 0; i < all->len; i++) {
        struct domain *other = all->pdata[i];
        if (other != d && other->klass != CLASS_ADMIN && other->domid >= 0 &&
            property_get_vm(other, "netvm") == d)
            return dm_fail(error, DM_ERROR_IN_USE,
                           "%s uses %s as its netvm and is running; shut it down first, or use --force",
                           other->name, d->name);
    }
    return TRUE;
}

static gboolean shutdown_check(struct domain *d, gboolean force, GError **error)
{
    if (d->klass == CLASS_ADMIN)
        return dm_fail(error, DM_ERROR_VALUE, "dom0 is shut down with poweroff");
    if (domain_is_halted(d))
        return dm_fail(error, DM_ERROR_NOT_RUNNING, "%s is not running", d->name);
    if (d->state == STATE_PAUSED)
        return dm_fail(error, DM_ERROR_NOT_RUNNING, "%s is paused; first: qvm-unpause %s", d->name, d->name);
    return d->domid < 0 ? dm_fail(error, DM_ERROR_NOT_RUNNING, "%s is starting, wait or kill it", d->name)
                        : force || check_network_clients(d, error);
}

void lifecycle_shutdown(struct domain *d, gboolean force, gboolean wait, done_fn done, void *data)
{
    g_autoptr(GError) error = NULL;
    if (!shutdown_check(d, force, &error)) {
        done(error, data);
        return;
    }
    if (d->state == STATE_RUNNING) {
        d->state = STATE_HALTING;
        manager_emit(d->manager, d, "domain-pre-shutdown", NULL);
    }
    struct shutdown_wait *w = g_new0(struct shutdown_wait, 1);
    *w = (struct shutdown_wait){d->manager, g_strdup(d->name), done, data, wait, 0, 1};
    if (wait) {
        guint seconds = (guint)property_get_int(d, "shutdown_timeout");
        w->timer = g_timeout_add_seconds(seconds, shutdown_timed_out, w);
        w->references++;
        d->stop_waiters = waiter_add(d->stop_waiters, shutdown_stopped, w);
    }
    if (d->state == STATE_DYING)
        shutdown_requested(NULL, w);
    else
        call_backend(d, d->manager->backend->ops->request_shutdown, shutdown_requested, w);
}

/* -- pause -- */

struct pause_call {
    struct manager *manager;
    char *name;
    gboolean on;
    done_fn done;
    void *data;
};

static void paused(const GError *error, void *data)
{
    struct pause_call *p = data;
    struct domain *d = manager_find(p->manager, p->name);
    if (!error && d && d->domid >= 0 && d->state != STATE_DYING) {
        d->state = p->on ? STATE_PAUSED : STATE_RUNNING;
        manager_emit(d->manager, d, p->on ? "domain-paused" : "domain-unpaused", NULL);
    }
    p->done(error, p->data);
    g_free(p->name);
    g_free(p);
}

void lifecycle_pause(struct domain *d, gboolean on, done_fn done, void *data)
{
    g_autoptr(GError) error = NULL;
    const struct backend_ops *ops = d->manager->backend->ops;
    if (d->klass == CLASS_ADMIN)
        dm_fail(&error, DM_ERROR_VALUE, "dom0 cannot be paused");
    else if (on && d->state != STATE_RUNNING)
        dm_fail(&error, DM_ERROR_NOT_RUNNING, "%s is not running", d->name);
    else if (!on && d->state != STATE_PAUSED)
        dm_fail(&error, DM_ERROR_NOT_PAUSED, "%s is not paused", d->name);
    if (error) {
        done(error, data);
        return;
    }
    struct pause_call *p = g_new(struct pause_call, 1);
    *p = (struct pause_call){d->manager, g_strdup(d->name), on, done, data};
    call_backend(d, on ? ops->pause : ops->unpause, paused, p);
}

/* -- start -- */

struct start_work {
    struct manager *manager;
    struct backend *backend;
    struct backend_config config;
    char *name, *uuid, *mac, *ip;
    struct volume_plan *plan;
    GArray *blocks; /* assigned devices, or NULL */
    char **keys;
    char *firewall, **rules; /* for the netvm */
    int domid;
};

static void start_work_free(void *data)
{
    struct start_work *w = data;
    volume_plan_free(w->plan);
    g_clear_pointer(&w->blocks, g_array_unref);
    g_strfreev(w->keys);
    g_strfreev(w->rules);
    g_free(w->firewall);
    g_free(w->config.command_line);
    g_free(w->name);
    g_free(w->uuid);
    g_free(w->mac);
    g_free(w->ip);
    g_free(w);
}

static void start_failed(struct domain *d, const GError *error)
{
    forget_run(d, STATE_HALTED);
    g_warning("start of %s: %s", d->name, error->message);
    manager_emit(d->manager, d, "domain-start-failed", "reason", error->message, NULL);
    waiters_answer(&d->stop_waiters, NULL);
    g_autofree char *name = g_strdup(d->name);
    struct manager *m = d->manager;
    waiters_answer(&d->start_waiters, error);
    d = manager_find(m, name);
    if (d && domain_is_halted(d))
        cleanup_disposable(d);
}

/* Stands while a domain is built: one that is found with it after a crash of the manager is not complete. */
static char *building_mark(struct manager *m, const char *uuid)
{
    return g_strdup_printf("%s/building-%s", m->run_dir, uuid);
}

static gboolean attach_blocks(struct start_work *w, GError **error)
{
    for (guint i = 0; w->blocks && i < w->blocks->len; i++)
        if (!w->backend->ops->block_attach(w->backend, w->domid,
                                           &g_array_index(w->blocks, struct backend_block, i), error))
            return FALSE;
    return TRUE;
}

/* Before the domain can send anything. */
static gboolean tell_netvm(struct start_work *w, GError **error)
{
    return !w->rules || w->backend->ops->replace_keys(w->backend, w->config.nic.backend_domid, w->firewall,
                                                      w->rules, error);
}

static gboolean start_run(void *data, GError **error)
{
    struct start_work *w = data;
    struct backend *b = w->backend;
    g_autofree char *mark = building_mark(w->manager, w->uuid);
    w->domid = -1;
    if (volume_plan_prepare(w->plan, error) && g_file_set_contents(mark, "", 0, error))
        w->domid = b->ops->create(b, &w->config, error);
    if (w->domid >= 0 && (!attach_blocks(w, error) || !b->ops->write_keys(b, w->domid, w->keys, error) ||
                          !tell_netvm(w, error) || !b->ops->unpause(b, w->domid, error))) {
        b->ops->destroy(b, w->domid, NULL);
        w->domid = -1;
    }
    unlink(mark);
    if (w->domid < 0)
        volume_plan_finish(w->plan, FALSE, NULL);
    return w->domid >= 0;
}

static void services_ready(const GError *error, void *data)
{
    struct named *n = data;
    struct domain *d = manager_find(n->manager, n->name);
    if (d && d->domid == n->domid && d->state == STATE_TRANSIENT) {
        if (error) {
            manager_emit(d->manager, d, "domain-start-failed", "reason", error->message, NULL);
            waiters_answer(&d->start_waiters, error);
            stop(d, FALSE, FALSE);
        } else {
            double second = G_USEC_PER_SEC;
            d->state = STATE_RUNNING;
            d->qrexec_ready = TRUE;
            g_message("domain %s: running %.2f s after the request, qrexec answered after %.2f s", d->name,
                      (double)(d->spawned - d->asked) / second,
                      (double)(g_get_monotonic_time() - d->asked) / second);
            firewall_plan_expiry(d);
            manager_emit(d->manager, d, "domain-start", NULL);
            waiters_answer(&d->start_waiters, NULL);
        }
    }
    named_free(n);
}

static void start_ready(void *data, const GError *failure)
{
    struct start_work *w = data;
    g_autoptr(GError) error = NULL;
    struct domain *d = manager_find(w->manager, w->name);
    if (!d)
        return;
    if (!failure && !w->backend->ops->watch(w->backend, w->domid, &error))
        w->backend->ops->destroy(w->backend, w->domid, NULL);
    if (failure || error) {
        start_failed(d, failure ? failure : error);
        return;
    }
    d->domid = w->domid;
    d->attached = g_steal_pointer(&w->blocks);
    d->start_time = g_get_real_time() / G_USEC_PER_SEC;
    d->spawned = g_get_monotonic_time();
    manager_emit(d->manager, d, "domain-spawn", NULL);
    if (d->kill_wanted)
        stop(d, FALSE, FALSE);
    else
        services_start(d->manager->services, d, services_ready, named_new(d));
}

static char *command_line(struct domain *d)
{
    g_autofree char *options = property_get(d, "kernelopts", NULL);
    /* expedited: a mount or a module waits for all CPUs tens of milliseconds otherwise; ifnames: eth0 stays
     * eth0 */
    return g_strdup_printf("root=bulkhead console=hvc0 quiet randomize_kstack_offset=off "
                           "rcupdate.rcu_expedited=1 net.ifnames=0%s%s",
                           options[0] ? " " : "", options);
}

static void start_build(struct domain *d)
{
    GError *error = NULL;
    struct domain *netvm = property_get_vm(d, "netvm");
    struct start_work *w = g_new0(struct start_work, 1);
    w->plan = volume_plan_new(d, &error);
    if (!w->plan || !device_plan(d, &w->blocks, &error)) {
        start_work_free(w);
        start_failed(d, error);
        g_error_free(error);
        return;
    }
    w->manager = d->manager;
    w->backend = d->manager->backend;
    w->name = g_strdup(d->name);
    w->uuid = g_strdup(d->uuid);
    w->keys = guest_keys_new(d);
    w->config = (struct backend_config){.name = w->name,
                                        .uuid = w->uuid,
                                        .volumes = w->plan,
                                        .memory_mib = (guint64)property_get_int(d, "memory"),
                                        .vcpus = (int)property_get_int(d, "vcpus"),
                                        .command_line = command_line(d)};
    if (netvm && netvm->domid > 0) {
        w->mac = property_get(d, "mac", NULL);
        w->ip = property_get(d, "ip", NULL);
        w->config.nic = (struct backend_nic){w->mac, w->ip, netvm->domid};
        w->firewall = firewall_directory(d);
        w->rules = firewall_keys(d);
    }
    worker_start(w, start_run, start_ready, start_work_free);
}

static void netvm_ready(const GError *error, void *data)
{
    struct named *n = data;
    struct domain *d = manager_find(n->manager, n->name);
    if (d && d->state == STATE_TRANSIENT && d->domid < 0) {
        if (error || d->kill_wanted) {
            g_autoptr(GError) why = NULL;
            dm_fail(&why, DM_ERROR_FAILED, "netvm of %s: %s", d->name,
                    error ? error->message : "start was cancelled");
            start_failed(d, why);
        } else {
            start_build(d);
        }
    }
    named_free(n);
}

static gboolean start_check(struct domain *d, GError **error)
{
    const char *prohibited = domain_feature(d, "prohibit-start");
    if (prohibited && prohibited[0])
        return dm_fail(error, DM_ERROR_FAILED, "start of %s is prohibited: %s (feature prohibit-start)",
                       d->name, prohibited);
    if (d->state == STATE_DYING || d->state == STATE_HALTING)
        return dm_fail(error, DM_ERROR_NOT_HALTED, "%s is still going down, try again in a moment", d->name);
    return d->removing ? dm_fail(error, DM_ERROR_NO_DOMAIN, "%s is being removed", d->name)
                       : domain_check_idle(d, error);
}

void lifecycle_start(struct domain *d, done_fn done, void *data)
{
    g_autoptr(GError) error = NULL;
    gboolean runs = d->klass == CLASS_ADMIN || d->state == STATE_RUNNING || d->state == STATE_PAUSED;
    if (runs || !start_check(d, &error)) {
        done(error, data);
        return;
    }
    d->start_waiters = waiter_add(d->start_waiters, done, data);
    if (d->state == STATE_TRANSIENT)
        return;
    d->state = STATE_TRANSIENT;
    d->asked = g_get_monotonic_time();
    manager_emit(d->manager, d, "domain-pre-start", NULL);
    struct domain *netvm = property_get_vm(d, "netvm");
    if (netvm && netvm != d)
        lifecycle_start(netvm, netvm_ready, named_new(d));
    else
        start_build(d);
}

/* -- disposables -- */

static int free_dispid(struct manager *m)
{
    for (int tries = 0; tries < 1000; tries++) {
        int id = g_random_int_range(1, RULES_DISPID_MAX);
        g_autofree char *name = g_strdup_printf("disp%d", id);
        if (!manager_find(m, name))
            return id;
    }
    return -1;
}

struct domain *lifecycle_create_disposable(struct manager *m, struct domain *base, struct domain *creator,
                                           GError **error)
{
    int id = free_dispid(m);
    g_autofree char *name = g_strdup_printf("disp%d", id);
    if (id < 0 || !property_get_bool(base, "template_for_dispvms")) {
        dm_fail(error, DM_ERROR_VALUE,
                "%s is no template for disposables; allow it with: qvm-prefs %s template_for_dispvms True",
                base->name, base->name);
        return NULL;
    }
    struct domain_spec spec = {.klass = CLASS_DISP, .name = name, .template_name = base->name, .dispid = id};
    struct domain *d = domain_create(m, &spec, error);
    if (d && creator) {
        g_autofree char *tag = g_strconcat("disp-created-by-", creator->name, NULL);
        domain_store(d, d->tags, tag, "1", NULL);
    }
    return d;
}

/* -- start of the manager -- */

static struct domain *by_uuid(struct manager *m, const char *uuid)
{
    g_autofree char *name = g_strconcat("uuid:", uuid, NULL);
    return manager_find(m, name);
}

static void recover_one(struct manager *m, const struct backend_domain *running)
{
    g_autoptr(GError) error = NULL;
    struct domain *d = by_uuid(m, running->uuid);
    if (!d) {
        g_message("domain %d (%s) runs but is not ours, left alone", running->domid, running->uuid);
        return;
    }
    d->domid = running->domid;
    d->start_time = g_get_real_time() / G_USEC_PER_SEC;
    g_autoptr(GError) plan_error = NULL;
    volume_plan_free(volume_plan_new(d, &plan_error));
    d->state = running->paused ? STATE_PAUSED : STATE_RUNNING;
    if (!m->backend->ops->watch(m->backend, d->domid, &error)) {
        g_warning("%s: %s", d->name, error->message);
        return;
    }
    g_autofree char *mark = building_mark(m, d->uuid);
    gboolean incomplete = unlink(mark) == 0;
    g_message("domain %s is %s as %d", d->name, incomplete ? "half built" : "running", d->domid);
    if (running->dying || incomplete) {
        stop_by_event(d, incomplete ? BACKEND_GONE : running->end);
        return;
    }
    device_recover(d);
    firewall_tell(d);
    services_start(m->services, d, services_ready, named_new(d));
}

void lifecycle_recover(struct manager *m)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GArray) running = m->backend->ops->list(m->backend, &error);
    if (!running) {
        g_warning("running domains are not known: %s", error->message);
        return;
    }
    for (guint i = 0; i < running->len; i++)
        recover_one(m, &g_array_index(running, struct backend_domain, i));
    g_autoptr(GPtrArray) all = manager_sorted(m);
    for (guint i = 0; i < all->len; i++) {
        struct domain *d = all->pdata[i];
        if (domain_is_halted(d))
            cleanup_disposable(d);
    }
}

static void emit_statistics(struct domain *d, const struct backend_domain *now)
{
    gint64 time = g_get_monotonic_time(), interval_us = time - d->statistics_time;
    guint64 used_us = (now->cpu_time_ns - d->cpu_time_ns) / 1000;
    int vcpus = (int)property_get_int(d, "vcpus");
    int raw = d->statistics_time && interval_us > 0 ? (int)(used_us * 100 / (guint64)interval_us) : 0;
    g_autofree char *memory = g_strdup_printf("%" G_GUINT64_FORMAT, now->memory_kib);
    g_autofree char *cpu_time = g_strdup_printf("%" G_GUINT64_FORMAT, now->cpu_time_ns / 1000000);
    g_autofree char *usage_raw = g_strdup_printf("%d", raw),
                    *usage = g_strdup_printf("%d", raw / MAX(vcpus, 1));
    g_autofree char *online = g_strdup_printf("%d", vcpus);
    d->statistics_time = time;
    manager_emit(d->manager, d, MANAGER_STATS_EVENT, "memory_kb", memory, "cpu_time", cpu_time,
                 "cpu_usage_raw", usage_raw, "cpu_usage", usage, "online_vcpus", online, NULL);
}

void lifecycle_update(struct manager *m)
{
    g_autoptr(GArray) running = m->backend->ops->list(m->backend, NULL);
    g_autoptr(GPtrArray) all = manager_sorted(m);
    for (guint i = 0; running && i < all->len; i++) {
        struct domain *d = all->pdata[i];
        if (d->klass == CLASS_ADMIN || d->domid < 0 || d->state == STATE_DYING)
            continue;
        const struct backend_domain *b = backend_find(running, d->domid);
        if (b && !b->dying) {
            emit_statistics(d, b);
            d->memory_kib = b->memory_kib;
            d->cpu_time_ns = b->cpu_time_ns;
        } else {
            stop_by_event(d, b ? b->end : BACKEND_GONE);
        }
    }
}

void lifecycle_autostart(struct manager *m)
{
    g_autoptr(GPtrArray) all = manager_sorted(m);
    for (guint i = 0; i < all->len; i++) {
        struct domain *d = all->pdata[i];
        if (d->klass != CLASS_ADMIN && property_get_bool(d, "autostart"))
            lifecycle_start(d, ignore_result, NULL);
    }
}
