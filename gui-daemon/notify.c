/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "notify.h"

#include <gio/gio.h>

#include "session-bus.h"

#define TIMEOUT_MS 6000

struct notification {
    char *summary, *text;
};

static void notification_free(struct notification *n)
{
    g_free(n->summary);
    g_free(n->text);
    g_free(n);
}

static void send_notification(GDBusConnection *connection, const struct notification *n)
{
    GVariantBuilder actions, hints;

    g_variant_builder_init(&actions, G_VARIANT_TYPE("as"));
    g_variant_builder_init(&hints, G_VARIANT_TYPE("a{sv}"));
    g_dbus_connection_call(connection, "org.freedesktop.Notifications", "/org/freedesktop/Notifications",
                           "org.freedesktop.Notifications", "Notify",
                           g_variant_new("(susssasa{sv}i)", "qubes-guid", 0u, "", n->summary, n->text,
                                         &actions, &hints, TIMEOUT_MS),
                           NULL, G_DBUS_CALL_FLAGS_NONE, TIMEOUT_MS, NULL, NULL, NULL);
}

/* The connection is kept: a message is lost if the last reference goes before it is written. */
static void got_bus(GObject *source, GAsyncResult *result, gpointer data)
{
    static GDBusConnection *kept;
    GDBusConnection *connection = g_bus_get_finish(result, NULL);
    struct notification *n = data;

    (void)source;
    if (connection) {
        /* The end of the session's bus is not the end of the windows. */
        g_dbus_connection_set_exit_on_close(connection, FALSE);
        send_notification(connection, n);
        g_clear_object(&kept);
        kept = connection;
    }
    notification_free(n);
}

void notify_show(const char *summary, const char *text)
{
    struct notification *n;

    g_printerr("qubes-guid: %s: %s\n", summary, text);
    if (!session_bus_exists())
        return;
    n = g_new0(struct notification, 1);
    n->summary = g_strdup(summary);
    n->text = g_markup_escape_text(text, -1);
    g_bus_get(G_BUS_TYPE_SESSION, NULL, got_bus, n);
}
