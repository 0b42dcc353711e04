/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The part of the frame that the X server itself keeps in place. The daemon paints the frame and moves the
 * content area some time after the server has mapped or resized a window, and a stopped daemon never does. In
 * between the window's background and four small windows along its edges, which the server moves with them,
 * have the label's colour: guest pixels are never seen without it.
 */
#ifndef FRAME_EDGE_H
#define FRAME_EDGE_H

#include <X11/Xlib.h>
#include <stdint.h>

#include "geometry.h"

/* For `window`, of the outer size w x h; above all children that it has by now. They go with the window. */
void frame_edge_add(Display *display, Window window, struct frame_style style, int w, int h, uint32_t color);

#endif
