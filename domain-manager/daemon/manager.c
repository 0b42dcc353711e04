/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "manager.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include "dm_error.h"
#include "labels.h"
#include "store.h"
#include "table.h"
#include "volume.h"

struct listener {
    event_fn fn;
    void *data;
};

char *manager_domain_dir(const struct manager *m, const char *name)
{
    return g_build_filename(m->state_dir, "domains", name, NULL);
}

char *manager_template_dir(const struct manager *m, const char *name)
{
    return g_build_filename(m->state_dir, "templates", name, NULL);
}

struct domain *manager_find(struct manager *m, const char *name)
{
    if (strcmp(name, "@adminvm") == 0)
        return g_hash_table_lookup(m->domains, "dom0");
    if (!g_str_has_prefix(name, "uuid:"))
        return g_hash_table_lookup(m->domains, name);
    GHashTableIter it;
    struct domain *d;
    g_hash_table_iter_init(&it, m->domains);
    while (g_hash_table_iter_next(&it, NULL, (void **)&d))
        if (g_ascii_strcasecmp(d->uuid, name + 5) == 0)
            return d;
    return NULL;
}

struct domain *manager_get(struct manager *m, const char *name, GError **error)
{
    struct domain *d = manager_find(m, name);
    if (!d) {
        g_autofree char *shown = g_strescape(name, NULL);
        dm_fail(error, DM_ERROR_NO_DOMAIN, "there is no domain named \"%s\" (qvm-ls lists them)", shown);
    }
    return d;
}

static int by_name(gconstpointer a, gconstpointer b)
{
    const struct domain *x = *(struct domain *const *)a, *y = *(struct domain *const *)b;
    if ((x->klass == CLASS_ADMIN) != (y->klass == CLASS_ADMIN))
        return x->klass == CLASS_ADMIN ? -1 : 1;
    return strcmp(x->name, y->name);
}

GPtrArray *manager_sorted(struct manager *m)
{
    GPtrArray *all = table_values(m->domains);
    g_ptr_array_sort(all, by_name);
    return all;
}

/* -- events -- */

void manager_listen(struct manager *m, event_fn fn, void *data)
{
    struct listener l = {fn, data};
    g_array_append_val(m->listeners, l);
}

void manager_unlisten(struct manager *m, event_fn fn, void *data)
{
    for (guint i = 0; i < m->listeners->len; i++) {
        const struct listener *l = &g_array_index(m->listeners, struct listener, i);
        if (l->fn == fn && l->data == data) {
            g_array_remove_index(m->listeners, i);
            return;
        }
    }
}

void manager_emit(struct manager *m, const struct domain *subject, const char *event, ...)
{
    g_autoptr(GPtrArray) pairs = g_ptr_array_new();
    va_list ap;
    va_start(ap, event);
    for (const char *s; (s = va_arg(ap, const char *));)
        g_ptr_array_add(pairs, (void *)s);
    va_end(ap);
    g_ptr_array_add(pairs, NULL);
    g_debug("event %s %s", subject ? subject->name : "-", event);
    /* backwards: a listener may take itself off the list */
    for (guint i = m->listeners->len; i-- > 0;) {
        struct listener l = g_array_index(m->listeners, struct listener, i);
        l.fn(m, subject ? subject->name : "", event, (const char *const *)pairs->pdata, l.data);
    }
}

void manager_emit_progress(struct manager *m, const struct domain *subject, const char *name, guint64 done,
                           guint64 expected)
{
    g_autofree char *a = g_strdup_printf("%" G_GUINT64_FORMAT, done),
                    *b = g_strdup_printf("%" G_GUINT64_FORMAT, expected);
    manager_emit(m, subject, "progress", "name", name, "done", a, "expected", b, NULL);
}

/* -- loading -- */

static char *system_path(const struct manager *m)
{
    return g_build_filename(m->state_dir, "system.settings", NULL);
}

gboolean manager_save_system(struct manager *m, GError **error)
{
    g_autofree char *path = system_path(m);
    g_autoptr(GKeyFile) k = g_key_file_new();
    GHashTableIter it;
    char *key, *value;
    g_hash_table_iter_init(&it, m->system);
    while (g_hash_table_iter_next(&it, (void **)&key, (void **)&value))
        g_key_file_set_string(k, "system", key, value);
    return store_write_keyfile(path, k, error);
}

static gboolean load_system(struct manager *m, GError **error)
{
    g_autofree char *path = system_path(m);
    g_autoptr(GKeyFile) k = g_key_file_new();
    g_autoptr(GError) inner = NULL;
    if (!g_key_file_load_from_file(k, path, G_KEY_FILE_NONE, &inner)) {
        if (g_error_matches(inner, G_FILE_ERROR, G_FILE_ERROR_NOENT))
            return TRUE;
        g_propagate_prefixed_error(error, g_steal_pointer(&inner), "%s: ", path);
        return FALSE;
    }
    g_auto(GStrv) keys = g_key_file_get_keys(k, "system", NULL, NULL);
    for (char **key = keys; key && *key; key++)
        g_hash_table_insert(m->system, g_strdup(*key), g_key_file_get_string(k, "system", *key, NULL));
    return TRUE;
}

/* Finish what an earlier process left half done: hidden creations and removals go. */
static void sweep_hidden(struct manager *m, const char *dir, const char *name)
{
    if (!g_str_has_prefix(name, ".new-") && !g_str_has_prefix(name, ".del-"))
        return;
    g_autofree char *path = g_build_filename(dir, name, NULL);
    g_autoptr(GError) error = NULL;
    if (g_str_has_prefix(name, ".del-") && g_str_has_suffix(dir, "/domains"))
        volume_remove_template_if_orphan(m, name + 5);
    if (!store_remove_tree(path, &error))
        g_warning("%s", error->message);
}

/* A template that was cut short between the renames of its two directories (domain_commit): the images are in
 * place already, its settings in the hidden directory are complete. */
static gboolean finish_template(struct manager *m, const char *dir, const char *hidden)
{
    const char *name = hidden + strlen(".new-");
    g_autofree char *from = g_build_filename(dir, hidden, NULL), *to = g_build_filename(dir, name, NULL);
    g_autofree char *settings = g_build_filename(from, "settings", NULL);
    g_autofree char *images = manager_template_dir(m, name);
    return g_str_has_prefix(hidden, ".new-") && g_file_test(settings, G_FILE_TEST_EXISTS) &&
           g_file_test(images, G_FILE_TEST_IS_DIR) && store_rename(from, to, NULL);
}

static void sweep(struct manager *m, const char *subdir)
{
    g_autofree char *path = g_build_filename(m->state_dir, subdir, NULL);
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    for (const char *name; dir && (name = g_dir_read_name(dir));)
        if (name[0] == '.' && !finish_template(m, path, name))
            sweep_hidden(m, path, name);
}

/* Copies and imports that an earlier process did not finish. */
static void sweep_unfinished(const char *domain_dir)
{
    g_autoptr(GDir) dir = g_dir_open(domain_dir, 0, NULL);
    for (const char *name; dir && (name = g_dir_read_name(dir));)
        if (g_str_has_suffix(name, ".img.new") || g_str_has_suffix(name, ".img.import")) {
            g_autofree char *path = g_build_filename(domain_dir, name, NULL);
            g_unlink(path);
        }
}

static gboolean load_domains(struct manager *m, GError **error)
{
    g_autofree char *dir_path = g_build_filename(m->state_dir, "domains", NULL);
    g_autoptr(GDir) dir = g_dir_open(dir_path, 0, error);
    if (!dir)
        return FALSE;
    for (const char *name; (name = g_dir_read_name(dir));) {
        g_autoptr(GError) inner = NULL;
        if (name[0] == '.')
            continue;
        if (strcmp(name, "dom0") != 0 && !rules_name_check(name, &inner)) {
            g_warning("%s/%s: not a domain: %s", dir_path, name, inner->message);
            continue;
        }
        g_autofree char *path = g_build_filename(dir_path, name, NULL);
        sweep_unfinished(path);
        struct domain *d = domain_load(m, name, &inner);
        struct domain *old = d ? g_hash_table_lookup(m->domains, name) : NULL; /* dom0's defaults */
        if (d)
            g_hash_table_replace(m->domains, d->name, d);
        else
            g_warning("domain %s is left out: %s", name, inner->message);
        domain_free(old);
    }
    return TRUE;
}

/* A rename cut short by a crash: do the steps that are not done yet. */
static void finish_rename(struct manager *m)
{
    const char *pending = g_hash_table_lookup(m->system, "pending_rename");
    if (!pending)
        return;
    g_auto(GStrv) names = g_strsplit(pending, " ", 2);
    if (names[0] && names[1]) {
        g_autofree char *from = manager_domain_dir(m, names[0]), *to = manager_domain_dir(m, names[1]);
        g_autofree char *tfrom = manager_template_dir(m, names[0]), *tto = manager_template_dir(m, names[1]);
        if (g_file_test(from, G_FILE_TEST_IS_DIR) && g_file_test(tto, G_FILE_TEST_IS_DIR) &&
            !g_file_test(tfrom, G_FILE_TEST_IS_DIR))
            store_rename(tto, tfrom, NULL); /* only the template's half was done: back */
        if (!g_file_test(from, G_FILE_TEST_IS_DIR) && g_file_test(to, G_FILE_TEST_IS_DIR))
            g_hash_table_insert(m->system, g_strdup("pending_references"), g_strdup(pending));
    }
    g_hash_table_remove(m->system, "pending_rename");
}

static gboolean make_dirs(struct manager *m, GError **error)
{
    static const char *const subdirs[] = {"domains", "templates", "kernels"};
    for (guint i = 0; i < G_N_ELEMENTS(subdirs); i++) {
        g_autofree char *path = g_build_filename(m->state_dir, subdirs[i], NULL);
        if (g_mkdir_with_parents(path, 0750) < 0)
            return dm_error_errno(error, "%s", path);
    }
    if (g_mkdir_with_parents(m->run_dir, 0755) < 0)
        return dm_error_errno(error, "%s", m->run_dir);
    if (g_mkdir_with_parents(m->socket_dir, 0755) < 0)
        return dm_error_errno(error, "%s", m->socket_dir);
    return TRUE;
}

static void fix_references(struct manager *m)
{
    g_autofree char *pending = g_strdup(g_hash_table_lookup(m->system, "pending_references"));
    if (!pending)
        return;
    g_auto(GStrv) names = g_strsplit(pending, " ", 2);
    gboolean reused = !names[0] || !names[1] || g_hash_table_contains(m->domains, names[0]);
    if (reused || domain_rename_references(m, names[0], names[1]))
        g_hash_table_remove(m->system, "pending_references");
    manager_save_system(m, NULL);
}

struct manager *manager_new(const char *state_dir, const char *run_dir, const char *socket_dir,
                            GError **error)
{
    struct manager *m = g_new0(struct manager, 1);
    m->state_dir = g_strdup(state_dir);
    m->run_dir = g_strdup(run_dir);
    m->socket_dir = g_strdup(socket_dir);
    m->domains = g_hash_table_new(g_str_hash, g_str_equal);
    m->system = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    m->reserved = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    m->tokens = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    m->listeners = g_array_new(FALSE, FALSE, sizeof(struct listener));
    struct domain *dom0 = domain_new_admin(m);
    g_hash_table_insert(m->domains, dom0->name, dom0);
    if (!make_dirs(m, error) || !load_system(m, error)) {
        manager_free(m);
        return NULL;
    }
    labels_load(g_hash_table_lookup(m->system, "labels"));
    finish_rename(m);
    sweep(m, "templates");
    sweep(m, "domains");
    if (!load_domains(m, error)) {
        manager_free(m);
        return NULL;
    }
    fix_references(m);
    return m;
}

void manager_free(struct manager *m)
{
    GHashTableIter it;
    struct domain *d;
    g_hash_table_iter_init(&it, m->domains);
    while (g_hash_table_iter_next(&it, NULL, (void **)&d))
        domain_free(d);
    g_hash_table_unref(m->domains);
    g_hash_table_unref(m->system);
    g_hash_table_unref(m->reserved);
    g_hash_table_unref(m->tokens);
    g_array_unref(m->listeners);
    g_free(m->state_dir);
    g_free(m->run_dir);
    g_free(m->socket_dir);
    g_free(m);
}

static void adopt(struct manager *m, const char *name)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *image = g_build_filename(m->state_dir, "templates", name, "root.img", NULL);
    if (!g_file_test(image, G_FILE_TEST_EXISTS) || !rules_name_check(name, &error))
        return;
    struct domain *d = manager_find(m, name);
    if (!d) {
        struct domain_spec spec = {.klass = CLASS_TEMPLATE, .name = name, .label = "black"};
        d = domain_create(m, &spec, &error);
        if (!d) {
            g_warning("template %s: %s", name, error->message);
            return;
        }
        domain_store(d, d->properties, "installed_by_rpm", "True", NULL);
        g_message("template %s found and registered", name);
    }
    volume_check_image(d);
    if (d->klass == CLASS_TEMPLATE && !g_hash_table_lookup(m->system, "default_template")) {
        g_hash_table_insert(m->system, g_strdup("default_template"), g_strdup(name));
        manager_save_system(m, NULL);
    }
}

static int by_text(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void manager_adopt_templates(struct manager *m)
{
    g_autofree char *path = g_build_filename(m->state_dir, "templates", NULL);
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    if (!dir)
        return;
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    for (const char *name; (name = g_dir_read_name(dir));)
        g_ptr_array_add(names, g_strdup(name));
    g_ptr_array_sort(names, by_text);
    for (guint i = 0; i < names->len; i++)
        adopt(m, names->pdata[i]);
}
