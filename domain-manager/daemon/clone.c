/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The volumes are copied by a worker thread into domains/.new-NAME; the record and its settings file follow
 * in the main thread, and one rename makes both visible. The name is reserved, the source busy meanwhile. */
#include "clone.h"

#include "dm_error.h"
#include "store.h"
#include "volume.h"
#include "worker.h"

struct clone_work {
    struct manager *manager;
    char *from_name, *name, *template_name, *label;
    struct domain_spec spec;
    char *from_dir, *to_dir, *from_template, *to_template, *root_template;
    done_fn done;
    void *data;
};

static void clone_work_free(void *data)
{
    struct clone_work *w = data;
    g_free(w->from_name);
    g_free(w->name);
    g_free(w->template_name);
    g_free(w->label);
    g_free(w->from_dir);
    g_free(w->to_dir);
    g_free(w->from_template);
    g_free(w->to_template);
    g_free(w->root_template);
    g_free(w);
}

static gboolean clone_files(void *data, GError **error)
{
    struct clone_work *w = data;
    volume_expect(w->from_dir);
    if (w->root_template || w->from_template)
        volume_expect(w->root_template ? w->root_template : w->from_template);
    gboolean ok = volume_clone_dir(w->from_dir, w->to_dir, error);
    if (ok && w->root_template)
        ok = volume_root_from_template(w->root_template, w->to_dir, error);
    if (ok && w->from_template)
        ok = volume_clone_template(w->from_template, w->to_template, error);
    if (!ok)
        store_remove_tree(w->to_dir, NULL);
    return ok;
}

static void clone_ready(void *data, const GError *failure)
{
    struct clone_work *w = data;
    g_autoptr(GError) error = failure ? g_error_copy(failure) : NULL;
    struct domain *from = manager_find(w->manager, w->from_name);
    g_hash_table_remove(w->manager->reserved, w->name);
    if (from)
        from->busy = NULL;
    if (!error) {
        w->spec.clone_of = w->root_template ? NULL : from;
        if (!domain_create(w->manager, &w->spec, &error)) {
            store_remove_tree(w->to_dir, NULL);
            if (w->to_template)
                volume_remove_template(w->manager, w->name);
        }
    }
    w->done(error, w->data);
}

static void clone_tell(void *data, guint64 done, guint64 expected)
{
    struct clone_work *w = data;
    manager_emit_progress(w->manager, manager_find(w->manager, w->from_name), w->name, done, expected);
}

static struct clone_work *clone_new(struct manager *m, const struct domain_spec *spec, done_fn done,
                                    void *data)
{
    struct clone_work *w = g_new0(struct clone_work, 1);
    w->manager = m;
    w->name = g_strdup(spec->name);
    w->template_name = g_strdup(spec->template_name);
    w->label = g_strdup(spec->label);
    w->spec = (struct domain_spec){.klass = spec->klass,
                                   .name = w->name,
                                   .template_name = w->template_name,
                                   .label = w->label,
                                   .prepared = TRUE};
    w->to_dir = g_strdup_printf("%s/domains/.new-%s", m->state_dir, spec->name);
    w->done = done;
    w->data = data;
    return w;
}

static gboolean clone_check(struct manager *m, const struct domain_spec *spec, struct domain *from,
                            GError **error)
{
    if (!rules_name_check(spec->name, error))
        return FALSE;
    if (manager_find(m, spec->name) || g_hash_table_contains(m->reserved, spec->name))
        return dm_fail(error, DM_ERROR_EXISTS, "a domain named %s exists already", spec->name);
    if (from->klass == CLASS_ADMIN)
        return dm_fail(error, DM_ERROR_VALUE, "dom0 cannot be cloned");
    if (!domain_is_halted(from))
        return dm_fail(error, DM_ERROR_NOT_HALTED, "%s is running, shut it down first", from->name);
    return domain_check_idle(from, error);
}

static void clone_run(struct clone_work *w, struct domain *from)
{
    w->from_name = g_strdup(from->name);
    from->busy = "cloned";
    g_hash_table_add(w->manager->reserved, g_strdup(w->name));
    worker_start_copy(w, clone_files, clone_ready, clone_work_free, clone_tell);
}

void clone_domain(struct domain *from, const struct domain_spec *spec, done_fn done, void *data)
{
    struct manager *m = from->manager;
    g_autoptr(GError) error = NULL;
    if (!clone_check(m, spec, from, &error)) {
        done(error, data);
        return;
    }
    struct clone_work *w = clone_new(m, spec, done, data);
    w->from_dir = manager_domain_dir(m, from->name);
    if (from->klass == CLASS_TEMPLATE) {
        w->from_template = manager_template_dir(m, from->name);
        w->to_template = manager_template_dir(m, spec->name);
    }
    clone_run(w, from);
}

void clone_standalone(struct manager *m, const struct domain_spec *spec, done_fn done, void *data)
{
    g_autoptr(GError) error = NULL;
    struct domain *t = manager_get(m, spec->template_name, &error);
    if (t && t->klass != CLASS_TEMPLATE)
        dm_fail(&error, DM_ERROR_VALUE, "%s is not a TemplateVM", t->name);
    if (error || !clone_check(m, spec, t, &error)) {
        done(error, data);
        return;
    }
    struct clone_work *w = clone_new(m, spec, done, data);
    g_clear_pointer(&w->template_name, g_free);
    w->spec.template_name = NULL;
    w->from_dir = g_strdup("/nonexistent"); /* no private volume to copy: a blank one is made */
    w->root_template = manager_template_dir(m, t->name);
    clone_run(w, t);
}
