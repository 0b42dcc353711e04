/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hypervisor through Debian's libxl. A build (seconds) holds its context's lock, so every blocking call
 * has a context of its own and runs in a worker thread; the main thread has one for lists, which are
 * hypercalls only. Ends of domains are told by xenstored (xenstore_link.c). Disks are loop devices that exist
 * before the domain; we write the backend's physical-device ourselves. libxl 4.17 runs a hotplug program for
 * each disk all the same: it gets one that does nothing. PVH needs no device model, so these are libxl's only
 * children. Locks: impl->lock guards the table of loop devices and the number of builds. */
#include <libxl.h>
#include <libxl_event.h>
#include <libxl_utils.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xenstore.h>
#include <xentoollog.h>

#include "../common/guest_store.h"
#include "backend.h"
#include "block_scan.h"
#include "dm_error.h"
#include "loop_device.h"
#include "volume.h"
#include "xenstore_link.h"

#define HOTPLUG_PROGRAM  "/usr/lib/bulkhead/hotplug-none"
#define HOTPLUG_FALLBACK "/bin/true"
/* libxl gives a device ten seconds to appear in dom0, whose kernel makes them one after the other. */
#define BUILDS_AT_ONCE 3

struct loops {
    struct loop_device device[VOLUME_DISKS];
    unsigned n;
};

struct impl {
    libxl_ctx *main_ctx;
    int cpus;
    struct xenstore_link *link;
    GMutex lock;
    GCond build_ended;
    int builds;
    GHashTable *loops;   /* domid → struct loops */
    GHashTable *watched; /* domids; main thread */
};

/* -- libxl's log goes to ours (the journal); the last error of the thread is kept for the message -- */

static GPrivate last_error = G_PRIVATE_INIT(g_free);

static void log_message(struct xentoollog_logger *logger, xentoollog_level level, int errnoval,
                        const char *context, const char *format, va_list al)
{
    static xentoollog_level least;
    if (!least)
        least = g_getenv("BULKHEAD_LIBXL_DEBUG") ? XTL_DEBUG : XTL_WARN;
    (void)logger;
    if (level < least)
        return;
    g_autofree char *text = g_strdup_vprintf(format, al);
    const char *cause = errnoval > 0 ? g_strerror(errnoval) : "";
    fprintf(stderr, "<%d>%s: %s%s%s\n",
            level >= XTL_ERROR  ? 3
            : level >= XTL_WARN ? 4
                                : 7,
            context ? context : "xen", text, cause[0] ? ": " : "", cause);
    if (level >= XTL_ERROR && !g_private_get(&last_error))
        g_private_replace(&last_error, g_strdup_printf("%s%s%s", text, cause[0] ? ": " : "", cause));
}

static void log_progress(struct xentoollog_logger *logger, const char *context, const char *what, int percent,
                         unsigned long done, unsigned long total)
{
    (void)logger, (void)context, (void)what, (void)percent, (void)done, (void)total;
}

static void log_destroy(struct xentoollog_logger *logger)
{
    (void)logger;
}

static xentoollog_logger logger = {log_message, log_progress, log_destroy};

/* "what: first message of libxl (code)". Always FALSE. */
static gboolean xl_error(GError **error, int rc, const char *what)
{
    const char *why = g_private_get(&last_error);
    return dm_fail(error, DM_ERROR_FAILED, "%s: %s (libxl %d); more in journalctl -u bulkhead-domain-manager",
                   what, why ? why : "no reason given", rc);
}

/* Without this, libxl ends the process when xenstored goes away while it waits. */
static void on_disaster(void *user, libxl_event_type type, const char *message, int errnoval)
{
    (void)user, (void)type, (void)errnoval;
    if (!g_private_get(&last_error))
        g_private_replace(&last_error, g_strdup_printf("xenstored has ended (%s)", message));
}

/* For hypercalls: needs no xenstored. */
static libxl_ctx *context_alloc(GError **error)
{
    /* libxl must not touch SIGCHLD: GLib has it; struct reaper looks for libxl's children */
    static const libxl_childproc_hooks hooks = {.chldowner = libxl_sigchld_owner_mainloop};
    static const libxl_event_hooks events = {.disaster = on_disaster};
    libxl_ctx *ctx = NULL;
    g_private_replace(&last_error, NULL);
    int rc = libxl_ctx_alloc(&ctx, LIBXL_VERSION, 0, &logger);
    if (rc) {
        xl_error(error, rc, "the hypervisor does not answer (is this dom0?)");
        return NULL;
    }
    libxl_childproc_setmode(ctx, &hooks, NULL);
    libxl_event_register_callbacks(ctx, &events, NULL);
    return ctx;
}

static libxl_ctx *context_new(GError **error)
{
    return xenstore_check(error) ? context_alloc(error) : NULL;
}

/* -- children of libxl: nobody tells it of their ends, so while a call that may have some runs, a thread
 * makes it look. libxl waits for its own children only. -- */

#define REAP_INTERVAL_US 10000

struct reaper {
    libxl_ctx *ctx;
    GThread *thread;
    gint stop;
};

static void *reap(void *data)
{
    struct reaper *r = data;
    while (!g_atomic_int_get(&r->stop)) {
        libxl_childproc_sigchld_occurred(r->ctx);
        g_usleep(REAP_INTERVAL_US);
    }
    return NULL;
}

static void reaper_start(struct reaper *r, libxl_ctx *ctx)
{
    *r = (struct reaper){.ctx = ctx};
    r->thread = g_thread_new("libxl-reaper", reap, r);
}

static void reaper_stop(struct reaper *r)
{
    g_atomic_int_set(&r->stop, 1);
    g_thread_join(r->thread);
}

/* -- ends of domains -- */

static enum backend_event event_of_reason(int reason)
{
    switch (reason) {
    case LIBXL_SHUTDOWN_REASON_POWEROFF:
        return BACKEND_POWEROFF;
    case LIBXL_SHUTDOWN_REASON_REBOOT:
        return BACKEND_REBOOT;
    case LIBXL_SHUTDOWN_REASON_SUSPEND:
        return BACKEND_GONE;
    default:
        return BACKEND_CRASH;
    }
}

static GArray *xl_list(struct backend *b, GError **error)
{
    struct impl *impl = b->impl;
    int n = 0;
    libxl_dominfo *all = libxl_list_domain(impl->main_ctx, &n);
    if (!all) {
        xl_error(error, 0, "list of domains");
        return NULL;
    }
    GArray *out = g_array_new(FALSE, TRUE, sizeof(struct backend_domain));
    for (int i = 0; i < n; i++) {
        struct backend_domain d = {.domid = (int)all[i].domid,
                                   .paused = all[i].paused,
                                   .dying = all[i].dying || all[i].shutdown,
                                   .end = all[i].shutdown ? event_of_reason((int)all[i].shutdown_reason)
                                                          : BACKEND_GONE,
                                   .memory_kib = all[i].current_memkb,
                                   .cpu_time_ns = all[i].cpu_time};
        snprintf(d.uuid, sizeof d.uuid, LIBXL_UUID_FMT, LIBXL_UUID_BYTES(all[i].uuid));
        if (d.domid != 0)
            g_array_append_val(out, d);
    }
    libxl_dominfo_list_free(all, n);
    return out;
}

/* Report those of the watched domains that have ended. */
static gboolean look_for_ends(void *data)
{
    struct backend *b = data;
    struct impl *impl = b->impl;
    g_autoptr(GArray) running = xl_list(b, NULL);
    g_autoptr(GList) watched = g_hash_table_get_keys(impl->watched); /* a report takes its domain out */
    for (GList *l = running ? watched : NULL; l; l = l->next) {
        const struct backend_domain *d = backend_find(running, GPOINTER_TO_INT(l->data));
        if (!d || d->dying)
            b->notify(GPOINTER_TO_INT(l->data), d ? d->end : BACKEND_GONE, b->notify_data);
    }
    return G_SOURCE_REMOVE;
}

static void on_store(enum xenstore_link_event event, void *data)
{
    struct backend *b = data;
    if (event == XENSTORE_RELEASED)
        look_for_ends(b);
    else
        b->notify(0, BACKEND_STORE_LOST, b->notify_data);
}

static gboolean xl_watch(struct backend *b, int domid, GError **error)
{
    struct impl *impl = b->impl;
    (void)error;
    g_hash_table_add(impl->watched, GINT_TO_POINTER(domid));
    g_idle_add(look_for_ends, b); /* it may have ended before */
    return TRUE;
}

static void xl_unwatch(struct backend *b, int domid)
{
    struct impl *impl = b->impl;
    g_hash_table_remove(impl->watched, GINT_TO_POINTER(domid));
}

/* -- open, close -- */

static void loops_free(void *data)
{
    struct loops *l = data;
    for (unsigned i = 0; i < l->n; i++)
        loop_device_close(&l->device[i]);
    g_free(l);
}

/* The first manager of a boot; the run directory is empty then. */
static void mark_store(const struct backend *b)
{
    g_autofree char *path = g_build_filename(b->dir, "xenstore-marked", NULL);
    if (access(path, F_OK) < 0 && xenstore_mark())
        g_file_set_contents(path, "", 0, NULL);
}

static gboolean xl_open(struct backend *b, GError **error)
{
    struct impl *impl = g_new0(struct impl, 1);
    g_mutex_init(&impl->lock);
    g_cond_init(&impl->build_ended);
    impl->loops = g_hash_table_new_full(NULL, NULL, NULL, loops_free);
    impl->watched = g_hash_table_new(NULL, NULL);
    b->impl = impl;
    impl->main_ctx = context_alloc(error);
    if (!impl->main_ctx)
        return FALSE;
    impl->cpus = libxl_get_online_cpus(impl->main_ctx);
    mark_store(b);
    impl->link = xenstore_link_new(on_store, b);
    return TRUE;
}

/* At the end of the process only. Loop devices stay with their domains. */
static void xl_close(struct backend *b)
{
    struct impl *impl = b->impl;
    xenstore_link_free(impl->link);
    libxl_ctx_free(impl->main_ctx);
}

/* -- create -- */

static gboolean attach_loops(struct loops *l, const struct volume_plan *plan, GError **error)
{
    for (unsigned i = 0; i < plan->n_disks; i++) {
        if (!loop_device_attach(&l->device[i], plan->disks[i].path, plan->disks[i].writable, error))
            return FALSE;
        l->n++;
    }
    return TRUE;
}

static void fill_disk(libxl_device_disk *disk, const char *path, const char *vdev, gboolean writable)
{
    const char *program = access(HOTPLUG_PROGRAM, X_OK) == 0 ? HOTPLUG_PROGRAM : HOTPLUG_FALLBACK;
    libxl_device_disk_init(disk);
    disk->pdev_path = strdup(path);
    disk->vdev = strdup(vdev);
    disk->backend = LIBXL_DISK_BACKEND_PHY;
    disk->script = strdup(program); /* connect_disk does the work */
    disk->format = LIBXL_DISK_FORMAT_RAW;
    disk->readwrite = writable;
}

static void fill_disks(libxl_domain_config *c, const struct backend_config *config, const struct loops *l)
{
    c->num_disks = (int)l->n;
    c->disks = calloc(l->n, sizeof *c->disks);
    for (unsigned i = 0; i < l->n; i++)
        fill_disk(&c->disks[i], l->device[i].path, config->volumes->disks[i].vdev,
                  config->volumes->disks[i].writable);
}

static void fill_nic(libxl_domain_config *c, const struct backend_nic *nic)
{
    unsigned m[6];
    if (!nic->mac || sscanf(nic->mac, "%x:%x:%x:%x:%x:%x", &m[0], &m[1], &m[2], &m[3], &m[4], &m[5]) != 6)
        return;
    c->num_nics = 1;
    c->nics = calloc(1, sizeof *c->nics);
    libxl_device_nic_init(c->nics);
    c->nics->nictype = LIBXL_NIC_TYPE_VIF;
    c->nics->backend_domid = (libxl_domid)nic->backend_domid;
    c->nics->ip = strdup(nic->ip ? nic->ip : "");
    for (int i = 0; i < 6; i++)
        c->nics->mac[i] = (uint8_t)m[i];
}

static void fill_config(libxl_ctx *ctx, libxl_domain_config *c, const struct backend_config *config,
                        const struct loops *l)
{
    libxl_domain_create_info *ci = &c->c_info;
    libxl_domain_build_info *bi = &c->b_info;
    libxl_domain_config_init(c);
    ci->type = LIBXL_DOMAIN_TYPE_PVH;
    ci->name = strdup(config->name);
    libxl_uuid_from_string(&ci->uuid, config->uuid);
    libxl_domain_build_info_init_type(bi, LIBXL_DOMAIN_TYPE_PVH);
    bi->max_vcpus = config->vcpus;
    libxl_cpu_bitmap_alloc(ctx, &bi->avail_vcpus, config->vcpus);
    for (int i = 0; i < config->vcpus; i++)
        libxl_bitmap_set(&bi->avail_vcpus, i);
    bi->max_memkb = config->memory_mib << 10;
    bi->target_memkb = config->memory_mib << 10;
    bi->device_model_version =
        LIBXL_DEVICE_MODEL_VERSION_QEMU_XEN; /* none is used: libxl need not look for it */
    bi->tsc_mode = LIBXL_TSC_MODE_NATIVE;    /* domains never move to another machine */
    bi->kernel = strdup(config->volumes->kernel);
    bi->ramdisk = config->volumes->initramfs ? strdup(config->volumes->initramfs) : NULL;
    bi->cmdline = strdup(config->command_line);
    fill_disks(c, config, l);
    fill_nic(c, &config->nic);
    c->on_poweroff = c->on_reboot = c->on_crash = c->on_watchdog = c->on_soft_reset =
        LIBXL_ACTION_ON_SHUTDOWN_DESTROY;
}

/* Xen's number of "xvda" and so on: major 202, sixteen minors each. */
#define XVD_MAJOR  202
#define XVD_MINORS 16

/* What a hotplug script would do: tell blkback which device it is. */
static gboolean connect_disk(struct xs_handle *xs, int domid, const char *vdev, const char *device,
                             unsigned major, unsigned minor)
{
    int devid = (XVD_MAJOR << 8) | ((vdev[3] - 'a') * XVD_MINORS);
    char dir[128], path[192], value[64];
    snprintf(dir, sizeof dir, "/local/domain/0/backend/vbd/%d/%d", domid, devid);
    snprintf(path, sizeof path, "%s/physical-device-path", dir);
    bool ok = xs_write(xs, XBT_NULL, path, device, (unsigned)strlen(device));
    snprintf(path, sizeof path, "%s/physical-device", dir);
    snprintf(value, sizeof value, "%x:%x", major, minor);
    ok = ok && xs_write(xs, XBT_NULL, path, value, (unsigned)strlen(value));
    snprintf(path, sizeof path, "%s/hotplug-status", dir);
    return ok && xs_write(xs, XBT_NULL, path, "connected", strlen("connected"));
}

static gboolean connect_disks(struct xs_handle *xs, int domid, const struct backend_config *config,
                              const struct loops *l)
{
    for (unsigned i = 0; i < l->n; i++)
        if (!connect_disk(xs, domid, config->volumes->disks[i].vdev, l->device[i].path, l->device[i].major,
                          l->device[i].minor))
            return FALSE;
    return TRUE;
}

/* Add what a person can do about it. */
static void explain(libxl_ctx *ctx, const struct backend_config *config, GError **error)
{
    libxl_physinfo p;
    libxl_physinfo_init(&p);
    if (libxl_get_physinfo(ctx, &p) == 0 && error && *error) {
        guint64 free_mib = p.free_pages >> 8;
        if (free_mib < config->memory_mib + 8)
            g_prefix_error(error,
                           "not enough memory for %s: it wants %" G_GUINT64_FORMAT " MiB, %" G_GUINT64_FORMAT
                           " MiB are free; shut some domain down. ",
                           config->name, config->memory_mib, free_mib);
    }
    libxl_physinfo_dispose(&p);
}

static int build(libxl_ctx *ctx, const struct backend_config *config, const struct loops *l, GError **error)
{
    libxl_domain_config c;
    uint32_t domid = 0;
    g_autofree char *what = g_strdup_printf("domain %s could not be built", config->name);
    struct reaper reaper;
    fill_config(ctx, &c, config, l);
    reaper_start(&reaper, ctx);
    int rc = libxl_domain_create_new(ctx, &c, &domid, NULL, NULL);
    reaper_stop(&reaper);
    libxl_domain_config_dispose(&c);
    if (rc) { /* libxl has destroyed what there was */
        xl_error(error, rc, what);
        explain(ctx, config, error);
        return -1;
    }
    struct xs_handle *xs = xenstore_open(error);
    gboolean ok = xs && connect_disks(xs, (int)domid, config, l);
    if (xs && !ok)
        dm_error_errno(error, "%s: xenstore", what);
    if (xs)
        xs_close(xs);
    if (ok)
        return (int)domid;
    reaper_start(&reaper, ctx);
    libxl_domain_destroy(ctx, domid, NULL);
    reaper_stop(&reaper);
    return -1;
}

/* On a busy machine dom0's kernel can be later with a device than libxl waits. */
static gboolean device_was_late(void)
{
    const char *why = g_private_get(&last_error);
    return why && strstr(why, "unable to add device");
}

static int build_in_turn(struct impl *impl, libxl_ctx *ctx, const struct backend_config *config,
                         const struct loops *l, GError **error)
{
    g_mutex_lock(&impl->lock);
    while (impl->builds == BUILDS_AT_ONCE)
        g_cond_wait(&impl->build_ended, &impl->lock);
    impl->builds++;
    g_mutex_unlock(&impl->lock);
    int domid = build(ctx, config, l, error);
    if (domid < 0 && device_was_late()) {
        g_warning("%s: a device of it was late, it is built once more", config->name);
        g_clear_error(error);
        g_private_replace(&last_error, NULL);
        domid = build(ctx, config, l, error);
    }
    g_mutex_lock(&impl->lock);
    impl->builds--;
    g_cond_signal(&impl->build_ended);
    g_mutex_unlock(&impl->lock);
    return domid;
}

static int xl_create(struct backend *b, const struct backend_config *config, GError **error)
{
    struct impl *impl = b->impl;
    gint64 start = g_get_monotonic_time();
    libxl_ctx *ctx = context_new(error);
    struct loops *l = g_new0(struct loops, 1);
    int domid =
        ctx && attach_loops(l, config->volumes, error) ? build_in_turn(impl, ctx, config, l, error) : -1;
    if (ctx)
        libxl_ctx_free(ctx);
    if (domid < 0) {
        loops_free(l);
        return -1;
    }
    g_message("domain %s built as %d in %.2f s", config->name, domid,
              (double)(g_get_monotonic_time() - start) / G_USEC_PER_SEC);
    g_mutex_lock(&impl->lock);
    g_hash_table_insert(impl->loops, GINT_TO_POINTER(domid), l);
    g_mutex_unlock(&impl->lock);
    return domid;
}

/* -- the rest -- */

static gboolean with_context(int domid, int (*call)(libxl_ctx *ctx, uint32_t domid), const char *what,
                             GError **error)
{
    libxl_ctx *ctx = context_new(error);
    if (!ctx)
        return FALSE;
    struct reaper reaper;
    reaper_start(&reaper, ctx);
    int rc = call(ctx, (uint32_t)domid);
    reaper_stop(&reaper);
    if (rc)
        xl_error(error, rc, what);
    libxl_ctx_free(ctx);
    return rc == 0;
}

static int do_unpause(libxl_ctx *ctx, uint32_t domid)
{
    return libxl_domain_unpause(ctx, domid, NULL);
}

static int do_pause(libxl_ctx *ctx, uint32_t domid)
{
    return libxl_domain_pause(ctx, domid, NULL);
}

static int do_destroy(libxl_ctx *ctx, uint32_t domid)
{
    int rc = libxl_domain_destroy(ctx, domid, NULL);
    return rc == ERROR_DOMAIN_NOTFOUND ? 0 : rc;
}

static gboolean xl_unpause(struct backend *b, int domid, GError **error)
{
    (void)b;
    return with_context(domid, do_unpause, "unpause", error);
}

static gboolean xl_pause(struct backend *b, int domid, GError **error)
{
    (void)b;
    return with_context(domid, do_pause, "pause", error);
}

/* What libxl_domain_shutdown writes, without its wait for the guest's acknowledgement: our own timeout runs.
 */
static gboolean xl_request_shutdown(struct backend *b, int domid, GError **error)
{
    char path[64];
    struct xs_handle *xs = xenstore_open(error);
    (void)b;
    if (!xs)
        return FALSE;
    snprintf(path, sizeof path, "/local/domain/%d/control/shutdown", domid);
    gboolean ok = xs_write(xs, XBT_NULL, path, "poweroff", 8);
    if (!ok)
        dm_error_errno(error, "xenstore: shutdown request");
    xs_close(xs);
    return ok;
}

static gboolean xl_destroy(struct backend *b, int domid, GError **error)
{
    struct impl *impl = b->impl;
    gboolean ok = with_context(domid, do_destroy, "the domain could not be destroyed", error);
    g_mutex_lock(&impl->lock);
    g_hash_table_remove(impl->loops, GINT_TO_POINTER(domid));
    g_mutex_unlock(&impl->lock);
    return ok;
}

static gboolean xl_check(struct backend *b, int domid, GError **error)
{
    (void)b, (void)domid;
    return xenstore_check(error);
}

/* Directories that the guest itself may write; all others it can only read. */
static const char *const guest_writable[] = {"/qubes-block-devices", "/qubes-usb-devices",
                                             "/features-request"};

struct keys {
    int domid;
    const char *directory; /* of replace_keys */
    char **pairs;
};

static size_t keys_base(char path[GUEST_STORE_PATH_MAX], int domid)
{
    return (size_t)snprintf(path, GUEST_STORE_PATH_MAX, "/local/domain/%d/qubesdb", domid);
}

/* Children take their parent's permissions. */
static gboolean write_pairs(struct xs_handle *xs, xs_transaction_t t, int domid, char **pairs)
{
    char path[GUEST_STORE_PATH_MAX];
    size_t base = keys_base(path, domid);
    for (char **p = pairs; p[0]; p += 2) {
        path[base] = 0;
        guest_store_path(path, p[0]);
        if (!xs_write(xs, t, path, p[1], (unsigned)strlen(p[1])))
            return FALSE;
    }
    return TRUE;
}

static gboolean write_all_keys(struct xs_handle *xs, xs_transaction_t t, const struct keys *keys)
{
    struct xs_permissions reader[2] = {{0, XS_PERM_NONE}, {(unsigned)keys->domid, XS_PERM_READ}};
    struct xs_permissions owner[1] = {{(unsigned)keys->domid, XS_PERM_NONE}};
    char path[GUEST_STORE_PATH_MAX];
    size_t base = keys_base(path, keys->domid);
    if (!xs_mkdir(xs, t, path) || !xs_set_permissions(xs, t, path, reader, 2) ||
        !write_pairs(xs, t, keys->domid, keys->pairs))
        return FALSE;
    for (guint i = 0; i < G_N_ELEMENTS(guest_writable); i++) {
        path[base] = 0;
        guest_store_path(path, guest_writable[i]);
        if (!xs_mkdir(xs, t, path) || !xs_set_permissions(xs, t, path, owner, 1))
            return FALSE;
    }
    snprintf(path, sizeof path, "/local/domain/%d/memory/meminfo",
             keys->domid); /* used KiB, for memory balancing */
    return xs_mkdir(xs, t, path) && xs_set_permissions(xs, t, path, owner, 1);
}

static gboolean replace_all_keys(struct xs_handle *xs, xs_transaction_t t, const struct keys *keys)
{
    char path[GUEST_STORE_PATH_MAX];
    keys_base(path, keys->domid);
    guest_store_path(path, keys->directory);
    return (xs_rm(xs, t, path) || errno == ENOENT) && write_pairs(xs, t, keys->domid, keys->pairs);
}

/* In a transaction, which is tried again when others were in the way. */
static gboolean with_transaction(const struct keys *keys,
                                 gboolean (*write)(struct xs_handle *, xs_transaction_t, const struct keys *),
                                 GError **error)
{
    struct xs_handle *xs = xenstore_open(error);
    gboolean ok = FALSE;
    if (!xs)
        return FALSE;
    for (int i = 0; i < 10 && !ok; i++) {
        xs_transaction_t t = xs_transaction_start(xs);
        gboolean written = write(xs, t, keys);
        ok = xs_transaction_end(xs, t, !written) && written;
        if (!ok && errno != EAGAIN)
            break;
    }
    if (!ok)
        dm_error_errno(error, "xenstore: settings for the guest");
    xs_close(xs);
    return ok;
}

static gboolean xl_write_keys(struct backend *b, int domid, char **pairs, GError **error)
{
    (void)b;
    return with_transaction(&(struct keys){domid, NULL, pairs}, write_all_keys, error);
}

static gboolean xl_replace_keys(struct backend *b, int domid, const char *directory, char **pairs,
                                GError **error)
{
    (void)b;
    return with_transaction(&(struct keys){domid, directory, pairs}, replace_all_keys, error);
}

static char *xl_console(struct backend *b, int domid, GError **error)
{
    char path[64];
    struct xs_handle *xs = xenstore_open(error);
    (void)b;
    if (!xs)
        return NULL;
    snprintf(path, sizeof path, "/local/domain/%d/console/tty", domid);
    char *terminal = xs_read(xs, XBT_NULL, path, NULL);
    char *copy = g_strdup(terminal);
    if (!terminal)
        dm_error_errno(error, "xenstore: %s", path);
    free(terminal);
    xs_close(xs);
    return copy;
}

/* -- block devices that come and go -- */

static GArray *xl_block_available(struct backend *b, GError **error)
{
    (void)b, (void)error;
    return block_scan();
}

static GArray *xl_block_attached(struct backend *b, int domid, GError **error)
{
    int n = 0;
    libxl_ctx *ctx = context_new(error);
    (void)b;
    if (!ctx)
        return NULL;
    libxl_device_disk *disks = libxl_device_disk_list(ctx, (uint32_t)domid, &n);
    GArray *found = g_array_new(FALSE, TRUE, sizeof(struct backend_block));
    for (int i = 0; i < n; i++) {
        struct backend_block block = {.writable = disks[i].readwrite};
        const char *path = disks[i].pdev_path ? disks[i].pdev_path : "";
        g_strlcpy(block.path, path, sizeof block.path);
        g_strlcpy(block.name, strrchr(path, '/') ? strrchr(path, '/') + 1 : path, sizeof block.name);
        g_strlcpy(block.vdev, disks[i].vdev ? disks[i].vdev : "", sizeof block.vdev);
        if (strcmp(block.vdev, VOLUME_LAST_VDEV) > 0)
            g_array_append_val(found, block);
    }
    libxl_device_disk_list_free(disks, n);
    libxl_ctx_free(ctx);
    return found;
}

static int add_disk(libxl_ctx *ctx, uint32_t domid, libxl_device_disk *disk)
{
    return libxl_device_disk_add(ctx, domid, disk, NULL);
}

static int remove_disk(libxl_ctx *ctx, uint32_t domid, libxl_device_disk *disk)
{
    return libxl_device_disk_remove(ctx, domid, disk, NULL);
}

static gboolean change_disk(int domid, const struct backend_block *block,
                            int (*change)(libxl_ctx *, uint32_t, libxl_device_disk *), GError **error)
{
    libxl_device_disk disk;
    struct reaper reaper;
    libxl_ctx *ctx = context_new(error);
    if (!ctx)
        return FALSE;
    fill_disk(&disk, block->path, block->vdev, block->writable);
    reaper_start(&reaper, ctx);
    int rc = change(ctx, (uint32_t)domid, &disk);
    reaper_stop(&reaper);
    if (rc)
        xl_error(error, rc, block->path);
    libxl_device_disk_dispose(&disk);
    libxl_ctx_free(ctx);
    return rc == 0;
}

static gboolean xl_block_attach(struct backend *b, int domid, const struct backend_block *block,
                                GError **error)
{
    unsigned major, minor;
    (void)b;
    if (!block_number(block->path, &major, &minor))
        return dm_error_errno(error, "%s", block->path);
    if (!change_disk(domid, block, add_disk, error))
        return FALSE;
    struct xs_handle *xs = xenstore_open(error);
    if (!xs)
        return FALSE;
    gboolean ok = connect_disk(xs, domid, block->vdev, block->path, major, minor);
    if (!ok)
        dm_error_errno(error, "xenstore: %s", block->path);
    xs_close(xs);
    return ok;
}

static gboolean xl_block_detach(struct backend *b, int domid, const struct backend_block *block,
                                GError **error)
{
    (void)b;
    return change_disk(domid, block, remove_disk, error);
}

static int xl_cpus(struct backend *b)
{
    struct impl *impl = b->impl;
    return impl->cpus;
}

static guint64 xl_memory(struct backend *b, gboolean only_free)
{
    struct impl *impl = b->impl;
    libxl_physinfo p;
    libxl_physinfo_init(&p);
    guint64 pages =
        libxl_get_physinfo(impl->main_ctx, &p) == 0 ? (only_free ? p.free_pages : p.total_pages) : 0;
    libxl_physinfo_dispose(&p);
    return pages * 4096;
}

const struct backend_ops backend_libxl = {
    .name = "libxl",
    .open = xl_open,
    .close = xl_close,
    .create = xl_create,
    .unpause = xl_unpause,
    .pause = xl_pause,
    .request_shutdown = xl_request_shutdown,
    .destroy = xl_destroy,
    .check = xl_check,
    .write_keys = xl_write_keys,
    .replace_keys = xl_replace_keys,
    .console = xl_console,
    .list = xl_list,
    .watch = xl_watch,
    .unwatch = xl_unwatch,
    .block_available = xl_block_available,
    .block_attached = xl_block_attached,
    .block_attach = xl_block_attach,
    .block_detach = xl_block_detach,
    .cpus = xl_cpus,
    .memory = xl_memory,
};
