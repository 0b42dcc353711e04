/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The domain's clipboard and dom0's: text only. When the daemon asks, the CLIPBOARD selection is read (also
 * in pieces, INCR) and sent; what the daemon sends becomes the CLIPBOARD selection of the agent.
 */
#ifndef CLIPBOARD_H
#define CLIPBOARD_H

#include "agent.h"

/* MSG_CLIPBOARD_REQ. The answer comes later; an empty one if there is nothing. */
void clipboard_ask(struct agent *agent);

/* MSG_CLIPBOARD_DATA. */
void clipboard_set(struct agent *agent, const void *data, size_t length);

/* Selection events. True if the event was one of these. */
bool clipboard_event(struct agent *agent, const xcb_generic_event_t *event);

/* Give the selection up and forget the text if its time is over. */
void clipboard_flush(struct agent *agent);

/* Forget the text. */
void clipboard_clear(struct agent *agent);

#endif
