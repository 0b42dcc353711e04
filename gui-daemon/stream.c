/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stream.h"

#include <glib.h>
#include <string.h>

#include "../gui-common/gui-message.h"

/* Enough for every message but dumps and the clipboard; also the piece size when skipping. */
#define SMALL_BODY 4096

void stream_init(struct stream *stream)
{
    memset(stream, 0, sizeof(*stream));
    stream->body = g_malloc(SMALL_BODY);
    stream->body_size = SMALL_BODY;
}

void stream_free(struct stream *stream)
{
    g_free(stream->body);
    memset(stream, 0, sizeof(*stream));
}

static void enter(struct stream *stream, enum stream_state state)
{
    stream->state = state;
    stream->have = 0;
}

void stream_start(struct stream *stream, uint32_t minor)
{
    stream->minor = minor;
    enter(stream, STREAM_HEADER);
}

void *stream_want(struct stream *stream, size_t *size)
{
    size_t left;

    switch (stream->state) {
    case STREAM_VERSION:
        *size = sizeof(stream->untrusted_version) - stream->have;
        return (uint8_t *)&stream->untrusted_version + stream->have;
    case STREAM_HEADER:
        *size = sizeof(stream->header) - stream->have;
        return (uint8_t *)&stream->header + stream->have;
    case STREAM_BODY:
        *size = stream->header.length - stream->have;
        return stream->body + stream->have;
    case STREAM_SKIP:
    default:
        left = stream->header.length - stream->have;
        *size = left < SMALL_BODY ? left : SMALL_BODY;
        return stream->body;
    }
}

static void reserve_body(struct stream *stream, size_t size)
{
    size_t wanted = size > SMALL_BODY ? size : SMALL_BODY;

    /* A large buffer is given back as soon as a small message follows. */
    if (wanted == stream->body_size)
        return;
    if (wanted < stream->body_size && stream->body_size <= 4 * SMALL_BODY)
        return;
    g_free(stream->body);
    stream->body = g_malloc(wanted);
    stream->body_size = wanted;
}

static enum stream_event got_header(struct stream *stream)
{
    if (!gui_message_valid(&stream->header, GUI_FROM_AGENT, stream->minor)) {
        enter(stream, stream->header.length ? STREAM_SKIP : STREAM_HEADER);
        return STREAM_BAD_MESSAGE;
    }
    if (!stream->header.length) {
        enter(stream, STREAM_HEADER);
        return STREAM_GOT_MESSAGE;
    }
    reserve_body(stream, stream->header.length);
    enter(stream, STREAM_BODY);
    return STREAM_MORE;
}

enum stream_event stream_got(struct stream *stream, size_t size)
{
    stream->have += size;
    switch (stream->state) {
    case STREAM_VERSION:
        return stream->have == sizeof(stream->untrusted_version) ? STREAM_GOT_VERSION : STREAM_MORE;
    case STREAM_HEADER:
        return stream->have == sizeof(stream->header) ? got_header(stream) : STREAM_MORE;
    case STREAM_BODY:
        if (stream->have < stream->header.length)
            return STREAM_MORE;
        enter(stream, STREAM_HEADER);
        return STREAM_GOT_MESSAGE;
    case STREAM_SKIP:
    default:
        if (stream->have == stream->header.length)
            enter(stream, STREAM_HEADER);
        return STREAM_MORE;
    }
}
