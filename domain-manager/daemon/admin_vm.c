/* SPDX-License-Identifier: GPL-2.0-or-later */
/* admin.vm.*: list, create, remove, power; and bulkhead.vm.Table, which answers a whole listing at once. */
#include "admin.h"

#include <string.h>

#include "backend.h"
#include "clone.h"
#include "dm_error.h"
#include "lifecycle.h"
#include "property.h"
#include "volume.h"

static gboolean vmclass_list(struct admin_request *r, GString *out, GError **error)
{
    (void)r, (void)error;
    for (int c = CLASS_TEMPLATE; c < CLASS_COUNT; c++)
        g_string_append_printf(out, "%s\n", rules_class_name((enum domain_class)c));
    return TRUE;
}

static gboolean vm_list(struct admin_request *r, GString *out, GError **error)
{
    g_autoptr(GPtrArray) all = manager_sorted(r->manager);
    (void)error;
    for (guint i = 0; i < all->len; i++) {
        struct domain *d = all->pdata[i];
        if (r->dest->klass == CLASS_ADMIN || d == r->dest)
            g_string_append_printf(out, "%s class=%s state=%s uuid=%s\n", d->name, rules_class_name(d->klass),
                                   domain_state_name(d), d->uuid);
    }
    return TRUE;
}

/* -- Table: payload "column,column,…"; one line a domain, tabs between; "-" where a domain has no such thing
 * -- */

static char *join_keys(GHashTable *table)
{
    g_autoptr(GString) s = g_string_new(NULL);
    admin_append_keys(s, table);
    for (char *p = s->str; *p; p++)
        if (*p == '\n')
            *p = p[1] ? ',' : 0;
    return g_strdup(s->str);
}

static char *column_volume(struct domain *d, const char *column)
{
    const char *dash = strchr(column, '-');
    gboolean private = g_str_has_prefix(column, "priv-"), root = g_str_has_prefix(column, "root-");
    if (d->klass == CLASS_ADMIN || !dash || (!private && !root))
        return NULL;
    const char *volume = private ? "private" : "root";
    guint64 size = volume_size(d, volume), usage = volume_usage(d, volume);
    if (strcmp(dash, "-used") == 0)
        return g_strdup_printf("%d%%", size ? (int)(usage * 100 / size) : 0);
    return g_strdup_printf("%" G_GUINT64_FORMAT, (strcmp(dash, "-max") == 0 ? size : usage) >> 20);
}

static char *column_number(struct domain *d, const char *column)
{
    if (strcmp(column, "memory-used") == 0)
        return g_strdup_printf("%" G_GUINT64_FORMAT, d->memory_kib >> 10);
    if (strcmp(column, "cpu-time") == 0)
        return g_strdup_printf("%" G_GUINT64_FORMAT, d->cpu_time_ns / 1000000);
    if (strcmp(column, "disk") == 0 && d->klass != CLASS_ADMIN)
        return g_strdup_printf("%" G_GUINT64_FORMAT,
                               (volume_usage(d, "private") + volume_usage(d, "root")) >> 20);
    return NULL;
}

static char *column_value(struct domain *d, const char *column)
{
    if (strcmp(column, "state") == 0)
        return g_strdup(domain_state_name(d));
    if (strcmp(column, "class") == 0)
        return g_strdup(rules_class_name(d->klass));
    if (strcmp(column, "outdated") == 0)
        return g_strdup(volume_is_outdated(d) ? "True" : "False");
    if (strcmp(column, "tags") == 0)
        return join_keys(d->tags);
    if (strcmp(column, "features") == 0)
        return join_keys(d->features);
    if (strcmp(column, "prefs") == 0)
        return join_keys(d->properties);
    if (strcmp(column, "gateway") == 0) {
        struct domain *n = property_get_vm(d, "netvm");
        return n ? property_get(n, "ip", NULL) : NULL;
    }
    if (g_str_has_prefix(column, "feature:"))
        return g_strdup(domain_feature(d, column + 8));
    char *text = column_number(d, column);
    text = text ? text : column_volume(d, column);
    return text ? text : property_get(d, column, NULL);
}

static void append_cell(GString *out, const char *text)
{
    for (const char *p = text && text[0] ? text : "-"; *p; p++)
        g_string_append_c(out, *p == '\t' || *p == '\n' ? ' ' : *p);
}

static gboolean vm_table(struct admin_request *r, GString *out, GError **error)
{
    g_autoptr(GPtrArray) all = manager_sorted(r->manager);
    g_auto(GStrv) columns = g_strsplit(r->payload, ",", 64);
    (void)error;
    for (guint i = 0; i < all->len; i++) {
        struct domain *d = all->pdata[i];
        if (r->dest->klass != CLASS_ADMIN && d != r->dest)
            continue;
        for (char **c = columns; *c; c++) {
            g_autofree char *text = column_value(d, *c);
            append_cell(out, text);
            g_string_append_c(out, c[1] ? '\t' : '\n');
        }
    }
    return TRUE;
}

/* -- create -- */

struct create_args {
    char *name, *label, *pool;
};

static gboolean parse_create(struct admin_request *r, struct create_args *a, GError **error)
{
    g_auto(GStrv) words = g_strsplit(r->payload, " ", 8);
    for (char **w = words; *w; w++) {
        if (g_str_has_prefix(*w, "name="))
            a->name = g_strdup(*w + 5);
        else if (g_str_has_prefix(*w, "label="))
            a->label = g_strdup(*w + 6);
        else if (g_str_has_prefix(*w, "pool"))
            a->pool = g_strdup(strchr(*w, '=') ? strchr(*w, '=') + 1 : "");
        else if (**w)
            return dm_fail(error, DM_ERROR_PROTOCOL, "%s: \"%s\" is not understood", r->method, *w);
    }
    if (a->pool && strcmp(a->pool, "file") != 0)
        return dm_fail(error, DM_ERROR_VALUE, "there is no pool \"%s\"; volumes are in pool file", a->pool);
    return a->name ? TRUE : dm_fail(error, DM_ERROR_PROTOCOL, "%s: no name given", r->method);
}

static void create_args_clear(struct create_args *a)
{
    g_free(a->name);
    g_free(a->label);
    g_free(a->pool);
}

static gboolean create_now(struct admin_request *r, const struct domain_spec *spec, GError **error)
{
    if (spec->klass == CLASS_DISP && !spec->template_name)
        return dm_fail(
            error, DM_ERROR_VALUE,
            "no template for the disposable: name one, or set it with qubes-prefs default_dispvm NAME");
    if (g_hash_table_contains(r->manager->reserved, spec->name))
        return dm_fail(error, DM_ERROR_EXISTS, "a domain named %s is being made", spec->name);
    struct domain *d = domain_create(r->manager, spec, error);
    if (d && strcmp(r->source, "dom0") != 0) {
        g_autofree char *tag = g_strconcat("created-by-", r->source, NULL);
        domain_store(d, d->tags, "created-by-dom0", NULL, NULL);
        domain_store(d, d->tags, tag, "1", NULL);
    }
    return d != NULL;
}

static void vm_create(struct admin_request *r)
{
    g_autoptr(GError) error = NULL;
    struct create_args a = {0};
    int klass = rules_class_parse(strrchr(r->method, '.') + 1);
    g_autofree char *fallback =
        klass == CLASS_DISP ? system_property_get(r->manager, "default_dispvm", NULL) : NULL;
    const char *template_name = r->argument[0] ? r->argument : fallback && fallback[0] ? fallback : NULL;
    gboolean later = FALSE;
    if (parse_create(r, &a, &error)) {
        struct domain_spec spec = {.klass = (enum domain_class)klass,
                                   .name = a.name,
                                   .label = a.label,
                                   .template_name = template_name};
        later = klass == CLASS_STANDALONE && template_name;
        if (later)
            clone_standalone(r->manager, &spec, admin_done, r);
        else
            create_now(r, &spec, &error);
    }
    create_args_clear(&a);
    if (!later)
        admin_finish(r, error, "");
}

static void vm_clone(struct admin_request *r)
{
    g_autofree char *label = r->payload[0] ? g_strdup(r->payload) : NULL;
    struct domain_spec spec = {.klass = r->dest->klass, .name = r->argument, .label = label};
    clone_domain(r->dest, &spec, admin_done, r);
}

static gboolean vm_remove(struct admin_request *r, GString *out, GError **error)
{
    (void)out;
    return domain_remove(r->dest, error);
}

static gboolean vm_create_disposable(struct admin_request *r, GString *out, GError **error)
{
    struct domain *source = manager_find(r->manager, r->source);
    struct domain *base = r->dest->klass == CLASS_ADMIN ? NULL : r->dest;
    if (!base && source)
        base = property_get_vm(source, "default_dispvm");
    if (!base)
        return dm_fail(
            error, DM_ERROR_VALUE,
            "no template for disposables is set: qubes-prefs default_dispvm NAME, or say --dispvm=NAME");
    struct domain *d = lifecycle_create_disposable(r->manager, base, source, error);
    if (!d)
        return FALSE;
    if (strcmp(r->payload, "uuid") == 0)
        g_string_append_printf(out, "uuid:%s", d->uuid);
    else
        g_string_append(out, d->name);
    return TRUE;
}

/* -- power -- */

static void vm_start(struct admin_request *r)
{
    lifecycle_start(r->dest, admin_done, r);
}

static void vm_shutdown(struct admin_request *r)
{
    g_auto(GStrv) flags = g_strsplit(r->argument, "+", 8);
    lifecycle_shutdown(r->dest, g_strv_contains((const char *const *)flags, "force"),
                       g_strv_contains((const char *const *)flags, "wait"), admin_done, r);
}

static void vm_kill(struct admin_request *r)
{
    lifecycle_kill(r->dest, admin_done, r);
}

static void vm_pause(struct admin_request *r)
{
    lifecycle_pause(r->dest, TRUE, admin_done, r);
}

static void vm_unpause(struct admin_request *r)
{
    lifecycle_pause(r->dest, FALSE, admin_done, r);
}

static gboolean vm_current_state(struct admin_request *r, GString *out, GError **error)
{
    struct domain *d = r->dest;
    (void)error;
    g_string_append_printf(out,
                           "mem=%" G_GUINT64_FORMAT " mem_static_max=%" G_GINT64_FORMAT
                           " cputime=%" G_GUINT64_FORMAT " power_state=%s",
                           d->memory_kib, property_get_int(d, "memory") << 10, d->cpu_time_ns / 1000000,
                           domain_state_name(d));
    return TRUE;
}

static gboolean template_scan(struct admin_request *r, GString *out, GError **error)
{
    (void)out, (void)error;
    manager_adopt_templates(r->manager);
    return TRUE;
}

static gboolean system_info(struct admin_request *r, GString *out, GError **error)
{
    g_autofree char *json = system_info_json(r->manager);
    (void)error;
    g_string_append(out, json);
    return TRUE;
}

const struct admin_method admin_vm_methods[] = {
    {"admin.vmclass.List", vmclass_list, NULL, ADMIN_NO_ARG | ADMIN_DOM0},
    {"admin.vm.List", vm_list, NULL, ADMIN_NO_ARG},
    {"admin.vm.Create.TemplateVM", NULL, vm_create, ADMIN_DOM0},
    {"admin.vm.Create.AppVM", NULL, vm_create, ADMIN_DOM0},
    {"admin.vm.Create.StandaloneVM", NULL, vm_create, ADMIN_DOM0},
    {"admin.vm.Create.DispVM", NULL, vm_create, ADMIN_DOM0},
    {"admin.vm.CreateInPool.TemplateVM", NULL, vm_create, ADMIN_DOM0},
    {"admin.vm.CreateInPool.AppVM", NULL, vm_create, ADMIN_DOM0},
    {"admin.vm.CreateInPool.StandaloneVM", NULL, vm_create, ADMIN_DOM0},
    {"admin.vm.CreateInPool.DispVM", NULL, vm_create, ADMIN_DOM0},
    {"admin.vm.CreateDisposable", vm_create_disposable, NULL, ADMIN_NO_ARG},
    {"admin.vm.Remove", vm_remove, NULL, ADMIN_NO_ARG | ADMIN_CHANGE},
    {"admin.vm.Start", NULL, vm_start, ADMIN_NO_ARG},
    {"admin.vm.Shutdown", NULL, vm_shutdown, 0},
    {"admin.vm.Kill", NULL, vm_kill, ADMIN_NO_ARG},
    {"admin.vm.Pause", NULL, vm_pause, ADMIN_NO_ARG},
    {"admin.vm.Unpause", NULL, vm_unpause, ADMIN_NO_ARG},
    {"admin.vm.Suspend", NULL, vm_pause, ADMIN_NO_ARG},
    {"admin.vm.Resume", NULL, vm_unpause, ADMIN_NO_ARG},
    {"admin.vm.CurrentState", vm_current_state, NULL, ADMIN_NO_ARG},
    {"bulkhead.vm.Table", vm_table, NULL, ADMIN_NO_ARG},
    {"bulkhead.vm.Clone", NULL, vm_clone, ADMIN_ARG | ADMIN_CHANGE},
    {"bulkhead.template.Scan", template_scan, NULL, ADMIN_NO_ARG | ADMIN_DOM0},
    {"internal.GetSystemInfo", system_info, NULL, ADMIN_DOM0},
    {NULL, NULL, NULL, 0},
};
