/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One guest window on the screen: a GTK window without the window manager's decoration, that draws its frame
 * itself and holds a content area. Created when the window is mapped first; unmapped windows cost only their
 * model.
 */
#ifndef TOPLEVEL_H
#define TOPLEVEL_H

#include <gtk/gtk.h>

#include "content.h"
#include "domain.h"
#include "frame.h"
#include "view.h"

struct status_item;

struct toplevel {
    struct view *view;
    struct window *window;
    GtkWidget *gtk;       /* NULL before the first map */
    enum frame_kind kind; /* of gtk */
    uint32_t scale;       /* of its frame */
    struct content *content;
    PangoLayout *layout;
    uint32_t *icon; /* that came before the first map */
    int icon_w, icon_h;
    uint32_t cursor;          /* protocol number */
    int pointer_x, pointer_y; /* last known, in the content area */
    enum frame_part pointed;  /* part of the frame under the pointer */
    bool focused;
    bool maximized, fullscreen, iconified;
    bool dock_pending;               /* a tray icon without a tray */
    struct status_item *item;        /* what stands for gtk where icons are StatusNotifier items */
    bool content_drawn, frame_drawn; /* at least once */
    guint announce;                  /* idle source that tells of the first time, 0 before and after */
    bool announced;
};

struct toplevel *toplevel_new(struct view *view, struct window *window);
void toplevel_free(struct toplevel *toplevel);

/* How it is framed now: an allowed fullscreen changes the kind of a window that exists. */
struct frame_style toplevel_style(const struct toplevel *toplevel);

/* The frame has been painted. */
void toplevel_frame_drawn(struct toplevel *toplevel);

/* The one that a GDK window belongs to, NULL if it is a window of another kind (a dialog). */
struct toplevel *toplevel_of(GdkWindow *gdk);

void toplevel_map(struct toplevel *toplevel);
void toplevel_unmap(struct toplevel *toplevel);

/* There is a tray or a StatusNotifier host: a tray icon that waits for one moves in. */
void toplevel_dock(struct toplevel *toplevel);
/* The host is gone: its icon waits. */
void toplevel_undock_item(struct toplevel *toplevel);

/* Bring geometry, title, hints … of the model to the screen. */
void toplevel_configure(struct toplevel *toplevel);
void toplevel_title(struct toplevel *toplevel);
void toplevel_buffer(struct toplevel *toplevel);
void toplevel_hints(struct toplevel *toplevel);
/* What depends on window_zoom(); the buffer follows. */
void toplevel_zoom(struct toplevel *toplevel);
void toplevel_modal(struct toplevel *toplevel);
void toplevel_fullscreen(struct toplevel *toplevel);
/* `pixels`: see properties_icon(); copied if needed later. */
void toplevel_icon(struct toplevel *toplevel, uint32_t *pixels, int w, int h);

void toplevel_cursor(struct toplevel *toplevel, uint32_t cursor);

#endif
