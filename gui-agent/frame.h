/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When a window's pixels go out. Damage is gathered in the window; a frame is: copy what is damaged, one
 * message for each rectangle, one frame request. The next frame waits for the daemon's "done" (or, with an
 * older daemon, for the rest of 16 ms). A changed size means a new buffer and a dump, which waits for the
 * acknowledgement of the last one.
 */
#ifndef FRAME_H
#define FRAME_H

#include "agent.h"

/* Damage from X, window coordinates. */
void frame_damage(struct agent *agent, struct window *win, struct rect r);

/* The pixmap has another size or is another one: its name and the buffer are to be made anew. */
void frame_invalidate(struct agent *agent, struct window *win);

/* Send what may be sent now, for all windows. Sets agent->frames_due. */
void frame_flush(struct agent *agent);

/* Something has to be looked at again at that time: the loop wakes up then and calls frame_flush(). */
void frame_wake_at(struct agent *agent, uint64_t ms);

/* Answers of the daemon. */
void frame_acked(struct agent *agent, struct window *win);
void frame_done(struct agent *agent, struct window *win, uint32_t serial);

/* Free buffers and the pixmap's name. */
void frame_forget(struct agent *agent, struct window *win);

#endif
