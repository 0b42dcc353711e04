/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Backend of pixels.h by our module in the X server (xorg/pixels-protocol.h): the server maps the guest's
 * buffer and copies from it to the window.
 */
#include <glib.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <xcb/xcbext.h>

#include "pixels-backend.h"
#include "xorg/pixels-protocol.h"

struct pixels_xorg {
    xcb_connection_t *xcb;
    struct shmbuf_importer *importer;
    uint8_t opcode;
    GQueue in_flight; /* struct flight, in the order of the requests */
    struct pixels_counters *counters;
};

/* A put that the server has not answered yet. */
struct flight {
    struct pixels_surface *surface; /* NULL: forgotten */
    uint32_t sequence;
};

static xcb_extension_t extension = {PIXELS_EXTENSION, 0};

struct pixels_xorg *pixels_xorg_new(xcb_connection_t *xcb, struct shmbuf_importer *importer,
                                    struct pixels_counters *counters)
{
    const xcb_query_extension_reply_t *reply = xcb_get_extension_data(xcb, &extension);
    struct pixels_xorg *x;

    if (!reply || !reply->present)
        return NULL;
    x = g_new0(struct pixels_xorg, 1);
    x->xcb = xcb;
    x->importer = importer;
    x->opcode = reply->major_opcode;
    x->counters = counters;
    g_queue_init(&x->in_flight);
    return x;
}

void pixels_xorg_free(struct pixels_xorg *x)
{
    g_queue_clear_full(&x->in_flight, g_free);
    g_free(x);
}

/*
 * Send a request made of two parts; `fd` goes along (and is closed) unless it is -1. xcb wants two spare
 * vectors before those that it is given. Returns the request's number.
 */
static uint32_t send_request(struct pixels_xorg *x, uint8_t opcode, int flags, struct iovec head,
                             struct iovec tail, int fd)
{
    const xcb_protocol_request_t request = {
        .count = 2, .ext = &extension, .opcode = opcode, .isvoid = opcode != PIXELS_ATTACH};
    struct iovec parts[4] = {[2] = head, [3] = tail};

    return xcb_send_request_with_fds(x->xcb, flags, parts + 2, &request, fd >= 0, &fd);
}

void pixels_xorg_attach(struct pixels_xorg *x, struct pixels_surface *surface, const struct shmbuf_map *map)
{
    struct pixels_attach attach = {
        .request = {.buffer = xcb_generate_id(x->xcb)},
        .width = (uint16_t)surface->w,
        .height = (uint16_t)surface->h,
    };
    struct shmbuf_share share;
    struct iovec head = {&attach, sizeof(attach)}, pieces;
    xcb_generic_error_t *error = NULL;
    void *reply;

    if (shmbuf_share(x->importer, map, &share))
        return;
    pieces = (struct iovec){share.pieces, share.piece_count * sizeof(share.pieces[0])};
    /* The answer is waited for: the offer ends with this function. xcb closes the descriptor. */
    reply = xcb_wait_for_reply(
        x->xcb, send_request(x, PIXELS_ATTACH, XCB_REQUEST_CHECKED, head, pieces, share.fd), &error);
    if (reply)
        surface->attached = attach.request.buffer;
    free(reply);
    free(error);
    shmbuf_unshare(x->importer, &share);
}

void pixels_xorg_detach(struct pixels_xorg *x, struct pixels_surface *surface)
{
    struct pixels_request request = {.buffer = surface->attached};

    send_request(x, PIXELS_DETACH, 0, (struct iovec){&request, sizeof(request)}, (struct iovec){NULL, 0}, -1);
    surface->attached = 0;
}

void pixels_xorg_put(struct pixels_xorg *x, struct pixels_surface *surface, const struct rect *rects,
                     int count)
{
    struct pixels_put put = {.request = {.buffer = surface->attached}, .window = (uint32_t)surface->window};
    struct pixels_rect list[PIXELS_MAX_RECTS];
    struct flight *flight = g_new(struct flight, 1);

    g_assert(count <= PIXELS_MAX_RECTS);
    for (int i = 0; i < count; i++)
        list[i] = (struct pixels_rect){(int16_t)rects[i].x, (int16_t)rects[i].y, (uint16_t)rects[i].w,
                                       (uint16_t)rects[i].h};
    flight->surface = surface;
    flight->sequence = send_request(x, PIXELS_PUT, 0, (struct iovec){&put, sizeof(put)},
                                    (struct iovec){list, (size_t)count * sizeof(list[0])}, -1);
    g_queue_push_tail(&x->in_flight, flight);
    xcb_flush(x->xcb);
    x->counters->frames++;
}

/* The server answers in order. */
static void oldest_done(struct pixels_xorg *x)
{
    struct flight *flight = g_queue_pop_head(&x->in_flight);

    if (flight && flight->surface)
        pixels_surface_done(flight->surface);
    g_free(flight);
}

bool pixels_xorg_event(struct pixels_xorg *x, const XEvent *event)
{
    if (event->type != NoExpose || event->xnoexpose.major_code != x->opcode)
        return false;
    x->counters->events++;
    oldest_done(x);
    return true;
}

/* The window went away before the put: the error stands for the event. */
bool pixels_xorg_error(struct pixels_xorg *x, const XErrorEvent *error)
{
    const struct flight *oldest = g_queue_peek_head(&x->in_flight);

    if (error->request_code != x->opcode)
        return false;
    if (oldest && (uint32_t)error->serial == oldest->sequence)
        oldest_done(x);
    return true;
}

void pixels_xorg_forget(struct pixels_xorg *x, struct pixels_surface *surface)
{
    for (GList *l = x->in_flight.head; l; l = l->next) {
        struct flight *flight = l->data;

        if (flight->surface == surface)
            flight->surface = NULL;
    }
}
