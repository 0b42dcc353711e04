/* SPDX-License-Identifier: GPL-2.0-or-later */
/* LD_PRELOAD library: stands in for the calls of libxl and libxenstore that reach the hypervisor; what only
 * works on libxl's structures stays libxl's. Calls are appended to $FAKE_XL/log; a new domain's
 * configuration, as libxl itself prints it, goes to $FAKE_XL/config.ID. A domain is shown as ended when
 * $FAKE_XL/shutdown.ID holds a reason. xenstored itself is a socket of the test's. */
#include <errno.h>
#include <libxl.h>
#include <libxl_event.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xenstore.h>

#define DOMAINS 64

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    int domid;
    libxl_uuid uuid;
    bool paused;
} domains[DOMAINS];
static int last_domid;

static char *path_of(const char *name, int domid)
{
    char *path = NULL;
    if (asprintf(&path, domid < 0 ? "%s/%s" : "%s/%s.%d", getenv("FAKE_XL"), name, domid) < 0)
        abort();
    return path;
}

__attribute__((format(printf, 1, 2))) static void note(const char *format, ...)
{
    char *path = path_of("log", -1);
    va_list ap;
    pthread_mutex_lock(&lock);
    FILE *f = fopen(path, "a");
    va_start(ap, format);
    vfprintf(f, format, ap);
    va_end(ap);
    fputc('\n', f);
    fclose(f);
    pthread_mutex_unlock(&lock);
    free(path);
}

static int slot(int domid)
{
    for (int i = 0; i < DOMAINS; i++)
        if (domains[i].domid == domid)
            return i;
    return -1;
}

static xentoollog_logger *ours;

int libxl_ctx_alloc(libxl_ctx **ctx, int version, unsigned flags, xentoollog_logger *logger)
{
    (void)version, (void)flags;
    ours = logger;
    *ctx = calloc(1, 1 << 16);
    return 0;
}

int libxl_ctx_free(libxl_ctx *ctx)
{
    free(ctx);
    return 0;
}

void libxl_childproc_setmode(libxl_ctx *ctx, const libxl_childproc_hooks *hooks, void *user)
{
    (void)ctx, (void)user;
    if (hooks->chldowner != libxl_sigchld_owner_mainloop)
        abort();
}

int libxl_get_online_cpus(libxl_ctx *ctx)
{
    (void)ctx;
    return 1;
}

int libxl_get_physinfo(libxl_ctx *ctx, libxl_physinfo *p)
{
    (void)ctx;
    p->total_pages = 1 << 20;
    p->free_pages = 64 << 8;
    return 0;
}

/* As libxl 4.17: a hotplug program is forked for each disk, and waited for until somebody tells of SIGCHLD.
 */
#define CHILDREN 8

static __thread pid_t *waiting;
static pid_t children[CHILDREN * DOMAINS];

void libxl_childproc_sigchld_occurred(libxl_ctx *ctx)
{
    pid_t *mine = *(pid_t **)ctx;
    for (int i = 0; mine && i < CHILDREN; i++)
        if (mine[i] > 0 && waitpid(mine[i], NULL, WNOHANG) == mine[i])
            mine[i] = 0;
}

static int run_hotplug(libxl_ctx *ctx, const char *script, int n)
{
    static int next;
    waiting = &children[CHILDREN * (__atomic_fetch_add(&next, 1, __ATOMIC_SEQ_CST) % DOMAINS)];
    for (int i = 0; i < n; i++) {
        waiting[i] = script ? fork() : -1;
        if (waiting[i] == 0) {
            execl(script, script, "add", (char *)NULL);
            _exit(1);
        }
        if (waiting[i] < 0)
            return ERROR_FAIL;
    }
    *(pid_t **)ctx = waiting;
    for (int tries = 0; tries < 300; tries++) {
        int left = 0;
        for (int i = 0; i < n; i++)
            left += waiting[i] > 0;
        if (!left) {
            *(pid_t **)ctx = NULL;
            return 0;
        }
        usleep(10000);
    }
    return ERROR_TIMEDOUT;
}

int libxl_domain_create_new(libxl_ctx *ctx, libxl_domain_config *config, uint32_t *domid,
                            const libxl_asyncop_how *ao_how, const libxl_asyncprogress_how *console)
{
    (void)console;
    if (ao_how)
        abort();
    usleep(200 * 1000);
    int rc = run_hotplug(ctx, config->num_disks ? config->disks[0].script : NULL, config->num_disks);
    if (rc)
        return rc;
    char *fail = path_of("fail", -1);
    bool failing = access(fail, F_OK) == 0;
    free(fail);
    if (failing)
        return ERROR_NOMEM;
    char *late = path_of("late", -1);
    bool was_late = unlink(late) == 0;
    free(late);
    if (was_late) {
        xtl_log(ours, XTL_ERROR, -1, "libxl", "Domain 1:unable to add device with path /vbd");
        return ERROR_FAIL;
    }
    pthread_mutex_lock(&lock);
    int i = slot(0);
    domains[i].domid = *domid = (uint32_t)++last_domid;
    domains[i].uuid = config->c_info.uuid;
    domains[i].paused = true;
    pthread_mutex_unlock(&lock);
    char *path = path_of("config", (int)*domid), *json = libxl_domain_config_to_json(ctx, config);
    FILE *f = fopen(path, "w");
    fputs(json, f);
    fclose(f);
    free(json);
    free(path);
    note("create %u", *domid);
    return 0;
}

int libxl_domain_destroy(libxl_ctx *ctx, uint32_t domid, const libxl_asyncop_how *ao_how)
{
    (void)ao_how;
    note("destroy %u", domid);
    if (run_hotplug(ctx, "/bin/true", 2))
        return ERROR_TIMEDOUT;
    pthread_mutex_lock(&lock);
    int i = slot((int)domid);
    if (i >= 0)
        memset(&domains[i], 0, sizeof domains[i]);
    pthread_mutex_unlock(&lock);
    return i < 0 ? ERROR_DOMAIN_NOTFOUND : 0;
}

static int set_paused(uint32_t domid, bool paused)
{
    int i = slot((int)domid);
    note("%s %u", paused ? "pause" : "unpause", domid);
    if (i >= 0)
        domains[i].paused = paused;
    return i < 0 ? ERROR_DOMAIN_NOTFOUND : 0;
}

int libxl_domain_unpause(libxl_ctx *ctx, uint32_t domid, const libxl_asyncop_how *ao_how)
{
    (void)ctx, (void)ao_how;
    return set_paused(domid, false);
}

int libxl_domain_pause(libxl_ctx *ctx, uint32_t domid, const libxl_asyncop_how *ao_how)
{
    (void)ctx, (void)ao_how;
    return set_paused(domid, true);
}

static void fill(libxl_dominfo *info, int i)
{
    char *path = path_of("shutdown", domains[i].domid);
    FILE *f = fopen(path, "r");
    int reason;
    libxl_dominfo_init(info);
    info->domid = (libxl_domid)domains[i].domid;
    info->uuid = domains[i].uuid;
    info->paused = domains[i].paused;
    info->shutdown = f && fscanf(f, "%d", &reason) == 1;
    if (info->shutdown)
        info->shutdown_reason = (libxl_shutdown_reason)reason;
    info->current_memkb = 400 << 10;
    if (f)
        fclose(f);
    free(path);
}

libxl_dominfo *libxl_list_domain(libxl_ctx *ctx, int *n)
{
    libxl_dominfo *all = calloc(DOMAINS + 1, sizeof *all);
    (void)ctx;
    *n = 1; /* dom0 */
    for (int i = 0; i < DOMAINS; i++)
        if (domains[i].domid)
            fill(&all[(*n)++], i);
    return all;
}

/* Without a handler of disasters libxl ends the process. */
void libxl_event_register_callbacks(libxl_ctx *ctx, const libxl_event_hooks *hooks, void *user)
{
    (void)ctx, (void)user;
    if (!hooks->disaster)
        abort();
}

/* -- disks that come and go: $FAKE_XL/disk.ID holds the path of one that is attached -- */

int libxl_device_disk_add(libxl_ctx *ctx, uint32_t domid, libxl_device_disk *disk,
                          const libxl_asyncop_how *ao_how)
{
    (void)ao_how;
    note("disk add %u %s %s %s", domid, disk->pdev_path, disk->vdev, disk->readwrite ? "w" : "r");
    return run_hotplug(ctx, disk->script, 1);
}

int libxl_device_disk_remove(libxl_ctx *ctx, uint32_t domid, libxl_device_disk *disk,
                             const libxl_asyncop_how *ao_how)
{
    (void)ctx, (void)ao_how;
    note("disk remove %u %s", domid, disk->vdev);
    return 0;
}

libxl_device_disk *libxl_device_disk_list(libxl_ctx *ctx, uint32_t domid, int *n)
{
    static const char *const vdevs[] = {"xvda", "xvdf", "xvdi"};
    libxl_device_disk *disks = calloc(3, sizeof *disks);
    char *path = path_of("disk", (int)domid), line[64] = "";
    FILE *f = fopen(path, "r");
    (void)ctx;
    free(path);
    *n = 0;
    if (!f || !fgets(line, sizeof line, f))
        return disks;
    fclose(f);
    line[strcspn(line, "\n")] = 0;
    for (; *n < 3; (*n)++) {
        libxl_device_disk_init(&disks[*n]);
        disks[*n].vdev = strdup(vdevs[*n]);
        disks[*n].pdev_path = strdup(line);
    }
    return disks;
}

/* -- xenstore -- */

struct xs_handle *xs_open(unsigned long flags)
{
    if (flags != XS_OPEN_SOCKETONLY)
        abort();
    return calloc(1, 64);
}

void xs_close(struct xs_handle *h)
{
    free(h);
}

xs_transaction_t xs_transaction_start(struct xs_handle *h)
{
    (void)h;
    return 7;
}

/* The first one meets a conflict, as may happen. */
bool xs_transaction_end(struct xs_handle *h, xs_transaction_t t, bool abort_it)
{
    static int calls;
    (void)h, (void)t;
    note("transaction %s", abort_it ? "aborted" : calls ? "done" : "conflict");
    errno = EAGAIN;
    return calls++ > 0;
}

bool xs_write(struct xs_handle *h, xs_transaction_t t, const char *path, const void *data, unsigned int len)
{
    (void)h, (void)t;
    note("write %s=%.*s", path, (int)len, (const char *)data);
    return true;
}

bool xs_rm(struct xs_handle *h, xs_transaction_t t, const char *path)
{
    (void)h, (void)t;
    note("rm %s", path);
    return true;
}

bool xs_mkdir(struct xs_handle *h, xs_transaction_t t, const char *path)
{
    (void)h, (void)t;
    note("mkdir %s", path);
    return true;
}

bool xs_set_permissions(struct xs_handle *h, xs_transaction_t t, const char *path,
                        struct xs_permissions *perms, unsigned int n)
{
    (void)h, (void)t;
    note("perms %s %u:%d %u:%d", path, perms[0].id, (int)perms[0].perms, n > 1 ? perms[1].id : 0,
         n > 1 ? (int)perms[1].perms : -1);
    return true;
}
