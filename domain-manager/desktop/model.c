/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model.h"

#include <string.h>

#include "../daemon/labels.h"

#define NAME "org.bulkhead.DomainManager1"
#define PATH "/org/bulkhead/DomainManager1"

struct model {
    GDBusConnection *bus;
    GCancellable *cancel;
    GPtrArray *vms;
    model_changed_fn changed;
    model_event_fn event;
    void *data;
    guint watch, signal, delay;
    gboolean connected, listing, again;
};

static void app_free(void *data)
{
    struct app *a = data;
    g_free(a->id);
    g_free(a->name);
    g_free(a);
}

static void vm_free(void *data)
{
    struct vm *v = data;
    g_free(v->name);
    g_free(v->klass);
    g_free(v->state);
    g_free(v->label);
    g_free(v->template_name);
    g_free(v->netvm);
    g_free(v->icon);
    if (v->apps)
        g_ptr_array_unref(v->apps);
    g_free(v);
}

const GPtrArray *model_domains(const struct model *m)
{
    return m->vms;
}

static struct vm *find(const struct model *m, const char *name)
{
    for (guint i = 0; i < m->vms->len; i++) {
        struct vm *v = m->vms->pdata[i];
        if (strcmp(v->name, name) == 0)
            return v;
    }
    return NULL;
}

const struct vm *model_find(const struct model *m, const char *name)
{
    return find(m, name);
}

gboolean model_connected(const struct model *m)
{
    return m->connected;
}

/* -- applications -- */

struct apps_request {
    struct model *model;
    char *name;
};

static void apps_came(const char *answer, const GError *error, void *data)
{
    struct apps_request *r = data;
    struct vm *v = error ? NULL : find(r->model, r->name);
    g_auto(GStrv) lines = v ? g_strsplit(answer, "\n", 0) : NULL;
    if (v && !v->apps)
        v->apps = g_ptr_array_new_with_free_func(app_free);
    if (v)
        g_ptr_array_set_size(v->apps, 0);
    for (char **line = lines; line && *line; line++) {
        g_auto(GStrv) cells = g_strsplit(*line, "\t", 3);
        if (!cells[0] || !cells[1])
            continue;
        struct app *a = g_new(struct app, 1);
        *a = (struct app){g_strdup(cells[0]), g_strdup(cells[1])};
        g_ptr_array_add(v->apps, a);
    }
    g_free(r->name);
    g_free(r);
}

static void fetch_apps(struct model *m, const char *name)
{
    struct apps_request *r = g_new(struct apps_request, 1);
    *r = (struct apps_request){m, g_strdup(name)};
    model_call(m, "bulkhead.vm.appmenus.Get", name, "", apps_came, r);
}

/* -- labels -- */

static void labels_came(const char *answer, const GError *error, void *data)
{
    struct model *m = data;
    if (!error)
        labels_load(answer);
    m->changed(m->data);
}

static void fetch_labels(struct model *m)
{
    model_call(m, "bulkhead.label.Table", "dom0", "", labels_came, m);
}

/* -- list -- */

static char *get_text(GVariant *dict, const char *key)
{
    char *text = NULL;
    g_variant_lookup(dict, key, "s", &text);
    return text ? text : g_strdup("");
}

static struct vm *vm_new(GVariant *dict)
{
    struct vm *v = g_new0(struct vm, 1);
    g_autofree char *dispvms = get_text(dict, "template_for_dispvms");
    v->name = get_text(dict, "name");
    v->klass = get_text(dict, "class");
    v->state = get_text(dict, "state");
    v->label = get_text(dict, "label");
    v->template_name = get_text(dict, "template");
    v->netvm = get_text(dict, "netvm");
    v->icon = get_text(dict, "icon");
    v->is_dispvm_template = strcmp(dispvms, "True") == 0;
    g_variant_lookup(dict, "internal", "b", &v->internal);
    g_variant_lookup(dict, "outdated", "b", &v->outdated);
    g_variant_lookup(dict, "domid", "i", &v->domid);
    g_variant_lookup(dict, "memory_kib", "t", &v->memory_kib);
    g_variant_lookup(dict, "cpu_time_ns", "t", &v->cpu_time_ns);
    return v;
}

static void take_list(struct model *m, GVariant *reply)
{
    g_autoptr(GVariant) list = g_variant_get_child_value(reply, 0);
    GPtrArray *old = m->vms;
    m->vms = g_ptr_array_new_with_free_func(vm_free);
    for (gsize i = 0; i < g_variant_n_children(list); i++) {
        g_autoptr(GVariant) dict = g_variant_get_child_value(list, i);
        struct vm *v = vm_new(dict);
        for (guint j = 0; j < old->len; j++) {
            struct vm *before = old->pdata[j];
            if (strcmp(before->name, v->name) == 0)
                v->apps = g_steal_pointer(&before->apps);
        }
        g_ptr_array_add(m->vms, v);
    }
    g_ptr_array_unref(old);
    for (guint i = 0; i < m->vms->len; i++) {
        struct vm *v = m->vms->pdata[i];
        if (!v->apps && strcmp(v->name, "dom0") != 0)
            fetch_apps(m, v->name);
    }
}

static void list_came(GObject *source, GAsyncResult *res, void *data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply = g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), res, &error);
    if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        return;
    struct model *m = data;
    m->listing = FALSE;
    if (reply) {
        m->connected = TRUE;
        take_list(m, reply);
    }
    m->changed(m->data);
    if (m->again)
        model_refresh(m);
}

void model_refresh(struct model *m)
{
    m->again = m->listing;
    if (m->listing || !m->bus)
        return;
    m->listing = TRUE;
    g_dbus_connection_call(m->bus, NAME, PATH, NAME, "ListDomains", NULL, G_VARIANT_TYPE("(aa{sv})"),
                           G_DBUS_CALL_FLAGS_NONE, -1, m->cancel, list_came, m);
}

static gboolean refresh_now(void *data)
{
    struct model *m = data;
    m->delay = 0;
    model_refresh(m);
    return G_SOURCE_REMOVE;
}

static void on_signal(GDBusConnection *bus, const char *sender, const char *path, const char *interface,
                      const char *signal, GVariant *parameters, void *data)
{
    struct model *m = data;
    const char *domain, *event;
    (void)bus, (void)sender, (void)path, (void)interface, (void)signal;
    g_autoptr(GVariant) details = NULL;
    g_variant_get(parameters, "(&s&s@a{ss})", &domain, &event, &details);
    if (strcmp(event, "appmenus-changed") == 0)
        for (guint i = 0; i < m->vms->len; i++)
            fetch_apps(m, ((struct vm *)m->vms->pdata[i])->name);
    if (strcmp(event, "labels-changed") == 0)
        fetch_labels(m);
    m->event(domain, event, details, m->data);
    if (strcmp(event, "progress") == 0)
        return;    /* nothing in the list has changed */
    if (!m->delay) /* events come in bunches */
        m->delay = g_timeout_add(50, refresh_now, m);
}

/* -- calls -- */

struct call {
    struct model *model;
    char *domain;
    model_answer_fn answer;
    void *data;
};

static void answered(GObject *source, GAsyncResult *res, void *data)
{
    struct call *c = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply = g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), res, &error);
    const char *text = "";
    if (reply)
        g_variant_get(reply, "(&s)", &text);
    if (error)
        g_dbus_error_strip_remote_error(error);
    gboolean cancelled = g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    if (c->answer && !cancelled) {
        c->answer(text, error, c->data);
    } else if (error && !cancelled) {
        GVariantBuilder b;
        g_variant_builder_init(&b, G_VARIANT_TYPE("a{ss}"));
        g_variant_builder_add(&b, "{ss}", "reason", error->message);
        g_autoptr(GVariant) details = g_variant_ref_sink(g_variant_builder_end(&b));
        c->model->event(c->domain, "call-failed", details, c->model->data);
    }
    g_free(c->domain);
    g_free(c);
}

void model_call(struct model *m, const char *method, const char *domain, const char *payload,
                model_answer_fn answer, void *data)
{
    if (!m->bus)
        return;
    struct call *c = g_new(struct call, 1);
    *c = (struct call){m, g_strdup(domain), answer, data};
    g_dbus_connection_call(m->bus, NAME, PATH, NAME, "Call", g_variant_new("(sss)", method, domain, payload),
                           G_VARIANT_TYPE("(s)"), G_DBUS_CALL_FLAGS_NONE, G_MAXINT, m->cancel, answered, c);
}

void model_properties(struct model *m, const char *domain, GAsyncReadyCallback ready, void *data)
{
    g_dbus_connection_call(m->bus, NAME, PATH, NAME, "GetProperties", g_variant_new("(s)", domain),
                           G_VARIANT_TYPE("(a(sssb))"), G_DBUS_CALL_FLAGS_NONE, -1, m->cancel, ready, data);
}

/* -- life -- */

static void on_appeared(GDBusConnection *bus, const char *name, const char *owner, void *data)
{
    struct model *m = data;
    (void)name, (void)owner;
    if (!m->bus)
        m->bus = g_object_ref(bus);
    if (!m->signal)
        m->signal = g_dbus_connection_signal_subscribe(bus, NAME, NAME, "DomainEvent", PATH, NULL,
                                                       G_DBUS_SIGNAL_FLAGS_NONE, on_signal, m, NULL);
    fetch_labels(m);
    model_refresh(m);
}

static void on_vanished(GDBusConnection *bus, const char *name, void *data)
{
    struct model *m = data;
    (void)bus, (void)name;
    m->connected = FALSE;
    m->changed(m->data);
}

struct model *model_new(GBusType bus, model_changed_fn changed, model_event_fn event, void *data)
{
    struct model *m = g_new0(struct model, 1);
    m->vms = g_ptr_array_new_with_free_func(vm_free);
    m->cancel = g_cancellable_new();
    m->changed = changed;
    m->event = event;
    m->data = data;
    m->watch = g_bus_watch_name(bus, NAME, G_BUS_NAME_WATCHER_FLAGS_NONE, on_appeared, on_vanished, m, NULL);
    return m;
}

void model_free(struct model *m)
{
    g_cancellable_cancel(m->cancel);
    g_bus_unwatch_name(m->watch);
    if (m->signal)
        g_dbus_connection_signal_unsubscribe(m->bus, m->signal);
    if (m->delay)
        g_source_remove(m->delay);
    g_clear_object(&m->bus);
    g_object_unref(m->cancel);
    g_ptr_array_unref(m->vms);
    g_free(m);
}
