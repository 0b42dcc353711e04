/* SPDX-License-Identifier: GPL-2.0-or-later */
/* admin.vm.volume.* and admin.pool.* (there is one pool, "file"). Import is in qubesd.c: it streams. */
#include "admin.h"

#include <string.h>
#include <sys/statvfs.h>

#include "dm_error.h"
#include "volume.h"
#include "worker.h"

static gboolean volume_list(struct admin_request *r, GString *out, GError **error)
{
    (void)error;
    for (const char *const *n = volume_names(r->dest); *n; n++)
        g_string_append_printf(out, "%s\n", *n);
    return TRUE;
}

static gboolean volume_do_info(struct admin_request *r, GString *out, GError **error)
{
    g_autofree char *text = volume_info(r->dest, r->argument, error);
    if (text)
        g_string_append(out, text);
    return text != NULL;
}

static gboolean volume_list_snapshots(struct admin_request *r, GString *out, GError **error)
{
    g_autofree char *known = volume_info(r->dest, r->argument, error);
    if (!known)
        return FALSE;
    g_autoptr(GPtrArray) all = volume_revisions(r->dest, r->argument);
    for (guint i = 0; i < all->len; i++)
        g_string_append_printf(out, "%s\n", (char *)all->pdata[i]);
    return TRUE;
}

static gboolean volume_do_resize(struct admin_request *r, GString *out, GError **error)
{
    guint64 size = 0;
    (void)out;
    return rules_size_parse(r->payload, &size, error) && volume_resize(r->dest, r->argument, size, error);
}

static gboolean volume_do_clear(struct admin_request *r, GString *out, GError **error)
{
    (void)out;
    return volume_clear(r->dest, r->argument, error);
}

static gboolean volume_set_revisions(struct admin_request *r, GString *out, GError **error)
{
    gint64 n = 0;
    g_autofree char *known = volume_info(r->dest, r->argument, error);
    g_autofree char *key = g_strconcat(r->argument, ".revisions_to_keep", NULL);
    (void)out;
    return known && rules_int_parse(r->payload, 0, 99, &n, error) &&
           domain_store(r->dest, r->dest->volumes, key, r->payload, error);
}

/* -- CloneFrom gives a token, CloneTo with it copies: so that a domain may be allowed one without the other
 * -- */

struct copy_work {
    struct admin_request *request;
    char *from_domain, *to_domain;
    struct volume_revert files;
};

static void copy_work_free(void *data)
{
    struct copy_work *w = data;
    g_free(w->from_domain);
    g_free(w->to_domain);
    g_free(w->files.from);
    g_free(w->files.to);
    g_free(w->files.template_dir);
    g_free(w);
}

static gboolean copy_run(void *data, GError **error)
{
    struct copy_work *w = data;
    const struct volume_revert *f = &w->files;
    worker_expect(volume_allocated(f->from) * (f->template_dir ? 2 : 1));
    return volume_replace(f->from, f->to, error) &&
           (!f->template_dir || volume_commit_upper(f->template_dir, f->from, 1, error));
}

static void copy_ready(void *data, const GError *error)
{
    struct copy_work *w = data;
    struct admin_request *r = w->request;
    const char *const names[] = {w->from_domain, w->to_domain};
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        struct domain *d = manager_find(r->manager, names[i]);
        if (d)
            d->busy = NULL;
    }
    admin_finish(r, error, "");
}

static void copy_tell(void *data, guint64 done, guint64 expected)
{
    struct copy_work *w = data;
    struct manager *m = w->request->manager;
    manager_emit_progress(m, manager_find(m, w->to_domain), w->to_domain, done, expected);
}

static void volume_do_revert(struct admin_request *r)
{
    g_autoptr(GError) error = NULL;
    struct volume_revert files = {0};
    gboolean ok = volume_revert_plan(r->dest, r->argument, r->payload, &files, &error);
    struct copy_work *w = g_new(struct copy_work, 1);
    *w = (struct copy_work){r, g_strdup(r->dest->name), g_strdup(r->dest->name), files};
    if (!ok || !files.from) {
        admin_finish(r, error, "");
        copy_work_free(w);
        return;
    }
    r->dest->busy = "reverted";
    worker_start_copy(w, copy_run, copy_ready, copy_work_free, copy_tell);
}

static gboolean volume_clone_from(struct admin_request *r, GString *out, GError **error)
{
    g_autofree char *path = volume_private_path(r->dest, r->argument, error);
    if (!path)
        return FALSE;
    char *token = g_uuid_string_random();
    g_hash_table_insert(r->manager->tokens, token, g_strdup(r->dest->name));
    g_string_append(out, token);
    return TRUE;
}

/* The domain that the token stands for; a token is good for one copy. */
static struct domain *take_token(struct admin_request *r, GError **error)
{
    g_autofree char *key = NULL, *name = NULL;
    if (!g_hash_table_steal_extended(r->manager->tokens, r->payload, (void **)&key, (void **)&name)) {
        dm_fail(error, DM_ERROR_VALUE, "%s: the token is unknown or was used", r->method);
        return NULL;
    }
    return manager_get(r->manager, name, error);
}

static void volume_clone_to(struct admin_request *r)
{
    g_autoptr(GError) error = NULL;
    struct domain *from = take_token(r, &error);
    g_autofree char *source = from ? volume_private_path(from, "private", &error) : NULL;
    g_autofree char *target = source ? volume_private_path(r->dest, r->argument, &error) : NULL;
    if (!target || from == r->dest) {
        if (!error)
            dm_fail(&error, DM_ERROR_VALUE, "%s: source and target are the same", r->method);
        admin_finish(r, error, NULL);
        return;
    }
    struct copy_work *w = g_new(struct copy_work, 1);
    *w = (struct copy_work){r,
                            g_strdup(from->name),
                            g_strdup(r->dest->name),
                            {g_steal_pointer(&source), g_steal_pointer(&target), NULL}};
    from->busy = "cloned";
    r->dest->busy = "cloned to";
    worker_start_copy(w, copy_run, copy_ready, copy_work_free, copy_tell);
}

/* -- the pool -- */

static gboolean pool_list(struct admin_request *r, GString *out, GError **error)
{
    (void)r, (void)error;
    g_string_append(out, "file\n");
    return TRUE;
}

static gboolean pool_drivers(struct admin_request *r, GString *out, GError **error)
{
    (void)r, (void)error;
    g_string_append(out, "file dir_path\n");
    return TRUE;
}

static gboolean check_pool(struct admin_request *r, GError **error)
{
    return strcmp(r->argument, "file") == 0 ||
           dm_fail(error, DM_ERROR_NO_VOLUME, "there is no pool \"%s\"", r->argument);
}

static void append_usage(struct admin_request *r, GString *out, const char *prefix)
{
    struct statvfs v;
    if (statvfs(r->manager->state_dir, &v) == 0)
        g_string_append_printf(out, "%ssize=%" G_GUINT64_FORMAT "\n%susage=%" G_GUINT64_FORMAT "\n", prefix,
                               (guint64)v.f_blocks * v.f_frsize, prefix,
                               (guint64)(v.f_blocks - v.f_bavail) * v.f_frsize);
}

static gboolean pool_info(struct admin_request *r, GString *out, GError **error)
{
    if (!check_pool(r, error))
        return FALSE;
    g_string_append_printf(out, "driver=file\ndir_path=%s\n", r->manager->state_dir);
    append_usage(r, out, "");
    return TRUE;
}

static gboolean pool_usage(struct admin_request *r, GString *out, GError **error)
{
    if (!check_pool(r, error))
        return FALSE;
    append_usage(r, out, "data_");
    return TRUE;
}

static gboolean pool_volumes(struct admin_request *r, GString *out, GError **error)
{
    g_autoptr(GPtrArray) all = manager_sorted(r->manager);
    (void)error;
    for (guint i = 0; i < all->len; i++) {
        struct domain *d = all->pdata[i];
        for (const char *const *n = volume_names(d); *n; n++)
            g_string_append_printf(out, "%s/%s\n", d->name, *n);
    }
    return TRUE;
}

/* The payload names the volume as admin.pool.volume.List does: DOMAIN/VOLUME. */
static gboolean pool_volume_info(struct admin_request *r, GString *out, GError **error)
{
    g_auto(GStrv) names = g_strsplit(r->payload, "/", 2);
    if (!check_pool(r, error))
        return FALSE;
    if (g_strv_length(names) != 2)
        return dm_fail(error, DM_ERROR_NO_VOLUME, "\"%s\" is no volume; one is written DOMAIN/VOLUME",
                       r->payload);
    struct domain *d = manager_get(r->manager, names[0], error);
    g_autofree char *text = d ? volume_info(d, names[1], error) : NULL;
    if (text)
        g_string_append(out, text);
    return text != NULL;
}

const struct admin_method admin_volume_methods[] = {
    {"admin.vm.volume.List", volume_list, NULL, ADMIN_NO_ARG},
    {"admin.vm.volume.Info", volume_do_info, NULL, ADMIN_ARG},
    {"admin.vm.volume.ListSnapshots", volume_list_snapshots, NULL, ADMIN_ARG},
    {"admin.vm.volume.Resize", volume_do_resize, NULL, ADMIN_ARG | ADMIN_CHANGE},
    {"admin.vm.volume.Revert", NULL, volume_do_revert, ADMIN_ARG | ADMIN_CHANGE},
    {"admin.vm.volume.Clear", volume_do_clear, NULL, ADMIN_ARG | ADMIN_CHANGE},
    {"admin.vm.volume.CloneFrom", volume_clone_from, NULL, ADMIN_ARG | ADMIN_CHANGE},
    {"admin.vm.volume.CloneTo", NULL, volume_clone_to, ADMIN_ARG | ADMIN_CHANGE},
    {"admin.vm.volume.Set.revisions_to_keep", volume_set_revisions, NULL, ADMIN_ARG | ADMIN_CHANGE},
    {"admin.pool.List", pool_list, NULL, ADMIN_NO_ARG | ADMIN_DOM0},
    {"admin.pool.ListDrivers", pool_drivers, NULL, ADMIN_NO_ARG | ADMIN_DOM0},
    {"admin.pool.Info", pool_info, NULL, ADMIN_ARG | ADMIN_DOM0},
    {"admin.pool.UsageDetails", pool_usage, NULL, ADMIN_ARG | ADMIN_DOM0},
    {"admin.pool.volume.List", pool_volumes, NULL, ADMIN_ARG | ADMIN_DOM0},
    {"admin.pool.volume.Info", pool_volume_info, NULL, ADMIN_ARG | ADMIN_DOM0},
    {NULL, NULL, NULL, 0},
};
