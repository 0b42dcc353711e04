/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages of the daemon to the parts that act on them. */
#ifndef DISPATCH_H
#define DISPATCH_H

#include "agent.h"

/* For struct link; the context is the struct agent. */
extern const struct link_events dispatch_events;

#endif
