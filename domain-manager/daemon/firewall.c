/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "firewall.h"

#include <string.h>

#include "backend.h"
#include "dm_error.h"
#include "firewall_rule.h"
#include "property.h"
#include "store.h"
#include "worker.h"

#define DEFAULT_RULES "action=accept\n"
#define RULES_MAX     1000 /* keys have four digits, and xenstore limits what a domain may hold */

static char *rules_path(struct domain *d)
{
    g_autofree char *dir = manager_domain_dir(d->manager, d->name);
    return g_build_filename(dir, "firewall", NULL);
}

char *firewall_get(struct domain *d)
{
    g_autofree char *path = rules_path(d);
    char *text = NULL;
    return g_file_get_contents(path, &text, NULL, NULL) ? text : g_strdup(DEFAULT_RULES);
}

char *firewall_normalize(const char *untrusted_rules, GError **error)
{
    g_auto(GStrv) lines = g_strsplit(untrusted_rules, "\n", 0);
    g_autoptr(GString) text = g_string_new(NULL);
    guint n = 0;
    for (char **line = lines; *line; line++) {
        g_autofree char *rule = **line ? firewall_rule_normalize(*line, error) : NULL;
        if (rule && ++n > RULES_MAX)
            dm_fail(error, DM_ERROR_VALUE, "more than %d firewall rules", RULES_MAX);
        if ((**line && !rule) || n > RULES_MAX)
            return NULL;
        if (rule)
            g_string_append_printf(text, "%s\n", rule);
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

gboolean firewall_set(struct domain *d, const char *untrusted_rules, GError **error)
{
    g_autofree char *path = rules_path(d);
    g_autofree char *text = firewall_normalize(untrusted_rules, error);
    if (!text)
        return FALSE;
    if (d->klass == CLASS_ADMIN)
        return dm_fail(error, DM_ERROR_VALUE, "dom0 has no network, and no firewall");
    if (!store_write(path, text, strlen(text), error))
        return FALSE;
    manager_emit(d->manager, d, "firewall-changed", NULL);
    firewall_tell(d);
    return TRUE;
}

char *firewall_directory(struct domain *d)
{
    g_autofree char *ip = property_get(d, "ip", NULL);
    return g_strconcat("/qubes-firewall/", ip, NULL);
}

static gint64 seconds_now(void)
{
    return g_get_real_time() / G_USEC_PER_SEC;
}

char **firewall_keys(struct domain *d)
{
    g_autofree char *text = firewall_get(d), *dir = firewall_directory(d);
    g_auto(GStrv) rules = g_strsplit(text, "\n", 0);
    GPtrArray *pairs = g_ptr_array_new();
    g_ptr_array_add(pairs, g_strconcat(dir, "/policy", NULL));
    g_ptr_array_add(pairs, g_strdup("drop"));
    for (guint i = 0; rules[i]; i++) {
        gint64 expires;
        char *rule = firewall_rule_for_netvm(rules[i], seconds_now(), &expires);
        if (!rule)
            continue;
        g_ptr_array_add(pairs, g_strdup_printf("%s/%04u", dir, i));
        g_ptr_array_add(pairs, rule);
    }
    g_ptr_array_add(pairs, g_steal_pointer(&dir));
    g_ptr_array_add(pairs, g_strdup(""));
    g_ptr_array_add(pairs, NULL);
    return (char **)g_ptr_array_free(pairs, FALSE);
}

/* -- telling a running netvm -- */

struct tell {
    struct manager *manager;
    char *name, *directory, **keys;
    int netvm;
};

static void tell_free(void *data)
{
    struct tell *t = data;
    g_free(t->name);
    g_free(t->directory);
    g_strfreev(t->keys);
    g_free(t);
}

static gboolean tell_run(void *data, GError **error)
{
    struct tell *t = data;
    struct backend *b = t->manager->backend;
    return b->ops->replace_keys(b, t->netvm, t->directory, t->keys, error);
}

static void tell_ready(void *data, const GError *error)
{
    struct tell *t = data;
    struct domain *d = manager_find(t->manager, t->name);
    if (error)
        g_warning("firewall of %s: %s", t->name, error->message);
    if (error && d)
        manager_emit(t->manager, d, "service-failed", "service", "firewall", "reason", error->message, NULL);
}

static gboolean tell_expired(void *data)
{
    struct domain *d = data;
    d->firewall_expiry = 0;
    firewall_tell(d);
    return G_SOURCE_REMOVE;
}

void firewall_plan_expiry(struct domain *d)
{
    g_autofree char *text = firewall_get(d);
    g_auto(GStrv) rules = g_strsplit(text, "\n", 0);
    gint64 now = seconds_now(), first = 0;
    for (char **rule = rules; *rule; rule++) {
        gint64 expires;
        g_free(firewall_rule_for_netvm(*rule, now, &expires));
        if (expires > now && (!first || expires < first))
            first = expires;
    }
    g_clear_handle_id(&d->firewall_expiry, g_source_remove);
    if (first)
        d->firewall_expiry = g_timeout_add_seconds((guint)MIN(first - now, G_MAXINT), tell_expired, d);
}

void firewall_tell(struct domain *d)
{
    struct domain *netvm = property_get_vm(d, "netvm");
    if (d->domid <= 0 || !netvm || netvm->domid <= 0)
        return;
    struct tell *t = g_new0(struct tell, 1);
    *t = (struct tell){.manager = d->manager,
                       .name = g_strdup(d->name),
                       .directory = firewall_directory(d),
                       .keys = firewall_keys(d),
                       .netvm = netvm->domid};
    worker_start(t, tell_run, tell_ready, tell_free);
    firewall_plan_expiry(d);
}
