/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tray icons (XEmbed, the system tray protocol of freedesktop.org). A docked window is a GtkPlug that the
 * tray of dom0's panel takes in; its pixels are marked with the label's colour on their way to the screen.
 */
#ifndef TRAY_H
#define TRAY_H

#include <gtk/gtk.h>
#include <stdbool.h>

#include "pixels.h"
#include "view.h"

/* Learn of trays that start later. */
void tray_init(struct view *view);

bool tray_present(struct view *view);

/* Ask the tray to take a realized plug in. */
void tray_dock(struct view *view, GtkWidget *plug);

/* An event of the display: true if it says that a tray has started. */
bool tray_event(struct view *view, const XEvent *event);

/* The filter for a docked window's pixels. `data` is its struct toplevel. */
void tray_filter(void *data, uint32_t *pixels, size_t count);

#endif
