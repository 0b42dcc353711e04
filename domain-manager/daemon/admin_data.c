/* SPDX-License-Identifier: GPL-2.0-or-later */
/* admin.{property,label}.*, admin.vm.{property,feature,tag,notes,firewall}.*, application menus. */
#include "admin.h"

#include <string.h>

#include "appmenus.h"
#include "dm_error.h"
#include "firewall.h"
#include "labels.h"
#include "property.h"
#include "store.h"

/* -- properties, of a domain and of the system (whose domain is dom0): the same methods -- */

static const char **system_names(struct domain *dom0)
{
    (void)dom0;
    return system_property_names();
}

static char *system_get(struct domain *dom0, const char *name, GError **error)
{
    return system_property_get(dom0->manager, name, error);
}

static char *system_get_default(struct domain *dom0, const char *name, GError **error)
{
    return system_property_get_default(dom0->manager, name, error);
}

static gboolean system_is_default(struct domain *dom0, const char *name)
{
    return system_property_is_default(dom0->manager, name);
}

static gboolean system_set(struct domain *dom0, const char *name, const char *value, GError **error)
{
    return system_property_set(dom0->manager, name, value, error);
}

static gboolean system_reset(struct domain *dom0, const char *name, GError **error)
{
    return system_property_reset(dom0->manager, name, error);
}

static const struct property_scope {
    const char *prefix; /* of the methods */
    const char **(*names)(struct domain *d);
    char *(*get)(struct domain *d, const char *name, GError **error);
    char *(*get_default)(struct domain *d, const char *name, GError **error);
    gboolean (*is_default)(struct domain *d, const char *name);
    const char *(*type_name)(const char *name);
    const char *(*help)(const char *name);
    gboolean (*set)(struct domain *d, const char *name, const char *value, GError **error);
    gboolean (*reset)(struct domain *d, const char *name, GError **error);
} scopes[] = {
    {"admin.vm.property.", property_names, property_get, property_get_default, property_is_default,
     property_type_name, property_help, property_set, property_reset},
    {"admin.property.", system_names, system_get, system_get_default, system_is_default,
     system_property_type_name, system_property_help, system_set, system_reset},
};

static const struct property_scope *scope_of(const struct admin_request *r)
{
    return &scopes[g_str_has_prefix(r->method, scopes[0].prefix) ? 0 : 1];
}

static gboolean property_list(struct admin_request *r, GString *out, GError **error)
{
    g_autofree const char **names = scope_of(r)->names(r->dest);
    (void)error;
    for (const char **n = names; *n; n++)
        g_string_append_printf(out, "%s\n", *n);
    return TRUE;
}

static gboolean append_property(struct admin_request *r, const char *name, GString *out, GError **error)
{
    const struct property_scope *s = scope_of(r);
    g_autofree char *value = s->get(r->dest, name, error);
    if (value)
        g_string_append_printf(out, "default=%s type=%s %s", s->is_default(r->dest, name) ? "True" : "False",
                               s->type_name(name), value);
    return value != NULL;
}

static gboolean property_do_get(struct admin_request *r, GString *out, GError **error)
{
    return append_property(r, r->argument, out, error);
}

static gboolean property_get_all(struct admin_request *r, GString *out, GError **error)
{
    g_autofree const char **names = scope_of(r)->names(r->dest);
    for (const char **n = names; *n; n++) {
        g_string_append_printf(out, "%s ", *n);
        if (!append_property(r, *n, out, error))
            return FALSE;
        g_string_append_c(out, '\n');
    }
    return TRUE;
}

static gboolean property_do_get_default(struct admin_request *r, GString *out, GError **error)
{
    const struct property_scope *s = scope_of(r);
    g_autofree char *value = s->get_default(r->dest, r->argument, error);
    if (value)
        g_string_append_printf(out, "type=%s %s", s->type_name(r->argument), value);
    return value != NULL;
}

static gboolean property_do_help(struct admin_request *r, GString *out, GError **error)
{
    const char *help = scope_of(r)->help(r->argument);
    if (!help)
        return dm_fail(error, DM_ERROR_NO_PROPERTY, "there is no property \"%s\"", r->argument);
    g_string_append(out, help);
    return TRUE;
}

static gboolean property_do_set(struct admin_request *r, GString *out, GError **error)
{
    (void)out;
    return scope_of(r)->set(r->dest, r->argument, r->payload, error);
}

static gboolean property_do_reset(struct admin_request *r, GString *out, GError **error)
{
    (void)out;
    return scope_of(r)->reset(r->dest, r->argument, error);
}

/* -- labels -- */

static gboolean label_list(struct admin_request *r, GString *out, GError **error)
{
    (void)r, (void)error;
    const struct label *l;
    for (guint i = 0; (l = labels_nth(i)); i++)
        g_string_append_printf(out, "%s\n", l->name);
    return TRUE;
}

static gboolean label_get(struct admin_request *r, GString *out, GError **error)
{
    const struct label *l = labels_find(r->argument);
    if (!l)
        return dm_fail(error, DM_ERROR_NO_LABEL, "there is no label \"%s\"", r->argument);
    if (g_str_has_suffix(r->method, ".Index"))
        g_string_append_printf(out, "%u", l->index);
    else
        g_string_append_printf(out, "0x%06x", l->rgb);
    return TRUE;
}

/* Keep the labels as they are now; when that fails they are again what they were `before`. */
static gboolean labels_save(struct admin_request *r, const char *before, GError **error)
{
    g_hash_table_insert(r->manager->system, g_strdup("labels"), labels_text());
    if (manager_save_system(r->manager, error)) {
        manager_emit(r->manager, r->dest, "labels-changed", NULL);
        return TRUE;
    }
    labels_load(before);
    g_hash_table_insert(r->manager->system, g_strdup("labels"), g_strdup(before));
    return FALSE;
}

static gboolean label_create(struct admin_request *r, GString *out, GError **error)
{
    g_autofree char *before = labels_text();
    (void)out;
    return labels_add(r->argument, r->payload, error) && labels_save(r, before, error);
}

static gboolean label_remove(struct admin_request *r, GString *out, GError **error)
{
    g_autoptr(GPtrArray) all = manager_sorted(r->manager);
    g_autofree char *before = labels_text();
    (void)out;
    for (guint i = 0; i < all->len; i++) {
        struct domain *d = all->pdata[i];
        g_autofree char *label = property_get(d, "label", NULL);
        if (strcmp(label, r->argument) == 0)
            return dm_fail(error, DM_ERROR_IN_USE,
                           "label %s is that of %s; give it another one first: qvm-prefs %s label NAME",
                           label, d->name, d->name);
    }
    return labels_remove(r->argument, error) && labels_save(r, before, error);
}

/* For the desktop: all at once. */
static gboolean label_table(struct admin_request *r, GString *out, GError **error)
{
    g_autofree char *text = labels_text();
    (void)r, (void)error;
    g_string_append(out, text);
    return TRUE;
}

/* -- features -- */

static gboolean feature_list(struct admin_request *r, GString *out, GError **error)
{
    (void)error;
    admin_append_keys(out, r->dest->features);
    return TRUE;
}

/* Get, CheckWithTemplate, CheckWithNetvm, CheckWithAdminVM, CheckWithTemplateAndAdminVM */
static gboolean feature_get(struct admin_request *r, GString *out, GError **error)
{
    const char *value = strstr(r->method, "Template") ? domain_feature(r->dest, r->argument)
                                                      : g_hash_table_lookup(r->dest->features, r->argument);
    struct domain *other = NULL;
    if (!value && g_str_has_suffix(r->method, "Netvm"))
        other = property_get_vm(r->dest, "netvm");
    else if (!value && g_str_has_suffix(r->method, "AdminVM"))
        other = manager_find(r->manager, "dom0");
    if (other)
        value = g_hash_table_lookup(other->features, r->argument);
    if (!value)
        return dm_fail(error, DM_ERROR_NO_FEATURE, "%s has no feature \"%s\"", r->dest->name, r->argument);
    g_string_append(out, value);
    return TRUE;
}

/* Store one entry (value NULL: remove it) and tell of it: "EVENT:NAME", with the name under `key`. */
static gboolean store_and_tell(struct admin_request *r, GHashTable *table, const char *value,
                               const char *event, const char *key, GError **error)
{
    g_autofree char *full_event = g_strdup_printf("%s:%s", event, r->argument);
    gboolean with_value = value && table == r->dest->features;
    if (!domain_store(r->dest, table, r->argument, value, error))
        return FALSE;
    manager_emit(r->manager, r->dest, full_event, key, r->argument, with_value ? "value" : NULL, value, NULL);
    return TRUE;
}

static gboolean feature_set(struct admin_request *r, GString *out, GError **error)
{
    (void)out;
    return rules_feature_check(r->argument, r->payload, error) &&
           store_and_tell(r, r->dest->features, r->payload, "domain-feature-set", "feature", error);
}

static gboolean feature_remove(struct admin_request *r, GString *out, GError **error)
{
    (void)out;
    if (!g_hash_table_contains(r->dest->features, r->argument))
        return dm_fail(error, DM_ERROR_NO_FEATURE, "%s has no feature \"%s\"", r->dest->name, r->argument);
    return store_and_tell(r, r->dest->features, NULL, "domain-feature-delete", "feature", error);
}

/* -- tags -- */

static gboolean tag_list(struct admin_request *r, GString *out, GError **error)
{
    (void)error;
    admin_append_keys(out, r->dest->tags);
    return TRUE;
}

static gboolean tag_get(struct admin_request *r, GString *out, GError **error)
{
    (void)error;
    g_string_append(out, g_hash_table_contains(r->dest->tags, r->argument) ? "1" : "0");
    return TRUE;
}

static gboolean tag_set(struct admin_request *r, GString *out, GError **error)
{
    (void)out;
    if (!rules_tag_check(r->argument, error))
        return FALSE;
    if (g_str_has_prefix(r->argument, "created-by-") || g_str_has_prefix(r->argument, "disp-created-by-"))
        return dm_fail(error, DM_ERROR_READ_ONLY, "tag %s is set by the system only", r->argument);
    return store_and_tell(r, r->dest->tags, "1", "domain-tag-add", "tag", error);
}

static gboolean tag_remove(struct admin_request *r, GString *out, GError **error)
{
    (void)out;
    if (!g_hash_table_contains(r->dest->tags, r->argument))
        return dm_fail(error, DM_ERROR_NO_TAG, "%s has no tag \"%s\"", r->dest->name, r->argument);
    return store_and_tell(r, r->dest->tags, NULL, "domain-tag-delete", "tag", error);
}

/* -- notes and application menus: one file each in the domain's directory -- */

static gboolean notes_get(struct admin_request *r, GString *out, GError **error)
{
    g_autofree char *path = g_build_filename(r->manager->state_dir, "domains", r->dest->name, "notes", NULL);
    g_autofree char *text = NULL;
    (void)error;
    if (g_file_get_contents(path, &text, NULL, NULL))
        g_string_append(out, text);
    return TRUE;
}

static gboolean notes_set(struct admin_request *r, GString *out, GError **error)
{
    g_autofree char *path = g_build_filename(r->manager->state_dir, "domains", r->dest->name, "notes", NULL);
    (void)out;
    if (!g_utf8_validate(r->payload, -1, NULL))
        return dm_fail(error, DM_ERROR_VALUE, "notes must be UTF-8 text");
    return store_write(path, r->payload, r->payload_size, error);
}

static gboolean firewall_do_get(struct admin_request *r, GString *out, GError **error)
{
    g_autofree char *rules = firewall_get(r->dest);
    (void)error;
    g_string_append(out, rules);
    return TRUE;
}

static gboolean firewall_do_set(struct admin_request *r, GString *out, GError **error)
{
    (void)out;
    return firewall_set(r->dest, r->payload, error);
}

static gboolean firewall_reload(struct admin_request *r, GString *out, GError **error)
{
    (void)out, (void)error;
    manager_emit(r->manager, r->dest, "firewall-changed", NULL);
    firewall_tell(r->dest);
    return TRUE;
}

static gboolean appmenus_do_get(struct admin_request *r, GString *out, GError **error)
{
    (void)error;
    appmenus_append(r->dest, out);
    return TRUE;
}

static gboolean appmenus_do_set(struct admin_request *r, GString *out, GError **error)
{
    (void)out;
    if (!appmenus_store(r->dest, r->payload, error))
        return FALSE;
    manager_emit(r->manager, r->dest, "appmenus-changed", NULL);
    return TRUE;
}

const struct admin_method admin_data_methods[] = {
    {"admin.vm.property.List", property_list, NULL, ADMIN_NO_ARG},
    {"admin.vm.property.Get", property_do_get, NULL, ADMIN_ARG},
    {"admin.vm.property.GetAll", property_get_all, NULL, ADMIN_NO_ARG},
    {"admin.vm.property.GetDefault", property_do_get_default, NULL, ADMIN_ARG},
    {"admin.vm.property.Help", property_do_help, NULL, ADMIN_ARG},
    {"admin.vm.property.Set", property_do_set, NULL, ADMIN_ARG | ADMIN_CHANGE},
    {"admin.vm.property.Reset", property_do_reset, NULL, ADMIN_ARG | ADMIN_CHANGE},
    {"admin.property.List", property_list, NULL, ADMIN_NO_ARG | ADMIN_DOM0},
    {"admin.property.Get", property_do_get, NULL, ADMIN_ARG | ADMIN_DOM0},
    {"admin.property.GetAll", property_get_all, NULL, ADMIN_NO_ARG | ADMIN_DOM0},
    {"admin.property.GetDefault", property_do_get_default, NULL, ADMIN_ARG | ADMIN_DOM0},
    {"admin.property.Help", property_do_help, NULL, ADMIN_ARG | ADMIN_DOM0},
    {"admin.property.Set", property_do_set, NULL, ADMIN_ARG | ADMIN_DOM0},
    {"admin.property.Reset", property_do_reset, NULL, ADMIN_ARG | ADMIN_DOM0},
    {"admin.label.List", label_list, NULL, ADMIN_NO_ARG | ADMIN_DOM0},
    {"admin.label.Get", label_get, NULL, ADMIN_ARG | ADMIN_DOM0},
    {"admin.label.Index", label_get, NULL, ADMIN_ARG | ADMIN_DOM0},
    {"admin.label.Create", label_create, NULL, ADMIN_ARG | ADMIN_DOM0},
    {"admin.label.Remove", label_remove, NULL, ADMIN_ARG | ADMIN_DOM0},
    {"bulkhead.label.Table", label_table, NULL, ADMIN_NO_ARG | ADMIN_DOM0},
    {"admin.vm.feature.List", feature_list, NULL, ADMIN_NO_ARG},
    {"admin.vm.feature.Get", feature_get, NULL, ADMIN_ARG},
    {"admin.vm.feature.CheckWithTemplate", feature_get, NULL, ADMIN_ARG},
    {"admin.vm.feature.CheckWithNetvm", feature_get, NULL, ADMIN_ARG},
    {"admin.vm.feature.CheckWithAdminVM", feature_get, NULL, ADMIN_ARG},
    {"admin.vm.feature.CheckWithTemplateAndAdminVM", feature_get, NULL, ADMIN_ARG},
    {"admin.vm.feature.Set", feature_set, NULL, ADMIN_ARG | ADMIN_CHANGE},
    {"admin.vm.feature.Remove", feature_remove, NULL, ADMIN_ARG | ADMIN_CHANGE},
    {"admin.vm.tag.List", tag_list, NULL, ADMIN_NO_ARG},
    {"admin.vm.tag.Get", tag_get, NULL, ADMIN_ARG},
    {"admin.vm.tag.Set", tag_set, NULL, ADMIN_ARG | ADMIN_CHANGE},
    {"admin.vm.tag.Remove", tag_remove, NULL, ADMIN_ARG | ADMIN_CHANGE},
    {"admin.vm.notes.Get", notes_get, NULL, ADMIN_NO_ARG},
    {"admin.vm.notes.Set", notes_set, NULL, ADMIN_NO_ARG},
    {"admin.vm.firewall.Get", firewall_do_get, NULL, ADMIN_NO_ARG},
    {"admin.vm.firewall.Set", firewall_do_set, NULL, ADMIN_NO_ARG | ADMIN_CHANGE},
    {"admin.vm.firewall.Reload", firewall_reload, NULL, ADMIN_NO_ARG},
    {"bulkhead.vm.appmenus.Get", appmenus_do_get, NULL, ADMIN_NO_ARG},
    {"bulkhead.vm.appmenus.Set", appmenus_do_set, NULL, ADMIN_NO_ARG},
    {NULL, NULL, NULL, 0},
};
