/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Follows the top-level windows of the display and tells the daemon of their life: CREATE when a window is
 * mapped for the first time (most windows that toolkits create never are), then title, class, hints, dump,
 * MAP; UNMAP; DESTROY.
 */
#ifndef TRACK_H
#define TRACK_H

#include "agent.h"

/* Take over the display: redirect top-level windows, watch the root, adopt windows that exist already. */
void track_start(struct agent *agent);

/* The display is gone: DESTROY for all, forget all. */
void track_stop(struct agent *agent);

/* X events of windows. True if the event was one of these. */
bool track_event(struct agent *agent, const xcb_generic_event_t *event);

/* The daemon came: announce what is mapped. */
void track_announce_all(struct agent *agent);

/* The daemon went: nothing is announced any more, buffers are free. */
void track_forget_all(struct agent *agent);

/* The first dump is out: send MAP (and flags) if that is due. */
void track_show(struct agent *agent, struct window *win);

/* The daemon released the id of a window that we destroyed; perhaps a new one with that id waits. */
void track_released(struct agent *agent, uint32_t id);

/* Tell the daemon the window's geometry now: the acknowledgement of what it asked for. */
void track_send_configure(struct agent *agent, struct window *win);

/* Tell the daemon geometries that applications changed (struct window's `moved`), unless it is behind. */
void track_flush(struct agent *agent);

/* Move and resize in X. */
void track_configure(struct agent *agent, struct window *win, struct rect geo);

/* Treat `id`, made by the agent, as a tray icon's holder around `icon`. */
void track_add_docked(struct agent *agent, uint32_t id, uint32_t icon, uint32_t width, uint32_t height);

#endif
