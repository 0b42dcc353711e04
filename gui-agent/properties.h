/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Properties of windows (ICCCM, EWMH) and the messages that tell the daemon what they say. */
#ifndef PROPERTIES_H
#define PROPERTIES_H

#include "agent.h"

/* All of a window that was just created for the daemon. */
void properties_send_all(struct agent *agent, struct window *win);

/* A property changed: it is read and sent by the next properties_flush(). */
void properties_changed(struct agent *agent, struct window *win, xcb_atom_t property);

/*
 * Send what changed, each once however often it changed, unless the daemon is behind: an application that
 * changes its title without end costs neither memory nor the daemon's patience.
 */
void properties_flush(struct agent *agent);

/* Flags that the application set before it mapped the window (EWMH lets it write _NET_WM_STATE until then).
 */
void properties_send_initial_flags(struct agent *agent, struct window *win);

/* The id in WM_TRANSIENT_FOR if that window is announced, else 0. */
uint32_t properties_transient_for(struct agent *agent, const struct window *win);

/* WM_HINTS: does the application want the server's focus to be set on this window? */
bool properties_wants_input(struct agent *agent, const struct window *win);

/* Write _NET_WM_STATE from the window's fullscreen, urgent, iconic. */
void properties_write_state(struct agent *agent, const struct window *win);

/* Tell the daemon of flags. */
void properties_send_flags(struct agent *agent, const struct window *win, uint32_t set, uint32_t unset);

#endif
