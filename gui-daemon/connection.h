/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The channel to one agent in the GLib main loop: connects, does the version handshake, cuts the stream into
 * messages, throttles, queues what is sent. Nothing polls: it sleeps on the channel's descriptor.
 */
#ifndef CONNECTION_H
#define CONNECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "../gui-common/gui-protocol.h"

struct connection;

struct connection_ops {
    /* The handshake is done. Fill *xconf; it is sent to the agent. */
    void (*started)(void *data, uint32_t minor, struct gui_xconf *xconf);
    /* A message of allowed type and length. Returns what it cost, in the throttle's tokens. */
    uint32_t (*message)(void *data, const struct gui_msg_header *header, const uint8_t *untrusted_body);
    /* The agent broke the framing. `fatal`: the connection cannot go on. */
    void (*violation)(void *data, const char *text, bool fatal);
    /* The agent or its domain is gone, or the connection could not be made. */
    void (*closed)(void *data);
};

/* Connect to the agent of domain `domid`. NULL if that fails at once (errno). */
struct connection *connection_new(int domid, const struct connection_ops *ops, void *data);

/* Close. Not to be called from within one of the operations but `closed`. NULL is fine. */
void connection_free(struct connection *connection);

/* Queue one message. Motion is dropped while the agent does not read. */
void connection_send(struct connection *connection, uint32_t type, uint32_t window, const void *body,
                     uint32_t length);

/* Stop or go on reading (while the user is asked). */
void connection_pause(struct connection *connection, bool pause);

/* Messages read and written so far. */
void connection_counts(const struct connection *connection, uint64_t *in, uint64_t *out);

#endif
