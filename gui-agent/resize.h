/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Resizes without half-drawn content: an application that knows _NET_WM_SYNC_REQUEST (EWMH) is told of a
 * resize beforehand, and raises a counter when it has redrawn; until then, at most RESIZE_WAIT_MS, no dump is
 * sent.
 */
#ifndef RESIZE_H
#define RESIZE_H

#include "agent.h"

#define RESIZE_WAIT_MS 100

/* The window is about to get another size. */
void resize_begin(struct agent *agent, struct window *win);

/* True if the dump should wait; agent->frames_due is set so that it does not wait for ever. */
bool resize_pending(struct agent *agent, struct window *win);

/* The counter's event. True if the event was one. */
bool resize_event(struct agent *agent, const xcb_generic_event_t *event);

/* The window goes. */
void resize_forget(struct agent *agent, struct window *win);

#endif
