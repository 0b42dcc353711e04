/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The size of the domain's screen. */
#ifndef LAYOUT_H
#define LAYOUT_H

#include "agent.h"

/*
 * Have a screen of width x height, as dom0 has, until qubes.SetMonitorLayout says more
 * (layout-set.c). A screen smaller than dom0's would make parts of windows unreachable for the pointer.
 */
void layout_fit(struct agent *agent, uint32_t width, uint32_t height);

#endif
