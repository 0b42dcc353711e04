/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "resize.h"

#include <stdlib.h>
#include <xcb/sync.h>

#include "frame.h"

#define ALARM_WORDS 8

/* The window's counter, 0 if the application does not take part. */
static xcb_sync_counter_t read_counter(struct agent *agent, const struct window *win)
{
    struct display *x = &agent->x;
    xcb_get_property_reply_t *reply;
    xcb_sync_counter_t counter = XCB_NONE;

    if (!display_has_atom(x, win->id, ATOM_WM_PROTOCOLS, XCB_ATOM_ATOM, x->atoms[ATOM__NET_WM_SYNC_REQUEST]))
        return XCB_NONE;
    reply = display_property(x, win->id, x->atoms[ATOM__NET_WM_SYNC_REQUEST_COUNTER], XCB_ATOM_CARDINAL, 32);
    if (reply && xcb_get_property_value_length(reply) >= 4)
        counter = *(const uint32_t *)xcb_get_property_value(reply);
    free(reply);
    return counter;
}

/* An event when the counter reaches the value. It may be far ahead already, if another manager ran before. */
static void arm(struct agent *agent, struct window *win)
{
    const uint32_t mask = XCB_SYNC_CA_COUNTER | XCB_SYNC_CA_VALUE_TYPE | XCB_SYNC_CA_VALUE |
                          XCB_SYNC_CA_TEST_TYPE | XCB_SYNC_CA_DELTA | XCB_SYNC_CA_EVENTS;
    const uint32_t values[ALARM_WORDS] = {win->sync_counter,
                                          XCB_SYNC_VALUETYPE_ABSOLUTE,
                                          (uint32_t)(win->sync_value >> 32),
                                          (uint32_t)win->sync_value,
                                          XCB_SYNC_TESTTYPE_POSITIVE_COMPARISON,
                                          0,
                                          0,
                                          1};

    if (win->sync_alarm) {
        xcb_sync_change_alarm(agent->x.conn, win->sync_alarm, mask, values);
        return;
    }
    win->sync_alarm = xcb_generate_id(agent->x.conn);
    xcb_sync_create_alarm(agent->x.conn, win->sync_alarm, mask, values);
}

static void start(struct agent *agent, struct window *win)
{
    xcb_sync_int64_t zero = {0, 0};

    win->sync_asked = true;
    win->sync_counter = read_counter(agent, win);
    if (win->sync_counter)
        xcb_sync_set_counter(agent->x.conn, win->sync_counter, zero);
}

void resize_begin(struct agent *agent, struct window *win)
{
    struct display *x = &agent->x;
    uint32_t data[5];

    if (!win->sync_asked)
        start(agent, win);
    if (!win->sync_counter || !win->shown)
        return;
    win->sync_value++;
    data[0] = x->atoms[ATOM__NET_WM_SYNC_REQUEST];
    data[1] = x->time;
    data[2] = (uint32_t)win->sync_value;
    data[3] = (uint32_t)(win->sync_value >> 32);
    data[4] = 0;
    arm(agent, win);
    display_client_message(x, win->id, win->id, x->atoms[ATOM_WM_PROTOCOLS], data, 0);
    if (!win->sync_waiting)
        win->sync_deadline_ms = agent_now_ms() + RESIZE_WAIT_MS;
    win->sync_waiting = true;
}

bool resize_pending(struct agent *agent, struct window *win)
{
    if (win->sync_waiting && agent_now_ms() >= win->sync_deadline_ms)
        win->sync_waiting = false;
    if (win->sync_waiting)
        frame_wake_at(agent, win->sync_deadline_ms);
    return win->sync_waiting;
}

struct search {
    xcb_sync_alarm_t alarm;
    struct window *found;
};

static void match_alarm(struct window *win, void *context)
{
    struct search *search = context;

    if (win->sync_alarm == search->alarm)
        search->found = win;
}

bool resize_event(struct agent *agent, const xcb_generic_event_t *event)
{
    const xcb_sync_alarm_notify_event_t *notify = (const void *)event;
    struct search search = {0};

    if ((event->response_type & 0x7f) != agent->x.sync_event + XCB_SYNC_ALARM_NOTIFY)
        return false;
    search.alarm = notify->alarm;
    window_each(&agent->windows, match_alarm, &search);
    if (search.found) {
        uint64_t value = (uint64_t)(uint32_t)notify->counter_value.hi << 32 | notify->counter_value.lo;

        if (value >= search.found->sync_value)
            search.found->sync_waiting = false;
    }
    return true;
}

void resize_forget(struct agent *agent, struct window *win)
{
    if (win->sync_alarm && agent->x.conn)
        xcb_sync_destroy_alarm(agent->x.conn, win->sync_alarm);
    win->sync_alarm = 0;
    win->sync_waiting = false;
}
