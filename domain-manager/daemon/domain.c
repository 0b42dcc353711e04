/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One domain: its settings file and what may be done with the record. The directory's name is the domain's
 * name, so that creation, rename and removal are one rename(2) each. */
#include "manager.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "dm_error.h"
#include "property.h"
#include "store.h"
#include "table.h"
#include "volume.h"

static const char *const state_names[STATE_COUNT] = {
    [STATE_HALTED] = "Halted",   [STATE_TRANSIENT] = "Transient", [STATE_RUNNING] = "Running",
    [STATE_PAUSED] = "Paused",   [STATE_HALTING] = "Halting",     [STATE_DYING] = "Dying",
    [STATE_CRASHED] = "Crashed",
};

const char *domain_state_name(const struct domain *d)
{
    return state_names[d->state];
}

gboolean domain_is_halted(const struct domain *d)
{
    return d->state == STATE_HALTED || d->state == STATE_CRASHED;
}

gboolean domain_check_idle(const struct domain *d, GError **error)
{
    if (!d->busy)
        return TRUE;
    return dm_fail(error, DM_ERROR_IN_USE, "%s is being %s, try again when that is done", d->name, d->busy);
}

static struct domain *domain_new(struct manager *m, const char *name, enum domain_class klass)
{
    struct domain *d = g_new0(struct domain, 1);
    d->manager = m;
    d->name = g_strdup(name);
    d->klass = klass;
    d->dispid = -1;
    d->domid = -1;
    d->properties = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    d->features = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    d->tags = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    d->devices = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    d->volumes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return d;
}

void domain_free(struct domain *d)
{
    if (!d)
        return;
    g_hash_table_unref(d->properties);
    g_hash_table_unref(d->features);
    g_hash_table_unref(d->tags);
    g_hash_table_unref(d->devices);
    g_hash_table_unref(d->volumes);
    g_free(d->root_source);
    g_clear_pointer(&d->attached, g_array_unref);
    g_clear_handle_id(&d->firewall_expiry, g_source_remove);
    g_free(d->name);
    g_free(d);
}

struct domain *domain_new_admin(struct manager *m)
{
    struct domain *d = domain_new(m, "dom0", CLASS_ADMIN);
    g_strlcpy(d->uuid, "00000000-0000-0000-0000-000000000000", sizeof d->uuid);
    d->state = STATE_RUNNING;
    d->domid = 0;
    return d;
}

/* -- settings file -- */

static int compare_keys(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void table_to_group(GKeyFile *k, const char *group, GHashTable *table)
{
    g_autoptr(GPtrArray) keys = table_keys(table);
    g_ptr_array_sort(keys, compare_keys);
    for (guint i = 0; i < keys->len; i++)
        g_key_file_set_string(k, group, keys->pdata[i], g_hash_table_lookup(table, keys->pdata[i]));
}

static void group_to_table(GKeyFile *k, const char *group, GHashTable *table)
{
    g_auto(GStrv) keys = g_key_file_get_keys(k, group, NULL, NULL);
    for (char **key = keys; key && *key; key++) {
        char *value = g_key_file_get_string(k, group, *key, NULL);
        if (value)
            g_hash_table_insert(table, g_strdup(*key), value);
    }
}

static gboolean save_in(struct domain *d, const char *dir, GError **error)
{
    g_autoptr(GKeyFile) k = g_key_file_new();
    g_autofree char *path = g_build_filename(dir, "settings", NULL);
    if (d->klass == CLASS_ADMIN) {
        g_key_file_set_string(k, "domain", "class", rules_class_name(d->klass));
    } else {
        g_key_file_set_string(k, "domain", "class", rules_class_name(d->klass));
        g_key_file_set_string(k, "domain", "uuid", d->uuid);
        g_key_file_set_integer(k, "domain", "qid", (int)d->qid);
    }
    if (d->dispid >= 0)
        g_key_file_set_integer(k, "domain", "dispid", d->dispid);
    table_to_group(k, "properties", d->properties);
    table_to_group(k, "features", d->features);
    table_to_group(k, "tags", d->tags);
    table_to_group(k, "devices", d->devices);
    table_to_group(k, "volumes", d->volumes);
    return store_write_keyfile(path, k, error);
}

gboolean domain_save(struct domain *d, GError **error)
{
    g_autofree char *dir = manager_domain_dir(d->manager, d->name);
    if (d->klass == CLASS_ADMIN)
        g_mkdir_with_parents(dir, 0750);
    return save_in(d, dir, error);
}

struct domain *domain_load(struct manager *m, const char *name, GError **error)
{
    g_autofree char *dir = manager_domain_dir(m, name);
    g_autofree char *path = g_build_filename(dir, "settings", NULL);
    g_autoptr(GKeyFile) k = g_key_file_new();
    if (!g_key_file_load_from_file(k, path, G_KEY_FILE_NONE, error))
        return NULL;
    g_autofree char *class_name = g_key_file_get_string(k, "domain", "class", error);
    if (!class_name)
        return NULL;
    int klass = rules_class_parse(class_name);
    g_autofree char *uuid = g_key_file_get_string(k, "domain", "uuid", NULL);
    if (klass < 0 || (klass != CLASS_ADMIN && (!uuid || !g_uuid_string_is_valid(uuid)))) {
        dm_fail(error, DM_ERROR_VALUE, "%s: unknown class or bad uuid", path);
        return NULL;
    }
    struct domain *d =
        klass == CLASS_ADMIN ? domain_new_admin(m) : domain_new(m, name, (enum domain_class)klass);
    if (klass != CLASS_ADMIN)
        g_strlcpy(d->uuid, uuid, sizeof d->uuid);
    d->qid = (unsigned)g_key_file_get_integer(k, "domain", "qid", NULL);
    if (g_key_file_has_key(k, "domain", "dispid", NULL))
        d->dispid = g_key_file_get_integer(k, "domain", "dispid", NULL);
    group_to_table(k, "properties", d->properties);
    group_to_table(k, "features", d->features);
    group_to_table(k, "tags", d->tags);
    group_to_table(k, "devices", d->devices);
    group_to_table(k, "volumes", d->volumes);
    return d;
}

/* -- changes -- */

gboolean domain_store(struct domain *d, GHashTable *table, const char *key, const char *value, GError **error)
{
    g_autofree char *old = g_strdup(g_hash_table_lookup(table, key));
    if (g_strcmp0(old, value) == 0)
        return TRUE;
    if (value)
        g_hash_table_insert(table, g_strdup(key), g_strdup(value));
    else
        g_hash_table_remove(table, key);
    if (domain_save(d, error))
        return TRUE;
    if (old)
        g_hash_table_insert(table, g_strdup(key), g_steal_pointer(&old));
    else
        g_hash_table_remove(table, key);
    return FALSE;
}

const char *domain_feature(struct domain *d, const char *name)
{
    const char *value = g_hash_table_lookup(d->features, name);
    struct domain *t = value ? NULL : domain_template(d);
    return t ? domain_feature(t, name) : value;
}

gboolean domain_feature_bool(struct domain *d, const char *name, gboolean otherwise)
{
    const char *value = domain_feature(d, name);
    return value ? value[0] && strcmp(value, "0") != 0 : otherwise;
}

struct domain *domain_template(struct domain *d)
{
    if (!(CLASS_BIT(d->klass) & (CLASS_BIT(CLASS_APP) | CLASS_BIT(CLASS_DISP))))
        return NULL;
    g_autofree char *name = property_get(d, "template", NULL);
    struct domain *t = name && name[0] ? manager_find(d->manager, name) : NULL;
    return t == d ? NULL : t;
}

/* -- create -- */

static unsigned free_qid(struct manager *m)
{
    g_autofree guint8 *used = g_malloc0(RULES_QID_MAX);
    GHashTableIter it;
    struct domain *d;
    g_hash_table_iter_init(&it, m->domains);
    while (g_hash_table_iter_next(&it, NULL, (void **)&d))
        used[d->qid % RULES_QID_MAX] = 1;
    for (unsigned q = 1; q < RULES_QID_MAX; q++)
        if (!used[q])
            return q;
    return 0;
}

static void copy_table(GHashTable *to, GHashTable *from)
{
    GHashTableIter it;
    char *key, *value;
    g_hash_table_iter_init(&it, from);
    while (g_hash_table_iter_next(&it, (void **)&key, (void **)&value))
        g_hash_table_insert(to, g_strdup(key), g_strdup(value));
}

static gboolean number_new(struct domain *d, GError **error)
{
    g_autofree char *uuid = g_uuid_string_random();
    g_strlcpy(d->uuid, uuid, sizeof d->uuid);
    d->qid = free_qid(d->manager);
    return d->qid ||
           dm_fail(error, DM_ERROR_FAILED, "there are %d domains already, remove some", RULES_QID_MAX - 1);
}

static gboolean fill_new(struct domain *d, const struct domain_spec *spec, GError **error)
{
    d->dispid = spec->dispid > 0 ? spec->dispid : -1;
    if (!number_new(d, error))
        return FALSE;
    if (spec->clone_of) {
        copy_table(d->properties, spec->clone_of->properties);
        copy_table(d->features, spec->clone_of->features);
        copy_table(d->tags, spec->clone_of->tags);
        copy_table(d->volumes, spec->clone_of->volumes);
        g_hash_table_remove(d->volumes,
                            "root.image"); /* of the source's file; its own comes with the next scan */
    }
    g_hash_table_insert(d->tags, g_strdup("created-by-dom0"), g_strdup("1"));
    if (spec->template_name && !property_set_quiet(d, "template", spec->template_name, error))
        return FALSE;
    return !spec->label || property_set_quiet(d, "label", spec->label, error);
}

/* The settings come first: manager_new completes what is cut short between the two renames. */
gboolean domain_commit(struct domain *d, const char *template_dir, GError **error)
{
    g_autofree char *hidden = g_strdup_printf("%s/domains/.new-%s", d->manager->state_dir, d->name);
    g_autofree char *dir = manager_domain_dir(d->manager, d->name);
    g_autofree char *images = manager_template_dir(d->manager, d->name);
    gboolean ok =
        save_in(d, hidden, error) && volume_create_all(d, hidden, error) && store_sync_dir(hidden, error);
    gboolean moved = ok && template_dir && store_rename(template_dir, images, error);
    if (ok && (moved || !template_dir) && store_rename(hidden, dir, error))
        return TRUE;
    store_remove_tree(hidden, NULL);
    if (moved)
        volume_remove_template(d->manager, d->name);
    return FALSE;
}

static gboolean write_new(struct domain *d, gboolean prepared, GError **error)
{
    g_autofree char *hidden = g_strdup_printf("%s/domains/.new-%s", d->manager->state_dir, d->name);
    if (!prepared && !store_remove_tree(hidden, error))
        return FALSE;
    if (!prepared && mkdir(hidden, 0750) < 0)
        return dm_error_errno(error, "%s", hidden);
    return domain_commit(d, NULL, error);
}

struct domain *domain_begin(struct manager *m, const char *name, enum domain_class klass, GError **error)
{
    struct domain *d = domain_new(m, name, klass);
    if (number_new(d, error) && !manager_find(m, name)) {
        g_hash_table_insert(m->domains, d->name, d);
        return d;
    }
    if (error && !*error)
        dm_fail(error, DM_ERROR_EXISTS, "a domain named %s exists already", name);
    domain_free(d);
    return NULL;
}

struct domain *domain_create(struct manager *m, const struct domain_spec *spec, GError **error)
{
    if (!rules_name_check(spec->name, error))
        return NULL;
    if (manager_find(m, spec->name)) {
        dm_fail(error, DM_ERROR_EXISTS, "a domain named %s exists already", spec->name);
        return NULL;
    }
    struct domain *d = domain_new(m, spec->name, spec->klass);
    if (!fill_new(d, spec, error) || !write_new(d, spec->prepared, error)) {
        domain_free(d);
        return NULL;
    }
    g_hash_table_insert(m->domains, d->name, d);
    manager_emit(m, NULL, "domain-add", "vm", d->name, NULL);
    return d;
}

/* -- remove, rename -- */

static const char *const vm_properties[] = {
    "template", "netvm", "default_dispvm", "management_dispvm", "guivm", "audiovm", NULL};
static const char *const vm_system_properties[] = {"default_template", "default_netvm",     "default_dispvm",
                                                   "default_guivm",    "default_audiovm",   "updatevm",
                                                   "clockvm",          "management_dispvm", NULL};

char *domain_referrers(struct domain *d)
{
    g_autoptr(GString) s = g_string_new(NULL);
    g_autoptr(GPtrArray) all = manager_sorted(d->manager);
    for (guint i = 0; i < all->len; i++) {
        struct domain *other = all->pdata[i];
        for (const char *const *p = vm_properties; other != d && *p; p++)
            if (g_strcmp0(g_hash_table_lookup(other->properties, *p), d->name) == 0)
                g_string_append_printf(s, "%s%s (%s)", s->len ? ", " : "", other->name, *p);
    }
    for (const char *const *p = vm_system_properties; *p; p++)
        if (g_strcmp0(g_hash_table_lookup(d->manager->system, *p), d->name) == 0)
            g_string_append_printf(s, "%ssystem property %s", s->len ? ", " : "", *p);
    return s->len ? g_string_free(g_steal_pointer(&s), FALSE) : NULL;
}

gboolean domain_remove(struct domain *d, GError **error)
{
    struct manager *m = d->manager;
    if (d->klass == CLASS_ADMIN)
        return dm_fail(error, DM_ERROR_VALUE, "dom0 cannot be removed");
    if (!domain_is_halted(d))
        return dm_fail(error, DM_ERROR_NOT_HALTED,
                       "%s is running, shut it down first: qvm-shutdown --wait %s", d->name, d->name);
    g_autofree char *users = domain_referrers(d);
    if (users)
        return dm_fail(error, DM_ERROR_IN_USE, "%s is in use by %s; change these first", d->name, users);
    if (!domain_check_idle(d, error))
        return FALSE;
    g_autofree char *dir = manager_domain_dir(m, d->name);
    g_autofree char *hidden = g_strdup_printf("%s/domains/.del-%s", m->state_dir, d->name);
    store_remove_tree(hidden, NULL);
    if (!store_rename(dir, hidden, error))
        return FALSE;
    if (d->klass == CLASS_TEMPLATE)
        volume_remove_template(m, d->name);
    g_autoptr(GError) inner = NULL;
    if (!store_remove_tree(hidden, &inner)) /* finished at the next start of the manager */
        g_warning("%s", inner->message);
    g_hash_table_steal(m->domains, d->name);
    manager_emit(m, NULL, "domain-delete", "vm", d->name, NULL);
    domain_free(d);
    return TRUE;
}

/* In memory the references follow at once, whatever the disk says. */
gboolean domain_rename_references(struct manager *m, const char *from, const char *to)
{
    gboolean saved = TRUE;
    g_autoptr(GPtrArray) all = manager_sorted(m);
    for (guint i = 0; i < all->len; i++) {
        struct domain *other = all->pdata[i];
        gboolean changed = FALSE;
        for (const char *const *p = vm_properties; *p; p++)
            if (g_strcmp0(g_hash_table_lookup(other->properties, *p), from) == 0)
                changed = g_hash_table_insert(other->properties, g_strdup(*p), g_strdup(to)) == FALSE;
        g_autoptr(GError) error = NULL;
        if (changed && !domain_save(other, &error)) {
            g_warning("%s", error->message);
            saved = FALSE;
        }
    }
    for (const char *const *p = vm_system_properties; *p; p++)
        if (g_strcmp0(g_hash_table_lookup(m->system, *p), from) == 0)
            g_hash_table_insert(m->system, g_strdup(*p), g_strdup(to));
    return saved;
}

/* Both directories of a template, or none. */
static gboolean move_files(struct domain *d, const char *from, const char *to, const char *new_name,
                           GError **error)
{
    gboolean is_template = d->klass == CLASS_TEMPLATE;
    if (is_template && !volume_rename_template(d->manager, d->name, new_name, error))
        return FALSE;
    if (store_rename(from, to, error))
        return TRUE;
    if (is_template)
        volume_rename_template(d->manager, new_name, d->name, NULL);
    return FALSE;
}

/* The intention is written first, so that a cut in the middle is completed at the next start:
 * manager_new calls this again with the same names. */
gboolean domain_rename(struct domain *d, const char *new_name, GError **error)
{
    struct manager *m = d->manager;
    if (!rules_name_check(new_name, error) || !domain_check_idle(d, error))
        return FALSE;
    if (manager_find(m, new_name))
        return dm_fail(error, DM_ERROR_EXISTS, "a domain named %s exists already", new_name);
    if (d->klass == CLASS_ADMIN || !domain_is_halted(d))
        return dm_fail(error, DM_ERROR_NOT_HALTED, "%s must be halted to be renamed", d->name);
    g_autofree char *old_name = g_strdup(d->name);
    g_autofree char *from = manager_domain_dir(m, old_name), *to = manager_domain_dir(m, new_name);
    g_hash_table_insert(m->system, g_strdup("pending_rename"), g_strdup_printf("%s %s", old_name, new_name));
    if (!manager_save_system(m, error) || !move_files(d, from, to, new_name, error)) {
        g_hash_table_remove(m->system, "pending_rename");
        manager_save_system(m, NULL);
        return FALSE;
    }
    g_hash_table_steal(m->domains, d->name);
    g_free(d->name);
    d->name = g_strdup(new_name);
    g_hash_table_insert(m->domains, d->name, d);
    if (!domain_rename_references(m, old_name, new_name)) /* the next start of the manager writes them */
        g_hash_table_insert(m->system, g_strdup("pending_references"),
                            g_strdup_printf("%s %s", old_name, new_name));
    g_hash_table_remove(m->system, "pending_rename");
    manager_emit(m, NULL, "domain-delete", "vm", old_name, NULL);
    manager_emit(m, NULL, "domain-add", "vm", new_name, NULL);
    g_autoptr(GError) late = NULL;
    if (!manager_save_system(m, &late)) /* done all the same; the next start of the manager tidies up */
        g_warning("%s", late->message);
    return TRUE;
}
