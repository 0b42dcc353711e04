/* SPDX-License-Identifier: GPL-2.0-or-later */
/* admin.{property,label}.*, admin.vm.{property,feature,tag,notes}.*, application menus. */
#include "admin.h"

#include <string.h>

#include "appmenus.h"
#include "dm_error.h"
#include "property.h"
#include "store.h"

/* -- properties of domains -- */

static gboolean property_list(struct admin_request *r, GString *out, GError **error)
{
    g_autofree const char **names = property_names(r->dest);
    (void)error;
    for (const char **n = names; *n; n++)
        g_string_append_printf(out, "%s\n", *n);
    return TRUE;
}

static gboolean property_do_get(struct admin_request *r, GString *out, GError **error)
{
    g_autofree char *value = property_get(r->dest, r->argument, error);
    if (value)
        g_string_append_printf(out, "default=%s type=%s %s",
                               property_is_default(r->dest, r->argument) ? "True" : "False",
                               property_type_name(r->argument), value);
    return value != NULL;
}

static gboolean property_get_all(struct admin_request *r, GString *out, GError **error)
{
    g_autofree const char **names = property_names(r->dest);
    (void)error;
    for (const char **n = names; *n; n++) {
        g_autofree char *value = property_get(r->dest, *n, NULL);
        g_string_append_printf(out, "%s default=%s type=%s %s\n", *n,
                               property_is_default(r->dest, *n) ? "True" : "False", property_type_name(*n),
                               value);
    }
    return TRUE;
}

static gboolean property_do_get_default(struct admin_request *r, GString *out, GError **error)
{
    g_autofree char *value = property_get_default(r->dest, r->argument, error);
    if (value)
        g_string_append_printf(out, "type=%s %s", property_type_name(r->argument), value);
    return value != NULL;
}

static gboolean property_do_help(struct admin_request *r, GString *out, GError **error)
{
    const char *help = property_help(r->argument);
    if (!help)
        return dm_fail(error, DM_ERROR_NO_PROPERTY, "there is no property \"%s\"", r->argument);
    g_string_append(out, help);
    return TRUE;
}

static gboolean property_do_set(struct admin_request *r, GString *out, GError **error)
{
    (void)out;
    return property_set(r->dest, r->argument, r->payload, error);
}

static gboolean property_do_reset(struct admin_request *r, GString *out, GError **error)
{
    (void)out;
    return property_reset(r->dest, r->argument, error);
}

/* -- properties of the system -- */

static gboolean system_list(struct admin_request *r, GString *out, GError **error)
{
    g_autofree const char **names = system_property_names();
    (void)r, (void)error;
    for (const char **n = names; *n; n++)
        g_string_append_printf(out, "%s\n", *n);
    return TRUE;
}

static gboolean system_get(struct admin_request *r, GString *out, GError **error)
{
    g_autofree char *value = system_property_get(r->manager, r->argument, error);
    if (value)
        g_string_append_printf(out, "default=%s type=%s %s",
                               system_property_is_default(r->manager, r->argument) ? "True" : "False",
                               system_property_type_name(r->argument), value);
    return value != NULL;
}

static gboolean system_get_all(struct admin_request *r, GString *out, GError **error)
{
    g_autofree const char **names = system_property_names();
    (void)error;
    for (const char **n = names; *n; n++) {
        g_autofree char *value = system_property_get(r->manager, *n, NULL);
        g_string_append_printf(out, "%s default=%s type=%s %s\n", *n,
                               system_property_is_default(r->manager, *n) ? "True" : "False",
                               system_property_type_name(*n), value);
    }
    return TRUE;
}

static gboolean system_help(struct admin_request *r, GString *out, GError **error)
{
    const char *help = system_property_help(r->argument);
    if (!help)
        return dm_fail(error, DM_ERROR_NO_PROPERTY, "there is no system property \"%s\"", r->argument);
    g_string_append(out, help);
    return TRUE;
}

static gboolean system_set(struct admin_request *r, GString *out, GError **error)
{
    (void)out;
    return system_property_set(r->manager, r->argument, r->payload, error);
}

static gboolean system_reset(struct admin_request *r, GString *out, GError **error)
{
    (void)out;
    return system_property_reset(r->manager, r->argument, error);
}

/* -- labels -- */

static gboolean label_list(struct admin_request *r, GString *out, GError **error)
{
    (void)r, (void)error;
    for (const struct label *l = rules_labels; l->name; l++)
        g_string_append_printf(out, "%s\n", l->name);
    return TRUE;
}

static gboolean label_get(struct admin_request *r, GString *out, GError **error)
{
    const struct label *l = rules_label_find(r->argument);
    if (!l)
        return dm_fail(error, DM_ERROR_NO_LABEL, "there is no label \"%s\"", r->argument);
    if (g_str_has_suffix(r->method, ".Index"))
        g_string_append_printf(out, "%u", l->index);
    else
        g_string_append_printf(out, "0x%06x", l->rgb);
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

static gboolean feature_set(struct admin_request *r, GString *out, GError **error)
{
    g_autofree char *event = g_strconcat("domain-feature-set:", r->argument, NULL);
    (void)out;
    if (!rules_feature_check(r->argument, r->payload, error) ||
        !domain_store(r->dest, r->dest->features, r->argument, r->payload, error))
        return FALSE;
    manager_emit(r->manager, r->dest, event, "feature", r->argument, "value", r->payload, NULL);
    return TRUE;
}

static gboolean feature_remove(struct admin_request *r, GString *out, GError **error)
{
    g_autofree char *event = g_strconcat("domain-feature-delete:", r->argument, NULL);
    (void)out;
    if (!g_hash_table_contains(r->dest->features, r->argument))
        return dm_fail(error, DM_ERROR_NO_FEATURE, "%s has no feature \"%s\"", r->dest->name, r->argument);
    if (!domain_store(r->dest, r->dest->features, r->argument, NULL, error))
        return FALSE;
    manager_emit(r->manager, r->dest, event, "feature", r->argument, NULL);
    return TRUE;
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
    g_autofree char *event = g_strconcat("domain-tag-add:", r->argument, NULL);
    (void)out;
    if (!rules_tag_check(r->argument, error))
        return FALSE;
    if (g_str_has_prefix(r->argument, "created-by-") || g_str_has_prefix(r->argument, "disp-created-by-"))
        return dm_fail(error, DM_ERROR_READ_ONLY, "tag %s is set by the system only", r->argument);
    if (!domain_store(r->dest, r->dest->tags, r->argument, "1", error))
        return FALSE;
    manager_emit(r->manager, r->dest, event, "tag", r->argument, NULL);
    return TRUE;
}

static gboolean tag_remove(struct admin_request *r, GString *out, GError **error)
{
    g_autofree char *event = g_strconcat("domain-tag-delete:", r->argument, NULL);
    (void)out;
    if (!g_hash_table_contains(r->dest->tags, r->argument))
        return dm_fail(error, DM_ERROR_NO_TAG, "%s has no tag \"%s\"", r->dest->name, r->argument);
    if (!domain_store(r->dest, r->dest->tags, r->argument, NULL, error))
        return FALSE;
    manager_emit(r->manager, r->dest, event, "tag", r->argument, NULL);
    return TRUE;
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
    {"admin.property.List", system_list, NULL, ADMIN_NO_ARG | ADMIN_DOM0},
    {"admin.property.Get", system_get, NULL, ADMIN_ARG | ADMIN_DOM0},
    {"admin.property.GetAll", system_get_all, NULL, ADMIN_NO_ARG | ADMIN_DOM0},
    {"admin.property.Help", system_help, NULL, ADMIN_ARG | ADMIN_DOM0},
    {"admin.property.Set", system_set, NULL, ADMIN_ARG | ADMIN_DOM0},
    {"admin.property.Reset", system_reset, NULL, ADMIN_ARG | ADMIN_DOM0},
    {"admin.label.List", label_list, NULL, ADMIN_NO_ARG | ADMIN_DOM0},
    {"admin.label.Get", label_get, NULL, ADMIN_ARG | ADMIN_DOM0},
    {"admin.label.Index", label_get, NULL, ADMIN_ARG | ADMIN_DOM0},
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
    {"bulkhead.vm.appmenus.Get", appmenus_do_get, NULL, ADMIN_NO_ARG},
    {"bulkhead.vm.appmenus.Set", appmenus_do_set, NULL, ADMIN_NO_ARG},
    {NULL, NULL, NULL, 0},
};
