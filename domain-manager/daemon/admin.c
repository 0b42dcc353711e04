/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "admin.h"

#include <string.h>

#include "dm_error.h"

static const struct admin_method *const tables[] = {
    admin_vm_methods, admin_data_methods, admin_volume_methods, admin_device_methods, admin_backup_methods};

static const struct admin_method *find(const char *name)
{
    for (guint i = 0; i < G_N_ELEMENTS(tables); i++)
        for (const struct admin_method *m = tables[i]; m->name; m++)
            if (strcmp(m->name, name) == 0)
                return m;
    return NULL;
}

void admin_finish(struct admin_request *r, const GError *error, const char *data)
{
    r->reply(error, error ? NULL : data, error || !data ? 0 : strlen(data), r->user);
    g_free(r->method);
    g_free(r->argument);
    g_free(r->source);
    g_free(r->target);
    g_free(r->payload);
    g_free(r);
}

void admin_done(const GError *error, void *data)
{
    admin_finish(data, error, "");
}

static gboolean check(const struct admin_method *method, struct admin_request *r, GError **error)
{
    if (!method)
        return dm_fail(error, DM_ERROR_NO_METHOD, "there is no method \"%s\"", r->method);
    if (method->flags & ADMIN_ARG && !r->argument[0])
        return dm_fail(error, DM_ERROR_PROTOCOL, "%s needs an argument", r->method);
    if (method->flags & ADMIN_NO_ARG && r->argument[0])
        return dm_fail(error, DM_ERROR_PROTOCOL, "%s takes no argument", r->method);
    r->dest = manager_get(r->manager, r->target, error);
    if (!r->dest)
        return FALSE;
    if (method->flags & ADMIN_DOM0 && r->dest->klass != CLASS_ADMIN)
        return dm_fail(error, DM_ERROR_PROTOCOL, "%s is for dom0", r->method);
    return !(method->flags & ADMIN_CHANGE) || domain_check_idle(r->dest, error);
}

void admin_call(struct manager *m, const char *untrusted_method, const char *source,
                const char *untrusted_target, const char *untrusted_payload, gsize payload_size,
                admin_reply_fn reply, void *user)
{
    g_autoptr(GError) error = NULL;
    const char *plus = strchr(untrusted_method, '+');
    struct admin_request *r = g_new0(struct admin_request, 1);
    r->manager = m;
    r->method =
        plus ? g_strndup(untrusted_method, (gsize)(plus - untrusted_method)) : g_strdup(untrusted_method);
    r->argument = g_strdup(plus ? plus + 1 : "");
    r->source = g_strdup(source);
    r->target = g_strdup(untrusted_target);
    r->payload = g_malloc(payload_size + 1);
    memcpy(r->payload, untrusted_payload, payload_size);
    r->payload[payload_size] = 0;
    r->payload_size = payload_size;
    r->reply = reply;
    r->user = user;
    const struct admin_method *method = find(r->method);
    if (memchr(r->payload, 0, payload_size))
        dm_fail(&error, DM_ERROR_PROTOCOL, "%s: the value has a NUL byte", r->method);
    if (error || !check(method, r, &error)) {
        admin_finish(r, error, NULL);
        return;
    }
    if (method->async) {
        method->async(r);
        return;
    }
    g_autoptr(GString) out = g_string_new(NULL);
    gboolean ok = method->sync(r, out, &error);
    admin_finish(r, ok ? NULL : error, out->str);
}

void admin_append_keys(GString *out, GHashTable *table)
{
    g_autoptr(GList) keys = g_list_sort(g_hash_table_get_keys(table), (GCompareFunc)strcmp);
    for (GList *l = keys; l; l = l->next)
        g_string_append_printf(out, "%s\n", (char *)l->data);
}
