/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dbus.h"

#include <string.h>

#include "admin.h"
#include "dm_error.h"
#include "property.h"
#include "volume.h"

struct dbus {
    struct manager *manager;
    guint owner, object;
    GDBusConnection *connection;
    GDBusNodeInfo *node;
};

static const char introspection[] =
    "<node><interface name='" DBUS_INTERFACE "'>"
    "<method name='ListDomains'><arg type='aa{sv}' direction='out'/></method>"
    "<method name='GetProperties'><arg name='domain' type='s' direction='in'/>"
    "<arg type='a(sssb)' direction='out'/></method>"
    "<method name='Start'><arg name='domain' type='s' direction='in'/></method>"
    "<method name='Shutdown'><arg name='domain' type='s' direction='in'/>"
    "<arg name='flags' type='s' direction='in'/></method>"
    "<method name='Kill'><arg name='domain' type='s' direction='in'/></method>"
    "<method name='Pause'><arg name='domain' type='s' direction='in'/></method>"
    "<method name='Unpause'><arg name='domain' type='s' direction='in'/></method>"
    "<method name='Remove'><arg name='domain' type='s' direction='in'/></method>"
    "<method name='SetProperty'><arg name='domain' type='s' direction='in'/>"
    "<arg name='property' type='s' direction='in'/><arg name='value' type='s' direction='in'/></method>"
    "<method name='ResetProperty'><arg name='domain' type='s' direction='in'/>"
    "<arg name='property' type='s' direction='in'/></method>"
    "<method name='Call'><arg name='method' type='s' direction='in'/><arg name='domain' type='s' "
    "direction='in'/>"
    "<arg name='payload' type='s' direction='in'/><arg name='answer' type='s' direction='out'/></method>"
    "<signal name='DomainEvent'><arg name='domain' type='s'/><arg name='event' type='s'/>"
    "<arg name='details' type='a{ss}'/></signal>"
    "</interface></node>";

/* Simple methods: arguments are strings, the first is the domain; the second, where there is one, goes behind
 * the '+', the third is the payload. */
static const struct {
    const char *name, *admin;
} simple[] = {
    {"Start", "admin.vm.Start"},
    {"Shutdown", "admin.vm.Shutdown"},
    {"Kill", "admin.vm.Kill"},
    {"Pause", "admin.vm.Pause"},
    {"Unpause", "admin.vm.Unpause"},
    {"Remove", "admin.vm.Remove"},
    {"SetProperty", "admin.vm.property.Set"},
    {"ResetProperty", "admin.vm.property.Reset"},
};

static void add_text(GVariantBuilder *b, const char *key, const char *value)
{
    g_variant_builder_add(b, "{sv}", key, g_variant_new_string(value ? value : ""));
}

static void add_domain(GVariantBuilder *all, struct domain *d)
{
    static const char *const shown[] = {"label",  "template", "netvm",
                                        "memory", "icon",     "template_for_dispvms"};
    g_variant_builder_open(all, G_VARIANT_TYPE_VARDICT);
    add_text(all, "name", d->name);
    add_text(all, "uuid", d->uuid);
    add_text(all, "class", rules_class_name(d->klass));
    add_text(all, "state", domain_state_name(d));
    for (guint i = 0; i < G_N_ELEMENTS(shown); i++) {
        g_autofree char *value = property_get(d, shown[i], NULL);
        add_text(all, shown[i], value);
    }
    g_variant_builder_add(all, "{sv}", "domid", g_variant_new_int32(d->domid));
    g_variant_builder_add(all, "{sv}", "memory_kib", g_variant_new_uint64(d->memory_kib));
    g_variant_builder_add(all, "{sv}", "cpu_time_ns", g_variant_new_uint64(d->cpu_time_ns));
    g_variant_builder_add(all, "{sv}", "outdated", g_variant_new_boolean(volume_is_outdated(d)));
    g_variant_builder_add(all, "{sv}", "internal",
                          g_variant_new_boolean(domain_feature_bool(d, "internal", FALSE)));
    g_variant_builder_close(all);
}

static void list_domains(struct dbus *s, GDBusMethodInvocation *invocation)
{
    g_autoptr(GPtrArray) all = manager_sorted(s->manager);
    GVariantBuilder b;
    g_variant_builder_init(&b, G_VARIANT_TYPE("aa{sv}"));
    for (guint i = 0; i < all->len; i++)
        add_domain(&b, all->pdata[i]);
    g_dbus_method_invocation_return_value(invocation, g_variant_new("(aa{sv})", &b));
}

static void get_properties(struct dbus *s, GDBusMethodInvocation *invocation, const char *name)
{
    GError *error = NULL;
    struct domain *d = manager_get(s->manager, name, &error);
    if (!d) {
        g_dbus_method_invocation_take_error(invocation, error);
        return;
    }
    g_autofree const char **names = property_names(d);
    GVariantBuilder b;
    g_variant_builder_init(&b, G_VARIANT_TYPE("a(sssb)"));
    for (const char **n = names; *n; n++) {
        g_autofree char *value = property_get(d, *n, NULL);
        g_variant_builder_add(&b, "(sssb)", *n, property_type_name(*n), value, property_is_default(d, *n));
    }
    g_dbus_method_invocation_return_value(invocation, g_variant_new("(a(sssb))", &b));
}

static void reply_empty(const GError *error, const char *data, gsize size, void *user)
{
    (void)data, (void)size;
    if (error)
        g_dbus_method_invocation_return_gerror(user, error);
    else
        g_dbus_method_invocation_return_value(user, NULL);
}

static void reply_text(const GError *error, const char *data, gsize size, void *user)
{
    (void)size;
    if (error)
        g_dbus_method_invocation_return_gerror(user, error);
    else
        g_dbus_method_invocation_return_value(user, g_variant_new("(s)", data));
}

static void call_simple(struct dbus *s, GDBusMethodInvocation *invocation, const char *admin,
                        GVariant *parameters)
{
    const char *a[3] = {"", "", ""};
    for (gsize i = 0; i < g_variant_n_children(parameters) && i < 3; i++)
        g_variant_get_child(parameters, i, "&s", &a[i]);
    g_autofree char *method = a[1][0] ? g_strconcat(admin, "+", a[1], NULL) : g_strdup(admin);
    admin_call(s->manager, method, "dom0", a[0], a[2], strlen(a[2]), reply_empty, invocation);
}

static void on_method(GDBusConnection *connection, const char *sender, const char *path,
                      const char *interface, const char *method, GVariant *parameters,
                      GDBusMethodInvocation *invocation, void *data)
{
    struct dbus *s = data;
    const char *name = "", *domain = "", *payload = "";
    (void)connection, (void)sender, (void)path, (void)interface;
    for (guint i = 0; i < G_N_ELEMENTS(simple); i++)
        if (strcmp(simple[i].name, method) == 0) {
            call_simple(s, invocation, simple[i].admin, parameters);
            return;
        }
    if (strcmp(method, "ListDomains") == 0) {
        list_domains(s, invocation);
    } else if (strcmp(method, "GetProperties") == 0) {
        g_variant_get(parameters, "(&s)", &name);
        get_properties(s, invocation, name);
    } else { /* Call */
        g_variant_get(parameters, "(&s&s&s)", &name, &domain, &payload);
        admin_call(s->manager, name, "dom0", domain, payload, strlen(payload), reply_text, invocation);
    }
}

static void on_event(struct manager *m, const char *subject, const char *event, const char *const *pairs,
                     void *data)
{
    struct dbus *s = data;
    (void)m;
    if (!s->connection || strcmp(event, MANAGER_STATS_EVENT) == 0)
        return;
    GVariantBuilder b;
    g_variant_builder_init(&b, G_VARIANT_TYPE("a{ss}"));
    for (; pairs[0]; pairs += 2)
        g_variant_builder_add(&b, "{ss}", pairs[0], pairs[1]);
    g_dbus_connection_emit_signal(s->connection, NULL, DBUS_PATH, DBUS_INTERFACE, "DomainEvent",
                                  g_variant_new("(ssa{ss})", subject, event, &b), NULL);
}

static void on_bus(GDBusConnection *connection, const char *name, void *data)
{
    static const GDBusInterfaceVTable vtable = {.method_call = on_method};
    struct dbus *s = data;
    g_autoptr(GError) error = NULL;
    (void)name;
    s->connection = g_object_ref(connection);
    s->object = g_dbus_connection_register_object(connection, DBUS_PATH, s->node->interfaces[0], &vtable, s,
                                                  NULL, &error);
    if (error)
        g_warning("D-Bus object: %s", error->message);
}

static void on_lost(GDBusConnection *connection, const char *name, void *data)
{
    (void)data;
    g_warning("D-Bus name %s %s", name, connection ? "is taken or not allowed" : "is not available: no bus");
}

struct dbus *dbus_new(struct manager *m, GBusType bus)
{
    struct dbus *s = g_new0(struct dbus, 1);
    s->manager = m;
    s->node = g_dbus_node_info_new_for_xml(introspection, NULL);
    s->owner = g_bus_own_name(bus, DBUS_NAME, G_BUS_NAME_OWNER_FLAGS_NONE, on_bus, NULL, on_lost, s, NULL);
    manager_listen(m, on_event, s);
    return s;
}

void dbus_free(struct dbus *s)
{
    manager_unlisten(s->manager, on_event, s);
    if (s->object)
        g_dbus_connection_unregister_object(s->connection, s->object);
    g_bus_unown_name(s->owner);
    g_clear_object(&s->connection);
    g_dbus_node_info_unref(s->node);
    g_free(s);
}
