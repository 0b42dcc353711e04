/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Buffers that the X server itself keeps in granted pages (xorg/): nothing to copy, the window's pixmap is
 * the buffer.
 */
#ifndef GRANTS_H
#define GRANTS_H

#include "agent.h"

/* Ask whether the server can; sets agent->x.grants. After display_open(). */
void grants_start(struct agent *agent);

/*
 * Make the pixmap that was just named for the window its buffer. 0: done, the name passed to `out`
 * (buffer_free() frees it). -ENOTSUP: copy instead (the window has a border, the pages ran out, or the server
 * cannot). -EAGAIN: the window has another size already, whose event is on the way.
 */
int grants_take(struct agent *agent, struct window *win, struct window_buffer *out);

/* Have the server gather the window's damage as win->damage; it reports when asked by grants_arm(). */
void grants_watch(struct agent *agent, struct window *win);

/*
 * Have it report once. `forget`: nothing of what was drawn before; the caller waits for some answer of the
 * server before anybody looks at the pixels instead.
 */
void grants_arm(struct agent *agent, const struct window *win, bool forget);

#endif
