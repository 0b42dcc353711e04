/* SPDX-License-Identifier: GPL-2.0-or-later */
/* System tray (freedesktop.org's system tray protocol 0.2 over XEMBED): icons of dom0's programs, and of
 * domains, which their GUI daemons dock. */
#ifndef DESKTOP_TRAY_H
#define DESKTOP_TRAY_H

#include <gtk/gtk.h>

/* A box that holds the icons. When another tray owns the screen's selection, it stays empty. */
GtkWidget *tray_new(int icon_size);

#endif
