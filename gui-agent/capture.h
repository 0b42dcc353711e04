/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pixels from the X server into a window's granted buffer: ShmGetImage of the damaged rectangles into one
 * shared segment (memfd), then row by row into the grants, which the server cannot write to itself (their
 * device file has no size, so ShmAttachFd refuses it).
 */
#ifndef CAPTURE_H
#define CAPTURE_H

#include "agent.h"

/* Give the segment back (before the display is closed, or after it broke). */
void capture_close(struct agent *agent);

/*
 * Copy `count` rectangles (inside the buffer) of the window's pixmap into `to`. One round trip. False if the
 * server refused: the window has changed meanwhile, and an event about it is on the way.
 */
bool capture_rects(struct agent *agent, const struct window *win, const struct rect *rects, unsigned count,
                   struct window_buffer *to);

#endif
