/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "status-item.h"

#include <gio/gio.h>
#include <string.h>

#include "input.h"
#include "session-bus.h"
#include "toplevel.h"
#include "tray.h"

#define WATCHER       "org.kde.StatusNotifierWatcher"
#define WATCHER_PATH  "/StatusNotifierWatcher"
#define ITEM          "org.kde.StatusNotifierItem"
#define ITEM_PATH     "/StatusNotifierItem"
#define ICON_MAX      128 /* pixels of a side; a larger icon is cut */
#define ICON_BORDER   2
#define NEW_ICON_MS   100 /* shortest time between two NewIcon signals */
#define SCROLL_BUTTON 4u  /* up; down, left and right follow */

/* clang-format off */
static const char interface_xml[] =
    "<node><interface name='" ITEM "'>"
    "<property name='Category' type='s' access='read'/><property name='Id' type='s' access='read'/>"
    "<property name='Title' type='s' access='read'/><property name='Status' type='s' access='read'/>"
    "<property name='IconName' type='s' access='read'/><property name='IconPixmap' type='a(iiay)' access='read'/>"
    "<property name='ToolTip' type='(sa(iiay)ss)' access='read'/>"
    "<property name='ItemIsMenu' type='b' access='read'/>"
    "<method name='Activate'><arg type='i' direction='in'/><arg type='i' direction='in'/></method>"
    "<method name='SecondaryActivate'><arg type='i' direction='in'/><arg type='i' direction='in'/></method>"
    "<method name='ContextMenu'><arg type='i' direction='in'/><arg type='i' direction='in'/></method>"
    "<method name='Scroll'><arg type='i' direction='in'/><arg type='s' direction='in'/></method>"
    "<signal name='NewIcon'/><signal name='NewTitle'/></interface></node>";
/* clang-format on */

struct status_watch {
    struct view *view;
    guint name;   /* bus watch, 0: not yet */
    guint signal; /* of new hosts */
    GDBusConnection *bus;
    GDBusNodeInfo *info;
    GCancellable *cancel;
    bool host;
};

struct status_item {
    struct status_watch *watch;
    struct toplevel *toplevel;
    /* Of its own: its end is how a host learns that one icon has gone. */
    GDBusConnection *bus;
    GCancellable *cancel;
    guint object;
    guint timer; /* a NewIcon waits */
};

/* ---- what the host asks for ---- */

/* The guest's icon in the label's shades, or with a border of it, as the interface wants it: ARGB, big
 * endian. */
static GVariant *icon_pixmap(const struct status_item *item)
{
    const struct toplevel *t = item->toplevel;
    const struct window *window = t->window;
    int b = t->view->config->tray_mode == TRAY_BORDER ? ICON_BORDER : 0;
    int w = MIN(window->buffer_size.w, ICON_MAX), h = MIN(window->buffer_size.h, ICON_MAX);
    size_t row = (size_t)(w + 2 * b), count = row * (size_t)(h + 2 * b);
    const uint32_t *from = window->buffer.data;
    g_autofree uint32_t *pixels = g_new(uint32_t, count);

    for (size_t i = 0; i < count; i++)
        pixels[i] = t->view->config->color;
    for (int y = 0; y < h && from; y++) {
        uint32_t *line = pixels + (size_t)(y + b) * row + b;

        memcpy(line, from + (size_t)y * (size_t)window->buffer_size.w, (size_t)w * sizeof(*line));
        tray_filter(item->toplevel, line, (size_t)w);
    }
    for (size_t i = 0; i < count; i++)
        pixels[i] = GUINT32_TO_BE(pixels[i] | 0xff000000u);
    return g_variant_new("(ii@ay)", w + 2 * b, h + 2 * b,
                         g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, pixels, count * sizeof(*pixels), 1));
}

static GVariant *icon_pixmaps(const struct status_item *item)
{
    GVariant *one = icon_pixmap(item);

    return g_variant_new_array(NULL, &one, 1);
}

static GVariant *tool_tip(const struct status_item *item)
{
    const struct toplevel *t = item->toplevel;
    g_autofree char *title = g_markup_escape_text(t->window->title, -1);

    return g_variant_new("(s@a(iiay)ss)", "", g_variant_new_array(G_VARIANT_TYPE("(iiay)"), NULL, 0),
                         t->view->config->name, title);
}

static GVariant *get_property(GDBusConnection *bus, const char *sender, const char *path,
                              const char *interface, const char *name, GError **error, gpointer data)
{
    const struct status_item *item = data;
    const struct toplevel *t = item->toplevel;

    (void)bus;
    (void)sender;
    (void)path;
    (void)interface;
    (void)error;
    if (!strcmp(name, "IconPixmap"))
        return icon_pixmaps(item);
    if (!strcmp(name, "ToolTip"))
        return tool_tip(item);
    if (!strcmp(name, "ItemIsMenu"))
        return g_variant_new_boolean(FALSE);
    if (!strcmp(name, "Category"))
        return g_variant_new_string("ApplicationStatus");
    if (!strcmp(name, "Status"))
        return g_variant_new_string("Active");
    if (!strcmp(name, "Id"))
        return g_variant_new_take_string(
            g_strdup_printf("qubes-guid-%s-0x%x", t->view->config->name, t->window->id));
    if (!strcmp(name, "Title"))
        return g_variant_new_string(t->view->config->name);
    return g_variant_new_string(""); /* IconName */
}

/* The guest's window goes where the user clicked, so that its menu opens there. */
static void click(struct toplevel *t, uint32_t button, int x, int y)
{
    struct rect area = t->window->configure.geometry;

    area.x = x - area.w / 2;
    area.y = y - area.h / 2;
    domain_window_moved(t->window, &area);
    input_click(t, button);
}

static void scroll(struct toplevel *t, int delta, const char *orientation)
{
    uint32_t button = SCROLL_BUTTON + (delta > 0);

    if (!g_ascii_strcasecmp(orientation, "horizontal"))
        button += 2;
    if (delta)
        input_click(t, button);
}

static void call(GDBusConnection *bus, const char *sender, const char *path, const char *interface,
                 const char *method, GVariant *parameters, GDBusMethodInvocation *invocation, gpointer data)
{
    static const struct {
        const char *method;
        uint32_t button;
    } clicks[] = {{"Activate", 1}, {"SecondaryActivate", 2}, {"ContextMenu", 3}};
    struct status_item *item = data;
    const char *orientation;
    int x, y;

    (void)bus;
    (void)sender;
    (void)path;
    (void)interface;
    if (!strcmp(method, "Scroll")) {
        g_variant_get(parameters, "(i&s)", &x, &orientation);
        scroll(item->toplevel, x, orientation);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(clicks); i++) {
        if (strcmp(method, clicks[i].method))
            continue;
        g_variant_get(parameters, "(ii)", &x, &y);
        click(item->toplevel, clicks[i].button, x, y);
    }
    g_dbus_method_invocation_return_value(invocation, NULL);
}

/* ---- the desktop's side of it: is there anybody who shows items? ---- */

static void set_host(struct status_watch *watch, bool host)
{
    if (watch->host == host)
        return;
    watch->host = host;
    if (host)
        view_dock_all(watch->view);
    else
        view_undock_items(watch->view);
}

static void host_registered(GDBusConnection *bus, const char *sender, const char *path, const char *interface,
                            const char *signal, GVariant *parameters, gpointer data)
{
    (void)bus;
    (void)sender;
    (void)path;
    (void)interface;
    (void)signal;
    (void)parameters;
    set_host(data, true);
}

static void got_host(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply = g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);
    g_autoptr(GVariant) value = NULL;

    if (!reply) /* also: cancelled, the watch is gone */
        return;
    g_variant_get(reply, "(v)", &value);
    if (g_variant_is_of_type(value, G_VARIANT_TYPE_BOOLEAN) && g_variant_get_boolean(value))
        set_host(data, true);
}

static void watcher_appeared(GDBusConnection *bus, const char *name, const char *owner, gpointer data)
{
    struct status_watch *watch = data;

    (void)name;
    g_dbus_connection_set_exit_on_close(bus, FALSE);
    g_set_object(&watch->bus, bus);
    watch->signal =
        g_dbus_connection_signal_subscribe(bus, owner, WATCHER, "StatusNotifierHostRegistered", WATCHER_PATH,
                                           NULL, G_DBUS_SIGNAL_FLAGS_NONE, host_registered, watch, NULL);
    g_dbus_connection_call(bus, owner, WATCHER_PATH, "org.freedesktop.DBus.Properties", "Get",
                           g_variant_new("(ss)", WATCHER, "IsStatusNotifierHostRegistered"),
                           G_VARIANT_TYPE("(v)"), G_DBUS_CALL_FLAGS_NONE, -1, watch->cancel, got_host, watch);
}

static void watcher_vanished(GDBusConnection *bus, const char *name, gpointer data)
{
    struct status_watch *watch = data;

    (void)name;
    if (bus && watch->signal)
        g_dbus_connection_signal_unsubscribe(bus, watch->signal);
    watch->signal = 0;
    set_host(watch, false);
}

struct status_watch *status_watch_new(struct view *view)
{
    struct status_watch *watch = g_new0(struct status_watch, 1);

    watch->view = view;
    watch->cancel = g_cancellable_new();
    watch->info = g_dbus_node_info_new_for_xml(interface_xml, NULL);
    return watch;
}

void status_watch_free(struct status_watch *watch)
{
    g_cancellable_cancel(watch->cancel);
    if (watch->signal)
        g_dbus_connection_signal_unsubscribe(watch->bus, watch->signal);
    if (watch->name)
        g_bus_unwatch_name(watch->name);
    g_clear_object(&watch->bus);
    g_object_unref(watch->cancel);
    g_dbus_node_info_unref(watch->info);
    g_free(watch);
}

/* ---- items ---- */

static gboolean new_icon(gpointer data)
{
    struct status_item *item = data;

    item->timer = 0;
    if (item->bus)
        g_dbus_connection_emit_signal(item->bus, NULL, ITEM_PATH, ITEM, "NewIcon", NULL, NULL);
    return G_SOURCE_REMOVE;
}

void status_item_changed(struct status_item *item)
{
    if (!item->timer)
        item->timer = g_timeout_add(NEW_ICON_MS, new_icon, item);
}

static void registered(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply = g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);
    struct status_item *item = data;

    if (reply)
        item->toplevel->view->mapped(item->toplevel->view, item->toplevel->window);
    else if (!g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        view_log(item->toplevel->view, 0, "tray icon: %s", error->message);
}

static void connected(GObject *source, GAsyncResult *result, gpointer data)
{
    static const GDBusInterfaceVTable vtable = {.method_call = call, .get_property = get_property};
    g_autoptr(GError) error = NULL;
    GDBusConnection *bus = g_dbus_connection_new_for_address_finish(result, &error);
    struct status_item *item = data;

    (void)source;
    if (!bus) /* also: cancelled, the item is gone */
        return;
    item->bus = bus;
    item->object = g_dbus_connection_register_object(bus, ITEM_PATH, item->watch->info->interfaces[0],
                                                     &vtable, item, NULL, NULL);
    g_dbus_connection_call(bus, WATCHER, WATCHER_PATH, WATCHER, "RegisterStatusNotifierItem",
                           g_variant_new("(s)", g_dbus_connection_get_unique_name(bus)), NULL,
                           G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, item->cancel, registered, item);
}

/* Starts to look for a host, with the first icon. */
static void watch_bus(struct status_watch *watch)
{
    if (!watch->name && session_bus_exists())
        watch->name = g_bus_watch_name(G_BUS_TYPE_SESSION, WATCHER, G_BUS_NAME_WATCHER_FLAGS_NONE,
                                       watcher_appeared, watcher_vanished, watch, NULL);
}

struct status_item *status_item_new(struct status_watch *watch, struct toplevel *toplevel)
{
    g_autofree char *address = NULL;
    struct status_item *item;

    watch_bus(watch);
    if (watch->host)
        address = g_dbus_address_get_for_bus_sync(G_BUS_TYPE_SESSION, NULL, NULL);
    if (!address)
        return NULL;
    item = g_new0(struct status_item, 1);
    item->watch = watch;
    item->toplevel = toplevel;
    item->cancel = g_cancellable_new();
    g_dbus_connection_new_for_address(address,
                                      G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
                                          G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
                                      NULL, item->cancel, connected, item);
    return item;
}

void status_item_free(struct status_item *item)
{
    if (!item)
        return;
    g_cancellable_cancel(item->cancel);
    if (item->timer)
        g_source_remove(item->timer);
    if (item->bus) {
        g_dbus_connection_unregister_object(item->bus, item->object);
        g_dbus_connection_close(item->bus, NULL, NULL, NULL);
        g_object_unref(item->bus);
    }
    g_object_unref(item->cancel);
    g_free(item);
}
