/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Label colours as small pictures, and other widgets that panel and manager share. */
#ifndef DESKTOP_LABEL_H
#define DESKTOP_LABEL_H

#include <gtk/gtk.h>

#include "model.h"

/* A square in the label's colour; hollow when `running` is false. size in pixels. */
GtkWidget *label_image(const char *label, gboolean running, int size);
cairo_surface_t *label_surface(const char *label, gboolean running, int size);
/* Menu item with that square before the text. */
GtkWidget *label_menu_item(const char *text, const char *label, gboolean running);
/* "Halted", "Running, 400 MiB" … Free with g_free. */
char *label_state_text(const struct vm *v);
gboolean label_is_up(const struct vm *v);

/* Start a program (qvm-run …) without waiting; its complaint, should it fail, goes to `failed`. */
void label_spawn(const char *const *argv, void (*failed)(const char *text, void *data), void *data);
/* A terminal, the file manager, or an application in a domain. */
void label_run_terminal(const char *domain, void (*failed)(const char *, void *), void *data);
void label_run_files(const char *domain, void (*failed)(const char *, void *), void *data);
void label_run_app(const char *domain, const char *app, gboolean disposable,
                   void (*failed)(const char *, void *), void *data);

#endif
