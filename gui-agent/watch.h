/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What X draws into windows: reported by the server's module (grants.h) or else by the DAMAGE extension. Each
 * rectangle goes to frame_damage(), once.
 */
#ifndef WATCH_H
#define WATCH_H

#include "agent.h"

/* Begin with a window, unless that was done. */
void watch_start(struct agent *agent, struct window *win);

/*
 * What was reported is about to be sent: report what comes now. `all`: the whole window will be sent, after
 * the next answer of the server, so what was drawn before need not be reported.
 */
void watch_take(struct agent *agent, const struct window *win, bool all);

/* True if the event was such a report. */
bool watch_event(struct agent *agent, const xcb_generic_event_t *event);

#endif
