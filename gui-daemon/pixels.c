/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which backend shows what. */
#include "pixels.h"

#include <X11/Xlib-xcb.h>
#include <glib.h>

#include "pixels-backend.h"

struct pixels {
    struct pixels_shm *shm;
    struct pixels_xorg *xorg; /* NULL: the server cannot */
    unsigned surfaces;
    struct pixels_counters counters;
};

struct pixels *pixels_new(Display *display, struct shmbuf_importer *importer, const char **error)
{
    struct pixels *p = g_new0(struct pixels, 1);

    p->shm = pixels_shm_new(display, &p->counters, error);
    if (!p->shm) {
        g_free(p);
        return NULL;
    }
    p->xorg = pixels_xorg_new(XGetXCBConnection(display), importer, &p->counters);
    return p;
}

void pixels_free(struct pixels *p)
{
    if (!p)
        return;
    pixels_shm_free(p->shm);
    if (p->xorg)
        pixels_xorg_free(p->xorg);
    g_free(p);
}

const struct pixels_counters *pixels_counters(const struct pixels *p)
{
    return &p->counters;
}

bool pixels_event(struct pixels *p, const XEvent *event)
{
    return pixels_shm_event(p->shm, event) || (p->xorg && pixels_xorg_event(p->xorg, event));
}

bool pixels_error(struct pixels *p, const XErrorEvent *error)
{
    return pixels_shm_error(p->shm, error) || (p->xorg && pixels_xorg_error(p->xorg, error));
}

struct pixels_surface *pixels_surface_new(struct pixels *p, Window window, void (*done)(void *data),
                                          void *data)
{
    struct pixels_surface *surface = g_new0(struct pixels_surface, 1);

    p->surfaces++;
    surface->pixels = p;
    surface->window = window;
    surface->done = done;
    surface->data = data;
    return surface;
}

void pixels_surface_free(struct pixels_surface *surface)
{
    struct pixels *p = surface->pixels;

    p->surfaces--;
    if (surface->attached)
        pixels_xorg_detach(p->xorg, surface);
    if (p->xorg)
        pixels_xorg_forget(p->xorg, surface);
    pixels_shm_forget(p->shm, surface, p->surfaces == 0);
    g_free(surface);
}

void pixels_surface_source(struct pixels_surface *surface, const struct shmbuf_map *map, int w, int h,
                           struct zoom zoom)
{
    struct pixels_xorg *xorg = surface->pixels->xorg;

    surface->source = map->data;
    surface->w = w;
    surface->h = h;
    surface->zoom = zoom;
    if (surface->attached)
        pixels_xorg_detach(xorg, surface);
    if (xorg && map->data && zoom.num == zoom.den)
        pixels_xorg_attach(xorg, surface, map);
}

void pixels_surface_filter(struct pixels_surface *surface,
                           void (*filter)(void *data, uint32_t *pixels, size_t count), void *data)
{
    surface->filter = filter;
    surface->filter_data = data;
}

void pixels_surface_done(struct pixels_surface *surface)
{
    surface->done(surface->data);
}

bool pixels_put(struct pixels_surface *surface, const struct rect *rects, int count)
{
    struct pixels *p = surface->pixels;

    if (!surface->attached || surface->filter)
        return pixels_shm_put(p->shm, surface, rects, count);
    pixels_xorg_put(p->xorg, surface, rects, count);
    return true;
}
