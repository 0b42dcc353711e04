/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small widgets of the manager window's dialogs. */
#include <string.h>

#include "../daemon/labels.h"
#include "label.h"
#include "manager.h"

void manager_complain(struct manager_window *w, const char *what, const char *why)
{
    GtkWidget *box = gtk_message_dialog_new(GTK_WINDOW(w->window), GTK_DIALOG_MODAL, GTK_MESSAGE_ERROR,
                                            GTK_BUTTONS_CLOSE, "%s", what);
    gtk_message_dialog_format_secondary_text(GTK_MESSAGE_DIALOG(box), "%s", why);
    g_signal_connect(box, "response", G_CALLBACK(gtk_widget_destroy), NULL);
    gtk_widget_show(box);
}

static GtkWidget *combo_new(GtkListStore *store)
{
    GtkWidget *combo = gtk_combo_box_new_with_model(GTK_TREE_MODEL(store));
    GtkCellRenderer *pixbuf = gtk_cell_renderer_pixbuf_new(), *text = gtk_cell_renderer_text_new();
    gtk_cell_layout_pack_start(GTK_CELL_LAYOUT(combo), pixbuf, FALSE);
    gtk_cell_layout_set_attributes(GTK_CELL_LAYOUT(combo), pixbuf, "surface", 0, NULL);
    gtk_cell_layout_pack_start(GTK_CELL_LAYOUT(combo), text, TRUE);
    gtk_cell_layout_set_attributes(GTK_CELL_LAYOUT(combo), text, "text", 1, NULL);
    g_object_unref(store);
    return combo;
}

static void combo_add(GtkWidget *combo, const char *label, const char *text, gboolean select)
{
    GtkListStore *store = GTK_LIST_STORE(gtk_combo_box_get_model(GTK_COMBO_BOX(combo)));
    GtkTreeIter it;
    cairo_surface_t *s = label ? label_surface(label, TRUE, 14) : NULL;
    gtk_list_store_insert_with_values(store, &it, -1, 0, s, 1, text, -1);
    if (s)
        cairo_surface_destroy(s);
    if (select)
        gtk_combo_box_set_active_iter(GTK_COMBO_BOX(combo), &it);
}

static GtkListStore *combo_store(void)
{
    return gtk_list_store_new(2, CAIRO_GOBJECT_TYPE_SURFACE, G_TYPE_STRING);
}

GtkWidget *manager_label_combo(const char *selected)
{
    GtkWidget *combo = combo_new(combo_store());
    const struct label *l;
    for (guint i = 0; (l = labels_nth(i)); i++)
        combo_add(combo, l->name, l->name, strcmp(l->name, selected) == 0);
    return combo;
}

GtkWidget *manager_vm_combo(struct manager_window *w, const char *selected, gboolean with_none,
                            gboolean (*want)(const struct vm *v))
{
    GtkWidget *combo = combo_new(combo_store());
    const GPtrArray *all = model_domains(w->model);
    if (with_none)
        combo_add(combo, NULL, "(none)", !selected || !selected[0]);
    for (guint i = 0; i < all->len; i++) {
        const struct vm *v = all->pdata[i];
        if (want(v))
            combo_add(combo, v->label, v->name, g_strcmp0(v->name, selected) == 0);
    }
    if (!with_none && gtk_combo_box_get_active(GTK_COMBO_BOX(combo)) < 0)
        gtk_combo_box_set_active(GTK_COMBO_BOX(combo), 0);
    return combo;
}

char *manager_combo_text(GtkWidget *combo)
{
    GtkTreeIter it;
    char *text = NULL;
    if (gtk_combo_box_get_active_iter(GTK_COMBO_BOX(combo), &it))
        gtk_tree_model_get(gtk_combo_box_get_model(GTK_COMBO_BOX(combo)), &it, 1, &text, -1);
    if (!text || text[0] == '(') {
        g_free(text);
        return g_strdup("");
    }
    return text;
}

gboolean manager_is_template(const struct vm *v)
{
    return strcmp(v->klass, "TemplateVM") == 0;
}

void manager_grid_row(GtkGrid *grid, int row, const char *text, GtkWidget *widget)
{
    GtkWidget *label = gtk_label_new_with_mnemonic(text);
    gtk_label_set_xalign(GTK_LABEL(label), 1);
    gtk_label_set_mnemonic_widget(GTK_LABEL(label), widget);
    gtk_widget_set_hexpand(widget, TRUE);
    gtk_grid_attach(grid, label, 0, row, 1, 1);
    gtk_grid_attach(grid, widget, 1, row, 1, 1);
    g_autofree char *name = g_strdup(text);
    for (char *from = name, *to = name; (*to = *from); from++) /* without the underscore of the mnemonic */
        to += *from != '_';
    atk_object_set_name(gtk_widget_get_accessible(widget), name);
}
