/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bytes from the agent cut into messages. Pure state machine: it says how many bytes it wants next and
 * where to put them, and what it has got. Memory: one buffer of the longest message seen.
 */
#ifndef STREAM_H
#define STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "../gui-common/gui-protocol.h"

enum stream_state {
    STREAM_VERSION, /* the agent's first four bytes */
    STREAM_HEADER,
    STREAM_BODY,
    STREAM_SKIP, /* the body of a refused message */
};

enum stream_event {
    STREAM_MORE = 0,    /* nothing complete yet */
    STREAM_GOT_VERSION, /* stream->untrusted_version is there; call stream_start() */
    STREAM_GOT_MESSAGE, /* stream->header is valid, stream_body() is complete */
    STREAM_BAD_MESSAGE, /* stream->header has a type or length that is not allowed; its body will be skipped
                         */
};

struct stream {
    enum stream_state state;
    uint32_t minor;
    uint32_t untrusted_version;
    struct gui_msg_header header;
    uint8_t *body; /* allocated */
    size_t body_size;
    size_t have; /* bytes of the present piece that have arrived */
};

void stream_init(struct stream *stream);
void stream_free(struct stream *stream);

/* Messages follow, of this minor version. */
void stream_start(struct stream *stream, uint32_t minor);

/* Where up to *size next bytes belong (never zero bytes). */
void *stream_want(struct stream *stream, size_t *size);

/* `size` bytes were put there. */
enum stream_event stream_got(struct stream *stream, size_t size);

#endif
