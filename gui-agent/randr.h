/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes the X screen look like dom0's monitors. The virtual card has one output; it gets a mode of the whole
 * size, and RandR 1.5 monitors divide it, which is what toolkits look at.
 */
#ifndef RANDR_H
#define RANDR_H

#include <xcb/xcb.h>

#include "layout-parse.h"

/* 0, -ENODEV (no output), -ENOTSUP (the server refused the size). */
int randr_apply(xcb_connection_t *conn, xcb_screen_t *screen, const struct layout *layout);

#endif
