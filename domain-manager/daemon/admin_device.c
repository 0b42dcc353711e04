/* SPDX-License-Identifier: GPL-2.0-or-later */
/* admin.vm.device.block.* and admin.deviceclass.List. A line of an answer: IDENTITY KEY='VALUE' … */
#include "admin.h"
#include "backend.h"
#include "device.h"
#include "dm_error.h"

static gboolean deviceclass_list(struct admin_request *r, GString *out, GError **error)
{
    (void)r, (void)error;
    g_string_append(out, "block\n");
    return TRUE;
}

static gboolean block_available(struct admin_request *r, GString *out, GError **error)
{
    if (r->dest->klass != CLASS_ADMIN)
        return TRUE; /* only dom0 has any to give */
    g_autoptr(GArray) all = device_available(r->manager, error);
    for (guint i = 0; all && i < all->len; i++) {
        const struct backend_block *block = &g_array_index(all, struct backend_block, i);
        g_string_append_printf(out, "%s size='%" G_GUINT64_FORMAT "' mode='%s' desc='%s'\n", block->name,
                               block->size, block->writable ? "w" : "r", block->description);
    }
    return all != NULL;
}

static gboolean block_attached(struct admin_request *r, GString *out, GError **error)
{
    const GArray *all = r->dest->attached;
    (void)error;
    for (guint i = 0; all && i < all->len; i++) {
        const struct backend_block *block = &g_array_index(all, struct backend_block, i);
        g_string_append_printf(out, "dom0+%s frontend-dev='%s' read-only='%s'\n", block->name, block->vdev,
                               block->writable ? "no" : "yes");
    }
    return TRUE;
}

static void block_attach(struct admin_request *r)
{
    g_autoptr(GError) error = NULL;
    struct device_options options;
    g_autofree char *name = device_name(r->argument, &error);
    if (name && device_options_parse(r->payload, &options, &error))
        device_attach(r->dest, name, &options, admin_done, r);
    else
        admin_finish(r, error, NULL);
}

static void block_detach(struct admin_request *r)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *name = device_name(r->argument, &error);
    if (name)
        device_detach(r->dest, name, admin_done, r);
    else
        admin_finish(r, error, NULL);
}

static gboolean block_assigned(struct admin_request *r, GString *out, GError **error)
{
    GHashTableIter it;
    const char *name, *text;
    (void)error;
    g_hash_table_iter_init(&it, r->dest->devices);
    while (g_hash_table_iter_next(&it, (void **)&name, (void **)&text))
        g_string_append_printf(out, "dom0+%s%s%s\n", name, text[0] ? " " : "", text);
    return TRUE;
}

static gboolean block_assign(struct admin_request *r, GString *out, GError **error)
{
    struct device_options options;
    g_autofree char *name = device_name(r->argument, error);
    (void)out;
    if (!name || !device_options_parse(r->payload, &options, error) ||
        !domain_store(r->dest, r->dest->devices, name, r->payload, error))
        return FALSE;
    manager_emit(r->manager, r->dest, "device-assign:block", "device", r->argument, "options", r->payload,
                 NULL);
    return TRUE;
}

static gboolean block_unassign(struct admin_request *r, GString *out, GError **error)
{
    g_autofree char *name = device_name(r->argument, error);
    (void)out;
    if (name && !g_hash_table_contains(r->dest->devices, name))
        return dm_fail(error, DM_ERROR_VALUE, "%s is not assigned to %s", name, r->dest->name);
    if (!name || !domain_store(r->dest, r->dest->devices, name, NULL, error))
        return FALSE;
    manager_emit(r->manager, r->dest, "device-unassign:block", "device", r->argument, NULL);
    return TRUE;
}

const struct admin_method admin_device_methods[] = {
    {"admin.deviceclass.List", deviceclass_list, NULL, ADMIN_NO_ARG | ADMIN_DOM0},
    {"admin.vm.device.block.Available", block_available, NULL, ADMIN_NO_ARG},
    {"admin.vm.device.block.Attached", block_attached, NULL, ADMIN_NO_ARG},
    {"admin.vm.device.block.Attach", NULL, block_attach, ADMIN_ARG | ADMIN_CHANGE},
    {"admin.vm.device.block.Detach", NULL, block_detach, ADMIN_ARG | ADMIN_CHANGE},
    {"admin.vm.device.block.Assigned", block_assigned, NULL, ADMIN_NO_ARG},
    {"admin.vm.device.block.Assign", block_assign, NULL, ADMIN_ARG | ADMIN_CHANGE},
    {"admin.vm.device.block.Unassign", block_unassign, NULL, ADMIN_ARG | ADMIN_CHANGE},
    {NULL, NULL, NULL, 0},
};
