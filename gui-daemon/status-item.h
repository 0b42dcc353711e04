/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tray icons where the desktop has no XEmbed tray but a StatusNotifier host: the guest's icon, tinted or
 * bordered in the label's colour, is offered on the session bus (org.kde.StatusNotifierItem), and clicks on
 * it become clicks into the guest's window.
 */
#ifndef STATUS_ITEM_H
#define STATUS_ITEM_H

#include <stdbool.h>

struct status_item;
struct status_watch; /* one a daemon */
struct toplevel;
struct view;

/* The bus is looked at from the first status_item_new() on. */
struct status_watch *status_watch_new(struct view *view);
void status_watch_free(struct status_watch *watch);

/* NULL while there is no host; when there is one, the view's icons are docked again. */
struct status_item *status_item_new(struct status_watch *watch, struct toplevel *toplevel);
void status_item_free(struct status_item *item);

/* The pixels, the size or the title changed. */
void status_item_changed(struct status_item *item);

#endif
