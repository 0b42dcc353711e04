/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "notice.h"

#define NOTICE_SECONDS 12
#define NOTICE_CHARS   46
#define NOTICE_TOP     40

static GPtrArray *shown; /* windows, top first */

static void place_all(void)
{
    GdkRectangle area;
    gdk_monitor_get_workarea(gdk_display_get_monitor(gdk_display_get_default(), 0), &area);
    int y = MAX(area.y + 8, NOTICE_TOP); /* below the panel, where the work area is not known */
    for (guint i = 0; i < shown->len; i++) {
        GtkWindow *w = shown->pdata[i];
        int width, height;
        gtk_window_get_size(w, &width, &height);
        gtk_window_move(w, area.x + area.width - width - 8, y);
        y += height + 6;
    }
}

static void on_destroy(GtkWidget *window, void *data)
{
    (void)data;
    guint timer = GPOINTER_TO_UINT(g_object_get_data(G_OBJECT(window), "timer"));
    if (timer)
        g_source_remove(timer);
    g_ptr_array_remove(shown, window);
    place_all();
}

static gboolean on_timeout(void *window)
{
    g_object_set_data(G_OBJECT(window), "timer", NULL);
    gtk_widget_destroy(window);
    return G_SOURCE_REMOVE;
}

static gboolean on_click(GtkWidget *window, GdkEvent *event, void *data)
{
    (void)event, (void)data;
    gtk_widget_destroy(window);
    return TRUE;
}

static GtkWidget *text_label(const char *text, gboolean bold)
{
    GtkWidget *label = gtk_label_new(text);
    gtk_label_set_xalign(GTK_LABEL(label), 0);
    gtk_label_set_line_wrap(GTK_LABEL(label), TRUE);
    gtk_label_set_line_wrap_mode(GTK_LABEL(label), PANGO_WRAP_WORD_CHAR);
    gtk_label_set_width_chars(GTK_LABEL(label), NOTICE_CHARS);
    gtk_label_set_max_width_chars(GTK_LABEL(label), NOTICE_CHARS);
    if (bold) {
        PangoAttrList *attributes = pango_attr_list_new();
        pango_attr_list_insert(attributes, pango_attr_weight_new(PANGO_WEIGHT_BOLD));
        gtk_label_set_attributes(GTK_LABEL(label), attributes);
        pango_attr_list_unref(attributes);
    }
    return label;
}

void notice_show(const char *title, const char *text)
{
    if (!shown)
        shown = g_ptr_array_new();
    GtkWidget *window = gtk_window_new(GTK_WINDOW_POPUP), *frame = gtk_frame_new(NULL);
    GtkWidget *box = gtk_box_new(GTK_ORIENTATION_VERTICAL, 4);
    gtk_window_set_type_hint(GTK_WINDOW(window), GDK_WINDOW_TYPE_HINT_NOTIFICATION);
    gtk_window_set_accept_focus(GTK_WINDOW(window), FALSE);
    gtk_window_set_resizable(GTK_WINDOW(window), FALSE);
    gtk_container_set_border_width(GTK_CONTAINER(box), 10);
    gtk_container_add(GTK_CONTAINER(window), frame);
    gtk_container_add(GTK_CONTAINER(frame), box);
    gtk_box_pack_start(GTK_BOX(box), text_label(title, TRUE), FALSE, FALSE, 0);
    gtk_box_pack_start(GTK_BOX(box), text_label(text, FALSE), FALSE, FALSE, 0);
    gtk_widget_add_events(window, GDK_BUTTON_PRESS_MASK);
    g_signal_connect(window, "button-press-event", G_CALLBACK(on_click), NULL);
    g_signal_connect(window, "destroy", G_CALLBACK(on_destroy), NULL);
    atk_object_set_role(gtk_widget_get_accessible(window), ATK_ROLE_ALERT);
    atk_object_set_name(gtk_widget_get_accessible(window), title);
    g_ptr_array_add(shown, window);
    gtk_widget_show_all(window);
    place_all();
    g_object_set_data(G_OBJECT(window), "timer",
                      GUINT_TO_POINTER(g_timeout_add_seconds(NOTICE_SECONDS, on_timeout, window)));
}
