/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view.h"

#include <X11/cursorfont.h>
#include <gdk/gdkx.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "clipboard.h"
#include "notify.h"
#include "properties.h"
#include "status-item.h"
#include "toplevel.h"
#include "tray.h"
#include "x-errors.h"

#define MAX_MONITORS 16

void view_log(const struct view *view, int level, const char *format, ...)
{
    va_list args;

    if (level > view->config->log_level)
        return;
    fprintf(stderr, "qubes-guid: %s: ", view->config->name);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

void view_send(struct view *view, uint32_t type, uint32_t window, const void *body, uint32_t length)
{
    view_log(view, 3, "send %s window 0x%x", gui_message_name(type), window);
    if (view->connection)
        connection_send(view->connection, type, window, body, length);
}

Cursor view_cursor(struct view *view, uint32_t cursor)
{
    Cursor *slot;

    /* An explicit arrow: without one the frame's cursor, of an edge perhaps, would stay. */
    if (cursor == GUI_CURSOR_DEFAULT)
        cursor = GUI_CURSOR_X11 + XC_left_ptr;
    /* Glyphs have even numbers; an odd one names the mask of its neighbour. */
    slot = &view->cursors[(cursor - GUI_CURSOR_X11) / 2];
    if (*slot == None)
        *slot = XCreateFontCursor(view->display, (cursor - GUI_CURSOR_X11) & ~1u);
    return *slot;
}

static GdkMonitor *monitor_of(const struct rect *rect)
{
    GdkDisplay *display = gdk_display_get_default();
    int count = MIN(gdk_display_get_n_monitors(display), MAX_MONITORS);
    struct rect monitors[MAX_MONITORS];

    for (int i = 0; i < count; i++) {
        GdkRectangle g;

        gdk_monitor_get_geometry(gdk_display_get_monitor(display, i), &g);
        monitors[i] = (struct rect){g.x, g.y, g.width, g.height};
    }
    return gdk_display_get_monitor(display, rect_best(monitors, count, rect));
}

void view_work_area(const struct rect *rect, struct rect *work)
{
    GdkRectangle area = {0, 0, 1, 1};
    GdkMonitor *monitor = monitor_of(rect);

    if (monitor)
        gdk_monitor_get_workarea(monitor, &area);
    *work = (struct rect){area.x, area.y, area.width, area.height};
}

/* GDK knows its monitors: nothing of this asks the X server. */
uint32_t view_refresh_us(const struct rect *rect)
{
    GdkMonitor *monitor = monitor_of(rect);
    int mhz = monitor ? gdk_monitor_get_refresh_rate(monitor) : 0;

    return mhz > 0 ? (uint32_t)(1000000000ll / mhz) : 0;
}

/* ---- struct domain_view ---- */

/* What the user's desktop wants text and widgets to be enlarged by, in 1/120; its toolkits go by the same
 * setting. */
static uint32_t desktop_scale(void)
{
    int dpi = -1;

    g_object_get(gtk_settings_get_default(), "gtk-xft-dpi", &dpi, NULL);
    if (dpi <= 0)
        return GUI_SCALE_ONE;
    return (uint32_t)CLAMP((int64_t)dpi * GUI_SCALE_ONE / (96 * 1024), GUI_SCALE_MIN, GUI_SCALE_MAX);
}

static void send_scale(struct view *view, struct window *window)
{
    struct gui_msg_window_scale msg = {view->domain.scale};

    view_send(view, MSG_WINDOW_SCALE, window->id, &msg, sizeof(msg));
}

static void each_window(struct view *view, void (*call)(struct view *view, struct window *window))
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, view->domain.windows);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        call(view, value);
}

static void scale_changed(GObject *settings, GParamSpec *param, struct view *view)
{
    (void)settings;
    (void)param;
    domain_set_scale(&view->domain, desktop_scale());
    if (view->domain.minor >= GUI_MINOR_FRAMES)
        each_window(view, send_scale);
}

static void create(void *data, struct window *window)
{
    struct view *view = data;

    window->view = toplevel_new(view, window);
    if (view->domain.minor >= GUI_MINOR_FRAMES && view->domain.scale != GUI_SCALE_ONE)
        send_scale(view, window);
}

static void destroy(void *data, struct window *window)
{
    (void)data;
    toplevel_free(window->view);
    window->view = NULL;
}

static void map(void *data, struct window *window)
{
    struct rect shown = window_on_screen(window);
    struct view *view = data;

    view_log(view, 2, "map window 0x%x%s, %d x %d at %d,%d", window->id,
             window->override_redirect ? " (override-redirect)" : "", shown.w, shown.h, shown.x, shown.y);
    toplevel_map(window->view);
}

/* What only concerns the one window. Modal is a hint for the window manager: the guest itself knows which of
 * its windows take no input. */
#define TOPLEVEL_DOES(what)                                                                                  \
    static void what(void *data, struct window *window)                                                      \
    {                                                                                                        \
        (void)data;                                                                                          \
        toplevel_##what(window->view);                                                                       \
    }
TOPLEVEL_DOES(unmap)
TOPLEVEL_DOES(configure)
TOPLEVEL_DOES(zoom)
TOPLEVEL_DOES(title)
TOPLEVEL_DOES(hints)
TOPLEVEL_DOES(modal)
TOPLEVEL_DOES(fullscreen)

static void wmclass(void *data, struct window *window)
{
    struct toplevel *t = window->view;

    if (t->gtk)
        properties_class(data, window, gtk_widget_get_window(t->gtk));
}

static void attention(void *data, struct window *window, bool on)
{
    struct toplevel *t = window->view;

    (void)data;
    if (t->gtk && !(on && t->focused))
        gtk_window_set_urgency_hint(GTK_WINDOW(t->gtk), on);
}

static void minimize(void *data, struct window *window)
{
    struct toplevel *t = window->view;

    (void)data;
    if (t->gtk)
        gtk_window_iconify(GTK_WINDOW(t->gtk));
}

static void maximize(void *data, struct window *window)
{
    struct toplevel *t = window->view;

    (void)data;
    if (t->gtk)
        gtk_window_maximize(GTK_WINDOW(t->gtk));
}

static void buffer(void *data, struct window *window)
{
    struct toplevel *t = window->view;

    (void)data;
    if (t->item)
        status_item_changed(t->item);
    toplevel_buffer(t);
}

static void damage(void *data, struct window *window, const struct rect *rect)
{
    struct toplevel *t = window->view;
    struct rect shown = zoom_damage(window_zoom(window), rect);
    struct view *view = data;

    view->damaged_bytes += (uint64_t)shown.w * (uint64_t)shown.h * 4;
    if (t->item)
        status_item_changed(t->item);
    if (t->content)
        content_damage(t->content, &shown);
}

static void cursor(void *data, struct window *window, uint32_t number)
{
    (void)data;
    toplevel_cursor(window->view, number);
}

/* The window becomes an icon when it is mapped: window_frame_kind() says so. */
static void docked(void *data, struct window *window)
{
    struct view *view = data;

    view_log(view, 2, "window 0x%x is a tray icon", window->id);
}

static void frame_request(void *data, struct window *window, uint32_t serial)
{
    struct toplevel *t = window->view;
    struct gui_msg_frame_done msg = {.serial = serial};

    if (t->content)
        content_frame_request(t->content, serial);
    else
        view_send(data, MSG_FRAME_DONE, window->id, &msg, sizeof(msg));
}

/* An icon that comes before the first map is kept until there is a window to give it to. */
static void icon(void *data, struct window *window, uint32_t *pixels, int w, int h)
{
    (void)data;
    toplevel_icon(window->view, pixels, w, h);
}

static void clipboard(void *data, const uint8_t *untrusted_bytes, size_t length)
{
    struct view *view = data;

    clipboard_received(view->clipboard, untrusted_bytes, length);
}

/* Told once: it may be a game or a presentation, whose user has to know why there is a frame. */
static void popup_refused(void *data, struct window *window)
{
    struct view *view = data;

    (void)window;
    if (view->popup_warned)
        return;
    view->popup_warned = true;
    notify_show(view->config->name,
                "A menu as large as the screen is shown with a frame (override_redirect_protection).");
}

static void work_area(void *data, const struct rect *rect, struct rect *work)
{
    (void)data;
    view_work_area(rect, work);
}

static void send_message(void *data, uint32_t type, uint32_t window, const void *body, uint32_t length)
{
    view_send(data, type, window, body, length);
}

static const struct domain_view domain_view = {
    .create = create,
    .destroy = destroy,
    .map = map,
    .unmap = unmap,
    .configure = configure,
    .zoom = zoom,
    .title = title,
    .wmclass = wmclass,
    .hints = hints,
    .attention = attention,
    .modal = modal,
    .minimize = minimize,
    .fullscreen = fullscreen,
    .maximize = maximize,
    .buffer = buffer,
    .damage = damage,
    .cursor = cursor,
    .dock = docked,
    .frame_request = frame_request,
    .icon = icon,
    .clipboard = clipboard,
    .popup_refused = popup_refused,
    .work_area = work_area,
    .send = send_message,
};

/* ---- events that do not take GTK's way ---- */

static struct toplevel *toplevel_at(Window window)
{
    GdkWindow *gdk = gdk_x11_window_lookup_for_display(gdk_display_get_default(), window);

    return gdk ? toplevel_of(gdk) : NULL;
}

/* Through GDK and GTK a key would take longer than all the rest of its way through dom0. */
static bool key_event(const XEvent *event)
{
    struct toplevel *t;

    if (event->type != KeyPress && event->type != KeyRelease)
        return false;
    t = toplevel_at(event->xkey.window);
    if (!t)
        return false;
    input_key(t, &event->xkey);
    /* The window manager goes by it when it decides about the focus of new windows. Not at the press: window
     * manager and X server would be busy with it while the guest's answer is on its way. */
    if (event->type == KeyRelease)
        gdk_x11_window_set_user_time(gtk_widget_get_window(t->gtk), (guint32)event->xkey.time);
    return true;
}

/*
 * A window that gets the keyboard asks which keys are held. On a loaded machine the answer tells of later
 * presses and releases, whose events still wait; what the server sends behind the event of the focus stands
 * in their order.
 */
static void focus_event(struct view *view, const XEvent *event)
{
    XWindowAttributes attributes;

    if (event->type == KeymapNotify)
        input_keymap(view, event->xkeymap.key_vector);
    else if (event->type == FocusIn && toplevel_at(event->xfocus.window) &&
             XGetWindowAttributes(view->display, event->xfocus.window, &attributes) &&
             !(attributes.your_event_mask & KeymapStateMask))
        XSelectInput(view->display, event->xfocus.window, attributes.your_event_mask | KeymapStateMask);
}

static GdkFilterReturn filter(GdkXEvent *gdk_xevent, GdkEvent *event, gpointer data)
{
    const XEvent *xevent = gdk_xevent;
    struct view *view = data;
    struct toplevel *t;

    (void)event;
    if (pixels_event(view->pixels, xevent) || key_event(xevent))
        return GDK_FILTER_REMOVE;
    focus_event(view, xevent);
    if (tray_event(view, xevent))
        view_dock_all(view);
    t = g_hash_table_lookup(view->contents, GSIZE_TO_POINTER(xevent->xany.window));
    if (!t)
        return GDK_FILTER_CONTINUE;
    content_event(t->content, xevent);
    return GDK_FILTER_REMOVE;
}

/* Settings, theme and fonts are loaded now, while the domain still boots, not when its first window waits for
 * them. */
static void warm_up(const struct config *config)
{
    PangoContext *context = gdk_pango_context_get();
    PangoLayout *layout = pango_layout_new(context);
    int w, h;

    gtk_settings_get_default();
    pango_layout_set_text(layout, config->name, -1);
    pango_layout_get_pixel_size(layout, &w, &h);
    g_object_unref(layout);
    g_object_unref(context);
}

bool view_init(struct view *view, const struct config *config, struct shmbuf_importer *importer,
               const char **error)
{
    memset(view, 0, sizeof(*view));
    view->config = config;
    view->invisible = config->invisible;
    if (!GDK_IS_X11_DISPLAY(gdk_display_get_default())) {
        *error = "the display is not an X server";
        return false;
    }
    view->display = gdk_x11_get_default_xdisplay();
    view->pixels = pixels_new(view->display, importer, error);
    if (!view->pixels)
        return false;
    view->contents = g_hash_table_new(g_direct_hash, g_direct_equal);
    domain_init(&view->domain, &config->options, &domain_view, view, importer);
    view->domain.scale = desktop_scale();
    input_init(view);
    view->clipboard = clipboard_new(view);
    gdk_window_add_filter(NULL, filter, view);
    x_errors_watch(view);
    tray_init(view);
    view->status = status_watch_new(view);
    g_signal_connect(gtk_settings_get_default(), "notify::gtk-xft-dpi", G_CALLBACK(scale_changed), view);
    warm_up(config);
    return true;
}

void view_free(struct view *view)
{
    if (!view->pixels)
        return;
    gdk_window_remove_filter(NULL, filter, view);
    x_errors_forget();
    g_signal_handlers_disconnect_by_data(gtk_settings_get_default(), view);
    domain_free(&view->domain);
    status_watch_free(view->status);
    input_free(view);
    clipboard_free(view->clipboard);
    g_hash_table_unref(view->contents);
    pixels_free(view->pixels);
}

static void dock(struct view *view, struct window *window)
{
    (void)view;
    toplevel_dock(window->view);
}

void view_dock_all(struct view *view)
{
    each_window(view, dock);
}

static void undock_item(struct view *view, struct window *window)
{
    (void)view;
    toplevel_undock_item(window->view);
}

void view_undock_items(struct view *view)
{
    each_window(view, undock_item);
}

static void show(struct view *view, struct window *window)
{
    (void)view;
    if (window->mapped)
        toplevel_map(window->view);
}

void view_show_all(struct view *view)
{
    view->invisible = false;
    each_window(view, show);
}
