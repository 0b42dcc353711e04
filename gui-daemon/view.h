/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The screen side of one domain: implements struct domain_view with GTK and X. view.c holds what belongs to
 * the domain as a whole, toplevel.c one window, input.c what the user does, tray.c icons, clipboard.c secure
 * copy and paste.
 */
#ifndef VIEW_H
#define VIEW_H

#include <gtk/gtk.h>
#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "connection.h"
#include "domain.h"
#include "input.h"
#include "pixels.h"

struct clipboard;
struct status_watch;
struct toplevel;

struct view {
    const struct config *config;
    struct domain domain;
    struct connection *connection; /* NULL while none */
    Display *display;
    struct pixels *pixels;
    struct input input;
    struct clipboard *clipboard;
    struct status_watch *status;
    GHashTable *contents; /* X window of a content area → struct toplevel */
    Cursor cursors[(GUI_CURSOR_X11_MAX - GUI_CURSOR_X11) / 2 + 1];
    unsigned x_errors;
    bool popup_warned;
    bool invisible;         /* -I: nothing is shown yet */
    uint64_t damaged_bytes; /* what agents reported, clipped to their buffers */
    void (*mapped)(struct view *view, struct window *window); /* first pixels of a window are shown */
};

/* False if the screen cannot be used; *error then says why (static text). gtk_init() must have been called.
 */
bool view_init(struct view *view, const struct config *config, struct shmbuf_importer *importer,
               const char **error);
void view_free(struct view *view);

/* Queue a message to the agent. */
void view_send(struct view *view, uint32_t type, uint32_t window, const void *body, uint32_t length);

/* An X cursor for a protocol cursor number (checked). */
Cursor view_cursor(struct view *view, uint32_t cursor);

/* The work area of the monitor that most of `rect` is on. */
void view_work_area(const struct rect *rect, struct rect *work);

/* Length of a frame of that monitor in microseconds, 0: not known. */
uint32_t view_refresh_us(const struct rect *rect);

/* There is a tray, or a StatusNotifier host: icons that wait move in. The latter is gone: its icons wait. */
void view_dock_all(struct view *view);
void view_undock_items(struct view *view);

/* Show what -I has hidden. */
void view_show_all(struct view *view);

/* Log to stderr if the level is at least `level`. */
__attribute__((format(printf, 3, 4))) void view_log(const struct view *view, int level, const char *format,
                                                    ...);

#endif
