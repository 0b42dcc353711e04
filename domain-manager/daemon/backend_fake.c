/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A hypervisor made of files, for tests: <run>/fake/<domid> holds "UUID STATE NAME". Domains outlive the
 * manager as real ones do. Tests steer it by files in the same directory:
 *   no-events.all  ends are not reported    no-store.all  nothing can be destroyed
 *   fail-create.NAME  creation fails      ignore-shutdown.NAME  the guest does not obey
 * and by writing a STATE (crashed, poweroff) into a domain's file. $BULKHEAD_FAKE_MS: time of a build. */
#include <errno.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend.h"
#include "dm_error.h"
#include "volume.h"

#define POLL_MS 10

struct fake {
    char *dir;
    GMutex lock;
    GHashTable *watched; /* domids */
    guint timer;
    int last_domid;
};

static char *fake_path(struct fake *f, int domid)
{
    return g_strdup_printf("%s/%d", f->dir, domid);
}

static gboolean read_domain(struct fake *f, int domid, char uuid[37], char state[16], char name[64])
{
    g_autofree char *path = fake_path(f, domid);
    g_autofree char *text = NULL;
    if (!g_file_get_contents(path, &text, NULL, NULL))
        return FALSE;
    return sscanf(text, "%36s %15s %63s", uuid, state, name) == 3;
}

static gboolean write_domain(struct fake *f, int domid, const char *uuid, const char *state, const char *name,
                             GError **error)
{
    g_autofree char *path = fake_path(f, domid);
    g_autofree char *text = g_strdup_printf("%s %s %s\n", uuid, state, name);
    return g_file_set_contents(path, text, -1, error);
}

static gboolean set_state(struct fake *f, int domid, const char *state, GError **error)
{
    char uuid[37], old[16], name[64];
    if (!read_domain(f, domid, uuid, old, name))
        return dm_fail(error, DM_ERROR_NOT_RUNNING, "fake hypervisor: there is no domain %d", domid);
    return write_domain(f, domid, uuid, state, name, error);
}

static gboolean marker(struct fake *f, const char *what, const char *name)
{
    g_autofree char *path = g_strdup_printf("%s/%s.%s", f->dir, what, name);
    return access(path, F_OK) == 0;
}

static gboolean fake_poll(void *data)
{
    struct backend *b = data;
    struct fake *f = b->impl;
    if (marker(f, "no-events", "all"))
        return G_SOURCE_CONTINUE;
    g_autoptr(GList) ids = g_hash_table_get_keys(f->watched);
    for (GList *l = ids; l; l = l->next) {
        int domid = GPOINTER_TO_INT(l->data);
        char uuid[37], state[16] = "", name[64];
        gboolean there = read_domain(f, domid, uuid, state, name);
        enum backend_event event = !there                          ? BACKEND_GONE
                                   : strcmp(state, "crashed") == 0 ? BACKEND_CRASH
                                   : strcmp(state, "reboot") == 0  ? BACKEND_REBOOT
                                                                   : BACKEND_POWEROFF;
        if (there && (strcmp(state, "running") == 0 || strcmp(state, "paused") == 0))
            continue;
        if (strcmp(state, "stopping") == 0 && marker(f, "ignore-shutdown", name))
            continue;
        g_hash_table_remove(f->watched, l->data);
        b->notify(domid, event, b->notify_data);
    }
    return G_SOURCE_CONTINUE;
}

static gboolean fake_open(struct backend *b, GError **error)
{
    struct fake *f = g_new0(struct fake, 1);
    f->dir = g_build_filename(b->dir, "fake", NULL);
    f->watched = g_hash_table_new(NULL, NULL);
    g_mutex_init(&f->lock);
    b->impl = f;
    if (g_mkdir_with_parents(f->dir, 0755) < 0)
        return dm_error_errno(error, "%s", f->dir);
    g_autoptr(GDir) dir = g_dir_open(f->dir, 0, NULL);
    for (const char *name; dir && (name = g_dir_read_name(dir));)
        f->last_domid = MAX(f->last_domid, atoi(name));
    f->timer = g_timeout_add(POLL_MS, fake_poll, b);
    return TRUE;
}

static void fake_close(struct backend *b)
{
    struct fake *f = b->impl;
    if (f->timer)
        g_source_remove(f->timer);
    g_hash_table_unref(f->watched);
    g_mutex_clear(&f->lock);
    g_free(f->dir);
    g_free(f);
}

static gboolean disks_exist(const struct backend_config *config, GError **error)
{
    for (unsigned i = 0; i < config->volumes->n_disks; i++)
        if (access(config->volumes->disks[i].path, R_OK) < 0)
            return dm_error_errno(error, "%s", config->volumes->disks[i].path);
    return TRUE;
}

static int fake_create(struct backend *b, const struct backend_config *config, GError **error)
{
    struct fake *f = b->impl;
    const char *ms = g_getenv("BULKHEAD_FAKE_MS");
    g_usleep(ms ? (gulong)atol(ms) * 1000 : 0);
    if (marker(f, "fail-create", config->name)) {
        dm_fail(error, DM_ERROR_FAILED, "fake hypervisor: not enough memory for %s", config->name);
        return -1;
    }
    if (!disks_exist(config, error))
        return -1;
    g_mutex_lock(&f->lock);
    int domid = ++f->last_domid;
    g_mutex_unlock(&f->lock);
    g_autoptr(GString) text = g_string_new(NULL);
    g_string_append_printf(text, "memory=%" G_GUINT64_FORMAT "\nvcpus=%d\nkernel=%s\ncmdline=%s\n",
                           config->memory_mib, config->vcpus, config->volumes->kernel, config->command_line);
    for (unsigned i = 0; i < config->volumes->n_disks; i++) {
        const struct volume_disk *disk = &config->volumes->disks[i];
        g_string_append_printf(text, "%s=%s,%s\n", disk->vdev, disk->path, disk->writable ? "w" : "r");
    }
    g_autofree char *path = g_strdup_printf("%s/%s.config", f->dir, config->name);
    if (!g_file_set_contents(path, text->str, -1, error) ||
        !write_domain(f, domid, config->uuid, "paused", config->name, error))
        return -1;
    return domid;
}

static gboolean fake_unpause(struct backend *b, int domid, GError **error)
{
    return set_state(b->impl, domid, "running", error);
}

static gboolean fake_pause(struct backend *b, int domid, GError **error)
{
    return set_state(b->impl, domid, "paused", error);
}

static gboolean fake_request_shutdown(struct backend *b, int domid, GError **error)
{
    return set_state(b->impl, domid, "stopping", error);
}

static gboolean fake_check(struct backend *b, int domid, GError **error)
{
    (void)domid;
    return !marker(b->impl, "no-store", "all") || dm_fail(error, DM_ERROR_FAILED, "xenstored is not running");
}

static gboolean fake_destroy(struct backend *b, int domid, GError **error)
{
    if (!fake_check(b, domid, error))
        return FALSE;
    g_autofree char *path = fake_path(b->impl, domid);
    static const char *const more[] = {".keys", ".replaced", ".blocks"};
    for (guint i = 0; i < G_N_ELEMENTS(more); i++) {
        g_autofree char *beside = g_strconcat(path, more[i], NULL);
        g_unlink(beside);
    }
    if (g_unlink(path) < 0 && errno != ENOENT)
        return dm_error_errno(error, "%s", path);
    return TRUE;
}

static gboolean write_key_file(struct backend *b, int domid, const char *kind, char **pairs, GError **error)
{
    struct fake *f = b->impl;
    g_autofree char *path = g_strdup_printf("%s/%d.%s", f->dir, domid, kind);
    g_autoptr(GString) text = g_string_new(NULL);
    for (char **p = pairs; p[0]; p += 2)
        g_string_append_printf(text, "%s = %s\n", p[0], p[1]);
    return g_file_set_contents(path, text->str, -1, error);
}

static gboolean fake_write_keys(struct backend *b, int domid, char **pairs, GError **error)
{
    return write_key_file(b, domid, "keys", pairs, error);
}

/* One directory's only: the last that was told of. */
static gboolean fake_replace_keys(struct backend *b, int domid, const char *directory, char **pairs,
                                  GError **error)
{
    (void)directory;
    return write_key_file(b, domid, "replaced", pairs, error);
}

/* Tests put a link to a terminal there. */
static char *fake_console(struct backend *b, int domid, GError **error)
{
    struct fake *f = b->impl;
    (void)error;
    return g_strdup_printf("%s/%d.console", f->dir, domid);
}

static GArray *fake_list(struct backend *b, GError **error)
{
    struct fake *f = b->impl;
    g_autoptr(GDir) dir = g_dir_open(f->dir, 0, error);
    if (!dir)
        return NULL;
    GArray *all = g_array_new(FALSE, TRUE, sizeof(struct backend_domain));
    for (const char *file; (file = g_dir_read_name(dir));) {
        char state[16], name[64];
        struct backend_domain d = {.domid = atoi(file), .memory_kib = 400 << 10};
        if (d.domid <= 0 || strchr(file, '.') || !read_domain(f, d.domid, d.uuid, state, name))
            continue;
        d.paused = strcmp(state, "paused") == 0;
        d.dying = strcmp(state, "crashed") == 0 || strcmp(state, "poweroff") == 0;
        d.end = strcmp(state, "crashed") == 0 ? BACKEND_CRASH : BACKEND_POWEROFF;
        g_array_append_val(all, d);
    }
    return all;
}

/* A file of lines "NAME SIZE w|r VDEV": "blocks" is dom0's, "DOMID.blocks" what a domain has attached. */
static GArray *read_blocks(struct fake *f, const char *file)
{
    GArray *all = g_array_new(FALSE, TRUE, sizeof(struct backend_block));
    g_autofree char *path = g_build_filename(f->dir, file, NULL), *text = NULL;
    g_auto(GStrv) lines = g_file_get_contents(path, &text, NULL, NULL) ? g_strsplit(text, "\n", 0) : NULL;
    for (char **line = lines; line && *line; line++) {
        struct backend_block block = {0};
        char mode = 0;
        if (sscanf(*line, "%31s %" G_GUINT64_FORMAT " %c %7s", block.name, &block.size, &mode, block.vdev) <
            3)
            continue;
        block.writable = mode == 'w';
        g_snprintf(block.path, sizeof block.path, "/dev/%s", block.name);
        g_array_append_val(all, block);
    }
    return all;
}

static gboolean write_blocks(struct fake *f, int domid, const GArray *blocks, GError **error)
{
    g_autofree char *path = g_strdup_printf("%s/%d.blocks", f->dir, domid);
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < blocks->len; i++) {
        const struct backend_block *block = &g_array_index(blocks, struct backend_block, i);
        g_string_append_printf(text, "%s %" G_GUINT64_FORMAT " %c %s\n", block->name, block->size,
                               block->writable ? 'w' : 'r', block->vdev);
    }
    return g_file_set_contents(path, text->str, -1, error);
}

static GArray *fake_block_available(struct backend *b, GError **error)
{
    (void)error;
    return read_blocks(b->impl, "blocks");
}

static GArray *fake_block_attached(struct backend *b, int domid, GError **error)
{
    g_autofree char *file = g_strdup_printf("%d.blocks", domid);
    (void)error;
    return read_blocks(b->impl, file);
}

static gboolean fake_block_attach(struct backend *b, int domid, const struct backend_block *block,
                                  GError **error)
{
    g_autoptr(GArray) all = fake_block_attached(b, domid, NULL);
    g_array_append_val(all, *block);
    return write_blocks(b->impl, domid, all, error);
}

static gboolean fake_block_detach(struct backend *b, int domid, const struct backend_block *block,
                                  GError **error)
{
    g_autoptr(GArray) all = fake_block_attached(b, domid, NULL);
    for (guint i = 0; i < all->len; i++)
        if (strcmp(g_array_index(all, struct backend_block, i).vdev, block->vdev) == 0)
            g_array_remove_index(all, i--);
    return write_blocks(b->impl, domid, all, error);
}

static gboolean fake_watch(struct backend *b, int domid, GError **error)
{
    struct fake *f = b->impl;
    (void)error;
    g_hash_table_add(f->watched, GINT_TO_POINTER(domid));
    return TRUE;
}

static void fake_unwatch(struct backend *b, int domid)
{
    struct fake *f = b->impl;
    g_hash_table_remove(f->watched, GINT_TO_POINTER(domid));
}

static int fake_cpus(struct backend *b)
{
    (void)b;
    return 2;
}

static guint64 fake_memory(struct backend *b, gboolean only_free)
{
    (void)b;
    return only_free ? 8ULL << 30 : 16ULL << 30;
}

const struct backend_ops backend_fake = {
    .name = "fake",
    .open = fake_open,
    .close = fake_close,
    .create = fake_create,
    .unpause = fake_unpause,
    .pause = fake_pause,
    .request_shutdown = fake_request_shutdown,
    .destroy = fake_destroy,
    .check = fake_check,
    .write_keys = fake_write_keys,
    .replace_keys = fake_replace_keys,
    .console = fake_console,
    .list = fake_list,
    .watch = fake_watch,
    .unwatch = fake_unwatch,
    .block_available = fake_block_available,
    .block_attached = fake_block_attached,
    .block_attach = fake_block_attach,
    .block_detach = fake_block_detach,
    .cpus = fake_cpus,
    .memory = fake_memory,
};
