/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Restoring from a backup. Nothing in it is trusted: every name, number and sum is checked, settings are set
 * as if an administrator typed them. First the texts are read and the domains are made in memory, to see that
 * everything fits; then a worker copies the volumes into hidden directories; then the domains are made once
 * more, and appear by one rename each. */
#include "backup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "appmenus.h"
#include "backup_manifest.h"
#include "dm_error.h"
#include "firewall.h"
#include "property.h"
#include "store.h"
#include "volume.h"
#include "worker.h"

struct item {
    char *name, *new_name;
    const struct backup_file *files[BACKUP_KINDS];
    char *texts[BACKUP_IMAGES]; /* checked, as they are to be written */
    GKeyFile *settings;
    enum domain_class klass;
    struct domain *made;
    char *dir, *template_dir; /* hidden */
};

struct restore_work {
    struct manager *manager;
    char *path;
    int fd;           /* of the backup's directory */
    GPtrArray *files; /* struct backup_file */
    GPtrArray *items; /* struct item */
    gboolean ignore_missing, verify_only;
    GString *told;
    backup_done_fn done;
    void *data;
};

static void item_free(void *data)
{
    struct item *i = data;
    for (int k = 0; k < BACKUP_IMAGES; k++)
        g_free(i->texts[k]);
    g_clear_pointer(&i->settings, g_key_file_unref);
    g_free(i->name);
    g_free(i->new_name);
    g_free(i->dir);
    g_free(i->template_dir);
    g_free(i);
}

static void restore_work_free(void *data)
{
    struct restore_work *w = data;
    g_ptr_array_unref(w->items);
    g_clear_pointer(&w->files, g_ptr_array_unref);
    g_string_free(w->told, TRUE);
    if (w->fd >= 0)
        close(w->fd);
    g_free(w->path);
    g_free(w);
}

/* -- reading -- */

/* A plain file below the backup's directory; no link leads out of it. (Not by openat2: the unit's seccomp
 * filter knows none.) */
static int open_below(int dir, const char *path, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(path, "/", 0);
    struct stat st;
    int fd = dir;
    for (guint i = 0; parts[i] && fd >= 0; i++) {
        int flags = parts[i + 1] ? O_DIRECTORY : O_NONBLOCK;
        int next = openat(fd, parts[i], O_RDONLY | O_CLOEXEC | O_NOFOLLOW | flags);
        int saved = errno;
        if (fd != dir)
            close(fd);
        fd = next;
        errno = saved;
    }
    if (fd < 0)
        dm_error_errno(error, "%s", path);
    else if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        dm_fail(error, DM_ERROR_VALUE, "%s is no plain file", path);
    else
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static char *read_below(int dir, const char *path, gsize max, GError **error)
{
    int fd = open_below(dir, path, error);
    if (fd < 0)
        return NULL;
    g_autofree char *text = g_malloc0(max + 2);
    gsize got = 0;
    ssize_t n;
    while (got <= max && (n = read(fd, text + got, max + 1 - got)) > 0)
        got += (gsize)n;
    close(fd);
    if (got <= max && !memchr(text, 0, got))
        return g_steal_pointer(&text);
    dm_fail(error, DM_ERROR_VALUE, "%s is too long or is no text", path);
    return NULL;
}

#define MANIFEST_MAX (16u << 20)

static GPtrArray *open_backup(const char *path, int *fd, GError **error)
{
    struct stat st;
    *fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*fd < 0) {
        dm_error_errno(error, "%s", path);
        return NULL;
    }
    if (fstatat(*fd, BACKUP_MANIFEST, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT) {
        dm_fail(
            error, DM_ERROR_VALUE,
            "%s has no manifest: it is no backup, or one that was cut short before it was finished; nothing "
            "can be restored from it",
            path);
        return NULL;
    }
    g_autofree char *text = read_below(*fd, BACKUP_MANIFEST, MANIFEST_MAX, error);
    return text ? backup_manifest_parse(text, error) : NULL;
}

static gboolean damaged(const struct backup_file *f, GError **error)
{
    return dm_fail(error, DM_ERROR_STORAGE,
                   "%s/%s is damaged: its SHA-256 sum is not that of the manifest; try the other domains",
                   f->domain, backup_file_name(f->kind));
}

static char *file_path(const struct backup_file *f)
{
    return g_build_filename(f->domain, backup_file_name(f->kind), NULL);
}

static char *read_text(int fd, const struct backup_file *f, GError **error)
{
    g_autofree char *path = file_path(f);
    g_autofree char *text = read_below(fd, path, BACKUP_TEXT_MAX, error);
    if (!text)
        return NULL;
    g_autofree char *sum = volume_sum_text(text, strlen(text));
    if (strcmp(sum, f->sum) == 0)
        return g_steal_pointer(&text);
    damaged(f, error);
    return NULL;
}

/* Compare the sum; out: copy there on the way (-1: nowhere). */
static gboolean take_image(int fd, const struct backup_file *f, int out, GError **error)
{
    g_autofree char *path = file_path(f);
    int in = open_below(fd, path, error);
    if (in < 0)
        return FALSE;
    g_autofree char *sum = volume_copy_sum(in, out, error);
    close(in);
    if (!sum)
        g_prefix_error(error, "%s: ", path);
    return sum && (strcmp(sum, f->sum) == 0 || damaged(f, error));
}

/* -- what is asked for -- */

static gboolean parse_settings(struct item *i, GError **error)
{
    g_autoptr(GError) inner = NULL;
    i->settings = g_key_file_new();
    g_autofree char *klass =
        g_key_file_load_from_data(i->settings, i->texts[BACKUP_SETTINGS], (gsize)-1, G_KEY_FILE_NONE, &inner)
            ? g_key_file_get_string(i->settings, "domain", "class", NULL)
            : NULL;
    int parsed = klass ? rules_class_parse(klass) : -1;
    if (parsed < 0 || parsed == CLASS_ADMIN)
        return dm_fail(error, DM_ERROR_VALUE, "%s/settings: it tells no class that can be restored", i->name);
    i->klass = (enum domain_class)parsed;
    return TRUE;
}

static gboolean check_files(const struct item *i, GError **error)
{
    gboolean own_root = i->klass == CLASS_TEMPLATE || i->klass == CLASS_STANDALONE;
    if ((i->klass == CLASS_DISP || i->files[BACKUP_PRIVATE]) && (!own_root || i->files[BACKUP_ROOT]))
        return TRUE;
    return dm_fail(error, DM_ERROR_VALUE, "%s: the backup has not all its volumes", i->name);
}

/* Texts are changed into what is to be written. */
static gboolean check_texts(struct item *i, GError **error)
{
    char **firewall = &i->texts[BACKUP_FIREWALL], **menus = &i->texts[BACKUP_APPMENUS];
    const char *notes = i->texts[BACKUP_NOTES];
    if (*firewall) {
        g_autofree char *given = g_steal_pointer(firewall);
        *firewall = firewall_normalize(given, error);
        if (!*firewall)
            return FALSE;
    }
    if (*menus) {
        g_autofree char *given = g_steal_pointer(menus);
        *menus = appmenus_filter(given);
    }
    return !notes || g_utf8_validate(notes, -1, NULL) ||
           dm_fail(error, DM_ERROR_VALUE, "%s/notes: must be UTF-8 text", i->name);
}

static gboolean find_files(struct restore_work *w, struct item *i, GError **error)
{
    for (guint n = 0; n < w->files->len; n++) {
        const struct backup_file *f = w->files->pdata[n];
        if (strcmp(f->domain, i->name) == 0)
            i->files[f->kind] = f;
    }
    if (!i->files[BACKUP_SETTINGS])
        return dm_fail(error, DM_ERROR_NO_DOMAIN, "%s has no domain named \"%s\"", w->path, i->name);
    for (int k = 0; k < BACKUP_IMAGES; k++)
        if (i->files[k] && !(i->texts[k] = read_text(w->fd, i->files[k], error)))
            return FALSE;
    return parse_settings(i, error) && check_files(i, error) && check_texts(i, error);
}

static gboolean add_item(struct restore_work *w, const struct backup_choice *c, GError **error)
{
    struct manager *m = w->manager;
    struct item *i = g_new0(struct item, 1);
    i->name = g_strdup(c->name);
    i->new_name = g_strdup(c->new_name);
    i->dir = g_strdup_printf("%s/domains/.new-%s", m->state_dir, c->new_name);
    i->template_dir = g_strdup_printf("%s/templates/.new-%s", m->state_dir, c->new_name);
    g_ptr_array_add(w->items, i);
    if (!rules_name_check(c->name, error) || !rules_name_check(c->new_name, error))
        return FALSE;
    if (!w->verify_only && (manager_find(m, c->new_name) || g_hash_table_contains(m->reserved, c->new_name)))
        return dm_fail(
            error, DM_ERROR_EXISTS,
            "a domain named %s exists already, and is not overwritten; use --rename-conflicting or "
            "--skip-conflicting",
            c->new_name);
    return find_files(w, i, error);
}

/* -- making the records, in memory -- */

/* A name in the backup, as it is called now. */
static const char *renamed(const struct restore_work *w, const char *name)
{
    for (guint n = 0; n < w->items->len; n++) {
        const struct item *i = w->items->pdata[n];
        if (strcmp(i->name, name) == 0)
            return i->new_name;
    }
    return name;
}

/* What belongs to the machine that the backup was made on. */
static const char *const not_restored[] = {"installed_by_rpm", "backup_timestamp", "name", NULL};

static gboolean set_properties(struct restore_work *w, struct item *i, gboolean of_domains, GError **error)
{
    g_auto(GStrv) keys = g_key_file_get_keys(i->settings, "properties", NULL, NULL);
    for (char **key = keys; key && *key; key++) {
        g_autofree char *value = g_key_file_get_string(i->settings, "properties", *key, NULL);
        g_autoptr(GError) inner = NULL;
        gboolean is_domain = g_strcmp0(property_type_name(*key), "vm") == 0;
        if (is_domain != of_domains || g_strv_contains(not_restored, *key))
            continue;
        const char *now = value && is_domain ? renamed(w, value) : value;
        if (now && property_set_quiet(i->made, *key, now, &inner))
            continue;
        if (!w->ignore_missing)
            return dm_fail(error, DM_ERROR_VALUE,
                           "%s: property %s: %s; --ignore-missing restores it with the default", i->name,
                           *key, inner ? inner->message : "no text");
        g_string_append_printf(w->told, "%s: property %s is left at its default: %s\n", i->name, *key,
                               inner ? inner->message : "no text");
    }
    return TRUE;
}

/* Sizes and numbers of revisions. */
static gboolean volume_setting_check(const char *key, const char *value, GError **error)
{
    static const char *const known[] = {"private.size", "root.size", "volatile.size", NULL};
    gint64 n;
    gboolean revisions = g_str_has_suffix(key, ".revisions_to_keep");
    return (g_strv_contains(known, key) || revisions) && rules_int_parse(value, 0, 1LL << 50, &n, error);
}

static gboolean set_table(struct item *i, const char *group, GHashTable *table,
                          gboolean (*check)(const char *key, const char *value, GError **error),
                          GError **error)
{
    g_auto(GStrv) keys = g_key_file_get_keys(i->settings, group, NULL, NULL);
    for (char **key = keys; key && *key; key++) {
        char *value = g_key_file_get_string(i->settings, group, *key, NULL);
        if (!value || !check(*key, value, error)) {
            g_free(value);
            if (error && *error)
                return FALSE;
            continue; /* of another version, or of the old machine */
        }
        g_hash_table_replace(table, g_strdup(*key), value);
    }
    return TRUE;
}

static gboolean tag_check(const char *key, const char *value, GError **error)
{
    (void)value;
    return rules_tag_check(key, error);
}

static void drop_records(struct restore_work *w)
{
    for (guint n = 0; n < w->items->len; n++) {
        struct item *i = w->items->pdata[n];
        if (i->made)
            g_hash_table_steal(w->manager->domains, i->made->name);
        g_clear_pointer(&i->made, domain_free);
    }
}

/* Domains that refer to each other: all records first, then what does not refer to domains, then what does.
 */
static gboolean make_records(struct restore_work *w, GError **error)
{
    gboolean ok = TRUE;
    for (guint n = 0; ok && n < w->items->len; n++) {
        struct item *i = w->items->pdata[n];
        i->made = domain_begin(w->manager, i->new_name, i->klass, error);
        ok = i->made != NULL;
    }
    for (guint n = 0; ok && n < w->items->len; n++) {
        struct item *i = w->items->pdata[n];
        ok = set_table(i, "features", i->made->features, rules_feature_check, error) &&
             set_table(i, "tags", i->made->tags, tag_check, error) &&
             set_table(i, "volumes", i->made->volumes, volume_setting_check, error) &&
             set_properties(w, i, FALSE, error);
    }
    for (guint n = 0; ok && n < w->items->len; n++)
        ok = set_properties(w, w->items->pdata[n], TRUE, error);
    if (!ok)
        drop_records(w);
    return ok;
}

/* -- copying; worker thread -- */

static gboolean copy_image(struct restore_work *w, const struct backup_file *f, const char *dir,
                           GError **error)
{
    g_autofree char *to = g_build_filename(dir, backup_file_name(f->kind), NULL);
    g_autofree char *parent = g_path_get_dirname(to);
    g_mkdir_with_parents(parent, 0750);
    int out = open(to, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (out < 0)
        return dm_error_errno(error, "%s", to);
    gboolean ok = take_image(w->fd, f, out, error) && store_sync_dir(parent, error);
    close(out);
    return ok;
}

static gboolean copy_item(struct restore_work *w, struct item *i, GError **error)
{
    gboolean is_template = i->klass == CLASS_TEMPLATE;
    if (!store_remove_tree(i->dir, error) || !store_remove_tree(i->template_dir, error))
        return FALSE;
    if (mkdir(i->dir, 0750) < 0 || (is_template && mkdir(i->template_dir, 0755) < 0))
        return dm_error_errno(error, "%s", i->dir);
    for (int k = BACKUP_SETTINGS + 1; k < BACKUP_IMAGES; k++) {
        g_autofree char *to = g_build_filename(i->dir, backup_file_name((enum backup_kind)k), NULL);
        if (i->texts[k] && !store_write(to, i->texts[k], strlen(i->texts[k]), error))
            return FALSE;
    }
    for (int k = BACKUP_IMAGES; k < BACKUP_KINDS; k++) {
        gboolean of_template = is_template && k != BACKUP_PRIVATE && k != BACKUP_UPPER;
        if (i->files[k] && !copy_image(w, i->files[k], of_template ? i->template_dir : i->dir, error))
            return FALSE;
    }
    if (!is_template)
        return TRUE;
    g_autofree char *upper = g_build_filename(i->dir, backup_file_name(BACKUP_UPPER), NULL);
    g_autofree char *committed = g_build_filename(i->template_dir, "upper-1.img", NULL);
    return (!i->files[BACKUP_UPPER] || volume_copy(upper, committed, error)) &&
           store_sync_dir(i->template_dir, error);
}

static gboolean verify_item(struct restore_work *w, const struct item *i, GError **error)
{
    for (int k = BACKUP_IMAGES; k < BACKUP_KINDS; k++)
        if (i->files[k] && !take_image(w->fd, i->files[k], -1, error))
            return FALSE;
    return TRUE;
}

static guint64 allocated_below(struct restore_work *w, const struct backup_file *f)
{
    struct stat st;
    g_autofree char *path = file_path(f);
    return fstatat(w->fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 ? (guint64)st.st_blocks * S_BLKSIZE : 0;
}

static gboolean check_space(struct restore_work *w, guint64 need, GError **error)
{
    int sample = -1;
    for (guint n = 0; sample < 0 && n < w->items->len; n++) {
        const struct item *i = w->items->pdata[n];
        g_autofree char *path = i->files[BACKUP_PRIVATE] ? file_path(i->files[BACKUP_PRIVATE]) : NULL;
        sample = path ? open_below(w->fd, path, NULL) : -1;
    }
    gboolean room = backup_check_space(w->manager->state_dir, sample, need, error);
    if (sample >= 0)
        close(sample);
    return room;
}

static gboolean restore_run(void *data, GError **error)
{
    struct restore_work *w = data;
    guint64 need = 0;
    gboolean ok = TRUE;
    for (guint n = 0; n < w->items->len; n++) {
        const struct item *i = w->items->pdata[n];
        for (int k = BACKUP_IMAGES; k < BACKUP_KINDS; k++)
            need += i->files[k] ? allocated_below(w, i->files[k]) : 0;
    }
    worker_expect(need);
    if (!w->verify_only && !check_space(w, need, error))
        return FALSE;
    for (guint n = 0; ok && n < w->items->len; n++)
        ok = w->verify_only ? verify_item(w, w->items->pdata[n], error)
                            : copy_item(w, w->items->pdata[n], error);
    return ok;
}

/* -- main thread -- */

static void clean_up(struct restore_work *w)
{
    for (guint n = 0; n < w->items->len; n++) {
        const struct item *i = w->items->pdata[n];
        g_hash_table_remove(w->manager->reserved, i->new_name);
        store_remove_tree(i->dir, NULL);
        store_remove_tree(i->template_dir, NULL);
    }
}

/* Each domain is there whole or not at all; those that are there stay, whatever becomes of the others. */
static gboolean commit(struct restore_work *w, GError **error)
{
    for (guint n = 0; n < w->items->len; n++) {
        struct item *i = w->items->pdata[n];
        if (!domain_commit(i->made, i->klass == CLASS_TEMPLATE ? i->template_dir : NULL, error))
            return FALSE;
        volume_check_image(i->made);
        manager_emit(w->manager, NULL, "domain-add", "vm", i->made->name, NULL);
        g_string_append_printf(w->told, "%s is restored%s%s\n", i->name,
                               strcmp(i->name, i->new_name) ? " as " : "",
                               strcmp(i->name, i->new_name) ? i->new_name : "");
        i->made = NULL;
    }
    return TRUE;
}

static void restore_ready(void *data, const GError *failure)
{
    struct restore_work *w = data;
    g_autoptr(GError) error = failure ? g_error_copy(failure) : NULL;
    if (!w->verify_only) {
        g_string_truncate(w->told, 0);
        if (!error && make_records(w, &error) && !commit(w, &error)) {
            g_prefix_error(&error, "%s", w->told->str);
            drop_records(w);
        }
        clean_up(w);
    }
    w->done(error, error ? NULL : w->told->str, w->data);
}

static void restore_tell(void *data, guint64 done, guint64 expected)
{
    struct restore_work *w = data;
    manager_emit_progress(w->manager, manager_find(w->manager, "dom0"), w->path, done, expected);
}

void backup_restore(struct manager *m, const char *path, const struct backup_choice *choices,
                    gboolean ignore_missing, gboolean verify_only, backup_done_fn done, void *data)
{
    g_autoptr(GError) error = NULL;
    struct restore_work *w = g_new0(struct restore_work, 1);
    w->manager = m;
    w->path = g_strdup(path);
    w->items = g_ptr_array_new_with_free_func(item_free);
    w->told = g_string_new(NULL);
    w->ignore_missing = ignore_missing;
    w->verify_only = verify_only;
    w->done = done;
    w->data = data;
    w->files = open_backup(path, &w->fd, &error);
    for (; w->files && !error && choices->name; choices++)
        add_item(w, choices, &error);
    if (!error && !w->items->len)
        dm_fail(&error, DM_ERROR_VALUE, "no domain is to be restored");
    if (error || (!verify_only && !make_records(w, &error))) {
        done(error, NULL, data);
        restore_work_free(w);
        return;
    }
    drop_records(w);
    for (guint n = 0; !verify_only && n < w->items->len; n++)
        g_hash_table_add(m->reserved, g_strdup(((struct item *)w->items->pdata[n])->new_name));
    worker_start_copy(w, restore_run, restore_ready, restore_work_free, restore_tell);
}

char *backup_info(const char *path, GError **error)
{
    int fd = -1;
    g_autoptr(GPtrArray) files = open_backup(path, &fd, error);
    g_autoptr(GString) out = g_string_new(NULL);
    gboolean ok = files != NULL;
    for (guint n = 0; ok && n < files->len; n++) {
        const struct backup_file *f = files->pdata[n];
        if (f->kind != BACKUP_SETTINGS)
            continue;
        struct item *i = g_new0(struct item, 1);
        i->name = g_strdup(f->domain);
        i->texts[BACKUP_SETTINGS] = read_text(fd, f, error);
        ok = i->texts[BACKUP_SETTINGS] && parse_settings(i, error);
        guint64 bytes = 0;
        for (guint k = 0; k < files->len; k++) {
            const struct backup_file *other = files->pdata[k];
            bytes += strcmp(other->domain, f->domain) == 0 ? other->size : 0;
        }
        if (ok)
            g_string_append_printf(out, "%s %s %" G_GUINT64_FORMAT "\n", i->name, rules_class_name(i->klass),
                                   bytes);
        item_free(i);
    }
    if (fd >= 0)
        close(fd);
    return ok ? g_string_free(g_steal_pointer(&out), FALSE) : NULL;
}
