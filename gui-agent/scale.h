/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The size that the user's desktop wants text to have, told by the daemon (MSG_WINDOW_SCALE): made known to
 * the domain's applications as XSETTINGS manager and by the resource Xft.dpi. One value for the display: the
 * last told.
 */
#ifndef SCALE_H
#define SCALE_H

#include "agent.h"

/* Scale in 1/120; nonsense is ignored. */
void scale_set(struct agent *agent, uint32_t scale);

#endif
