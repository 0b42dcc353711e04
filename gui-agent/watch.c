/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "watch.h"

#include <xcb/damage.h>

#include "frame.h"
#include "grants-protocol.h"
#include "grants.h"

void watch_start(struct agent *agent, struct window *win)
{
    if (win->damage)
        return;
    if (agent->x.grants) {
        grants_watch(agent, win);
        return;
    }
    win->damage = xcb_generate_id(agent->x.conn);
    xcb_damage_create(agent->x.conn, win->damage, win->id, XCB_DAMAGE_REPORT_LEVEL_DELTA_RECTANGLES);
}

/*
 * With DAMAGE, what is drawn between a report and the subtraction is not reported again: nobody may look at
 * the pixels before it is done. Copies are made after it: their images are asked for later.
 */
void watch_take(struct agent *agent, const struct window *win, bool all)
{
    if (agent->x.grants)
        grants_arm(agent, win, all);
    else
        xcb_damage_subtract(agent->x.conn, win->damage, XCB_NONE, XCB_NONE);
}

static void handle_damage(struct agent *agent, const void *event)
{
    const xcb_damage_notify_event_t *damage = event;
    struct window *win = window_find(&agent->windows, damage->drawable);

    if (win && win->damage == damage->damage)
        frame_damage(agent, win,
                     (struct rect){damage->area.x, damage->area.y, damage->area.width, damage->area.height});
}

static void handle_report(struct agent *agent, const void *event)
{
    const struct grants_damage_event *report = event;
    struct window *win = window_find(&agent->windows, report->window);

    if (!win || !win->damage)
        return;
    for (unsigned i = 0; i < (report->count & ~GRANTS_EVENT_MORE) && i < GRANTS_EVENT_RECTS; i++)
        frame_damage(agent, win,
                     (struct rect){report->rects[i].x, report->rects[i].y, report->rects[i].width,
                                   report->rects[i].height});
    /* All of it outside of the window's present size: nothing will be sent, so nothing would be reported any
     * more. */
    if (!(report->count & GRANTS_EVENT_MORE) && !win->pending.count)
        grants_arm(agent, win, false);
}

bool watch_event(struct agent *agent, const xcb_generic_event_t *event)
{
    uint8_t type = event->response_type & 0x7f;

    if (agent->x.grants && type == agent->x.grants_event) {
        handle_report(agent, event);
        return true;
    }
    if (type != agent->x.damage_event + XCB_DAMAGE_NOTIFY)
        return false;
    handle_damage(agent, event);
    return true;
}
