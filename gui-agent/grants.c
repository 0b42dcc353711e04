/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "grants.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <xcb/xcbext.h>

#include "grants-protocol.h"
#include "gui-message.h"

static xcb_extension_t extension = {GRANTS_EXTENSION, 0};

void grants_start(struct agent *agent)
{
    const xcb_query_extension_reply_t *reply = xcb_get_extension_data(agent->x.conn, &extension);

    agent->x.grants = reply && reply->present;
    if (!agent->x.grants)
        return;
    agent->x.grants_event = reply->first_event;
    fprintf(stderr, "qubes-gui: the X server draws into granted pages\n");
}

/* Send a request of `size` bytes. Returns its number. */
static unsigned send_request(struct agent *agent, uint8_t opcode, void *request, size_t size)
{
    const xcb_protocol_request_t protocol = {
        .count = 1, .ext = &extension, .opcode = opcode, .isvoid = opcode != GRANTS_GET_REFS};
    struct iovec parts[3] = {[2] = {request, size}}; /* xcb wants two spare ones before */

    return xcb_send_request(agent->x.conn, protocol.isvoid ? 0 : XCB_REQUEST_CHECKED, parts + 2, &protocol);
}

void grants_watch(struct agent *agent, struct window *win)
{
    struct grants_watch_request request = {.watch = xcb_generate_id(agent->x.conn), .window = win->id};

    send_request(agent, GRANTS_WATCH, &request, sizeof(request));
    win->damage = request.watch;
}

void grants_arm(struct agent *agent, const struct window *win, bool forget)
{
    struct grants_arm_request request = {.watch = win->damage, .forget = forget};

    send_request(agent, GRANTS_ARM, &request, sizeof(request));
}

static struct grants_get_refs_reply *ask(struct agent *agent, uint32_t pixmap)
{
    struct grants_get_refs_request request = {.pixmap = pixmap};
    unsigned sequence = send_request(agent, GRANTS_GET_REFS, &request, sizeof(request));
    xcb_generic_error_t *error = NULL;
    struct grants_get_refs_reply *reply = xcb_wait_for_reply(agent->x.conn, sequence, &error);

    free(error);
    return reply;
}

/* Does the pixmap look as a dump must: no padding, enough pages? */
static bool suits(const struct grants_get_refs_reply *reply)
{
    return reply->stride == reply->width * 4 && reply->width <= GUI_MAX_WIDTH &&
           reply->height <= GUI_MAX_HEIGHT && reply->length >= gui_buffer_pages(reply->width, reply->height);
}

static int take(const struct grants_get_refs_reply *reply, struct window *win, struct window_buffer *out)
{
    size_t bytes = (size_t)reply->length * sizeof(out->refs[0]);

    if (reply->width != win->actual.width || reply->height != win->actual.height)
        return -EAGAIN;
    if (!suits(reply))
        return -ENOTSUP;
    out->refs = malloc(bytes);
    if (!out->refs)
        return -ENOTSUP;
    memcpy(out->refs, reply + 1, bytes);
    out->width = reply->width;
    out->height = reply->height;
    out->pixmap = win->pixmap;
    win->pixmap = 0;
    return 0;
}

int grants_take(struct agent *agent, struct window *win, struct window_buffer *out)
{
    struct grants_get_refs_reply *reply;
    int rc;

    if (!agent->x.grants || win->border)
        return -ENOTSUP;
    reply = ask(agent, win->pixmap);
    rc = reply ? take(reply, win, out) : -ENOTSUP;
    free(reply);
    return rc;
}
