/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configure handshake of one window (protocol page, section 6, "configure"). Pure state machine.
 *
 * Either side may change the geometry. What the user or the window manager did on dom0's screen is told to
 * the agent by CONFIGURE; until the agent echoes the same geometry (the acknowledgement) nothing further is
 * sent. While it is open, anything else from the agent is stale and answered with the geometry that is in
 * force here.
 */
#ifndef CONFIGURE_H
#define CONFIGURE_H

#include <stdbool.h>

#include "geometry.h"

struct configure {
    struct rect geometry; /* in force here */
    bool open;            /* a CONFIGURE of ours is not acknowledged yet */
};

enum configure_action {
    CONFIGURE_NOTHING = 0,
    CONFIGURE_SEND = 1,  /* send configure.geometry to the agent */
    CONFIGURE_APPLY = 2, /* bring the window on the screen to configure.geometry */
};

/* The window on the screen has now this geometry. */
enum configure_action configure_from_screen(struct configure *state, const struct rect *geometry);

/* The agent sent this (checked) geometry. */
enum configure_action configure_from_agent(struct configure *state, const struct rect *geometry);

#endif
