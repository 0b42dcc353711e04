/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The content area of one window: an X window inside the frame that shows the guest's pixels and receives the
 * pointer. Damage is collected here and put on the screen once a frame, at most one frame in flight.
 */
#ifndef CONTENT_H
#define CONTENT_H

#include <gtk/gtk.h>
#include <stdbool.h>

#include "geometry.h"
#include "pixels.h"

struct content;

struct content_ops {
    /* The first pixels are on the screen. */
    void (*first_frame)(void *data);
    /* All damage that came before content_frame_request() is on the screen, or nothing of it can be seen. */
    void (*frame_done)(void *data, uint32_t serial);
    /* A pointer event (button, motion, crossing) of the X window. */
    void (*pointer)(void *data, const XEvent *event);
    /* The X window was destroyed, not by us: the parent is going, too. The content may be freed in here. */
    void (*destroyed)(void *data);
};

struct content_look {
    uint32_t background; /* where there is no buffer, 0xRRGGBB */
    uint32_t frame_us;   /* least time between frames; 0: 60 a second */
};

/* A child of `parent` at `area`. */
struct content *content_new(struct pixels *pixels, GdkWindow *parent, const struct rect *area,
                            const struct content_look *look, const struct content_ops *ops, void *data);
void content_free(struct content *content);

Window content_xid(const struct content *content);

/* The window is on another monitor: as content_look's frame_us. */
void content_pace(struct content *content, uint32_t frame_us);

/* Move and resize inside the parent. */
void content_place(struct content *content, const struct rect *area);

/* A new buffer (without data: none), w * h pixels, to be shown zoomed: all of it counts as damaged. */
void content_source(struct content *content, const struct shmbuf_map *map, int w, int h, struct zoom zoom);

/* See pixels_surface_filter(). */
void content_filter(struct content *content, void (*filter)(void *data, uint32_t *pixels, size_t count),
                    void *data);

/* In the X window's pixels. */
void content_damage(struct content *content, const struct rect *rect);
void content_frame_request(struct content *content, uint32_t serial);

/* Whether it can be seen at all: hidden and minimised windows are not drawn. */
void content_visible(struct content *content, bool visible);

void content_cursor(struct content *content, Cursor cursor);

/* An event of this X window. */
void content_event(struct content *content, const XEvent *event);

#endif
