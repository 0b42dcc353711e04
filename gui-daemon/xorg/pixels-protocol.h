/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The X extension BULKHEAD-PIXELS, between the GUI daemon and the module of dom0's X server: the server maps,
 * read-only, the guest's buffer that the daemon has mapped, and copies damage from there to the daemon's
 * windows. Native byte order only, as descriptors are passed.
 */
#ifndef PIXELS_PROTOCOL_H
#define PIXELS_PROTOCOL_H

#include <assert.h>
#include <stdint.h>

#define PIXELS_EXTENSION "BULKHEAD-PIXELS"

/*
 * ATTACH, with one descriptor (shmbuf_share()): `buffer` is a new XID for the pages of `pieces`, which hold
 * width * height pixels of 32 bits. A reply says that they are mapped; they stay so until DETACH or the
 * client's end. Errors: BadAlloc (too many buffers or pages for this client), BadAccess (no descriptor, or
 * one of something else), BadMatch (pages too few or too many, or not mapped by the client).
 */
#define PIXELS_ATTACH 0
#define PIXELS_DETACH 1
/*
 * PUT: copy rectangles of the buffer, all inside it, to the same place of a window. When it is done the
 * client gets the core event NoExpose with the window and the extension's major opcode. Errors: BadAccess
 * (another client's buffer), BadValue (a rectangle is outside of the buffer, or they overlap so much that all
 * of them are larger than it), BadMatch (the window's depth is not 24).
 */
#define PIXELS_PUT 2

#define PIXELS_MAX_BUFFERS 2000              /* of one client */
#define PIXELS_MAX_PAGES   (1024 * 1024 / 4) /* of one client: 1 GiB */
#define PIXELS_MAX_RECTS   64                /* of one PUT */

struct pixels_request {
    uint8_t major_opcode;
    uint8_t minor_opcode;
    uint16_t length; /* in units of 4 bytes */
    uint32_t buffer;
};

struct pixels_attach {
    struct pixels_request request;
    uint16_t width, height;
    uint32_t pad;
    /* struct shmbuf_piece pieces[], at most SHMBUF_MAX_PIECES */
};

struct pixels_put {
    struct pixels_request request;
    uint32_t window;
    /* struct pixels_rect rects[] */
};

struct pixels_rect {
    int16_t x, y;
    uint16_t width, height;
};

struct pixels_attach_reply {
    uint8_t response_type;
    uint8_t pad0;
    uint16_t sequence;
    uint32_t length; /* 0 */
    uint32_t pad1[6];
};

static_assert(sizeof(struct pixels_request) == 8, "detach");
static_assert(sizeof(struct pixels_attach) == 16, "attach");
static_assert(sizeof(struct pixels_put) == 12, "put");
static_assert(sizeof(struct pixels_rect) == 8, "rectangle");
static_assert(sizeof(struct pixels_attach_reply) == 32, "reply");

#endif
