/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Settings of one domain: what was changed is sent at OK, one property at a time; a refusal is shown and the
 * dialog stays. */
#include <string.h>

#include "manager.h"

enum kind { KIND_LABEL, KIND_TEMPLATE, KIND_NETVM, KIND_DISPVM, KIND_NUMBER, KIND_BOOL, KIND_TEXT };

static const struct {
    const char *property, *text;
    enum kind kind;
    int page, min, max;
} fields[] = {
    {"label", "_Label", KIND_LABEL, 0, 0, 0},
    {"template", "_Template", KIND_TEMPLATE, 0, 0, 0},
    {"netvm", "_Network through", KIND_NETVM, 0, 0, 0},
    {"autostart", "_Start with the system", KIND_BOOL, 0, 0, 0},
    {"include_in_backups", "Include in _backups", KIND_BOOL, 0, 0, 0},
    {"memory", "_Memory (MiB)", KIND_NUMBER, 1, 32, 1 << 20},
    {"vcpus", "Virtual _CPUs", KIND_NUMBER, 1, 1, 128},
    {"kernel", "_Kernel", KIND_TEXT, 1, 0, 0},
    {"kernelopts", "Kernel o_ptions", KIND_TEXT, 1, 0, 0},
    {"default_user", "Default _user", KIND_TEXT, 1, 0, 0},
    {"qrexec_timeout", "Start timeout (s)", KIND_NUMBER, 1, 1, 3600},
    {"shutdown_timeout", "Shutdown timeout (s)", KIND_NUMBER, 1, 1, 3600},
    {"default_dispvm", "_Disposables from", KIND_DISPVM, 2, 0, 0},
    {"template_for_dispvms", "May be a _base of disposables", KIND_BOOL, 2, 0, 0},
    {"provides_network", "_Provides network to others", KIND_BOOL, 2, 0, 0},
    {"debug", "De_bug messages", KIND_BOOL, 2, 0, 0},
};

#define FIELDS G_N_ELEMENTS(fields)

struct settings {
    struct manager_window *w;
    char *domain;
    GtkWidget *dialog, *notebook, *grids[3], *message, *widgets[FIELDS];
    char *before[FIELDS];
    guint pending; /* calls under way */
    gboolean failed;
};

static void settings_free(void *data)
{
    struct settings *s = data;
    for (guint i = 0; i < FIELDS; i++)
        g_free(s->before[i]);
    g_free(s->domain);
    g_free(s);
}

static gboolean always(const struct vm *v)
{
    return strcmp(v->name, "dom0") != 0;
}

static gboolean is_base(const struct vm *v)
{
    return v->is_dispvm_template;
}

static GtkWidget *field_widget(struct settings *s, guint i, const char *value)
{
    GtkWidget *widget;
    switch (fields[i].kind) {
    case KIND_LABEL:
        return manager_label_combo(value);
    case KIND_TEMPLATE: {
        const struct vm *v = model_find(s->w->model, s->domain);
        return manager_vm_combo(s->w, value, FALSE,
                                v && strcmp(v->klass, "DispVM") == 0 ? is_base : manager_is_template);
    }
    case KIND_NETVM:
        return manager_vm_combo(s->w, value, TRUE, always);
    case KIND_DISPVM:
        return manager_vm_combo(s->w, value, TRUE, is_base);
    case KIND_NUMBER:
        widget = gtk_spin_button_new_with_range(fields[i].min, fields[i].max, 1);
        gtk_spin_button_set_value(GTK_SPIN_BUTTON(widget), g_ascii_strtod(value, NULL));
        return widget;
    case KIND_BOOL:
        widget = gtk_check_button_new();
        gtk_toggle_button_set_active(GTK_TOGGLE_BUTTON(widget), strcmp(value, "True") == 0);
        return widget;
    default:
        widget = gtk_entry_new();
        gtk_entry_set_text(GTK_ENTRY(widget), value);
        return widget;
    }
}

static char *field_value(const struct settings *s, guint i)
{
    GtkWidget *widget = s->widgets[i];
    if (fields[i].kind == KIND_NUMBER)
        return g_strdup_printf("%d", gtk_spin_button_get_value_as_int(GTK_SPIN_BUTTON(widget)));
    if (fields[i].kind == KIND_BOOL)
        return g_strdup(gtk_toggle_button_get_active(GTK_TOGGLE_BUTTON(widget)) ? "True" : "False");
    if (fields[i].kind == KIND_TEXT)
        return g_strdup(gtk_entry_get_text(GTK_ENTRY(widget)));
    return manager_combo_text(widget);
}

static void set_answered(const char *answer, const GError *error, void *data)
{
    struct settings *s = data;
    (void)answer;
    s->pending--;
    if (error) {
        s->failed = TRUE;
        gtk_label_set_text(GTK_LABEL(s->message), error->message);
    }
    if (s->pending)
        return;
    if (s->failed)
        gtk_widget_set_sensitive(s->dialog, TRUE);
    else
        gtk_widget_destroy(s->dialog);
}

static void save(struct settings *s)
{
    s->failed = FALSE;
    gtk_label_set_text(GTK_LABEL(s->message), "");
    for (guint i = 0; i < FIELDS; i++) {
        g_autofree char *value = s->widgets[i] ? field_value(s, i) : NULL;
        if (!value || strcmp(value, s->before[i]) == 0)
            continue;
        g_autofree char *method = g_strconcat("admin.vm.property.Set+", fields[i].property, NULL);
        s->pending++;
        model_call(s->w->model, method, s->domain, value, set_answered, s);
    }
    if (s->pending)
        gtk_widget_set_sensitive(s->dialog, FALSE);
    else
        gtk_widget_destroy(s->dialog);
}

static void on_response(GtkDialog *dialog, int response, void *data)
{
    if (response == GTK_RESPONSE_OK)
        save(data);
    else
        gtk_widget_destroy(GTK_WIDGET(dialog));
}

static void fill(struct settings *s, GVariant *reply)
{
    g_autoptr(GVariantIter) it = NULL;
    const char *name, *type, *value;
    gboolean is_default;
    g_variant_get(reply, "(a(sssb))", &it);
    while (g_variant_iter_next(it, "(&s&s&sb)", &name, &type, &value, &is_default))
        for (guint i = 0; i < FIELDS; i++) {
            if (strcmp(fields[i].property, name) != 0)
                continue;
            s->before[i] = g_strdup(value);
            s->widgets[i] = field_widget(s, i, value);
        }
    for (guint i = 0; i < FIELDS; i++)
        if (s->widgets[i])
            manager_grid_row(GTK_GRID(s->grids[fields[i].page]), (int)i, fields[i].text, s->widgets[i]);
    gtk_widget_show_all(s->dialog);
}

static void properties_came(GObject *source, GAsyncResult *res, void *data)
{
    struct settings *s = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply = g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), res, &error);
    if (reply) {
        fill(s, reply);
        return;
    }
    g_dbus_error_strip_remote_error(error);
    manager_complain(s->w, "The settings cannot be shown", error->message);
    gtk_widget_destroy(s->dialog);
}

void settings_dialog_open(struct manager_window *w, const char *domain)
{
    static const char *const pages[] = {"_Basic", "_Advanced", "_Roles"};
    g_autofree char *title = g_strdup_printf("Settings of %s", domain);
    struct settings *s = g_new0(struct settings, 1);
    s->w = w;
    s->domain = g_strdup(domain);
    s->dialog = gtk_dialog_new_with_buttons(title, GTK_WINDOW(w->window), GTK_DIALOG_MODAL, "_Cancel",
                                            GTK_RESPONSE_CANCEL, "_OK", GTK_RESPONSE_OK, NULL);
    gtk_dialog_set_default_response(GTK_DIALOG(s->dialog), GTK_RESPONSE_OK);
    gtk_window_set_default_size(GTK_WINDOW(s->dialog), 460, -1);
    GtkWidget *content = gtk_dialog_get_content_area(GTK_DIALOG(s->dialog));
    s->notebook = gtk_notebook_new();
    s->message = gtk_label_new("");
    gtk_label_set_line_wrap(GTK_LABEL(s->message), TRUE);
    gtk_label_set_max_width_chars(GTK_LABEL(s->message), 60);
    for (guint i = 0; i < G_N_ELEMENTS(pages); i++) {
        s->grids[i] = gtk_grid_new();
        gtk_grid_set_row_spacing(GTK_GRID(s->grids[i]), 8);
        gtk_grid_set_column_spacing(GTK_GRID(s->grids[i]), 12);
        gtk_container_set_border_width(GTK_CONTAINER(s->grids[i]), 12);
        gtk_notebook_append_page(GTK_NOTEBOOK(s->notebook), s->grids[i],
                                 gtk_label_new_with_mnemonic(pages[i]));
    }
    gtk_box_pack_start(GTK_BOX(content), s->notebook, TRUE, TRUE, 0);
    gtk_box_pack_start(GTK_BOX(content), s->message, FALSE, FALSE, 6);
    g_object_set_data_full(G_OBJECT(s->dialog), "settings", s, settings_free);
    g_signal_connect(s->dialog, "response", G_CALLBACK(on_response), s);
    model_properties(w->model, domain, properties_came, s);
}
