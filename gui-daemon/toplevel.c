/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "toplevel.h"

#include <X11/Xutil.h>
#include <gdk/gdkx.h>
#include <gtk/gtkx.h>

#include "decoration.h"
#include "frame-edge.h"
#include "input.h"
#include "properties.h"
#include "screensaver.h"
#include "status-item.h"
#include "tray.h"

/* The struct toplevel of a GTK window, as its object data. */
#define TOPLEVEL_KEY "toplevel"

static gboolean announce(gpointer data)
{
    struct toplevel *t = data;

    t->announce = 0;
    t->view->mapped(t->view, t->window);
    return G_SOURCE_REMOVE;
}

/* Both content and frame have been drawn: say so when the server has got it all. */
static void check_drawn(struct toplevel *t)
{
    if (!t->content_drawn || !t->frame_drawn || t->announced)
        return;
    t->announced = true;
    t->announce = g_idle_add_full(G_PRIORITY_LOW, announce, t, NULL);
}

void toplevel_frame_drawn(struct toplevel *t)
{
    t->frame_drawn = true;
    check_drawn(t);
}

static void first_frame(void *data)
{
    struct toplevel *t = data;

    t->content_drawn = true;
    check_drawn(t);
}

static void frame_done(void *data, uint32_t serial)
{
    struct toplevel *t = data;
    struct rect shown = window_on_screen(t->window);
    struct gui_msg_frame_done msg = {
        .serial = serial,
        .time_ms = (uint32_t)(g_get_monotonic_time() / 1000),
        .refresh_us = view_refresh_us(&shown),
    };

    view_send(t->view, MSG_FRAME_DONE, t->window->id, &msg, sizeof(msg));
}

/* Least time between frames on the monitor that the window is on. */
static uint32_t frame_us(const struct toplevel *t)
{
    struct rect shown = window_on_screen(t->window);
    int limit = t->view->config->frame_rate;

    return limit ? (uint32_t)(G_USEC_PER_SEC / limit) : view_refresh_us(&shown);
}

static void pointer(void *data, const XEvent *event)
{
    input_pointer(data, event);
}

/* Someone else destroyed the X window: a tray that ends takes its icons along. They wait for the next tray,
 * unless it has come already. */
static void destroyed(void *data)
{
    struct toplevel *t = data;

    gtk_widget_destroy(t->gtk);
    toplevel_dock(t);
}

static const struct content_ops content_ops = {
    .first_frame = first_frame,
    .frame_done = frame_done,
    .pointer = pointer,
    .destroyed = destroyed,
};

/* ---- signals of the GTK window ---- */

/* The content area inside an outer window of w x h, in its coordinates. */
static struct rect inner_area(struct toplevel *t, int w, int h)
{
    return frame_content(toplevel_style(t), &(struct rect){0, 0, w, h});
}

/* The outer window around the content as the model has it. */
static struct rect outer_of(const struct toplevel *t)
{
    struct rect shown = window_on_screen(t->window);

    return frame_outer(toplevel_style(t), &shown);
}

static gboolean on_configure(GtkWidget *widget, GdkEventConfigure *event, struct toplevel *t)
{
    struct rect outer = {event->x, event->y, event->width, event->height};
    struct rect geometry = frame_content(toplevel_style(t), &outer);
    struct rect area = inner_area(t, event->width, event->height);

    (void)widget;
    content_place(t->content, &area);
    if (t->window->mapped)
        domain_window_moved(t->window, &geometry);
    content_pace(t->content, frame_us(t));
    return FALSE;
}

static gboolean on_state(GtkWidget *widget, GdkEventWindowState *event, struct toplevel *t)
{
    bool fullscreen = event->new_window_state & GDK_WINDOW_STATE_FULLSCREEN;
    int w, h;

    t->maximized = event->new_window_state & GDK_WINDOW_STATE_MAXIMIZED;
    t->iconified = event->new_window_state & (GDK_WINDOW_STATE_ICONIFIED | GDK_WINDOW_STATE_WITHDRAWN);
    content_visible(t->content, !t->iconified);
    domain_window_minimized(t->window, event->new_window_state & GDK_WINDOW_STATE_ICONIFIED);
    if (fullscreen == t->fullscreen)
        return FALSE;
    t->fullscreen = fullscreen;
    domain_window_fullscreen(t->window, fullscreen);
    gtk_window_get_size(GTK_WINDOW(widget), &w, &h);
    struct rect area = inner_area(t, w, h);
    content_place(t->content, &area);
    gtk_widget_queue_draw(widget);
    return FALSE;
}

static gboolean on_delete(GtkWidget *widget, GdkEvent *event, struct toplevel *t)
{
    (void)widget;
    (void)event;
    /* For an icon it only means that the tray let it go. */
    if (t->kind == FRAME_TRAY)
        return TRUE;
    view_send(t->view, MSG_CLOSE, t->window->id, NULL, 0);
    return TRUE;
}

static gboolean on_focus(GtkWidget *widget, GdkEventFocus *event, struct toplevel *t)
{
    t->focused = event->in;
    gtk_widget_queue_draw(widget);
    gtk_window_set_urgency_hint(GTK_WINDOW(widget), FALSE);
    input_focus(t, event->in);
    return FALSE;
}

/* ---- making and removing the GTK window ---- */

static void forget_gtk(struct toplevel *t)
{
    g_hash_table_remove(t->view->contents, GSIZE_TO_POINTER(content_xid(t->content)));
    content_free(t->content);
    t->content = NULL;
    g_clear_object(&t->layout);
    g_object_set_data(G_OBJECT(t->gtk), TOPLEVEL_KEY, NULL);
    t->gtk = NULL;
    t->focused = t->maximized = t->fullscreen = t->iconified = false;
}

static void on_destroy(GtkWidget *widget, struct toplevel *t)
{
    (void)widget;
    forget_gtk(t);
    t->dock_pending = t->kind == FRAME_TRAY && t->window->mapped;
}

static void connect_signals(struct toplevel *t)
{
    static const struct {
        const char *name;
        GCallback callback;
    } signals[] = {
        {"configure-event", G_CALLBACK(on_configure)}, {"window-state-event", G_CALLBACK(on_state)},
        {"delete-event", G_CALLBACK(on_delete)},       {"destroy", G_CALLBACK(on_destroy)},
        {"focus-in-event", G_CALLBACK(on_focus)},      {"focus-out-event", G_CALLBACK(on_focus)},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(signals); i++)
        g_signal_connect(t->gtk, signals[i].name, signals[i].callback, t);
    decoration_connect(t);
    g_object_set_data(G_OBJECT(t->gtk), TOPLEVEL_KEY, t);
}

struct toplevel *toplevel_of(GdkWindow *gdk)
{
    gpointer widget = NULL;

    gdk_window_get_user_data(gdk, &widget);
    return widget ? g_object_get_data(G_OBJECT(widget), TOPLEVEL_KEY) : NULL;
}

struct frame_style toplevel_style(const struct toplevel *t)
{
    return (struct frame_style){window_frame_kind(t->window), t->scale};
}

static GtkWidget *new_widget(enum frame_kind kind)
{
    GtkWidget *widget;

    if (kind == FRAME_TRAY)
        return gtk_plug_new(0);
    widget = gtk_window_new(kind == FRAME_POPUP ? GTK_WINDOW_POPUP : GTK_WINDOW_TOPLEVEL);
    gtk_window_set_decorated(GTK_WINDOW(widget), FALSE);
    return widget;
}

static void create_gtk(struct toplevel *t)
{
    struct content_look look;
    struct rect outer, area;
    GdkWindow *gdk;

    t->kind = window_frame_kind(t->window);
    t->scale = t->view->domain.scale;
    outer = outer_of(t);
    t->gtk = new_widget(t->kind);
    gtk_widget_set_app_paintable(t->gtk, TRUE);
    gtk_widget_add_events(t->gtk, GDK_BUTTON_PRESS_MASK | GDK_POINTER_MOTION_MASK | GDK_KEY_PRESS_MASK |
                                      GDK_KEY_RELEASE_MASK | GDK_FOCUS_CHANGE_MASK | GDK_STRUCTURE_MASK);
    gtk_window_set_default_size(GTK_WINDOW(t->gtk), outer.w, outer.h);
    gtk_window_resize(GTK_WINDOW(t->gtk), outer.w, outer.h);
    gtk_widget_realize(t->gtk);
    gdk = gtk_widget_get_window(t->gtk);
    properties_set(t->view, t->window, gdk);
    area = inner_area(t, outer.w, outer.h);
    look = (struct content_look){.background = t->view->config->background, .frame_us = frame_us(t)};
    t->content = content_new(t->view->pixels, gdk, &area, &look, &content_ops, t);
    frame_edge_add(t->view->display, GDK_WINDOW_XID(gdk), toplevel_style(t), gdk_window_get_width(gdk),
                   gdk_window_get_height(gdk), t->view->config->color);
    g_hash_table_insert(t->view->contents, GSIZE_TO_POINTER(content_xid(t->content)), t);
    content_cursor(t->content, view_cursor(t->view, t->cursor));
    toplevel_buffer(t);
    if (t->kind == FRAME_TRAY)
        content_filter(t->content, tray_filter, t);
    if (t->icon)
        properties_icon(t->view, gdk, t->icon, t->icon_w, t->icon_h);
    connect_signals(t);
    toplevel_title(t);
    toplevel_hints(t);
    toplevel_modal(t);
}

static void destroy_gtk(struct toplevel *t)
{
    GtkWidget *gtk = t->gtk;

    if (!gtk)
        return;
    g_signal_handlers_disconnect_by_data(gtk, t);
    forget_gtk(t);
    gtk_widget_destroy(gtk);
}

struct toplevel *toplevel_new(struct view *view, struct window *window)
{
    struct toplevel *t = g_new0(struct toplevel, 1);

    t->view = view;
    t->window = window;
    return t;
}

void toplevel_free(struct toplevel *t)
{
    status_item_free(t->item);
    destroy_gtk(t);
    if (t->announce)
        g_source_remove(t->announce);
    g_free(t->icon);
    g_free(t);
}

/* ---- the model's wishes ---- */

static void set_transient(struct toplevel *t)
{
    struct window *leader = domain_window(t->window->domain, t->window->transient_for);
    struct toplevel *l = leader ? leader->view : NULL;

    gtk_window_set_transient_for(GTK_WINDOW(t->gtk), l && l->gtk ? GTK_WINDOW(l->gtk) : NULL);
}

static bool positioned(const struct toplevel *t)
{
    return t->kind != FRAME_NORMAL || (t->window->hints.flags & (GUI_HINT_POSITION | GUI_HINT_USER_POSITION));
}

/* True if there was a tray to ask. */
static bool dock_by_xembed(struct toplevel *t)
{
    if (!tray_present(t->view))
        return false;
    if (!t->gtk)
        create_gtk(t);
    tray_dock(t->view, t->gtk);
    content_visible(t->content, true);
    gtk_widget_show(t->gtk);
    return true;
}

void toplevel_dock(struct toplevel *t)
{
    if (!t->dock_pending)
        return;
    if (!dock_by_xembed(t))
        t->item = status_item_new(t->view->status, t);
    t->dock_pending = !t->gtk && !t->item;
}

void toplevel_undock_item(struct toplevel *t)
{
    t->dock_pending = t->dock_pending || t->item;
    status_item_free(t->item);
    t->item = NULL;
}

void toplevel_map(struct toplevel *t)
{
    struct rect outer;

    if (t->gtk && t->kind != window_frame_kind(t->window) && !gtk_widget_get_mapped(t->gtk))
        destroy_gtk(t);
    if (window_frame_kind(t->window) == FRAME_TRAY) {
        t->dock_pending = !t->view->invisible && !t->item;
        toplevel_dock(t);
        return;
    }
    if (!t->gtk)
        create_gtk(t);
    set_transient(t);
    if (t->view->invisible)
        return;
    outer = outer_of(t);
    if (positioned(t))
        gtk_window_move(GTK_WINDOW(t->gtk), outer.x, outer.y);
    content_visible(t->content, true);
    gtk_widget_show(t->gtk);
    if (t->kind == FRAME_POPUP)
        screensaver_keep_below(t->view, GDK_WINDOW_XID(gtk_widget_get_window(t->gtk)));
}

void toplevel_unmap(struct toplevel *t)
{
    toplevel_undock_item(t);
    t->dock_pending = false;
    if (!t->gtk)
        return;
    content_visible(t->content, false);
    gtk_widget_hide(t->gtk);
}

void toplevel_configure(struct toplevel *t)
{
    struct rect outer, area;
    int x, y, w, h;

    if (!t->gtk)
        return;
    gtk_window_get_position(GTK_WINDOW(t->gtk), &x, &y);
    gtk_window_get_size(GTK_WINDOW(t->gtk), &w, &h);
    if (t->maximized || t->fullscreen) {
        /* The window manager decides the size: the agent learns it. */
        area = frame_content(toplevel_style(t), &(struct rect){x, y, w, h});
        domain_window_moved(t->window, &area);
        return;
    }
    outer = outer_of(t);
    area = inner_area(t, outer.w, outer.h);
    if (t->kind == FRAME_POPUP)
        content_place(t->content, &area);
    if (outer.w != w || outer.h != h)
        gtk_window_resize(GTK_WINDOW(t->gtk), outer.w, outer.h);
    if (outer.x != x || outer.y != y)
        gtk_window_move(GTK_WINDOW(t->gtk), outer.x, outer.y);
}

void toplevel_buffer(struct toplevel *t)
{
    const struct window *w = t->window;

    if (t->content)
        content_source(t->content, &w->buffer, w->buffer_size.w, w->buffer_size.h, window_zoom(w));
}

void toplevel_zoom(struct toplevel *t)
{
    toplevel_hints(t);
    toplevel_configure(t);
}

void toplevel_title(struct toplevel *t)
{
    if (!t->gtk)
        return;
    gtk_window_set_title(GTK_WINDOW(t->gtk), t->window->title);
    if (t->kind == FRAME_NORMAL)
        gtk_widget_queue_draw_area(t->gtk, 0, 0, gtk_widget_get_allocated_width(t->gtk),
                                   frame_top(toplevel_style(t)));
}

void toplevel_hints(struct toplevel *t)
{
    const struct gui_msg_window_hints *h = &t->window->hints;
    int border = frame_border(toplevel_style(t)), extra_w = 2 * border,
        extra_h = frame_top(toplevel_style(t)) + border;
    struct zoom zoom = window_zoom(t->window);
    GdkGeometry g = {0};
    int mask = 0;

    if (!t->gtk || t->kind == FRAME_POPUP || t->kind == FRAME_TRAY)
        return;
    if (h->flags & GUI_HINT_MIN_SIZE) {
        g.min_width = zoom_length(zoom, h->min_width) + extra_w;
        g.min_height = zoom_length(zoom, h->min_height) + extra_h;
        mask |= GDK_HINT_MIN_SIZE;
    }
    if (h->flags & GUI_HINT_MAX_SIZE) {
        g.max_width = zoom_length(zoom, h->max_width) + extra_w;
        g.max_height = zoom_length(zoom, h->max_height) + extra_h;
        mask |= GDK_HINT_MAX_SIZE;
    }
    if (h->flags & GUI_HINT_RESIZE_INC) {
        g.width_inc = MAX(zoom_length(zoom, h->width_inc), 1);
        g.height_inc = MAX(zoom_length(zoom, h->height_inc), 1);
        mask |= GDK_HINT_RESIZE_INC;
    }
    if (h->flags & (GUI_HINT_BASE_SIZE | GUI_HINT_RESIZE_INC)) {
        g.base_width = extra_w + (h->flags & GUI_HINT_BASE_SIZE ? zoom_length(zoom, h->base_width) : 0);
        g.base_height = extra_h + (h->flags & GUI_HINT_BASE_SIZE ? zoom_length(zoom, h->base_height) : 0);
        mask |= GDK_HINT_BASE_SIZE;
    }
    gtk_window_set_geometry_hints(GTK_WINDOW(t->gtk), NULL, &g, (GdkWindowHints)mask);
}

void toplevel_modal(struct toplevel *t)
{
    if (t->gtk)
        gdk_window_set_modal_hint(gtk_widget_get_window(t->gtk), t->window->modal);
}

void toplevel_fullscreen(struct toplevel *t)
{
    if (!t->gtk)
        return;
    t->fullscreen = t->window->fullscreen;
    if (t->window->fullscreen)
        gtk_window_fullscreen(GTK_WINDOW(t->gtk));
    else
        gtk_window_unfullscreen(GTK_WINDOW(t->gtk));
    gtk_widget_queue_draw(t->gtk);
}

void toplevel_icon(struct toplevel *t, uint32_t *pixels, int w, int h)
{
    if (t->gtk) {
        properties_icon(t->view, gtk_widget_get_window(t->gtk), pixels, w, h);
        return;
    }
    g_free(t->icon);
    t->icon = g_memdup2(pixels, (size_t)w * (size_t)h * sizeof(*pixels));
    t->icon_w = w;
    t->icon_h = h;
}

void toplevel_cursor(struct toplevel *t, uint32_t cursor)
{
    t->cursor = cursor;
    if (t->content)
        content_cursor(t->content, view_cursor(t->view, cursor));
}
