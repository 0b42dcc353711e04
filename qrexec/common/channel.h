/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages on a stream, which is a vchan or a Unix socket, without ever blocking: received messages are put
 * together piece by piece, sent ones wait in a queue. Used for control channels; call data goes another way
 * (data.h).
 */
#ifndef QREXEC_CHANNEL_H
#define QREXEC_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util.h"
#include "wire.h"

struct libvchan;

struct channel {
    struct libvchan *vchan; /* or NULL: */
    int fd;
    struct buffer out;
    struct msg_header header; /* of the message that is coming in */
    size_t header_got;
    char *body; /* header.len bytes and a NUL */
    size_t body_got;
};

/** Prepare. One of vchan and fd is used (the other NULL / -1); both become the channel's. */
void channel_init(struct channel *c, struct libvchan *vchan, int fd);

/** Close and free everything; the channel can be initialised again. */
void channel_close(struct channel *c);

/** Is there something to close? */
bool channel_open(const struct channel *c);

/** The descriptor to poll. For a vchan: POLLIN only, then channel_event(). */
int channel_fd(const struct channel *c);

/** Tell the vchan that its event was seen. */
void channel_event(struct channel *c);

/**
 * Go on receiving a message.
 * @param max_len  longest body accepted
 * @return 1: header and body hold a message, call channel_next() after use; 0: not whole yet; <0: -errno,
 * -EPIPE at the end of the stream, -EMSGSIZE for a longer body
 */
int channel_receive(struct channel *c, size_t max_len);

/** Forget the received message. */
void channel_next(struct channel *c);

/** Queue a message whose body comes in two parts (each may be empty) and send what goes. @return 0 or -errno
 */
int channel_send2(struct channel *c, uint32_t type, const void *a, size_t a_size, const void *b,
                  size_t b_size);
int channel_send(struct channel *c, uint32_t type, const void *body, size_t size);

/** Send what goes of the queue. @return 0 or -errno */
int channel_flush(struct channel *c);

/** Blocking variants for small programs on a blocking socket. @return 0 or -errno */
int socket_send(int fd, uint32_t type, const void *a, size_t a_size, const void *b, size_t b_size);
int socket_receive_header(int fd, struct msg_header *header);

#endif
