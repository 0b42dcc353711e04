/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between pixels.c and its two backends. A backend answers each put in order: by an event, or by an X error;
 * then it calls pixels_surface_done(), unless the surface was forgotten meanwhile.
 */
#ifndef PIXELS_BACKEND_H
#define PIXELS_BACKEND_H

#include <xcb/xcb.h>

#include "pixels.h"

struct pixels_surface {
    struct pixels *pixels;
    Window window;
    void (*done)(void *data);
    void *data;
    const uint8_t *source;
    int w, h;          /* of the source */
    struct zoom zoom;  /* of the window */
    uint32_t attached; /* the X server's name of the source, 0: it does not have it */
    void (*filter)(void *data, uint32_t *pixels, size_t count);
    void *filter_data;
};

void pixels_surface_done(struct pixels_surface *surface);

/* ---- pixels-shm.c ---- */

struct pixels_shm;

struct pixels_shm *pixels_shm_new(Display *display, struct pixels_counters *counters, const char **error);
void pixels_shm_free(struct pixels_shm *shm);
bool pixels_shm_event(struct pixels_shm *shm, const XEvent *event);
bool pixels_shm_error(struct pixels_shm *shm, const XErrorEvent *error);
bool pixels_shm_put(struct pixels_shm *shm, struct pixels_surface *surface, const struct rect *rects,
                    int count);

/* The surface is about to be freed; `last`: there is no other. */
void pixels_shm_forget(struct pixels_shm *shm, struct pixels_surface *surface, bool last);

/* ---- pixels-xorg.c ---- */

struct pixels_xorg;

/* NULL if the X server does not have the module. */
struct pixels_xorg *pixels_xorg_new(xcb_connection_t *xcb, struct shmbuf_importer *importer,
                                    struct pixels_counters *counters);
void pixels_xorg_free(struct pixels_xorg *xorg);
bool pixels_xorg_event(struct pixels_xorg *xorg, const XEvent *event);
bool pixels_xorg_error(struct pixels_xorg *xorg, const XErrorEvent *error);

/* Have the server map the surface's source as well: sets surface->attached if it does. */
void pixels_xorg_attach(struct pixels_xorg *xorg, struct pixels_surface *surface,
                        const struct shmbuf_map *map);
void pixels_xorg_detach(struct pixels_xorg *xorg, struct pixels_surface *surface);

/* For an attached surface; there is always room. */
void pixels_xorg_put(struct pixels_xorg *xorg, struct pixels_surface *surface, const struct rect *rects,
                     int count);
void pixels_xorg_forget(struct pixels_xorg *xorg, struct pixels_surface *surface);

#endif
