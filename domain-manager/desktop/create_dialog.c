/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "Create a domain" and "Clone". */
#include <string.h>

#include "../daemon/rules.h"
#include "manager.h"

struct create {
    struct manager_window *w;
    GtkWidget *dialog, *name, *klass, *label, *template_name, *dispvms, *settings, *spinner, *bar, *message;
    char *clone_of;
    char *made;
};

static const struct {
    const char *klass, *text;
} classes[] = {{"AppVM", "Application domain: programs from a template, own files"},
               {"StandaloneVM", "Standalone: own copy of a template"},
               {"TemplateVM", "Template: empty, root image to be imported"},
               {"DispVM", "Named disposable: keeps its settings, no files"}};

static void create_free(void *data)
{
    struct create *c = data;
    c->w->progress = NULL;
    g_free(c->clone_of);
    g_free(c->made);
    g_free(c);
}

static gboolean is_dispvm_base(const struct vm *v)
{
    return v->is_dispvm_template;
}

static void done(const char *answer, const GError *error, void *data)
{
    struct create *c = data;
    (void)answer;
    gtk_spinner_stop(GTK_SPINNER(c->spinner));
    if (error) {
        gtk_label_set_text(GTK_LABEL(c->message), error->message);
        gtk_widget_set_sensitive(c->dialog, TRUE);
        return;
    }
    struct manager_window *w = c->w;
    g_autofree char *name = g_steal_pointer(&c->made);
    gboolean settings = c->settings && gtk_toggle_button_get_active(GTK_TOGGLE_BUTTON(c->settings));
    if (c->dispvms && gtk_toggle_button_get_active(GTK_TOGGLE_BUTTON(c->dispvms)))
        model_call(w->model, "admin.vm.property.Set+template_for_dispvms", name, "True", NULL, NULL);
    gtk_widget_destroy(c->dialog);
    if (settings)
        settings_dialog_open(w, name);
}

static void on_progress(const char *name, guint64 done, guint64 expected, void *data)
{
    struct create *c = data;
    if (g_strcmp0(name, c->made) != 0)
        return;
    g_autofree char *text =
        g_strdup_printf("%" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " MiB", done >> 20, expected >> 20);
    gtk_progress_bar_set_fraction(GTK_PROGRESS_BAR(c->bar), (double)done / (double)expected);
    gtk_progress_bar_set_text(GTK_PROGRESS_BAR(c->bar), text);
    gtk_widget_show(c->bar);
}

static void send(struct create *c)
{
    const char *name = gtk_entry_get_text(GTK_ENTRY(c->name));
    g_autoptr(GError) error = NULL;
    if (!rules_name_check(name, &error)) {
        gtk_label_set_text(GTK_LABEL(c->message), error->message);
        return;
    }
    g_free(c->made);
    c->made = g_strdup(name);
    gtk_widget_set_sensitive(c->dialog, FALSE);
    gtk_spinner_start(GTK_SPINNER(c->spinner));
    if (c->clone_of) {
        g_autofree char *method = g_strconcat("bulkhead.vm.Clone+", name, NULL);
        model_call(c->w->model, method, c->clone_of, "", done, c);
        return;
    }
    const char *klass = classes[gtk_combo_box_get_active(GTK_COMBO_BOX(c->klass))].klass;
    g_autofree char *label = manager_combo_text(c->label),
                    *template_name = manager_combo_text(c->template_name);
    gboolean bare = strcmp(klass, "TemplateVM") == 0;
    g_autofree char *method = g_strdup_printf(
        "admin.vm.Create.%s%s%s", klass, !bare && template_name[0] ? "+" : "", bare ? "" : template_name);
    g_autofree char *payload = g_strdup_printf("name=%s label=%s", name, label);
    model_call(c->w->model, method, "dom0", payload, done, c);
}

static void on_response(GtkDialog *dialog, int response, void *data)
{
    if (response == GTK_RESPONSE_OK)
        send(data);
    else
        gtk_widget_destroy(GTK_WIDGET(dialog));
}

static void on_class(GtkComboBox *combo, void *data)
{
    struct create *c = data;
    const char *klass = classes[gtk_combo_box_get_active(combo)].klass;
    gboolean disp = strcmp(klass, "DispVM") == 0;
    GtkWidget *fresh = manager_vm_combo(c->w, "", FALSE, disp ? is_dispvm_base : manager_is_template);
    gtk_combo_box_set_model(GTK_COMBO_BOX(c->template_name), gtk_combo_box_get_model(GTK_COMBO_BOX(fresh)));
    gtk_combo_box_set_active(GTK_COMBO_BOX(c->template_name), 0);
    gtk_widget_set_sensitive(c->template_name, strcmp(klass, "TemplateVM") != 0);
    gtk_widget_set_sensitive(c->dispvms, strcmp(klass, "AppVM") == 0);
    g_object_ref_sink(fresh);
    g_object_unref(fresh);
}

static struct create *dialog_new(struct manager_window *w, const char *title, GtkWidget **grid)
{
    struct create *c = g_new0(struct create, 1);
    c->w = w;
    c->dialog = gtk_dialog_new_with_buttons(title, GTK_WINDOW(w->window), GTK_DIALOG_MODAL, "_Cancel",
                                            GTK_RESPONSE_CANCEL, "C_reate", GTK_RESPONSE_OK, NULL);
    gtk_dialog_set_default_response(GTK_DIALOG(c->dialog), GTK_RESPONSE_OK);
    *grid = gtk_grid_new();
    gtk_grid_set_row_spacing(GTK_GRID(*grid), 8);
    gtk_grid_set_column_spacing(GTK_GRID(*grid), 12);
    gtk_container_set_border_width(GTK_CONTAINER(*grid), 12);
    gtk_container_add(GTK_CONTAINER(gtk_dialog_get_content_area(GTK_DIALOG(c->dialog))), *grid);
    c->name = gtk_entry_new();
    gtk_entry_set_activates_default(GTK_ENTRY(c->name), TRUE);
    gtk_entry_set_max_length(GTK_ENTRY(c->name), RULES_NAME_MAX);
    manager_grid_row(GTK_GRID(*grid), 0, "_Name", c->name);
    c->spinner = gtk_spinner_new();
    c->bar = gtk_progress_bar_new();
    gtk_progress_bar_set_show_text(GTK_PROGRESS_BAR(c->bar), TRUE);
    gtk_widget_set_no_show_all(c->bar, TRUE); /* shown when something is told */
    atk_object_set_name(gtk_widget_get_accessible(c->bar), "Copied");
    gtk_container_add(GTK_CONTAINER(gtk_dialog_get_content_area(GTK_DIALOG(c->dialog))), c->bar);
    w->progress = on_progress;
    w->progress_data = c;
    c->message = gtk_label_new("");
    gtk_label_set_line_wrap(GTK_LABEL(c->message), TRUE);
    gtk_label_set_max_width_chars(GTK_LABEL(c->message), 50);
    g_object_set_data_full(G_OBJECT(c->dialog), "create", c, create_free);
    g_signal_connect(c->dialog, "response", G_CALLBACK(on_response), c);
    return c;
}

void create_dialog_open(struct manager_window *w)
{
    GtkWidget *grid;
    struct create *c = dialog_new(w, "Create a domain", &grid);
    c->klass = gtk_combo_box_text_new();
    for (guint i = 0; i < G_N_ELEMENTS(classes); i++)
        gtk_combo_box_text_append_text(GTK_COMBO_BOX_TEXT(c->klass), classes[i].text);
    c->label = manager_label_combo("red");
    c->template_name = manager_vm_combo(w, "", FALSE, manager_is_template);
    c->dispvms = gtk_check_button_new_with_mnemonic("_Disposables may be based on it");
    c->settings = gtk_check_button_new_with_mnemonic("Open its _settings afterwards");
    manager_grid_row(GTK_GRID(grid), 1, "_Kind", c->klass);
    manager_grid_row(GTK_GRID(grid), 2, "_Label", c->label);
    manager_grid_row(GTK_GRID(grid), 3, "_Template", c->template_name);
    gtk_grid_attach(GTK_GRID(grid), c->dispvms, 1, 4, 1, 1);
    gtk_grid_attach(GTK_GRID(grid), c->settings, 1, 5, 1, 1);
    gtk_grid_attach(GTK_GRID(grid), c->spinner, 0, 6, 1, 1);
    gtk_grid_attach(GTK_GRID(grid), c->message, 1, 6, 1, 1);
    g_signal_connect(c->klass, "changed", G_CALLBACK(on_class), c);
    gtk_combo_box_set_active(GTK_COMBO_BOX(c->klass), 0);
    gtk_widget_show_all(c->dialog);
}

void clone_dialog_open(struct manager_window *w, const char *domain)
{
    GtkWidget *grid;
    g_autofree char *title = g_strdup_printf("Clone %s", domain);
    g_autofree char *proposal = g_strdup_printf("%s-clone", domain);
    struct create *c = dialog_new(w, title, &grid);
    c->clone_of = g_strdup(domain);
    gtk_entry_set_text(GTK_ENTRY(c->name), proposal);
    gtk_grid_attach(GTK_GRID(grid), c->spinner, 0, 1, 1, 1);
    gtk_grid_attach(GTK_GRID(grid), c->message, 1, 1, 1, 1);
    gtk_widget_show_all(c->dialog);
}
