/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "decoration.h"

#include "frame.h"
#include "toplevel.h"

static gboolean on_draw(GtkWidget *widget, cairo_t *cr, struct toplevel *t)
{
    struct frame_look look = {
        .style = toplevel_style(t),
        .color = t->view->config->color,
        .domain = t->view->config->name,
        .title = t->window->title,
        .focused = t->focused,
    };

    if (!t->layout)
        t->layout = frame_layout(widget, look.style);
    frame_draw(cr, t->layout, gtk_widget_get_allocated_width(widget), gtk_widget_get_allocated_height(widget),
               &look);
    toplevel_frame_drawn(t);
    return TRUE;
}

static void toggle_maximized(struct toplevel *t)
{
    if (t->maximized)
        gtk_window_unmaximize(GTK_WINDOW(t->gtk));
    else
        gtk_window_maximize(GTK_WINDOW(t->gtk));
}

static void header_press(struct toplevel *t, const GdkEventButton *event)
{
    if (event->type == GDK_2BUTTON_PRESS)
        toggle_maximized(t);
    else
        gtk_window_begin_move_drag(GTK_WINDOW(t->gtk), (int)event->button, (int)event->x_root,
                                   (int)event->y_root, event->time);
}

/* Over the border the pointer shows that it resizes. */
static gboolean on_motion(GtkWidget *widget, GdkEventMotion *event, struct toplevel *t)
{
    static const char *const names[] = {"nw-resize", "n-resize",  "ne-resize", "w-resize",
                                        "e-resize",  "sw-resize", "s-resize",  "se-resize"};
    enum frame_part part = frame_hit(toplevel_style(t), gtk_widget_get_allocated_width(widget),
                                     gtk_widget_get_allocated_height(widget), (int)event->x, (int)event->y);
    GdkCursor *cursor = NULL;
    GdkWindowEdge edge;

    if (part == t->pointed)
        return TRUE;
    t->pointed = part;
    if (frame_part_edge(part, &edge))
        cursor = gdk_cursor_new_from_name(gtk_widget_get_display(widget), names[edge]);
    gdk_window_set_cursor(gtk_widget_get_window(widget), cursor);
    g_clear_object(&cursor);
    return TRUE;
}

static gboolean on_button(GtkWidget *widget, GdkEventButton *event, struct toplevel *t)
{
    enum frame_part part = frame_hit(toplevel_style(t), gtk_widget_get_allocated_width(widget),
                                     gtk_widget_get_allocated_height(widget), (int)event->x, (int)event->y);
    GdkWindowEdge edge;

    if (event->button == 3 && event->type == GDK_BUTTON_PRESS && part == FRAME_PART_HEADER)
        gdk_window_show_window_menu(gtk_widget_get_window(widget), (GdkEvent *)event);
    if (event->button != 1)
        return TRUE;
    if (part == FRAME_PART_HEADER)
        header_press(t, event);
    if (event->type != GDK_BUTTON_PRESS)
        return TRUE;
    if (frame_part_edge(part, &edge))
        gtk_window_begin_resize_drag(GTK_WINDOW(widget), edge, 1, (int)event->x_root, (int)event->y_root,
                                     event->time);
    if (part == FRAME_PART_MINIMIZE)
        gtk_window_iconify(GTK_WINDOW(widget));
    if (part == FRAME_PART_MAXIMIZE)
        toggle_maximized(t);
    if (part == FRAME_PART_CLOSE)
        view_send(t->view, MSG_CLOSE, t->window->id, NULL, 0);
    return TRUE;
}

void decoration_connect(struct toplevel *t)
{
    g_signal_connect(t->gtk, "draw", G_CALLBACK(on_draw), t);
    g_signal_connect(t->gtk, "button-press-event", G_CALLBACK(on_button), t);
    g_signal_connect(t->gtk, "motion-notify-event", G_CALLBACK(on_motion), t);
}
