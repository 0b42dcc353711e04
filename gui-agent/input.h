/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keyboard and pointer events of the daemon into the X server (XTest), lock modifiers by XKB, and the
 * cursor's shape back to the daemon (XFixes).
 */
#ifndef INPUT_H
#define INPUT_H

#include "agent.h"

/* Prepare a fresh display. */
void input_start(struct agent *agent);

/* XKB state and cursor events. True if the event was one of these. */
bool input_event(struct agent *agent, const xcb_generic_event_t *event);

/* Events for one window. */
void input_key(struct agent *agent, struct window *win, const struct gui_msg_keypress *key);
void input_button(struct agent *agent, struct window *win, const struct gui_msg_button *button);
void input_motion(struct agent *agent, struct window *win, const struct gui_msg_motion *motion);
void input_crossing(struct agent *agent, struct window *win, const struct gui_msg_crossing *crossing);
void input_focus(struct agent *agent, struct window *win, const struct gui_msg_focus *focus);

/* The keys that are down in dom0: let go what is not, press modifiers that are. */
void input_keymap(struct agent *agent, const struct gui_msg_keymap_notify *keymap);

/* Let go of all keys and buttons (the daemon went away). */
void input_release_all(struct agent *agent);

#endif
