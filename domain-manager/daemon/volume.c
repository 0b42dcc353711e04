/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "volume.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dm_error.h"
#include "property.h"
#include "store.h"

#define GIB              (1ULL << 30)
#define ROOT_DEFAULT     (10 * GIB)
#define PRIVATE_DEFAULT  (2 * GIB)
#define VOLATILE_DEFAULT (1 * GIB)

static const char *const names[] = {"root", "private", "volatile", "kernel", NULL};
static const char *const no_names[] = {NULL};

const char *const *volume_names(const struct domain *d)
{
    return d->klass == CLASS_ADMIN ? no_names : names;
}

static gboolean exists(const char *path)
{
    return access(path, F_OK) == 0;
}

static char *in_domain(struct domain *d, const char *file)
{
    return g_build_filename(d->manager->state_dir, "domains", d->name, file, NULL);
}

/* -- revisions of a template -- */

static GArray *upper_revisions(const char *template_dir)
{
    GArray *found = g_array_new(FALSE, FALSE, sizeof(unsigned));
    g_autoptr(GDir) dir = g_dir_open(template_dir, 0, NULL);
    for (const char *name; dir && (name = g_dir_read_name(dir));) {
        unsigned n = 0;
        int end = 0;
        if (sscanf(name, "upper-%u.img%n", &n, &end) == 1 && !name[end])
            g_array_append_val(found, n);
    }
    for (guint i = 1; i < found->len; i++) /* insertion: there are two or three */
        for (guint j = i; j && g_array_index(found, unsigned, j - 1) > g_array_index(found, unsigned, j);
             j--) {
            unsigned t = g_array_index(found, unsigned, j);
            g_array_index(found, unsigned, j) = g_array_index(found, unsigned, j - 1);
            g_array_index(found, unsigned, j - 1) = t;
        }
    return found;
}

static char *upper_path(const char *template_dir, unsigned revision)
{
    return g_strdup_printf("%s/upper-%u.img", template_dir, revision);
}

char *volume_committed_upper(const char *template_dir)
{
    g_autoptr(GArray) revisions = upper_revisions(template_dir);
    return revisions->len ? upper_path(template_dir, g_array_index(revisions, unsigned, revisions->len - 1))
                          : NULL;
}

/* A copy of `upper` becomes the template's newest revision; older ones than `keep` go. A domain that still
 * runs from a removed one keeps its file through its loop device. */
gboolean volume_commit_upper(const char *template_dir, const char *upper, unsigned keep, GError **error)
{
    g_autoptr(GArray) revisions = upper_revisions(template_dir);
    unsigned last = revisions->len ? g_array_index(revisions, unsigned, revisions->len - 1) : 0;
    g_autofree char *temporary = g_build_filename(template_dir, ".upper.new", NULL);
    g_autofree char *path = upper_path(template_dir, last + 1);
    unlink(temporary);
    if (!volume_copy(upper, temporary, error) || !store_rename(temporary, path, error))
        return FALSE;
    for (guint i = 0; i + keep < revisions->len; i++) {
        g_autofree char *old = upper_path(template_dir, g_array_index(revisions, unsigned, i));
        unlink(old);
    }
    return TRUE;
}

/* -- kernels -- */

char *volume_kernel_file(struct manager *m, const char *version, const char *file)
{
    return g_build_filename(m->state_dir, "kernels", version, file, NULL);
}

char *volume_newest_kernel(struct manager *m)
{
    g_autofree char *chosen = NULL, *choice = g_build_filename(m->state_dir, "kernels", "default", NULL);
    if (g_file_get_contents(choice, &chosen, NULL, NULL) && !strchr(g_strstrip(chosen), '/')) {
        g_autofree char *file = volume_kernel_file(m, chosen, "vmlinuz");
        if (exists(file))
            return g_steal_pointer(&chosen);
    }
    g_autofree char *path = g_build_filename(m->state_dir, "kernels", NULL);
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    char *best = g_strdup("");
    for (const char *name; dir && (name = g_dir_read_name(dir));) {
        g_autofree char *file = volume_kernel_file(m, name, "vmlinuz");
        if (name[0] == '.' || strverscmp(name, best) <= 0 || !exists(file))
            continue;
        g_free(best);
        best = g_strdup(name);
    }
    return best;
}

/* kernel/ beside the root image goes before the kernel property. */
static gboolean plan_kernel(struct volume_plan *plan, struct domain *d, const char *image_dir, char **modules,
                            GError **error)
{
    static const char *const files[] = {"vmlinuz", "initramfs", "modules.img"};
    g_autofree char *version = property_get(d, "kernel", NULL);
    g_autofree char *own = g_build_filename(image_dir, "kernel", NULL);
    g_autofree char *shared = volume_kernel_file(d->manager, version, "");
    g_autofree char *own_kernel = g_build_filename(own, files[0], NULL);
    gboolean use_own = exists(own_kernel) && property_is_default(d, "kernel");
    if (!use_own && !version[0])
        return dm_fail(error, DM_ERROR_STORAGE,
                       "no kernel for %s: put vmlinuz and initramfs into %s/kernels/VERSION/", d->name,
                       d->manager->state_dir);
    const char *dir = use_own ? own : shared;
    plan->kernel = g_build_filename(dir, files[0], NULL);
    plan->initramfs = g_build_filename(dir, files[1], NULL);
    *modules = g_build_filename(dir, files[2], NULL);
    if (!exists(plan->kernel))
        return dm_fail(error, DM_ERROR_STORAGE, "kernel %s of %s is missing", plan->kernel, d->name);
    if (!exists(plan->initramfs))
        g_clear_pointer(&plan->initramfs, g_free);
    if (!exists(*modules))
        g_clear_pointer(modules, g_free);
    return TRUE;
}

/* -- plan of a start -- */

static void add_disk(struct volume_plan *plan, const char *vdev, char *path, gboolean writable)
{
    plan->disks[plan->n_disks++] = (struct volume_disk){vdev, path, writable};
}

static guint64 stored_size(struct domain *d, const char *key, guint64 otherwise)
{
    const char *text = g_hash_table_lookup(d->volumes, key);
    return text ? g_ascii_strtoull(text, NULL, 10) : otherwise;
}

/* The TemplateVM at the root of d's chain, or NULL. */
static struct domain *root_template(struct domain *d)
{
    struct domain *t = d;
    for (int i = 0; t && t->klass != CLASS_TEMPLATE && i < 4; i++)
        t = domain_template(t);
    return t && t->klass == CLASS_TEMPLATE ? t : NULL;
}

/* Directory that holds the domain's root.img. */
static char *image_dir(struct domain *d, GError **error)
{
    if (d->klass == CLASS_STANDALONE)
        return manager_domain_dir(d->manager, d->name);
    struct domain *t = root_template(d);
    if (t)
        return manager_template_dir(d->manager, t->name);
    dm_fail(error, DM_ERROR_STORAGE, "%s has no template; choose one: qvm-prefs %s template NAME", d->name,
            d->name);
    return NULL;
}

static unsigned revisions_to_keep(struct domain *d, const char *volume)
{
    g_autofree char *key = g_strconcat(volume, ".revisions_to_keep", NULL);
    const char *text = g_hash_table_lookup(d->volumes, key);
    return text ? (unsigned)g_ascii_strtoull(text, NULL, 10) : 1;
}

struct volume_plan *volume_plan_new(struct domain *d, GError **error)
{
    g_autofree char *images = image_dir(d, error);
    if (!images)
        return NULL;
    struct volume_plan *plan = g_new0(struct volume_plan, 1);
    g_autofree char *modules = NULL;
    char *root = g_build_filename(images, "root.img", NULL);
    add_disk(plan, "xvda", root, FALSE);
    plan->dir = manager_domain_dir(d->manager, d->name);
    if (!exists(root)) {
        dm_fail(error, DM_ERROR_STORAGE, "root image %s of %s is missing; reinstall its template", root,
                d->name);
        goto fail;
    }
    if (!plan_kernel(plan, d, images, &modules, error))
        goto fail;
    plan->keep_upper = d->klass == CLASS_TEMPLATE || d->klass == CLASS_STANDALONE;
    plan->template_dir = d->klass == CLASS_TEMPLATE ? g_strdup(images) : NULL;
    plan->root_size = stored_size(d, "root.size", ROOT_DEFAULT);
    plan->private_size = stored_size(d, "private.size", PRIVATE_DEFAULT);
    plan->volatile_size = stored_size(d, "volatile.size", VOLATILE_DEFAULT);
    plan->private_revisions = d->klass == CLASS_DISP ? 0 : revisions_to_keep(d, "private");
    struct domain *base = d->klass == CLASS_DISP ? domain_template(d) : NULL;
    plan->private_source = base ? in_domain(base, "private.img") : NULL;
    add_disk(plan, "xvdb", in_domain(d, "private.img"), TRUE);
    add_disk(plan, "xvdc", in_domain(d, "volatile.img"), TRUE);
    if (modules)
        add_disk(plan, "xvdd", g_steal_pointer(&modules), FALSE);
    add_disk(plan, "xvde", in_domain(d, "upper.img"), TRUE);
    char *committed = plan->keep_upper ? NULL : volume_committed_upper(images);
    if (committed)
        add_disk(plan, "xvdf", committed, FALSE);
    g_free(d->root_source);
    d->root_source = g_strdup(committed ? committed : root);
    return plan;
fail:
    volume_plan_free(plan);
    return NULL;
}

void volume_plan_free(struct volume_plan *plan)
{
    if (!plan)
        return;
    for (unsigned i = 0; i < plan->n_disks; i++)
        g_free(plan->disks[i].path);
    g_free(plan->dir);
    g_free(plan->template_dir);
    g_free(plan->private_source);
    g_free(plan->kernel);
    g_free(plan->initramfs);
    g_free(plan);
}

static int compare_text(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static GPtrArray *private_revisions(const char *dir_path)
{
    GPtrArray *found = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GDir) dir = g_dir_open(dir_path, 0, NULL);
    for (const char *name; dir && (name = g_dir_read_name(dir));)
        if (g_str_has_prefix(name, "private-") && g_str_has_suffix(name, ".rev"))
            g_ptr_array_add(found, g_strndup(name + 8, strlen(name) - 12));
    g_ptr_array_sort(found, compare_text);
    return found;
}

/* The private volume as it is before this start, where that costs nothing: only by reflink. */
static void keep_private_revision(const struct volume_plan *plan, const char *private_path)
{
    g_autofree char *path =
        g_strdup_printf("%s/private-%" G_GINT64_FORMAT ".rev", plan->dir, g_get_real_time() / G_USEC_PER_SEC);
    if (plan->private_revisions && !volume_reflink(private_path, path))
        return;
    g_autoptr(GPtrArray) all = private_revisions(plan->dir);
    for (guint i = 0; i + plan->private_revisions < all->len; i++) {
        g_autofree char *old = g_strdup_printf("%s/private-%s.rev", plan->dir, (char *)all->pdata[i]);
        unlink(old);
    }
}

gboolean volume_plan_prepare(struct volume_plan *plan, GError **error)
{
    g_autofree char *private_path = g_build_filename(plan->dir, "private.img", NULL);
    g_autofree char *upper = g_build_filename(plan->dir, "upper.img", NULL);
    g_autofree char *swap = g_build_filename(plan->dir, "volatile.img", NULL);
    if (plan->private_source) {
        unlink(private_path);
        gboolean has = exists(plan->private_source);
        if (!(has ? volume_copy(plan->private_source, private_path, error)
                  : volume_create_blank(private_path, plan->private_size, error)))
            return FALSE;
    } else if (!exists(private_path)) {
        return dm_fail(error, DM_ERROR_STORAGE,
                       "private volume %s is missing; restore it from a backup, or make an empty one with "
                       "qvm-volume clear",
                       private_path);
    } else {
        keep_private_revision(plan, private_path);
    }
    if (!(plan->keep_upper && exists(upper)) && !volume_create_blank(upper, plan->root_size, error))
        return FALSE;
    return volume_create_blank(swap, plan->volatile_size, error);
}

gboolean volume_plan_finish(struct volume_plan *plan, gboolean clean, GError **error)
{
    g_autofree char *upper = g_build_filename(plan->dir, "upper.img", NULL);
    g_autofree char *swap = g_build_filename(plan->dir, "volatile.img", NULL);
    g_autofree char *private_path = g_build_filename(plan->dir, "private.img", NULL);
    unlink(swap);
    if (plan->private_source)
        unlink(private_path);
    if (!plan->keep_upper)
        unlink(upper);
    if (plan->template_dir && clean && exists(upper))
        return volume_commit_upper(plan->template_dir, upper, 1, error);
    return TRUE;
}

gboolean volume_create_all(struct domain *d, const char *dir, GError **error)
{
    g_autofree char *private_path = g_build_filename(dir, "private.img", NULL);
    if (d->klass == CLASS_DISP || exists(private_path))
        return TRUE;
    return volume_create_blank(private_path, stored_size(d, "private.size", PRIVATE_DEFAULT), error);
}

/* -- template directories -- */

gboolean volume_rename_template(struct manager *m, const char *from, const char *to, GError **error)
{
    g_autofree char *a = manager_template_dir(m, from), *b = manager_template_dir(m, to);
    return !exists(a) || store_rename(a, b, error);
}

void volume_remove_template(struct manager *m, const char *name)
{
    g_autofree char *dir = manager_template_dir(m, name);
    g_autofree char *hidden = g_strdup_printf("%s/templates/.del-%s", m->state_dir, name);
    g_autoptr(GError) error = NULL;
    if (exists(dir) && (!store_rename(dir, hidden, &error) || !store_remove_tree(hidden, &error)))
        g_warning("%s", error->message);
}

/* A removal cut short: the settings are gone already (.del-NAME), so the image goes, too. */
void volume_remove_template_if_orphan(struct manager *m, const char *name)
{
    g_autofree char *settings = g_strdup_printf("%s/domains/.del-%s/settings", m->state_dir, name);
    g_autoptr(GKeyFile) k = g_key_file_new();
    g_autofree char *klass = NULL;
    if (g_key_file_load_from_file(k, settings, G_KEY_FILE_NONE, NULL))
        klass = g_key_file_get_string(k, "domain", "class", NULL);
    if (g_strcmp0(klass, rules_class_name(CLASS_TEMPLATE)) == 0)
        volume_remove_template(m, name);
}

/* -- what the volume commands show and change -- */

static char *volume_path(struct domain *d, const char *volume)
{
    if (strcmp(volume, "private") == 0)
        return in_domain(d, "private.img");
    if (strcmp(volume, "volatile") == 0)
        return in_domain(d, "volatile.img");
    if (strcmp(volume, "root") == 0)
        return in_domain(d, "upper.img");
    return NULL;
}

static gboolean check_volume(struct domain *d, const char *volume, GError **error)
{
    if (g_strv_contains(volume_names(d), volume))
        return TRUE;
    g_autofree char *shown = g_strescape(volume, NULL);
    return dm_fail(error, DM_ERROR_NO_VOLUME, "%s has no volume \"%s\"", d->name, shown);
}

guint64 volume_size(struct domain *d, const char *volume)
{
    struct stat st;
    g_autofree char *path = volume_path(d, volume);
    if (path && strcmp(volume, "private") == 0 && stat(path, &st) == 0)
        return (guint64)st.st_size;
    if (strcmp(volume, "private") == 0)
        return stored_size(d, "private.size", PRIVATE_DEFAULT);
    if (strcmp(volume, "root") == 0)
        return stored_size(d, "root.size", ROOT_DEFAULT);
    return strcmp(volume, "volatile") == 0 ? stored_size(d, "volatile.size", VOLATILE_DEFAULT) : 0;
}

guint64 volume_usage(struct domain *d, const char *volume)
{
    g_autofree char *path = volume_path(d, volume);
    guint64 sum = path ? volume_allocated(path) : 0;
    if (strcmp(volume, "root") == 0 && (d->klass == CLASS_TEMPLATE || d->klass == CLASS_STANDALONE)) {
        g_autofree char *dir = image_dir(d, NULL);
        g_autofree char *root = dir ? g_build_filename(dir, "root.img", NULL) : NULL;
        sum += root ? volume_allocated(root) : 0;
    }
    return sum;
}

GPtrArray *volume_revisions(struct domain *d, const char *volume)
{
    if (strcmp(volume, "private") == 0) {
        g_autofree char *dir = manager_domain_dir(d->manager, d->name);
        return private_revisions(dir);
    }
    GPtrArray *found = g_ptr_array_new_with_free_func(g_free);
    if (strcmp(volume, "root") == 0 && d->klass == CLASS_TEMPLATE) {
        g_autofree char *dir = manager_template_dir(d->manager, d->name);
        g_autoptr(GArray) revisions = upper_revisions(dir);
        if (revisions->len)
            g_ptr_array_add(found, g_strdup("0"));
        for (guint i = 0; i + 1 < revisions->len; i++)
            g_ptr_array_add(found, g_strdup_printf("%u", g_array_index(revisions, unsigned, i)));
    }
    return found;
}

gboolean volume_is_outdated(struct domain *d)
{
    if (domain_is_halted(d) || !d->root_source || d->klass == CLASS_TEMPLATE || d->klass == CLASS_STANDALONE)
        return FALSE;
    g_autofree char *dir = image_dir(d, NULL);
    g_autofree char *committed = dir ? volume_committed_upper(dir) : NULL;
    g_autofree char *root = dir ? g_build_filename(dir, "root.img", NULL) : NULL;
    return dir && strcmp(d->root_source, committed ? committed : root) != 0;
}

char *volume_info(struct domain *d, const char *volume, GError **error)
{
    if (!check_volume(d, volume, error))
        return NULL;
    gboolean root = strcmp(volume, "root") == 0, private = strcmp(volume, "private") == 0;
    gboolean own_root = d->klass == CLASS_TEMPLATE || d->klass == CLASS_STANDALONE;
    gboolean save = private ? d->klass != CLASS_DISP : root && own_root;
    gboolean snap = private ? d->klass == CLASS_DISP : root && !own_root;
    g_autofree char *dir = root ? image_dir(d, NULL) : NULL;
    struct domain *t = domain_template(d);
    GString *s = g_string_new(NULL);
    g_string_append_printf(s,
                           "pool=file\nvid=%s/%s\nsize=%" G_GUINT64_FORMAT "\nusage=%" G_GUINT64_FORMAT "\n",
                           d->name, volume, volume_size(d, volume), volume_usage(d, volume));
    g_string_append_printf(s, "rw=%s\nsource=%s%s%s\npath=%s%s\nsave_on_stop=%s\nsnap_on_start=%s\n",
                           strcmp(volume, "kernel") == 0 ? "False" : "True", snap && t ? t->name : "",
                           snap && t ? "/" : "", snap && t ? volume : "", dir ? dir : "",
                           dir ? "/root.img" : "", save ? "True" : "False", snap ? "True" : "False");
    g_string_append_printf(s, "revisions_to_keep=%u\nis_outdated=%s\nephemeral=False\n",
                           save ? revisions_to_keep(d, volume) : 0,
                           root && volume_is_outdated(d) ? "True" : "False");
    return g_string_free(s, FALSE);
}

static gboolean check_changeable(struct domain *d, const char *volume, GError **error)
{
    if (!check_volume(d, volume, error) || !domain_check_idle(d, error))
        return FALSE;
    if (!domain_is_halted(d))
        return dm_fail(error, DM_ERROR_NOT_HALTED, "volume %s of %s is in use, shut the domain down first",
                       volume, d->name);
    return TRUE;
}

gboolean volume_resize(struct domain *d, const char *volume, guint64 size, GError **error)
{
    if (strcmp(volume, "kernel") == 0)
        return dm_fail(error, DM_ERROR_VALUE, "the kernel volume cannot be resized");
    if (!check_changeable(d, volume, error))
        return FALSE;
    guint64 now = volume_size(d, volume);
    if (size < now)
        return dm_fail(error, DM_ERROR_VALUE,
                       "volume %s of %s has %" G_GUINT64_FORMAT
                       " bytes; making it smaller would destroy data",
                       volume, d->name, now);
    g_autofree char *key = g_strconcat(volume, ".size", NULL);
    g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT, size);
    g_autofree char *path = volume_path(d, volume);
    if (path && exists(path) && truncate(path, (off_t)size) < 0)
        return dm_error_errno(error, "%s: resize", path);
    return domain_store(d, d->volumes, key, text, error);
}

/* Back to the image as it was installed. */
static gboolean drop_changes(struct domain *d, GError **error)
{
    g_autofree char *dir = manager_template_dir(d->manager, d->name);
    g_autofree char *upper = in_domain(d, "upper.img");
    g_autoptr(GArray) revisions = upper_revisions(dir);
    unlink(upper);
    for (guint i = 0; i < revisions->len; i++) {
        g_autofree char *old = upper_path(dir, g_array_index(revisions, unsigned, i));
        unlink(old);
    }
    return store_sync_dir(dir, error);
}

void volume_check_image(struct domain *d)
{
    struct stat st;
    g_autoptr(GError) error = NULL;
    g_autofree char *image = g_build_filename(d->manager->state_dir, "templates", d->name, "root.img", NULL);
    if (d->klass != CLASS_TEMPLATE || !domain_is_halted(d) || stat(image, &st) < 0)
        return;
    g_autofree char *stamp =
        g_strdup_printf("%lld %lld.%09ld", (long long)st.st_size, (long long)st.st_mtime, st.st_mtim.tv_nsec);
    const char *before = g_hash_table_lookup(d->volumes, "root.image");
    if (g_strcmp0(before, stamp) == 0)
        return;
    if (before)
        g_message("template %s has a new image: changes made to the old one are dropped", d->name);
    if ((before && !drop_changes(d, &error)) || !domain_store(d, d->volumes, "root.image", stamp, &error))
        g_warning("template %s: %s", d->name, error->message);
}

gboolean volume_revert_plan(struct domain *d, const char *volume, const char *revision,
                            struct volume_revert *plan, GError **error)
{
    if (!check_changeable(d, volume, error))
        return FALSE;
    g_autoptr(GPtrArray) all = volume_revisions(d, volume);
    const char *chosen = revision[0] ? NULL : all->len ? all->pdata[all->len - 1] : NULL;
    for (guint i = 0; i < all->len; i++)
        if (strcmp(all->pdata[i], revision) == 0)
            chosen = all->pdata[i];
    if (!chosen)
        return dm_fail(error, DM_ERROR_NO_VOLUME,
                       "volume %s of %s has no revision %s (qvm-volume info lists them)", volume, d->name,
                       revision);
    plan->to = volume_path(d, volume);
    if (strcmp(volume, "root") != 0) {
        plan->from = g_strdup_printf("%s/domains/%s/private-%s.rev", d->manager->state_dir, d->name, chosen);
        return TRUE;
    }
    unsigned n = (unsigned)g_ascii_strtoull(chosen, NULL, 10);
    if (n == 0)
        return drop_changes(d, error);
    plan->template_dir = manager_template_dir(d->manager, d->name);
    plan->from = upper_path(plan->template_dir, n);
    return TRUE;
}

gboolean volume_clear(struct domain *d, const char *volume, GError **error)
{
    if (!check_changeable(d, volume, error))
        return FALSE;
    if (strcmp(volume, "private") != 0)
        return dm_fail(error, DM_ERROR_VALUE, "only the private volume can be cleared");
    g_autofree char *path = in_domain(d, "private.img");
    return volume_create_blank(path, volume_size(d, volume), error);
}

char *volume_private_path(struct domain *d, const char *volume, GError **error)
{
    if (!check_changeable(d, volume, error))
        return NULL;
    if (strcmp(volume, "private") == 0 && d->klass != CLASS_DISP)
        return in_domain(d, "private.img");
    dm_fail(error, DM_ERROR_VALUE, "volume %s of %s cannot be copied by itself; use qvm-clone", volume,
            d->name);
    return NULL;
}

char *volume_import_path(struct domain *d, const char *volume, GError **error)
{
    if (!check_changeable(d, volume, error))
        return NULL;
    gboolean root = strcmp(volume, "root") == 0;
    if (root && d->klass == CLASS_STANDALONE)
        return in_domain(d, "root.img");
    if (root && d->klass == CLASS_TEMPLATE) {
        g_autofree char *dir = manager_template_dir(d->manager, d->name);
        g_mkdir_with_parents(dir, 0755);
        return g_build_filename(dir, "root.img", NULL);
    }
    if (strcmp(volume, "private") == 0)
        return in_domain(d, "private.img");
    dm_fail(error, DM_ERROR_VALUE, "volume %s of %s is no place to import to", volume, d->name);
    return NULL;
}
