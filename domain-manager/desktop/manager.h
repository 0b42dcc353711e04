/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DESKTOP_MANAGER_H
#define DESKTOP_MANAGER_H

#include <cairo-gobject.h>
#include <gtk/gtk.h>

#include "model.h"

/* The window's list. */
enum {
    COL_SURFACE,
    COL_NAME,
    COL_STATE,
    COL_CLASS,
    COL_TEMPLATE,
    COL_NETVM,
    COL_MEMORY,
    COL_DISK,
    COL_COUNT
};

struct manager_window {
    GtkWidget *window, *view, *status, *buttons[16];
    GtkListStore *store;
    struct model *model;
    GHashTable *disk;     /* name → text "123 MiB" */
    char *first_settings; /* --settings NAME: opened when the list is there */
    gboolean first_create, painted;
    /* a dialog that shows a long copy: the domain that is made, bytes done of all; or NULL */
    void (*progress)(const char *name, guint64 done, guint64 expected, void *data);
    void *progress_data;
};

/* Dialogs; each talks to the manager through w->model and closes itself. */
void settings_dialog_open(struct manager_window *w, const char *domain);
void create_dialog_open(struct manager_window *w);
void clone_dialog_open(struct manager_window *w, const char *domain);

/* A message box with a failure. */
void manager_complain(struct manager_window *w, const char *what, const char *why);
/* Combo box of labels (colour and name); of domains for which want() holds, with "(none)" and the default. */
GtkWidget *manager_label_combo(const char *selected);
GtkWidget *manager_vm_combo(struct manager_window *w, const char *selected, gboolean with_none,
                            gboolean (*want)(const struct vm *v));
/* Selected text, "" for none. Free with g_free. */
char *manager_combo_text(GtkWidget *combo);
gboolean manager_is_template(const struct vm *v);
/* A grid row "Label: widget", with mnemonic and accessible relation. */
void manager_grid_row(GtkGrid *grid, int row, const char *text, GtkWidget *widget);

#endif
