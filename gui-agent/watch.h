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

/* What was reported is about to be sent: report what comes now. */
void watch_take(struct agent *agent, const struct window *win);

/* The whole window is about to be sent, after the next answer of the server: what was drawn before that is in
 * it. */
void watch_take_all(struct agent *agent, const struct window *win);

/* True if the event was such a report. */
bool watch_event(struct agent *agent, const xcb_generic_event_t *event);

#endif
