/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the manager needs of a hypervisor: a small table of operations. Two implementations: libxl
 * (backend_libxl.c) and a fake one for tests (backend_fake.c).
 * Calls marked [worker] may block and come from any thread; the others from the main thread. */
#ifndef DM_BACKEND_H
#define DM_BACKEND_H

#include <glib.h>

struct volume_plan;

struct backend_nic {
    const char *mac, *ip;
    int backend_domid;
};

struct backend_config {
    const char *name, *uuid;
    guint64 memory_mib;
    int vcpus;
    char *command_line;
    const struct volume_plan *volumes;
    struct backend_nic nic; /* mac NULL: no network */
};

enum backend_event {
    BACKEND_POWEROFF,
    BACKEND_REBOOT,
    BACKEND_CRASH,
    BACKEND_GONE,
    BACKEND_STORE_LOST, /* of domain 0: xenstored has ended, nothing can be started any more */
};

struct backend_domain {
    int domid;
    char uuid[37];
    gboolean paused, dying;
    enum backend_event end; /* dying: how it ended */
    guint64 memory_kib, cpu_time_ns;
};

#define BACKEND_BLOCK_NAME_SIZE 32
#define BACKEND_VDEV_SIZE       8

/* A block device of dom0 that is or can be attached to a domain. */
struct backend_block {
    char name[BACKEND_BLOCK_NAME_SIZE], path[64]; /* "sdb", "/dev/sdb" */
    char vdev[BACKEND_VDEV_SIZE];                 /* attached: "xvdi" */
    gboolean writable;
    guint64 size;
    char description[64];
};

struct backend;

struct backend_ops {
    const char *name;
    gboolean (*open)(struct backend *b, GError **error);
    void (*close)(struct backend *b);
    /* [worker] Build the domain, leave it paused with its disks connected. Domain id, or -1 with error and
     * nothing left behind. */
    int (*create)(struct backend *b, const struct backend_config *config, GError **error);
    gboolean (*unpause)(struct backend *b, int domid, GError **error);          /* [worker] */
    gboolean (*pause)(struct backend *b, int domid, GError **error);            /* [worker] */
    gboolean (*request_shutdown)(struct backend *b, int domid, GError **error); /* [worker] */
    gboolean (*destroy)(struct backend *b, int domid, GError **error);          /* [worker] */
    /* [worker] Could the domain be destroyed now, as far as is known? */
    gboolean (*check)(struct backend *b, int domid, GError **error);
    /* [worker] Set qubesdb/<key> for the guest: key, value, …, NULL. */
    gboolean (*write_keys)(struct backend *b, int domid, char **pairs, GError **error);
    /* [worker] A directory of these keys of a running domain goes, then the pairs are written, all at once.
     */
    gboolean (*replace_keys)(struct backend *b, int domid, const char *directory, char **pairs,
                             GError **error);
    /* [worker] Path of the terminal that shows a domain's console; the caller frees it. */
    char *(*console)(struct backend *b, int domid, GError **error);
    /* All running domains but dom0: array of struct backend_domain, or NULL. */
    GArray *(*list)(struct backend *b, GError **error);
    /* From now on report the end of this domain by b->notify. */
    gboolean (*watch)(struct backend *b, int domid, GError **error);
    void (*unwatch)(struct backend *b, int domid);
    /* dom0's free block devices; [worker] what one domain has attached besides its volumes. Arrays of struct
     * backend_block. */
    GArray *(*block_available)(struct backend *b, GError **error);
    GArray *(*block_attached)(struct backend *b, int domid, GError **error);
    gboolean (*block_attach)(struct backend *b, int domid, const struct backend_block *block,
                             GError **error); /* [worker] */
    gboolean (*block_detach)(struct backend *b, int domid, const struct backend_block *block,
                             GError **error); /* [worker] */
    int (*cpus)(struct backend *b);
    guint64 (*memory)(struct backend *b, gboolean only_free); /* bytes */
};

struct backend {
    const struct backend_ops *ops;
    /* Called in the main thread. */
    void (*notify)(int domid, enum backend_event event, void *data);
    void *notify_data;
    char *dir; /* run directory: the fake one keeps its domains there */
    void *impl;
};

extern const struct backend_ops backend_fake, backend_libxl;

static inline int backend_cpus(struct backend *b)
{
    return b->ops->cpus(b);
}

static inline guint64 backend_total_memory(struct backend *b)
{
    return b->ops->memory(b, FALSE);
}

/* The one with this id in what `list` answered, or NULL. */
static inline const struct backend_domain *backend_find(const GArray *running, int domid)
{
    for (guint i = 0; i < running->len; i++) {
        const struct backend_domain *d = &g_array_index(running, struct backend_domain, i);
        if (d->domid == domid)
            return d;
    }
    return NULL;
}

#endif
