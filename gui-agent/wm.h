/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The least window manager that applications need: answers map and configure requests, keeps WM_STATE and the
 * EWMH root properties, forwards what only dom0 can decide (fullscreen, minimise, attention). It draws
 * nothing.
 */
#ifndef WM_H
#define WM_H

#include "agent.h"

/* Become the manager of the display: selections and root properties. */
void wm_start(struct agent *agent);

/* Requests that the server redirected, and client messages. True if the event was one of these. */
bool wm_event(struct agent *agent, const xcb_generic_event_t *event);

/* The root's size changed. */
void wm_update_screen(struct agent *agent);

/* The set of mapped windows changed. */
void wm_update_client_list(struct agent *agent);

/* The application withdrew the window. */
void wm_withdrawn(struct agent *agent, const struct window *win);

/* The daemon gave (win != NULL) or took (NULL) the keyboard. */
void wm_focus(struct agent *agent, struct window *win);

/* The user wants the window closed. */
void wm_close(struct agent *agent, const struct window *win);

/* Flags that the daemon set or cleared. */
void wm_flags(struct agent *agent, struct window *win, uint32_t set, uint32_t unset);

#endif
