/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The size that the user's desktop wants text to have, told by the daemon (MSG_WINDOW_SCALE): made known to
 * the domain's applications as XSETTINGS manager and by the resource Xft.dpi. One value for the display: the
 * last told. Where applications cannot follow (--scale) the daemon is told instead what they draw for, and
 * enlarges their windows.
 */
#ifndef SCALE_H
#define SCALE_H

#include "agent.h"

/* Scale in 1/120; nonsense is ignored. */
void scale_set(struct agent *agent, uint32_t scale);

/* Tell the daemon of a window, before its first dump, if applications here have a scale of their own. */
void scale_announce(struct agent *agent, const struct window *win);

/* Have a screen in which windows reach as far as in dom0's. */
void scale_fit_screen(struct agent *agent);

#endif
