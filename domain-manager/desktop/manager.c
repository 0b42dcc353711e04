/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bulkhead-manager: the list of domains with what can be done to them. */
#include "manager.h"

#include <stdio.h>
#include <string.h>

#include "label.h"

/* -- selection -- */

static char *selected_name(struct manager_window *w)
{
    GtkTreeIter it;
    GtkTreeModel *model;
    char *name = NULL;
    if (gtk_tree_selection_get_selected(gtk_tree_view_get_selection(GTK_TREE_VIEW(w->view)), &model, &it))
        gtk_tree_model_get(model, &it, COL_NAME, &name, -1);
    return name;
}

static void show_failure(const char *text, void *data)
{
    manager_complain(data, "Not done", text);
}

/* -- what the buttons do -- */

static void do_call(struct manager_window *w, const char *method)
{
    g_autofree char *name = selected_name(w);
    if (name)
        model_call(w->model, method, name, "", NULL, NULL);
}

static void on_create(struct manager_window *w)
{
    create_dialog_open(w);
}

static void on_settings(struct manager_window *w)
{
    g_autofree char *name = selected_name(w);
    if (name)
        settings_dialog_open(w, name);
}

static void on_start(struct manager_window *w)
{
    do_call(w, "admin.vm.Start");
}

static void on_shutdown(struct manager_window *w)
{
    do_call(w, "admin.vm.Shutdown+wait");
}

static void on_kill(struct manager_window *w)
{
    do_call(w, "admin.vm.Kill");
}

static void on_pause(struct manager_window *w)
{
    g_autofree char *name = selected_name(w);
    const struct vm *v = name ? model_find(w->model, name) : NULL;
    if (v)
        do_call(w, strcmp(v->state, "Paused") == 0 ? "admin.vm.Unpause" : "admin.vm.Pause");
}

static void on_terminal(struct manager_window *w)
{
    g_autofree char *name = selected_name(w);
    if (name)
        label_run_terminal(name, show_failure, w);
}

static void on_clone(struct manager_window *w)
{
    g_autofree char *name = selected_name(w);
    if (name)
        clone_dialog_open(w, name);
}

static void remove_confirmed(GtkDialog *dialog, int response, void *data)
{
    struct manager_window *w = data;
    if (response == GTK_RESPONSE_ACCEPT)
        model_call(w->model, "admin.vm.Remove", g_object_get_data(G_OBJECT(dialog), "name"), "", NULL, NULL);
    gtk_widget_destroy(GTK_WIDGET(dialog));
}

static void on_remove(struct manager_window *w)
{
    char *name = selected_name(w);
    if (!name)
        return;
    GtkWidget *box = gtk_message_dialog_new(GTK_WINDOW(w->window), GTK_DIALOG_MODAL, GTK_MESSAGE_WARNING,
                                            GTK_BUTTONS_NONE, "Remove %s and all its files?", name);
    gtk_dialog_add_buttons(GTK_DIALOG(box), "_Cancel", GTK_RESPONSE_CANCEL, "_Remove", GTK_RESPONSE_ACCEPT,
                           NULL);
    g_object_set_data_full(G_OBJECT(box), "name", name, g_free);
    g_signal_connect(box, "response", G_CALLBACK(remove_confirmed), w);
    gtk_widget_show(box);
}

#define WHEN_ALWAYS 0
#define WHEN_HALTED 1
#define WHEN_UP     2
#define WHEN_ANY    3 /* some domain but dom0 */

static const struct {
    const char *text;
    void (*run)(struct manager_window *w);
    int when;
} buttons[] = {{"_New", on_create, WHEN_ALWAYS},     {"S_ettings", on_settings, WHEN_ANY},
               {"_Start", on_start, WHEN_HALTED},    {"Shut _down", on_shutdown, WHEN_UP},
               {"_Pause", on_pause, WHEN_UP},        {"_Kill", on_kill, WHEN_UP},
               {"_Terminal", on_terminal, WHEN_ANY}, {"_Clone", on_clone, WHEN_HALTED},
               {"_Remove", on_remove, WHEN_HALTED}};

static void update_buttons(struct manager_window *w)
{
    g_autofree char *name = selected_name(w);
    const struct vm *v = name ? model_find(w->model, name) : NULL;
    gboolean guest = v && strcmp(v->name, "dom0") != 0, up = guest && label_is_up(v);
    for (guint i = 0; i < G_N_ELEMENTS(buttons); i++) {
        gboolean on = buttons[i].when == WHEN_ALWAYS || (buttons[i].when == WHEN_ANY && guest) ||
                      (buttons[i].when == WHEN_UP && up) || (buttons[i].when == WHEN_HALTED && guest && !up);
        gtk_widget_set_sensitive(w->buttons[i], on && model_connected(w->model));
    }
    gtk_button_set_label(GTK_BUTTON(w->buttons[4]),
                         up && strcmp(v->state, "Paused") == 0 ? "Un_pause" : "_Pause");
}

static void on_button(GtkButton *button, void *data)
{
    guint i = GPOINTER_TO_UINT(g_object_get_data(G_OBJECT(button), "index"));
    buttons[i].run(data);
}

/* -- the list -- */

static void fill_row(struct manager_window *w, GtkTreeIter *it, const struct vm *v)
{
    cairo_surface_t *s = label_surface(v->label, label_is_up(v), 14);
    gboolean up = label_is_up(v) && v->memory_kib;
    g_autofree char *memory =
        up ? g_strdup_printf("%" G_GUINT64_FORMAT " MiB", v->memory_kib >> 10) : g_strdup("");
    const char *disk = g_hash_table_lookup(w->disk, v->name);
    gtk_list_store_set(w->store, it, COL_SURFACE, s, COL_NAME, v->name, COL_STATE, v->state, COL_CLASS,
                       v->klass, COL_TEMPLATE, v->template_name, COL_NETVM, v->netvm, COL_MEMORY, memory,
                       COL_DISK, disk ? disk : "", -1);
    cairo_surface_destroy(s);
}

static void update_status(struct manager_window *w)
{
    const GPtrArray *all = model_domains(w->model);
    guint64 memory = 0;
    guint running = 0;
    for (guint i = 0; i < all->len; i++) {
        const struct vm *v = all->pdata[i];
        gboolean up = strcmp(v->name, "dom0") != 0 && label_is_up(v);
        running += up;
        memory += up ? v->memory_kib : 0;
    }
    const char *pool = g_hash_table_lookup(w->disk, "");
    g_autofree char *text =
        model_connected(w->model)
            ? g_strdup_printf("%u domains, %u running, %" G_GUINT64_FORMAT " MiB of memory in use%s%s",
                              all->len - 1, running, memory >> 10, pool ? "; disk: " : "", pool ? pool : "")
            : g_strdup("The domain manager does not answer: systemctl status bulkhead-domain-manager");
    gtk_label_set_text(GTK_LABEL(w->status), text);
}

static void rebuild(struct manager_window *w)
{
    g_autofree char *selected = selected_name(w);
    const GPtrArray *all = model_domains(w->model);
    gtk_list_store_clear(w->store);
    for (guint i = 0; i < all->len; i++) {
        const struct vm *v = all->pdata[i];
        GtkTreeIter it;
        gtk_list_store_append(w->store, &it);
        fill_row(w, &it, v);
        if (selected ? strcmp(selected, v->name) == 0 : i == 1)
            gtk_tree_selection_select_iter(gtk_tree_view_get_selection(GTK_TREE_VIEW(w->view)), &it);
    }
    update_buttons(w);
    update_status(w);
}

static void disk_came(const char *answer, const GError *error, void *data)
{
    struct manager_window *w = data;
    g_auto(GStrv) lines = error ? NULL : g_strsplit(answer, "\n", 0);
    for (char **line = lines; line && *line; line++) {
        g_auto(GStrv) cells = g_strsplit(*line, "\t", 2);
        if (cells[0] && cells[1] && strcmp(cells[1], "-") != 0)
            g_hash_table_insert(w->disk, g_strdup(cells[0]), g_strdup_printf("%s MiB", cells[1]));
    }
    rebuild(w);
}

static void pool_came(const char *answer, const GError *error, void *data)
{
    struct manager_window *w = data;
    const char *size = error ? NULL : strstr(answer, "size="),
               *usage = error ? NULL : strstr(answer, "usage=");
    if (!size || !usage)
        return;
    double gib = 1 << 30, used = g_ascii_strtod(usage + 6, NULL) / gib,
           all = g_ascii_strtod(size + 5, NULL) / gib;
    g_hash_table_insert(w->disk, g_strdup(""), g_strdup_printf("%.1f of %.1f GiB used", used, all));
    update_status(w);
}

static gboolean ask_disk(void *data)
{
    struct manager_window *w = data;
    model_call(w->model, "bulkhead.vm.Table", "dom0", "name,disk", disk_came, w);
    model_call(w->model, "admin.pool.Info+file", "dom0", "", pool_came, w);
    return G_SOURCE_REMOVE;
}

static void on_changed(void *data)
{
    struct manager_window *w = data;
    static gboolean asked;
    rebuild(w);
    if (!asked && model_connected(w->model)) {
        asked = TRUE;
        ask_disk(w);
    }
    if (w->first_settings && model_connected(w->model))
        settings_dialog_open(w, w->first_settings);
    else if (w->first_create && model_connected(w->model))
        create_dialog_open(w);
    if (model_connected(w->model)) {
        w->first_settings = NULL;
        w->first_create = FALSE;
    }
}

static void on_progress(struct manager_window *w, GVariant *details)
{
    const char *name = "", *done = "", *expected = "";
    g_variant_lookup(details, "name", "&s", &name);
    g_variant_lookup(details, "done", "&s", &done);
    g_variant_lookup(details, "expected", "&s", &expected);
    guint64 all = g_ascii_strtoull(expected, NULL, 10);
    if (w->progress && all)
        w->progress(name, g_ascii_strtoull(done, NULL, 10), all, w->progress_data);
}

static void on_event(const char *domain, const char *event, GVariant *details, void *data)
{
    struct manager_window *w = data;
    const char *reason = "";
    if (strcmp(event, "call-failed") == 0) {
        g_variant_lookup(details, "reason", "&s", &reason);
        manager_complain(w, domain, reason);
    } else if (strcmp(event, "progress") == 0) {
        on_progress(w, details);
    } else if (strcmp(event, "domain-shutdown") == 0 || strcmp(event, "domain-add") == 0) {
        ask_disk(w);
    }
}

static void on_selection(GtkTreeSelection *selection, void *data)
{
    (void)selection;
    update_buttons(data);
}

static void on_row(GtkTreeView *view, GtkTreePath *path, GtkTreeViewColumn *column, void *data)
{
    (void)view, (void)path, (void)column;
    on_settings(data);
}

static gboolean on_refresh(void *data)
{
    struct manager_window *w = data;
    if (model_connected(w->model))
        model_refresh(w->model);
    return G_SOURCE_CONTINUE;
}

/* -- construction -- */

static GtkWidget *build_list(struct manager_window *w)
{
    static const char *const titles[COL_COUNT] = {"",         "Name",    "State",  "Class",
                                                  "Template", "Network", "Memory", "Disk"};
    GtkWidget *scrolled = gtk_scrolled_window_new(NULL, NULL);
    w->store = gtk_list_store_new(COL_COUNT, CAIRO_GOBJECT_TYPE_SURFACE, G_TYPE_STRING, G_TYPE_STRING,
                                  G_TYPE_STRING, G_TYPE_STRING, G_TYPE_STRING, G_TYPE_STRING, G_TYPE_STRING);
    w->view = gtk_tree_view_new_with_model(GTK_TREE_MODEL(w->store));
    gtk_tree_view_insert_column_with_attributes(GTK_TREE_VIEW(w->view), -1, "",
                                                gtk_cell_renderer_pixbuf_new(), "surface", COL_SURFACE, NULL);
    for (int c = COL_NAME; c < COL_COUNT; c++) {
        gtk_tree_view_insert_column_with_attributes(GTK_TREE_VIEW(w->view), -1, titles[c],
                                                    gtk_cell_renderer_text_new(), "text", c, NULL);
        GtkTreeViewColumn *column = gtk_tree_view_get_column(GTK_TREE_VIEW(w->view), c);
        gtk_tree_view_column_set_resizable(column, TRUE);
        gtk_tree_view_column_set_expand(column, c == COL_NAME);
    }
    gtk_tree_view_set_search_column(GTK_TREE_VIEW(w->view), COL_NAME);
    atk_object_set_name(gtk_widget_get_accessible(w->view), "Domains");
    g_signal_connect(gtk_tree_view_get_selection(GTK_TREE_VIEW(w->view)), "changed", G_CALLBACK(on_selection),
                     w);
    g_signal_connect(w->view, "row-activated", G_CALLBACK(on_row), w);
    gtk_container_add(GTK_CONTAINER(scrolled), w->view);
    return scrolled;
}

static void build(struct manager_window *w)
{
    GtkWidget *box = gtk_box_new(GTK_ORIENTATION_VERTICAL, 6),
              *bar = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 4);
    w->window = gtk_window_new(GTK_WINDOW_TOPLEVEL);
    gtk_window_set_title(GTK_WINDOW(w->window), "Domain Manager");
    gtk_window_set_default_size(GTK_WINDOW(w->window), 820, 460);
    gtk_container_set_border_width(GTK_CONTAINER(w->window), 8);
    for (guint i = 0; i < G_N_ELEMENTS(buttons); i++) {
        w->buttons[i] = gtk_button_new_with_mnemonic(buttons[i].text);
        g_object_set_data(G_OBJECT(w->buttons[i]), "index", GUINT_TO_POINTER(i));
        g_signal_connect(w->buttons[i], "clicked", G_CALLBACK(on_button), w);
        gtk_box_pack_start(GTK_BOX(bar), w->buttons[i], FALSE, FALSE, 0);
    }
    w->status = gtk_label_new("");
    gtk_label_set_xalign(GTK_LABEL(w->status), 0);
    gtk_label_set_ellipsize(GTK_LABEL(w->status), PANGO_ELLIPSIZE_END);
    gtk_box_pack_start(GTK_BOX(box), bar, FALSE, FALSE, 0);
    gtk_box_pack_start(GTK_BOX(box), build_list(w), TRUE, TRUE, 0);
    gtk_box_pack_start(GTK_BOX(box), w->status, FALSE, FALSE, 0);
    gtk_container_add(GTK_CONTAINER(w->window), box);
    g_signal_connect(w->window, "destroy", G_CALLBACK(gtk_main_quit), NULL);
}

int main(int argc, char **argv)
{
    static struct manager_window w;
    gboolean session = FALSE;
    const GOptionEntry entries[] = {
        {"settings", 0, 0, G_OPTION_ARG_STRING, &w.first_settings, "Open the settings of a domain", "NAME"},
        {"create", 0, 0, G_OPTION_ARG_NONE, &w.first_create, "Open the dialog for a new domain", NULL},
        {"session-bus", 0, 0, G_OPTION_ARG_NONE, &session, "For tests", NULL},
        G_OPTION_ENTRY_NULL};
    g_autoptr(GError) error = NULL;
    g_setenv("GDK_GL", "disable", FALSE); /* else GDK loads Mesa, and with it LLVM */
    if (!gtk_init_with_args(&argc, &argv, NULL, entries, NULL, &error)) {
        fprintf(stderr, "bulkhead-manager: %s\n", error ? error->message : "no display");
        return 1;
    }
    w.disk = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    build(&w);
    w.model = model_new(session ? G_BUS_TYPE_SESSION : G_BUS_TYPE_SYSTEM, on_changed, on_event, &w);
    update_buttons(&w);
    g_timeout_add_seconds(5, on_refresh, &w);
    gtk_widget_show_all(w.window);
    gtk_main();
    return 0;
}
