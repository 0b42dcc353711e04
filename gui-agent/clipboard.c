/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "clipboard.h"

#include <stdlib.h>
#include <string.h>

#define PROPERTY_WORDS ((GUI_CLIPBOARD_MAX + 4) / 4)

static size_t limit(const struct agent *agent)
{
    return agent->link.minor >= GUI_MINOR_BIG_CLIPBOARD ? GUI_CLIPBOARD_MAX + 1 : GUI_CLIPBOARD_OLD_MAX;
}

/* The answer, cut to one byte more than allowed: the daemon tells the user that it was too long. */
static void answer(struct agent *agent, const void *data, size_t length)
{
    agent->clipboard.asked = agent->clipboard.incremental = false;
    link_send(&agent->link, MSG_CLIPBOARD_DATA, 0, data, length < limit(agent) ? length : limit(agent));
    free(agent->clipboard.incoming);
    agent->clipboard.incoming = NULL;
    agent->clipboard.incoming_length = 0;
}

void clipboard_ask(struct agent *agent)
{
    struct display *x = &agent->x;

    agent->clipboard.asked = true;
    agent->clipboard.incremental = false;
    xcb_delete_property(x->conn, x->own, x->atoms[ATOM_QUBES_CLIPBOARD]);
    xcb_convert_selection(x->conn, x->own, x->atoms[ATOM_CLIPBOARD], x->atoms[ATOM_UTF8_STRING],
                          x->atoms[ATOM_QUBES_CLIPBOARD], XCB_CURRENT_TIME);
}

void clipboard_clear(struct agent *agent)
{
    free(agent->clipboard.data);
    free(agent->clipboard.incoming);
    memset(&agent->clipboard, 0, sizeof(agent->clipboard));
}

void clipboard_set(struct agent *agent, const void *data, size_t length)
{
    struct display *x = &agent->x;
    char *copy = malloc(length ? length : 1);

    if (!copy)
        return;
    memcpy(copy, data, length);
    free(agent->clipboard.data);
    agent->clipboard.data = copy;
    agent->clipboard.length = length;
    agent->clipboard.wipe_at_ms = agent->wipe_seconds ? agent_now_ms() + agent->wipe_seconds * 1000 : 0;
    xcb_set_selection_owner(x->conn, x->own, x->atoms[ATOM_CLIPBOARD], XCB_CURRENT_TIME);
}

/* Read (and delete) what the owner put into our property. */
static xcb_get_property_reply_t *take_property(struct agent *agent)
{
    struct display *x = &agent->x;
    xcb_get_property_cookie_t cookie = xcb_get_property(x->conn, 1, x->own, x->atoms[ATOM_QUBES_CLIPBOARD],
                                                        XCB_GET_PROPERTY_TYPE_ANY, 0, PROPERTY_WORDS);

    return xcb_get_property_reply(x->conn, cookie, NULL);
}

static void handle_selection(struct agent *agent, const void *event)
{
    const xcb_selection_notify_event_t *notify = event;
    xcb_get_property_reply_t *reply;

    if (notify->requestor != agent->x.own || !agent->clipboard.asked)
        return;
    reply = notify->property ? take_property(agent) : NULL;
    if (reply && reply->type == agent->x.atoms[ATOM_INCR])
        agent->clipboard.incremental = true; /* pieces follow as property changes */
    else if (reply && reply->format == 8)
        answer(agent, xcb_get_property_value(reply), (size_t)xcb_get_property_value_length(reply));
    else
        answer(agent, NULL, 0);
    free(reply);
}

/* One piece of an INCR transfer; an empty one ends it (ICCCM 2.7.2). */
static void handle_piece(struct agent *agent)
{
    struct clipboard *clipboard = &agent->clipboard;
    xcb_get_property_reply_t *reply = take_property(agent);
    size_t length = reply && reply->format == 8 ? (size_t)xcb_get_property_value_length(reply) : 0;
    size_t room = limit(agent) - clipboard->incoming_length;
    char *grown;

    if (!length) {
        answer(agent, clipboard->incoming, clipboard->incoming_length);
        free(reply);
        return;
    }
    if (length > room)
        length = room;
    grown = realloc(clipboard->incoming, clipboard->incoming_length + length + 1);
    if (grown) {
        memcpy(grown + clipboard->incoming_length, xcb_get_property_value(reply), length);
        clipboard->incoming = grown;
        clipboard->incoming_length += length;
    }
    free(reply);
}

static bool is_text_target(const struct display *x, xcb_atom_t target)
{
    return target == x->atoms[ATOM_UTF8_STRING] || target == x->atoms[ATOM_TEXT] || target == XCB_ATOM_STRING;
}

/* Write what is asked for to the asker's property. False: refused. */
static bool provide(struct agent *agent, const xcb_selection_request_event_t *request, xcb_atom_t property)
{
    struct display *x = &agent->x;
    const xcb_atom_t targets[] = {x->atoms[ATOM_TARGETS], x->atoms[ATOM_UTF8_STRING], x->atoms[ATOM_TEXT],
                                  XCB_ATOM_STRING};

    if (request->target == x->atoms[ATOM_TARGETS]) {
        xcb_change_property(x->conn, XCB_PROP_MODE_REPLACE, request->requestor, property, XCB_ATOM_ATOM, 32,
                            sizeof(targets) / sizeof(targets[0]), targets);
        return true;
    }
    if (!is_text_target(x, request->target))
        return false;
    xcb_change_property(x->conn, XCB_PROP_MODE_REPLACE, request->requestor, property,
                        request->target == XCB_ATOM_STRING ? XCB_ATOM_STRING : x->atoms[ATOM_UTF8_STRING], 8,
                        (uint32_t)agent->clipboard.length, agent->clipboard.data);
    return true;
}

static void handle_request(struct agent *agent, const void *event)
{
    const xcb_selection_request_event_t *request = event;
    xcb_atom_t property = request->property ? request->property : request->target;
    xcb_selection_notify_event_t notify = {
        .response_type = XCB_SELECTION_NOTIFY,
        .time = request->time,
        .requestor = request->requestor,
        .selection = request->selection,
        .target = request->target,
    };

    if (request->selection == agent->x.atoms[ATOM_CLIPBOARD] && agent->clipboard.data &&
        provide(agent, request, property))
        notify.property = property;
    xcb_send_event(agent->x.conn, 0, request->requestor, 0, (const char *)&notify);
}

static void forget(struct clipboard *clipboard)
{
    free(clipboard->data);
    clipboard->data = NULL;
    clipboard->length = 0;
    clipboard->wipe_at_ms = 0;
}

static void handle_clear(struct agent *agent, const void *event)
{
    const xcb_selection_clear_event_t *clear = event;

    if (clear->selection == agent->x.atoms[ATOM_CLIPBOARD])
        forget(&agent->clipboard);
}

void clipboard_flush(struct agent *agent)
{
    struct clipboard *clipboard = &agent->clipboard;

    if (!clipboard->wipe_at_ms || agent_now_ms() < clipboard->wipe_at_ms)
        return;
    forget(clipboard);
    xcb_set_selection_owner(agent->x.conn, XCB_NONE, agent->x.atoms[ATOM_CLIPBOARD], XCB_CURRENT_TIME);
}

bool clipboard_event(struct agent *agent, const xcb_generic_event_t *event)
{
    const xcb_property_notify_event_t *property = (const void *)event;

    switch (event->response_type & 0x7f) {
    case XCB_SELECTION_NOTIFY:
        handle_selection(agent, event);
        return true;
    case XCB_SELECTION_REQUEST:
        handle_request(agent, event);
        return true;
    case XCB_SELECTION_CLEAR:
        handle_clear(agent, event);
        return true;
    case XCB_PROPERTY_NOTIFY:
        if (property->window != agent->x.own)
            return false;
        if (agent->clipboard.incremental && property->atom == agent->x.atoms[ATOM_QUBES_CLIPBOARD] &&
            property->state == XCB_PROPERTY_NEW_VALUE)
            handle_piece(agent);
        return true;
    default:
        return false;
    }
}
