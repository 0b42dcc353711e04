/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "device.h"

#include <string.h>

#include "dm_error.h"
#include "rules.h"
#include "worker.h"

#define VDEV_PREFIX "xvd"
#define VDEV_FIRST  'i' /* the letters before are the domain's own volumes' */
#define VDEV_LAST   'z'

static gboolean vdev_valid(const char *vdev)
{
    return strlen(vdev) == strlen(VDEV_PREFIX) + 1 && g_str_has_prefix(vdev, VDEV_PREFIX) &&
           vdev[3] >= VDEV_FIRST && vdev[3] <= VDEV_LAST;
}

gboolean device_options_parse(const char *untrusted_text, struct device_options *options, GError **error)
{
    g_auto(GStrv) words = g_strsplit(untrusted_text, " ", 16);
    *options = (struct device_options){0};
    for (char **w = words; *w; w++) {
        const char *value = strchr(*w, '=');
        int yes = value ? rules_bool_parse(value + 1) : -1;
        if (g_str_has_prefix(*w, "read-only=") && yes >= 0)
            options->read_only = yes;
        else if (g_str_has_prefix(*w, "required=") && yes >= 0)
            options->required = yes;
        else if (g_str_has_prefix(*w, "frontend-dev=") && vdev_valid(value + 1))
            g_strlcpy(options->vdev, value + 1, sizeof options->vdev);
        else if (**w)
            return dm_fail(
                error, DM_ERROR_VALUE,
                "option \"%s\" is not understood: read-only=yes, required=yes, frontend-dev=xvdi to xvdz",
                *w);
    }
    return TRUE;
}

char *device_name(const char *untrusted_identity, GError **error)
{
    static const char dom0[] = "dom0+",
                      chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    const char *name = g_str_has_prefix(untrusted_identity, dom0) ? untrusted_identity + strlen(dom0) : "";
    size_t length = strspn(name, chars);
    if (length > 0 && length < BACKEND_BLOCK_NAME_SIZE && (name[length] == 0 || name[length] == ':'))
        return g_strndup(name, length); /* after a colon: the device's own identity */
    g_autofree char *shown = g_strescape(untrusted_identity, NULL);
    dm_fail(error, DM_ERROR_VALUE,
            "\"%s\" is no block device of dom0; one is written dom0:NAME (qvm-block list)", shown);
    return NULL;
}

static struct backend_block *find(GArray *blocks, const char *name)
{
    for (guint i = 0; blocks && i < blocks->len; i++)
        if (strcmp(g_array_index(blocks, struct backend_block, i).name, name) == 0)
            return &g_array_index(blocks, struct backend_block, i);
    return NULL;
}

/* blkback does not hold its device exclusively: who has it is known of the domains. */
GArray *device_available(struct manager *m, GError **error)
{
    struct backend *b = m->backend;
    GArray *available = b->ops->block_available(b, error);
    GHashTableIter it;
    struct domain *d;
    g_hash_table_iter_init(&it, m->domains);
    while (available && g_hash_table_iter_next(&it, NULL, (void **)&d))
        for (guint i = 0; i < available->len; i++)
            if (find(d->attached, g_array_index(available, struct backend_block, i).name))
                g_array_remove_index(available, i--);
    return available;
}

/* The device as it will be attached: where it is, whether it may be written, under which name. */
static gboolean choose(GArray *available, GArray *attached, const char *name,
                       const struct device_options *options, struct backend_block *out, GError **error)
{
    const struct backend_block *device = find(available, name);
    gboolean used[VDEV_LAST - VDEV_FIRST + 1] = {FALSE};
    if (!device)
        return dm_fail(error, DM_ERROR_IN_USE,
                       "there is no free block device %s in dom0 (qvm-block list shows them)", name);
    for (guint i = 0; attached && i < attached->len; i++) {
        const char *vdev = g_array_index(attached, struct backend_block, i).vdev;
        if (vdev_valid(vdev))
            used[vdev[3] - VDEV_FIRST] = TRUE;
    }
    char letter = options->vdev[0] ? options->vdev[3] : VDEV_FIRST;
    while (!options->vdev[0] && letter < VDEV_LAST && used[letter - VDEV_FIRST])
        letter++;
    if (used[letter - VDEV_FIRST])
        return dm_fail(error, DM_ERROR_IN_USE, VDEV_PREFIX "%c is in use in that domain already", letter);
    *out = *device;
    out->writable = device->writable && !options->read_only;
    g_snprintf(out->vdev, sizeof out->vdev, VDEV_PREFIX "%c", letter);
    return TRUE;
}

/* -- attach, detach: the back end waits for the guest, so in a thread -- */

struct device_work {
    struct manager *manager;
    char *domain;
    int domid;
    struct backend_block block;
    gboolean attach;
    GArray *found; /* of device_recover */
    done_fn done;
    void *data;
};

static void device_work_free(void *data)
{
    struct device_work *w = data;
    g_clear_pointer(&w->found, g_array_unref);
    g_free(w->domain);
    g_free(w);
}

static gboolean device_change(void *data, GError **error)
{
    struct device_work *w = data;
    struct backend *b = w->manager->backend;
    return (w->attach ? b->ops->block_attach : b->ops->block_detach)(b, w->domid, &w->block, error);
}

static void set_attached(struct domain *d, const struct backend_block *block, gboolean attached)
{
    struct backend_block *old = find(d->attached, block->name);
    if (!d->attached)
        d->attached = g_array_new(FALSE, TRUE, sizeof *block);
    if (attached)
        g_array_append_val(d->attached, *block);
    else if (old)
        g_array_remove_index(d->attached, (guint)(old - (struct backend_block *)(void *)d->attached->data));
}

static void device_ready(void *data, const GError *error)
{
    struct device_work *w = data;
    struct domain *d = manager_find(w->manager, w->domain);
    g_autofree char *identity = g_strconcat("dom0:", w->block.name, NULL);
    if (!error && d && d->domid == w->domid)
        set_attached(d, &w->block, w->attach);
    if (!error && d)
        manager_emit(w->manager, d, w->attach ? "device-attach:block" : "device-detach:block", "device",
                     identity, NULL);
    w->done(error, w->data);
}

static void device_run(struct domain *d, const struct backend_block *block, gboolean attach, done_fn done,
                       void *data)
{
    struct device_work *w = g_new(struct device_work, 1);
    *w = (struct device_work){d->manager, g_strdup(d->name), d->domid, *block, attach, NULL, done, data};
    worker_start(w, device_change, device_ready, device_work_free);
}

static gboolean check_running(const struct domain *d, GError **error)
{
    return (d->klass != CLASS_ADMIN && d->state == STATE_RUNNING) ||
           dm_fail(error, DM_ERROR_NOT_RUNNING, "%s is not running", d->name);
}

void device_attach(struct domain *d, const char *name, const struct device_options *options, done_fn done,
                   void *data)
{
    g_autoptr(GError) error = NULL;
    struct backend_block block;
    g_autoptr(GArray) available = check_running(d, &error) ? device_available(d->manager, &error) : NULL;
    if (available && choose(available, d->attached, name, options, &block, &error))
        device_run(d, &block, TRUE, done, data);
    else
        done(error, data);
}

void device_detach(struct domain *d, const char *name, done_fn done, void *data)
{
    g_autoptr(GError) error = NULL;
    const struct backend_block *block = find(d->attached, name);
    if (check_running(d, &error) && (!block || !vdev_valid(block->vdev)))
        dm_fail(&error, DM_ERROR_VALUE, "%s has no device dom0:%s", d->name, name);
    if (error)
        done(error, data);
    else
        device_run(d, block, FALSE, done, data);
}

static gboolean recover_run(void *data, GError **error)
{
    struct device_work *w = data;
    struct backend *b = w->manager->backend;
    w->found = b->ops->block_attached(b, w->domid, error);
    return w->found != NULL;
}

static void recover_ready(void *data, const GError *error)
{
    struct device_work *w = data;
    struct domain *d = manager_find(w->manager, w->domain);
    if (error)
        g_warning("devices of %s: %s", w->domain, error->message);
    else if (d && d->domid == w->domid && !d->attached)
        d->attached = g_steal_pointer(&w->found);
}

void device_recover(struct domain *d)
{
    struct device_work *w = g_new0(struct device_work, 1);
    *w = (struct device_work){.manager = d->manager, .domain = g_strdup(d->name), .domid = d->domid};
    worker_start(w, recover_run, recover_ready, device_work_free);
}

gboolean device_plan(struct domain *d, GArray **blocks, GError **error)
{
    GHashTableIter it;
    const char *name, *text;
    *blocks = NULL;
    if (!g_hash_table_size(d->devices))
        return TRUE;
    g_autoptr(GArray) available = device_available(d->manager, error);
    if (!available)
        return FALSE;
    g_autoptr(GArray) chosen = g_array_new(FALSE, TRUE, sizeof(struct backend_block));
    g_hash_table_iter_init(&it, d->devices);
    while (g_hash_table_iter_next(&it, (void **)&name, (void **)&text)) {
        g_autoptr(GError) why = NULL;
        struct device_options options;
        struct backend_block block;
        if (device_options_parse(text, &options, &why) &&
            choose(available, chosen, name, &options, &block, &why)) {
            g_array_append_val(chosen, block);
        } else if (options.required) {
            g_propagate_prefixed_error(error, g_steal_pointer(&why),
                                       "a device that %s requires is missing: ", d->name);
            return FALSE;
        } else {
            g_message("%s starts without an assigned device: %s", d->name, why->message);
        }
    }
    *blocks = g_steal_pointer(&chosen);
    return TRUE;
}
