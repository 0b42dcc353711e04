/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DESKTOP_PANEL_H
#define DESKTOP_PANEL_H

#include <gtk/gtk.h>

#include "model.h"

struct panel {
    GtkWidget *window, *apps, *domains, *clock, *boxes;
    struct model *model;
    char *shown; /* what the boxes say, to leave them alone while that is true */
    gboolean bottom, painted;
    int height;
};

/* Menus are made anew each time that they are opened. */
GtkWidget *panel_apps_menu(struct panel *p);
GtkWidget *panel_domains_menu(struct panel *p);
GtkWidget *panel_domain_menu(struct panel *p, const struct vm *v);
GtkWidget *panel_power_menu(struct panel *p);
void panel_open_menu(struct panel *p, GtkWidget *menu, GtkWidget *from);

/* A failure of something that the panel started. data: the panel. */
void panel_failed(const char *text, void *data);

#endif
