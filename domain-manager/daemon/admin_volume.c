/* SPDX-License-Identifier: GPL-2.0-or-later */
/* admin.vm.volume.* and admin.pool.* (there is one pool, "file"). Import is in qubesd.c: it streams. */
#include "admin.h"

#include <string.h>
#include <sys/statvfs.h>

#include "dm_error.h"
#include "volume.h"

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

static gboolean volume_do_revert(struct admin_request *r, GString *out, GError **error)
{
    (void)out;
    return volume_revert(r->dest, r->argument, r->payload, error);
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

static gboolean pool_info(struct admin_request *r, GString *out, GError **error)
{
    struct statvfs v;
    if (strcmp(r->argument, "file") != 0)
        return dm_fail(error, DM_ERROR_NO_VOLUME, "there is no pool \"%s\"", r->argument);
    g_string_append_printf(out, "driver=file\ndir_path=%s\n", r->manager->state_dir);
    if (statvfs(r->manager->state_dir, &v) == 0)
        g_string_append_printf(out, "size=%" G_GUINT64_FORMAT "\nusage=%" G_GUINT64_FORMAT "\n",
                               (guint64)v.f_blocks * v.f_frsize,
                               (guint64)(v.f_blocks - v.f_bavail) * v.f_frsize);
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

const struct admin_method admin_volume_methods[] = {
    {"admin.vm.volume.List", volume_list, NULL, ADMIN_NO_ARG},
    {"admin.vm.volume.Info", volume_do_info, NULL, ADMIN_ARG},
    {"admin.vm.volume.ListSnapshots", volume_list_snapshots, NULL, ADMIN_ARG},
    {"admin.vm.volume.Resize", volume_do_resize, NULL, ADMIN_ARG | ADMIN_CHANGE},
    {"admin.vm.volume.Revert", volume_do_revert, NULL, ADMIN_ARG | ADMIN_CHANGE},
    {"admin.vm.volume.Clear", volume_do_clear, NULL, ADMIN_ARG | ADMIN_CHANGE},
    {"admin.vm.volume.Set.revisions_to_keep", volume_set_revisions, NULL, ADMIN_ARG | ADMIN_CHANGE},
    {"admin.pool.List", pool_list, NULL, ADMIN_NO_ARG | ADMIN_DOM0},
    {"admin.pool.ListDrivers", pool_drivers, NULL, ADMIN_NO_ARG | ADMIN_DOM0},
    {"admin.pool.Info", pool_info, NULL, ADMIN_ARG | ADMIN_DOM0},
    {"admin.pool.volume.List", pool_volumes, NULL, ADMIN_ARG | ADMIN_DOM0},
    {NULL, NULL, NULL, 0},
};
