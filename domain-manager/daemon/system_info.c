/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the policy daemon must know of each domain, as JSON. */
#include <string.h>

#include "admin.h"
#include "property.h"

static void append_string(GString *s, const char *text)
{
    g_string_append_c(s, '"');
    for (const char *p = text; *p; p++) {
        if (*p == '"' || *p == '\\')
            g_string_append_printf(s, "\\%c", *p);
        else if ((unsigned char)*p < 0x20)
            g_string_append_printf(s, "\\u%04x", (unsigned char)*p);
        else
            g_string_append_c(s, *p);
    }
    g_string_append_c(s, '"');
}

static void append_member(GString *s, const char *key, const char *value)
{
    g_string_append_printf(s, ",\"%s\":", key);
    if (value && value[0])
        append_string(s, value);
    else
        g_string_append(s, "null");
}

static void append_bool(GString *s, const char *key, gboolean value)
{
    g_string_append_printf(s, ",\"%s\":%s", key, value ? "true" : "false");
}

static void append_tags(GString *s, struct domain *d)
{
    g_autoptr(GList) tags = g_list_sort(g_hash_table_get_keys(d->tags), (GCompareFunc)strcmp);
    g_string_append(s, "\"tags\":[");
    for (GList *l = tags; l; l = l->next) {
        append_string(s, l->data);
        if (l->next)
            g_string_append_c(s, ',');
    }
    g_string_append_c(s, ']');
}

static void append_domain(GString *s, struct domain *d)
{
    g_autofree char *dispvm = property_get(d, "default_dispvm", NULL);
    g_autofree char *icon = property_get(d, "icon", NULL);
    g_autofree char *guivm = property_get(d, "guivm", NULL);
    append_string(s, d->name);
    g_string_append(s, ":{");
    append_tags(s, d);
    append_member(s, "type", rules_class_name(d->klass));
    append_member(s, "uuid", d->uuid);
    append_member(s, "icon", icon);
    append_member(s, "default_dispvm", dispvm);
    append_member(s, "guivm", guivm);
    append_member(s, "power_state", domain_state_name(d));
    append_member(s, "relayvm", NULL);
    append_member(s, "transport_rpc", NULL);
    append_bool(s, "template_for_dispvms", property_get_bool(d, "template_for_dispvms"));
    append_bool(s, "internal", domain_feature_bool(d, "internal", FALSE));
    g_string_append_c(s, '}');
}

char *system_info_json(struct manager *m)
{
    g_autoptr(GPtrArray) all = manager_sorted(m);
    GString *s = g_string_new("{\"domains\":{");
    for (guint i = 0; i < all->len; i++) {
        append_domain(s, all->pdata[i]);
        if (i + 1 < all->len)
            g_string_append_c(s, ',');
    }
    g_string_append(s, "}}");
    return g_string_free(s, FALSE);
}
