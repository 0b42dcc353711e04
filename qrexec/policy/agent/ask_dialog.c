/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ask_dialog.h"

#include <string.h>

#define LIST_HEIGHT 220
#define WIDTH       520
#define LONG_TEXT   200 /* may not fit: the whole is in a tooltip */

struct ask_dialog {
    const struct agent_message *message;
    ask_dialog_done_fn done;
    void *data;
    GtkWidget *window, *search, *list, *allow;
    guint wake_timer;
    bool awake; /* the half second with the focus is over */
};

static const char target_key[] = "qrexec-target";

/* ---- when "Allow" may be used ---- */

static const struct agent_target *chosen(const struct ask_dialog *dialog)
{
    GtkListBoxRow *row = gtk_list_box_get_selected_row(GTK_LIST_BOX(dialog->list));

    /* what the search hides is not chosen */
    if (!row || !gtk_widget_get_child_visible(GTK_WIDGET(row)))
        return NULL;
    return g_object_get_data(G_OBJECT(row), target_key);
}

static void update(struct ask_dialog *dialog)
{
    gtk_widget_set_sensitive(dialog->allow, dialog->awake && chosen(dialog));
}

static gboolean wake(gpointer data)
{
    struct ask_dialog *dialog = data;

    dialog->wake_timer = 0;
    dialog->awake = true;
    update(dialog);
    return G_SOURCE_REMOVE;
}

static void sleep_again(struct ask_dialog *dialog)
{
    if (dialog->wake_timer)
        g_source_remove(dialog->wake_timer);
    dialog->wake_timer = 0;
    dialog->awake = false;
}

static void focus_changed(GObject *window, GParamSpec *property, gpointer data)
{
    struct ask_dialog *dialog = data;

    (void)property;
    sleep_again(dialog);
    if (gtk_window_is_active(GTK_WINDOW(window)))
        dialog->wake_timer = g_timeout_add(ASK_DIALOG_WAIT_MS, wake, dialog);
    update(dialog);
}

/* ---- answers ---- */

static void answer(struct ask_dialog *dialog, const char *target, bool all)
{
    ask_dialog_done_fn done = dialog->done;

    dialog->done = NULL;
    if (done)
        done(dialog->data, target, all);
}

static void allow_clicked(GtkButton *button, gpointer data)
{
    struct ask_dialog *dialog = data;
    const struct agent_target *target = chosen(dialog);

    (void)button;
    if (dialog->awake && target)
        answer(dialog, target->name, false);
}

static void deny_clicked(GtkButton *button, gpointer data)
{
    (void)button;
    answer(data, NULL, false);
}

static void deny_all_clicked(GtkButton *button, gpointer data)
{
    (void)button;
    answer(data, NULL, true);
}

static gboolean window_closed(GtkWidget *window, GdkEvent *event, gpointer data)
{
    (void)window;
    (void)event;
    answer(data, NULL, false);
    return TRUE;
}

static void row_activated(GtkListBox *list, GtkListBoxRow *row, gpointer data)
{
    struct ask_dialog *dialog = data;

    (void)list;
    (void)row;
    /* a row takes the focus on to the button; it never answers itself */
    if (gtk_widget_get_sensitive(dialog->allow))
        gtk_widget_grab_focus(dialog->allow);
}

static void row_selected(GtkListBox *list, GtkListBoxRow *row, gpointer data)
{
    (void)list;
    (void)row;
    update(data);
}

/* ---- search ---- */

static gboolean row_wanted(GtkListBoxRow *row, gpointer data)
{
    const struct ask_dialog *dialog = data;
    const struct agent_target *target = g_object_get_data(G_OBJECT(row), target_key);
    char *wanted = g_ascii_strdown(gtk_entry_get_text(GTK_ENTRY(dialog->search)), -1);
    char *title = g_ascii_strdown(target->title, -1);
    bool found = strstr(title, wanted) != NULL;

    g_free(wanted);
    g_free(title);
    return found;
}

static void search_changed(GtkEditable *entry, gpointer data)
{
    struct ask_dialog *dialog = data;

    (void)entry;
    gtk_list_box_invalidate_filter(GTK_LIST_BOX(dialog->list));
    update(dialog);
}

static GtkListBoxRow *first_shown(const struct ask_dialog *dialog)
{
    GtkListBoxRow *row;

    for (int i = 0; (row = gtk_list_box_get_row_at_index(GTK_LIST_BOX(dialog->list), i)); i++)
        if (gtk_widget_get_child_visible(GTK_WIDGET(row)))
            return row;
    return NULL;
}

/* Enter in the search field chooses the first that is shown; it does not answer. */
static void search_entered(GtkEntry *entry, gpointer data)
{
    struct ask_dialog *dialog = data;
    GtkListBoxRow *row = first_shown(dialog);

    (void)entry;
    if (!row)
        return;
    if (!chosen(dialog))
        gtk_list_box_select_row(GTK_LIST_BOX(dialog->list), row);
    gtk_widget_grab_focus(GTK_WIDGET(gtk_list_box_get_selected_row(GTK_LIST_BOX(dialog->list))));
}

static gboolean window_key(GtkWidget *window, GdkEventKey *event, gpointer data)
{
    struct ask_dialog *dialog = data;
    GtkListBoxRow *row;

    (void)window;
    if (event->keyval == GDK_KEY_Escape) {
        answer(dialog, NULL, false);
        return TRUE;
    }
    if (event->keyval == GDK_KEY_Down && gtk_widget_has_focus(dialog->search) &&
        (row = first_shown(dialog))) {
        gtk_list_box_select_row(GTK_LIST_BOX(dialog->list), row);
        gtk_widget_grab_focus(GTK_WIDGET(row));
        return TRUE;
    }
    return FALSE;
}

/* ---- building ---- */

static void set_accessible(GtkWidget *widget, const char *name)
{
    atk_object_set_name(gtk_widget_get_accessible(widget), name);
}

static gboolean draw_swatch(GtkWidget *area, cairo_t *cairo, gpointer data)
{
    GdkRGBA colour;

    if (!gdk_rgba_parse(&colour, data))
        return FALSE;
    gdk_cairo_set_source_rgba(cairo, &colour);
    cairo_rectangle(cairo, 0, 0, gtk_widget_get_allocated_width(area), gtk_widget_get_allocated_height(area));
    cairo_fill(cairo);
    return TRUE;
}

static GtkWidget *new_swatch(const char *colour, int width, int height)
{
    GtkWidget *area = gtk_drawing_area_new();

    gtk_widget_set_size_request(area, width, height);
    gtk_widget_set_valign(area, GTK_ALIGN_CENTER);
    g_signal_connect(area, "draw", G_CALLBACK(draw_swatch), (gpointer)colour);
    return area;
}

static GtkWidget *new_label(const char *text, const char *format)
{
    GtkWidget *label = gtk_label_new(NULL);
    char *markup = g_markup_printf_escaped(format, text);

    gtk_label_set_markup(GTK_LABEL(label), markup);
    gtk_label_set_xalign(GTK_LABEL(label), 0);
    gtk_label_set_line_wrap(GTK_LABEL(label), TRUE);
    gtk_label_set_line_wrap_mode(GTK_LABEL(label), PANGO_WRAP_CHAR);
    gtk_label_set_max_width_chars(GTK_LABEL(label), 56);
    gtk_label_set_lines(GTK_LABEL(label), 4);
    gtk_label_set_ellipsize(GTK_LABEL(label), PANGO_ELLIPSIZE_END);
    if (strlen(text) > LONG_TEXT)
        gtk_widget_set_tooltip_text(label, text);
    g_free(markup);
    return label;
}

static GtkWidget *new_row(const struct agent_target *target)
{
    GtkWidget *row = gtk_list_box_row_new(), *box = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 8);

    gtk_container_set_border_width(GTK_CONTAINER(box), 4);
    gtk_box_pack_start(GTK_BOX(box), new_swatch(target->colour, 14, 14), FALSE, FALSE, 0);
    gtk_box_pack_start(GTK_BOX(box), new_label(target->title, "%s"), TRUE, TRUE, 0);
    gtk_container_add(GTK_CONTAINER(row), box);
    g_object_set_data(G_OBJECT(row), target_key, (gpointer)target);
    set_accessible(row, target->title);
    return row;
}

static GtkWidget *build_list(struct ask_dialog *dialog)
{
    GtkWidget *scrolled = gtk_scrolled_window_new(NULL, NULL);
    const struct agent_message *message = dialog->message;

    dialog->list = gtk_list_box_new();
    for (size_t i = 0; i < message->target_count; i++) {
        GtkWidget *row = new_row(&message->targets[i]);
        gtk_container_add(GTK_CONTAINER(dialog->list), row);
        if (i == message->preset)
            gtk_list_box_select_row(GTK_LIST_BOX(dialog->list), GTK_LIST_BOX_ROW(row));
    }
    gtk_list_box_set_filter_func(GTK_LIST_BOX(dialog->list), row_wanted, dialog, NULL);
    gtk_list_box_set_activate_on_single_click(GTK_LIST_BOX(dialog->list), FALSE);
    set_accessible(dialog->list, "Target of the call");
    g_signal_connect(dialog->list, "row-selected", G_CALLBACK(row_selected), dialog);
    g_signal_connect(dialog->list, "row-activated", G_CALLBACK(row_activated), dialog);
    gtk_container_add(GTK_CONTAINER(scrolled), dialog->list);
    gtk_scrolled_window_set_policy(GTK_SCROLLED_WINDOW(scrolled), GTK_POLICY_NEVER, GTK_POLICY_AUTOMATIC);
    gtk_scrolled_window_set_shadow_type(GTK_SCROLLED_WINDOW(scrolled), GTK_SHADOW_IN);
    gtk_widget_set_size_request(scrolled, -1, LIST_HEIGHT);
    return scrolled;
}

/* Who asks: a bar in the colour of the domain, its name beside it. */
static GtkWidget *build_source(const struct agent_message *message)
{
    GtkWidget *box = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 12);
    char *spoken = g_strdup_printf("Source domain: %s", message->source);

    gtk_box_pack_start(GTK_BOX(box), new_swatch(message->source_colour, 36, 36), FALSE, FALSE, 0);
    gtk_box_pack_start(GTK_BOX(box),
                       new_label(message->source, "<span size='x-large' weight='bold'>%s</span>"), TRUE, TRUE,
                       0);
    set_accessible(box, spoken);
    g_free(spoken);
    return box;
}

static GtkWidget *build_question(const struct agent_message *message)
{
    GtkWidget *box = gtk_box_new(GTK_ORIENTATION_VERTICAL, 6);

    gtk_box_pack_start(GTK_BOX(box), build_source(message), FALSE, FALSE, 0);
    gtk_box_pack_start(GTK_BOX(box), new_label(message->service, "wants to call  <b>%s</b>"), FALSE, FALSE,
                       0);
    if (message->argument[0] && message->argument[1])
        gtk_box_pack_start(GTK_BOX(box), new_label(message->argument + 1, "with the argument  <tt>%s</tt>"),
                           FALSE, FALSE, 0);
    return box;
}

static GtkWidget *new_button(const char *text, const char *spoken, GCallback clicked,
                             struct ask_dialog *dialog)
{
    GtkWidget *button = gtk_button_new_with_mnemonic(text);

    set_accessible(button, spoken);
    g_signal_connect(button, "clicked", clicked, dialog);
    return button;
}

static GtkWidget *build_buttons(struct ask_dialog *dialog, size_t waiting)
{
    GtkWidget *box = gtk_button_box_new(GTK_ORIENTATION_HORIZONTAL);
    char *text = g_strdup_printf("De_ny all %zu of them", waiting + 1);

    gtk_button_box_set_layout(GTK_BUTTON_BOX(box), GTK_BUTTONBOX_END);
    gtk_box_set_spacing(GTK_BOX(box), 8);
    if (waiting)
        gtk_container_add(GTK_CONTAINER(box), new_button(text, "Deny all open questions of this domain",
                                                         G_CALLBACK(deny_all_clicked), dialog));
    gtk_container_add(GTK_CONTAINER(box),
                      new_button("_Deny", "Deny the call", G_CALLBACK(deny_clicked), dialog));
    dialog->allow = new_button("_Allow", "Allow the call", G_CALLBACK(allow_clicked), dialog);
    gtk_container_add(GTK_CONTAINER(box), dialog->allow);
    g_free(text);
    return box;
}

static GtkWidget *build_search(struct ask_dialog *dialog)
{
    dialog->search = gtk_search_entry_new();
    gtk_entry_set_placeholder_text(GTK_ENTRY(dialog->search), "Search");
    set_accessible(dialog->search, "Search for a target");
    /* not "search-changed": that one waits, and a quick Enter would choose from the list of before */
    g_signal_connect(dialog->search, "changed", G_CALLBACK(search_changed), dialog);
    g_signal_connect(dialog->search, "activate", G_CALLBACK(search_entered), dialog);
    return dialog->search;
}

static GtkWidget *build_content(struct ask_dialog *dialog, size_t waiting)
{
    GtkWidget *outer = gtk_box_new(GTK_ORIENTATION_VERTICAL, 0),
              *box = gtk_box_new(GTK_ORIENTATION_VERTICAL, 10);

    gtk_container_set_border_width(GTK_CONTAINER(box), 14);
    gtk_box_pack_start(GTK_BOX(box), build_question(dialog->message), FALSE, FALSE, 0);
    gtk_box_pack_start(GTK_BOX(box), new_label("domain", "in which %s?"), FALSE, FALSE, 0);
    gtk_box_pack_start(GTK_BOX(box), build_search(dialog), FALSE, FALSE, 0);
    gtk_box_pack_start(GTK_BOX(box), build_list(dialog), TRUE, TRUE, 0);
    gtk_box_pack_start(GTK_BOX(box), build_buttons(dialog, waiting), FALSE, FALSE, 0);
    gtk_box_pack_start(GTK_BOX(outer), new_swatch(dialog->message->source_colour, -1, 8), FALSE, FALSE, 0);
    gtk_box_pack_start(GTK_BOX(outer), box, TRUE, TRUE, 0);
    gtk_box_pack_start(GTK_BOX(outer), new_swatch(dialog->message->source_colour, -1, 8), FALSE, FALSE, 0);
    return outer;
}

static void build_window(struct ask_dialog *dialog, size_t waiting)
{
    GtkWindow *window = GTK_WINDOW(dialog->window = gtk_window_new(GTK_WINDOW_TOPLEVEL));

    gtk_window_set_title(window, "[dom0] Allow this call?");
    gtk_window_set_role(window, "qrexec-policy-ask");
    gtk_window_set_type_hint(window, GDK_WINDOW_TYPE_HINT_DIALOG);
    gtk_window_set_position(window, GTK_WIN_POS_CENTER_ALWAYS);
    gtk_window_set_default_size(window, WIDTH, -1);
    gtk_window_set_keep_above(window, TRUE);
    gtk_window_set_urgency_hint(window, TRUE);
    gtk_window_stick(window);
    set_accessible(dialog->window, "A domain wants to call another one");
    gtk_container_add(GTK_CONTAINER(dialog->window), build_content(dialog, waiting));
    g_signal_connect(window, "notify::is-active", G_CALLBACK(focus_changed), dialog);
    g_signal_connect(window, "delete-event", G_CALLBACK(window_closed), dialog);
    g_signal_connect(window, "key-press-event", G_CALLBACK(window_key), dialog);
}

struct ask_dialog *ask_dialog_new(const struct agent_message *message, size_t waiting,
                                  ask_dialog_done_fn done, void *data)
{
    struct ask_dialog *dialog = g_new0(struct ask_dialog, 1);

    dialog->message = message;
    dialog->done = done;
    dialog->data = data;
    build_window(dialog, waiting);
    update(dialog);
    gtk_widget_grab_focus(dialog->search);
    gtk_widget_show_all(dialog->window);
    return dialog;
}

void ask_dialog_free(struct ask_dialog *dialog)
{
    dialog->done = NULL;
    sleep_again(dialog);
    g_signal_handlers_disconnect_by_data(dialog->window, dialog);
    g_signal_handlers_disconnect_by_data(dialog->list, dialog);
    g_signal_handlers_disconnect_by_data(dialog->search, dialog);
    gtk_widget_destroy(dialog->window);
    g_free(dialog);
}

GtkWindow *ask_dialog_window(struct ask_dialog *dialog)
{
    return GTK_WINDOW(dialog->window);
}

GtkWidget *ask_dialog_allow_button(struct ask_dialog *dialog)
{
    return dialog->allow;
}

GtkWidget *ask_dialog_search(struct ask_dialog *dialog)
{
    return dialog->search;
}

GtkListBox *ask_dialog_list(struct ask_dialog *dialog)
{
    return GTK_LIST_BOX(dialog->list);
}
