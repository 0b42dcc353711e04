/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way of pixels from a mapped guest buffer to an X window: a small interface with two backends.
 * pixels-xorg.c: the X server has our module and maps the guest's buffer itself; nothing is copied here.
 * pixels-shm.c: any server. The damaged rectangles are copied into a segment shared with it (the only copy in
 * this process), and it puts them into the window; also for pixels that are changed or zoomed on their way.
 */
#ifndef PIXELS_H
#define PIXELS_H

#include <X11/Xlib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../gui-common/shmbuf.h"
#include "geometry.h"

struct pixels;         /* one a daemon */
struct pixels_surface; /* one an X window */

struct pixels_counters {
    uint64_t frames;       /* puts of one window's damage */
    uint64_t bytes_copied; /* from guest buffers */
    uint64_t events;       /* from the X server because of them */
};

/* NULL if the server lacks what is needed; *error then says what (static text). `importer` maps the buffers.
 */
struct pixels *pixels_new(Display *display, struct shmbuf_importer *importer, const char **error);
void pixels_free(struct pixels *pixels);

const struct pixels_counters *pixels_counters(const struct pixels *pixels);

/* An event of the display; true if it was one of ours and is dealt with. */
bool pixels_event(struct pixels *pixels, const XEvent *event);

/* An X error: true if it was about one of our requests and is dealt with. Makes no requests itself. */
bool pixels_error(struct pixels *pixels, const XErrorEvent *error);

/* `done` is called when the server has shown what pixels_put() sent, or when a refused put may be tried
 * again. */
struct pixels_surface *pixels_surface_new(struct pixels *pixels, Window window, void (*done)(void *data),
                                          void *data);
void pixels_surface_free(struct pixels_surface *surface);

/* The guest's buffer: w * h pixels of 32 bits, shown zoomed; without data: none. It must stay mapped until
 * the next call. */
void pixels_surface_source(struct pixels_surface *surface, const struct shmbuf_map *map, int w, int h,
                           struct zoom zoom);

/* Let `filter` change each piece of pixels on its way; NULL: none. The guest's buffer itself is never
 * written. */
void pixels_surface_filter(struct pixels_surface *surface,
                           void (*filter)(void *data, uint32_t *pixels, size_t count), void *data);

/*
 * Show these rectangles of the zoomed buffer (all inside it) as one frame. Returns true if sent: `done`
 * follows. False if there is no room at present: `done` is called when there may be.
 */
bool pixels_put(struct pixels_surface *surface, const struct rect *rects, int count);

#endif
