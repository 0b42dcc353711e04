/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Granted window buffers: allocation with a little slack, and a few spare ones, because a resize by the mouse
 * asks for a new one with every step and granting thousands of pages takes milliseconds.
 */
#ifndef BUFFER_H
#define BUFFER_H

#include "agent.h"

/* A buffer for width x height pixels; contents are arbitrary. 0 or -errno. */
int buffer_alloc(struct agent *agent, uint32_t width, uint32_t height, struct window_buffer *out);

/* Give it back; an empty one is fine. The peer must not need it any more. */
void buffer_free(struct agent *agent, struct window_buffer *buffer);

/* True if there is one. */
bool buffer_present(const struct window_buffer *buffer);

/* Its grant references. */
const uint32_t *buffer_refs(const struct window_buffer *buffer);

/* Free the spare ones. */
void buffer_drop_spares(struct agent *agent);

/* Pages to allocate for a buffer that needs `pages`: up to the next step, so that small growth fits. Pure. */
size_t buffer_round_up(size_t pages);

/* True if a spare buffer of `have` pages serves a request of `need` without wasting more than half. Pure. */
bool buffer_fits(size_t have, size_t need);

#endif
