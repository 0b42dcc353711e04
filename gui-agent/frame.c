/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "frame.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xcb/composite.h>

#include "buffer.h"
#include "capture.h"
#include "grants.h"
#include "gui-message.h"
#include "resize.h"
#include "track.h"
#include "watch.h"

#define FRAME_MS 16 /* shortest time between frames where the daemon does not tell */

void frame_damage(struct agent *agent, struct window *win, struct rect r)
{
    if (!rect_clip(&r, win->actual.width, win->actual.height))
        return;
    agent->stats.bytes_damaged += (uint64_t)r.width * r.height * 4;
    rect_list_add(&win->pending, r);
}

static void drop_pixmap(struct agent *agent, struct window *win)
{
    if (win->pixmap && agent->x.conn)
        xcb_free_pixmap(agent->x.conn, win->pixmap);
    win->pixmap = 0;
}

void frame_invalidate(struct agent *agent, struct window *win)
{
    drop_pixmap(agent, win);
    win->stale = true;
}

static void name_pixmap(struct agent *agent, struct window *win)
{
    win->pixmap = xcb_generate_id(agent->x.conn);
    xcb_composite_name_window_pixmap(agent->x.conn, win->id, win->pixmap);
}

static void send_dump(struct agent *agent, const struct window *win)
{
    const struct window_buffer *buffer = &win->current;
    struct gui_msg_window_dump dump = {GUI_DUMP_GRANTS, buffer->width, buffer->height, GUI_DUMP_BPP};
    size_t pages = gui_buffer_pages(buffer->width, buffer->height);

    link_send2(&agent->link, MSG_WINDOW_DUMP, win->id, &dump, sizeof(dump), buffer_refs(buffer),
               pages * sizeof(uint32_t));
    agent->stats.dumps++;
}

static void send_damage(struct agent *agent, const struct window *win, struct rect r)
{
    struct gui_msg_shmimage image = {r.x, r.y, r.width, r.height};

    link_send(&agent->link, MSG_SHMIMAGE, win->id, &image, sizeof(image));
    agent->stats.rects++;
}

static void send_frame_request(struct agent *agent, struct window *win)
{
    struct gui_msg_frame_request request = {++win->frame_serial};

    agent->stats.frames++;
    win->frame_ms = agent_now_ms();
    if (agent->link.minor < GUI_MINOR_FRAMES)
        return;
    link_send(&agent->link, MSG_FRAME_REQUEST, win->id, &request, sizeof(request));
    win->frame_open = true;
}

/* A buffer of our own, filled by copying. */
static int copy_window(struct agent *agent, struct window *win, struct rect whole, struct window_buffer *next)
{
    int rc = buffer_alloc(agent, whole.width, whole.height, next);

    if (rc) {
        fprintf(stderr, "qubes-gui: no buffer of %ux%u for window 0x%x: %s\n", whole.width, whole.height,
                win->id, strerror(-rc));
        win->stale = false; /* trying again at once would not help; the next change of size does */
        return rc;
    }
    if (capture_rects(agent, win, &whole, 1, next))
        return 0;
    buffer_free(agent, next);
    return -EAGAIN;
}

static void replace_buffer(struct agent *agent, struct window *win, const struct window_buffer *next)
{
    win->stale = false;
    win->previous = win->current;
    win->current = *next;
    send_dump(agent, win);
    win->ack_open = agent->link.minor >= GUI_MINOR_DUMP_ACK;
    if (!win->ack_open)
        buffer_free(agent, &win->previous);
}

/* Give the window a buffer of its present size and tell the daemon. */
static void dump_window(struct agent *agent, struct window *win)
{
    struct rect whole = {0, 0, win->actual.width, win->actual.height};
    struct window_buffer next = {0};
    int rc;

    if (!rect_clip(&whole, GUI_MAX_WIDTH, GUI_MAX_HEIGHT))
        return;
    if (!win->pixmap)
        name_pixmap(agent, win);
    watch_take(agent, win, true);
    rect_list_clear(&win->pending);
    rc = grants_take(agent, win, &next);
    if (rc == -ENOTSUP)
        rc = copy_window(agent, win, whole, &next);
    if (rc) {
        drop_pixmap(agent, win); /* X has moved on; its event comes */
        return;
    }
    replace_buffer(agent, win, &next);
    track_show(agent, win);
    send_damage(agent, win, whole);
    send_frame_request(agent, win);
}

static void send_rects(struct agent *agent, struct window *win, const struct rect_list *list)
{
    for (unsigned i = 0; i < list->count; i++)
        send_damage(agent, win, list->rects[i]);
    send_frame_request(agent, win);
}

static void send_pending(struct agent *agent, struct window *win)
{
    struct rect_list list = win->pending;

    watch_take(agent, win, false);
    rect_list_clear(&win->pending);
    rect_list_clip(&list, win->current.width, win->current.height);
    if (!list.count)
        return;
    if (win->current.pixmap || capture_rects(agent, win, list.rects, list.count, &win->current))
        send_rects(agent, win, &list);
    else /* the pixmap's name may be of the time before a change that we have not heard of yet */
        frame_invalidate(agent, win);
}

void frame_wake_at(struct agent *agent, uint64_t ms)
{
    if (!agent->frames_due || ms < agent->frames_at_ms)
        agent->frames_at_ms = ms;
    agent->frames_due = true;
}

/* With an old daemon: true if the window's time has not come. */
static bool too_early(struct agent *agent, const struct window *win)
{
    uint64_t at = win->frame_ms + FRAME_MS;

    if (agent->link.minor >= GUI_MINOR_FRAMES || agent_now_ms() >= at)
        return false;
    frame_wake_at(agent, at);
    return true;
}

static void flush_window(struct window *win, void *context)
{
    struct agent *agent = context;

    if (!win->announced || !win->mapped || (!win->stale && !win->pending.count))
        return;
    if (link_congested(&agent->link))
        return;
    if (win->stale) {
        if (!win->ack_open && !resize_pending(agent, win))
            dump_window(agent, win);
        return;
    }
    if (buffer_present(&win->current) && !win->frame_open && !too_early(agent, win))
        send_pending(agent, win);
}

void frame_flush(struct agent *agent)
{
    agent->frames_due = false;
    if (agent->link.state != LINK_UP || !agent->x.conn)
        return;
    window_each(&agent->windows, flush_window, agent);
}

void frame_acked(struct agent *agent, struct window *win)
{
    win->ack_open = false;
    buffer_free(agent, &win->previous);
}

void frame_done(struct agent *agent, struct window *win, uint32_t serial)
{
    (void)agent;
    if (serial == win->frame_serial)
        win->frame_open = false;
}

void frame_forget(struct agent *agent, struct window *win)
{
    drop_pixmap(agent, win);
    buffer_free(agent, &win->current);
    buffer_free(agent, &win->previous);
    win->frame_open = win->ack_open = win->stale = false;
    rect_list_clear(&win->pending);
}
