/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing a backup. The worker thread copies into PATH.unfinished; the manifest comes last, then the rename:
 * a power cut leaves a directory that backup_restore refuses. Domains are busy until their files are copied.
 */
#include "backup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "backup_manifest.h"
#include "dm_error.h"
#include "property.h"
#include "store.h"
#include "volume.h"
#include "worker.h"

struct source {
    char *path;
    struct backup_file *file; /* owned by the work's list */
};

struct backup_work {
    struct manager *manager;
    char *path, *temporary;
    GArray *sources;       /* struct source, domain by domain */
    GPtrArray *files;      /* struct backup_file: the manifest */
    GPtrArray *domains;    /* names */
    _Atomic guint written; /* so many of them are done */
    guint released;
    backup_done_fn done;
    void *data;
};

static void source_clear(void *data)
{
    g_free(((struct source *)data)->path);
}

static void backup_work_free(void *data)
{
    struct backup_work *w = data;
    g_free(w->path);
    g_free(w->temporary);
    g_array_unref(w->sources);
    g_ptr_array_unref(w->files);
    g_ptr_array_unref(w->domains);
    g_free(w);
}

/* -- what belongs to a domain; main thread -- */

static gboolean add_source(struct backup_work *w, struct domain *d, enum backup_kind kind, char *path)
{
    if (!path || access(path, F_OK) < 0) {
        g_free(path);
        return FALSE;
    }
    struct backup_file *f = g_new0(struct backup_file, 1);
    f->domain = g_strdup(d->name);
    f->kind = kind;
    struct source s = {path, f};
    g_ptr_array_add(w->files, f);
    g_array_append_val(w->sources, s);
    return TRUE;
}

static gboolean add_from(struct backup_work *w, struct domain *d, enum backup_kind kind, const char *dir)
{
    return add_source(w, d, kind, g_build_filename(dir, backup_file_name(kind), NULL));
}

/* The private volume; of a running domain its newest revision. */
static char *private_source(struct domain *d, const char *dir)
{
    if (domain_is_halted(d))
        return g_build_filename(dir, backup_file_name(BACKUP_PRIVATE), NULL);
    g_autoptr(GPtrArray) all = volume_revisions(d, "private");
    return all->len ? g_strdup_printf("%s/private-%s.rev", dir, (char *)all->pdata[all->len - 1]) : NULL;
}

static gboolean add_domain(struct backup_work *w, struct domain *d, GError **error)
{
    g_autofree char *dir = manager_domain_dir(w->manager, d->name);
    g_autofree char *template_dir = manager_template_dir(w->manager, d->name);
    const char *image_dir = d->klass == CLASS_TEMPLATE ? template_dir : dir;
    if (d->klass == CLASS_ADMIN)
        return dm_fail(error, DM_ERROR_VALUE,
                       "dom0's own files are not part of a backup; copy them yourself");
    if (!domain_check_idle(d, error))
        return FALSE;
    if (d->klass == CLASS_STANDALONE && !domain_is_halted(d))
        return dm_fail(error, DM_ERROR_NOT_HALTED, "%s is running; shut it down first, or --exclude=%s",
                       d->name, d->name);
    add_from(w, d, BACKUP_SETTINGS, dir);
    add_from(w, d, BACKUP_FIREWALL, dir);
    add_from(w, d, BACKUP_NOTES, dir);
    if (!add_from(w, d, BACKUP_APPMENUS, dir))
        add_from(w, d, BACKUP_APPMENUS, template_dir);
    if (d->klass != CLASS_DISP && !add_source(w, d, BACKUP_PRIVATE, private_source(d, dir)))
        return dm_fail(error, DM_ERROR_NOT_HALTED,
                       "%s is running, and its file system keeps no revision of its private volume; shut it "
                       "down first, or --exclude=%s",
                       d->name, d->name);
    if (d->klass != CLASS_TEMPLATE && d->klass != CLASS_STANDALONE)
        return TRUE;
    if (d->klass == CLASS_TEMPLATE)
        add_source(w, d, BACKUP_UPPER, volume_committed_upper(template_dir));
    else
        add_from(w, d, BACKUP_UPPER, dir);
    for (int k = BACKUP_KERNEL; k < BACKUP_KINDS; k++)
        add_from(w, d, (enum backup_kind)k, image_dir);
    return add_from(w, d, BACKUP_ROOT, image_dir) ||
           dm_fail(error, DM_ERROR_STORAGE, "the root image of %s is missing; --exclude=%s", d->name,
                   d->name);
}

/* -- copying; worker thread -- */

gboolean backup_check_space(const char *dir, int sample, guint64 need, GError **error)
{
    struct statvfs v;
    int probe = open(dir, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
    gboolean shared = probe >= 0 && ioctl(probe, FICLONE, sample) == 0;
    if (probe >= 0)
        close(probe);
    if (shared)
        return TRUE;
    if (statvfs(dir, &v) < 0)
        return dm_error_errno(error, "%s", dir);
    guint64 room = (guint64)v.f_bavail * v.f_frsize;
    return need <= room || dm_fail(error, DM_ERROR_STORAGE,
                                   "%" G_GUINT64_FORMAT " MiB are needed, and %s has %" G_GUINT64_FORMAT
                                   " MiB free; nothing was copied",
                                   need >> 20, dir, room >> 20);
}

static gboolean copy_source(struct backup_work *w, const struct source *s, GError **error)
{
    struct backup_file *f = s->file;
    struct stat st;
    g_autofree char *to = g_build_filename(w->temporary, f->domain, backup_file_name(f->kind), NULL);
    g_autofree char *dir = g_path_get_dirname(to);
    g_mkdir_with_parents(dir, 0700);
    int in = open(s->path, O_RDONLY | O_CLOEXEC);
    int out = in < 0 ? -1 : open(to, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    g_autofree char *sum = out < 0 ? NULL : volume_copy_sum(in, out, error);
    if (out < 0)
        dm_error_errno(error, "%s", in < 0 ? s->path : to);
    else if (!sum)
        g_prefix_error(error, "%s: ", to);
    gboolean ok = sum && fstat(out, &st) == 0 && store_sync_dir(dir, error);
    if (ok) {
        f->size = (guint64)st.st_size;
        g_strlcpy(f->sum, sum, sizeof f->sum);
    }
    if (out >= 0)
        close(out);
    if (in >= 0)
        close(in);
    return ok;
}

static gboolean copy_all(struct backup_work *w, GError **error)
{
    for (guint i = 0; i < w->sources->len; i++) {
        const struct source *s = &g_array_index(w->sources, struct source, i), *next = s + 1;
        if (!copy_source(w, s, error))
            return FALSE;
        if (i + 1 == w->sources->len || strcmp(s->file->domain, next->file->domain) != 0)
            w->written++;
    }
    g_autofree char *manifest = g_build_filename(w->temporary, BACKUP_MANIFEST, NULL);
    g_autofree char *text = backup_manifest_text(w->files);
    for (guint i = 0; i < w->domains->len; i++) {
        g_autofree char *dir = g_build_filename(w->temporary, w->domains->pdata[i], NULL);
        if (!store_sync_dir(dir, error))
            return FALSE;
    }
    return store_write(manifest, text, strlen(text), error) && store_rename(w->temporary, w->path, error);
}

static gboolean backup_run(void *data, GError **error)
{
    struct backup_work *w = data;
    const char *image = "";
    guint64 need = 0;
    for (guint i = 0; i < w->sources->len; i++) {
        const struct source *s = &g_array_index(w->sources, struct source, i);
        need += volume_allocated(s->path);
        image = s->file->kind == BACKUP_PRIVATE ? s->path : image;
    }
    worker_expect(need);
    if (access(w->path, F_OK) == 0)
        return dm_fail(error, DM_ERROR_EXISTS, "%s exists already", w->path);
    if (mkdir(w->temporary, 0700) < 0)
        return errno == EEXIST
                   ? dm_fail(error, DM_ERROR_EXISTS,
                             "%s is left of a backup that was cut short; remove it first", w->temporary)
                   : dm_error_errno(error, "%s", w->temporary);
    int sample = open(image, O_RDONLY | O_CLOEXEC);
    gboolean room = backup_check_space(w->temporary, sample, need, error);
    if (sample >= 0)
        close(sample);
    if (room && copy_all(w, error))
        return TRUE;
    store_remove_tree(w->temporary, NULL);
    return FALSE;
}

/* -- main thread -- */

static void release(struct backup_work *w, guint until)
{
    for (; w->released < until; w->released++) {
        struct domain *d = manager_find(w->manager, w->domains->pdata[w->released]);
        if (d)
            d->busy = NULL;
    }
}

static void backup_tell(void *data, guint64 done, guint64 expected)
{
    struct backup_work *w = data;
    release(w, w->written);
    manager_emit_progress(w->manager, manager_find(w->manager, "dom0"), w->path, done, expected);
}

static void backup_ready(void *data, const GError *error)
{
    struct backup_work *w = data;
    g_autofree char *now = g_strdup_printf("%" G_GINT64_FORMAT, g_get_real_time() / G_USEC_PER_SEC);
    release(w, w->domains->len);
    for (guint i = 0; !error && i < w->domains->len; i++) {
        struct domain *d = manager_find(w->manager, w->domains->pdata[i]);
        g_autoptr(GError) inner = NULL;
        if (d && !property_set(d, "backup_timestamp", now, &inner))
            g_warning("%s", inner->message);
    }
    w->done(error, error ? NULL : "", w->data);
}

void backup_create(struct manager *m, const char *path, char *const *domains, backup_done_fn done, void *data)
{
    g_autoptr(GError) error = NULL;
    struct backup_work *w = g_new0(struct backup_work, 1);
    w->manager = m;
    w->path = g_strdup(path);
    w->temporary = g_strconcat(path, ".unfinished", NULL);
    w->sources = g_array_new(FALSE, FALSE, sizeof(struct source));
    g_array_set_clear_func(w->sources, source_clear);
    w->files = g_ptr_array_new_with_free_func(backup_file_free);
    w->domains = g_ptr_array_new_with_free_func(g_free);
    w->done = done;
    w->data = data;
    for (; !error && *domains; domains++) {
        struct domain *d = manager_get(m, *domains, &error);
        if (d && add_domain(w, d, &error)) {
            g_ptr_array_add(w->domains, g_strdup(d->name));
            d->busy = "backed up"; /* also refuses a name that is given twice */
        }
    }
    if (!error && !w->domains->len)
        dm_fail(&error, DM_ERROR_VALUE, "no domain is to be backed up");
    if (error) {
        release(w, w->domains->len);
        done(error, NULL, data);
        backup_work_free(w);
        return;
    }
    worker_start_copy(w, backup_run, backup_ready, backup_work_free, backup_tell);
}
