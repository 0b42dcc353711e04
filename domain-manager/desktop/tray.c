/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tray.h"

#include <X11/Xatom.h>
#include <X11/Xlib.h>
#include <gdk/gdkx.h>
#include <gtk/gtkx.h>

#define REQUEST_DOCK 0
#define ICONS_MAX    64
#define TITLE_MAX    256 /* bytes of a title that are read */

struct tray {
    GtkWidget *box, *owner; /* owner of the selection: an invisible window */
    Atom opcode;
    int icon_size;
};

static void on_icon_gone(GtkWidget *socket, gpointer data)
{
    (void)data;
    gtk_widget_destroy(socket);
}

static gboolean on_plug_removed(GtkSocket *socket, gpointer data)
{
    (void)socket, (void)data;
    return FALSE; /* GTK destroys the socket */
}

static GtkSocket *find_socket(const struct tray *t, Window icon)
{
    g_autoptr(GList) all = gtk_container_get_children(GTK_CONTAINER(t->box));
    for (GList *l = all; l; l = l->next)
        if (GPOINTER_TO_SIZE(g_object_get_data(l->data, "icon")) == icon)
            return l->data;
    return NULL;
}

static gboolean is_full(const struct tray *t)
{
    g_autoptr(GList) all = gtk_container_get_children(GTK_CONTAINER(t->box));
    return g_list_length(all) >= ICONS_MAX;
}

/* A text property of an icon's window, "" if it has none. Free it. */
static char *icon_text(GdkWindow *icon, const char *name, const char *type)
{
    g_autofree guchar *bytes = NULL;
    int length = 0;
    gdk_x11_display_error_trap_push(gdk_window_get_display(icon)); /* it may be gone */
    if (!gdk_property_get(icon, gdk_atom_intern(name, FALSE), gdk_atom_intern(type, FALSE), 0, TITLE_MAX,
                          FALSE, NULL, NULL, &length, &bytes))
        length = 0;
    gdk_x11_display_error_trap_pop_ignored(gdk_window_get_display(icon));
    return g_utf8_make_valid(bytes ? (const char *)bytes : "", length);
}

/* What a screen reader says: the domain, whose GUI daemon has cleaned the title, then the title. */
static void name_icon(GtkSocket *socket)
{
    GdkWindow *icon = gtk_socket_get_plug_window(socket);
    if (!icon)
        return;
    g_autofree char *domain = icon_text(icon, "_QUBES_VMNAME", "STRING");
    g_autofree char *title = icon_text(icon, "_NET_WM_NAME", "UTF8_STRING");
    g_autofree char *name = g_strconcat(domain, *domain && *title ? ": " : "", title, NULL);
    atk_object_set_name(gtk_widget_get_accessible(GTK_WIDGET(socket)), *name ? name : "Icon");
}

static void dock(struct tray *t, Window icon)
{
    if (find_socket(t, icon) || is_full(t))
        return;
    GtkWidget *socket = gtk_socket_new();
    gtk_widget_set_size_request(socket, t->icon_size, t->icon_size);
    gtk_widget_set_valign(socket, GTK_ALIGN_CENTER);
    g_object_set_data(G_OBJECT(socket), "icon", GSIZE_TO_POINTER(icon));
    g_signal_connect(socket, "plug-removed", G_CALLBACK(on_plug_removed), NULL);
    gtk_box_pack_start(GTK_BOX(t->box), socket, FALSE, FALSE, 2);
    gtk_widget_show(socket);
    gtk_socket_add_id(GTK_SOCKET(socket), icon);
    if (!gtk_socket_get_plug_window(GTK_SOCKET(socket))) /* it was gone already */
        on_icon_gone(socket, NULL);
    else
        name_icon(GTK_SOCKET(socket));
}

/* GTK listens to an icon's properties, too, but keeps them to itself. */
static GdkFilterReturn on_property(GdkXEvent *xevent, GdkEvent *event, gpointer data)
{
    const XEvent *e = xevent;
    (void)event;
    GtkSocket *socket = e->type == PropertyNotify ? find_socket(data, e->xproperty.window) : NULL;
    if (socket)
        name_icon(socket);
    return GDK_FILTER_CONTINUE;
}

static GdkFilterReturn on_message(GdkXEvent *xevent, GdkEvent *event, gpointer data)
{
    struct tray *t = data;
    const XEvent *e = xevent;
    (void)event;
    if (e->type != ClientMessage || e->xclient.message_type != t->opcode || e->xclient.format != 32)
        return GDK_FILTER_CONTINUE;
    if (e->xclient.data.l[1] == REQUEST_DOCK && e->xclient.data.l[2])
        dock(t, (Window)e->xclient.data.l[2]);
    return GDK_FILTER_REMOVE;
}

static void announce(Display *x, Atom selection, Window owner, guint32 time)
{
    XEvent e = {0};
    e.xclient.type = ClientMessage;
    e.xclient.window = DefaultRootWindow(x);
    e.xclient.message_type = XInternAtom(x, "MANAGER", False);
    e.xclient.format = 32;
    e.xclient.data.l[0] = (long)time;
    e.xclient.data.l[1] = (long)selection;
    e.xclient.data.l[2] = (long)owner;
    XSendEvent(x, DefaultRootWindow(x), False, StructureNotifyMask, &e);
}

static void set_property(GdkWindow *window, const char *name, const char *type, long value)
{
    gdk_property_change(window, gdk_atom_intern(name, FALSE), gdk_atom_intern(type, FALSE), 32,
                        GDK_PROP_MODE_REPLACE, (const guchar *)&value, 1);
}

/* The box is on a screen now: become its tray. */
static void on_realize(GtkWidget *box, gpointer data)
{
    struct tray *t = data;
    GdkDisplay *display = gtk_widget_get_display(box);
    Display *x = GDK_DISPLAY_XDISPLAY(display);
    g_autofree char *name = g_strdup_printf("_NET_SYSTEM_TRAY_S%d", DefaultScreen(x));
    GdkAtom selection = gdk_atom_intern(name, FALSE);
    t->owner = gtk_invisible_new();
    gtk_widget_realize(t->owner);
    GdkWindow *window = gtk_widget_get_window(t->owner);
    guint32 time = gdk_x11_get_server_time(window);
    set_property(window, "_NET_SYSTEM_TRAY_ORIENTATION", "CARDINAL", 0);
    set_property(window, "_NET_SYSTEM_TRAY_VISUAL", "VISUALID",
                 (long)XVisualIDFromVisual(
                     GDK_VISUAL_XVISUAL(gdk_screen_get_system_visual(gdk_screen_get_default()))));
    if (gdk_selection_owner_get_for_display(display, selection) ||
        !gdk_selection_owner_set_for_display(display, window, selection, time, TRUE)) {
        g_message("another program is the system tray");
        return;
    }
    t->opcode = XInternAtom(x, "_NET_SYSTEM_TRAY_OPCODE", False);
    gdk_window_add_filter(window, on_message, t);
    gdk_window_add_filter(NULL, on_property, t);
    announce(x, gdk_x11_atom_to_xatom_for_display(display, selection), GDK_WINDOW_XID(window), time);
}

static void tray_free(gpointer data)
{
    gdk_window_remove_filter(NULL, on_property, data);
    g_free(data);
}

GtkWidget *tray_new(int icon_size)
{
    struct tray *t = g_new0(struct tray, 1);
    t->icon_size = icon_size;
    t->box = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 0);
    atk_object_set_name(gtk_widget_get_accessible(t->box), "System tray");
    g_signal_connect(t->box, "realize", G_CALLBACK(on_realize), t);
    g_object_set_data_full(G_OBJECT(t->box), "tray", t, tray_free);
    return t->box;
}
