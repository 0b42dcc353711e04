/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The X extension BULKHEAD-GRANTS, between the agent and the server module in xorg/: where the server keeps a
 * window's pixels in granted pages, the agent asks for the references instead of copying. And the server
 * reports damage such that nothing has to be asked: with the DAMAGE extension, what is drawn between a report
 * and the subtraction is not reported, so the subtraction's end must be awaited. Native byte order only.
 */
#ifndef GRANTS_PROTOCOL_H
#define GRANTS_PROTOCOL_H

#include <assert.h>
#include <stdint.h>

#define GRANTS_EXTENSION "BULKHEAD-GRANTS"

/* The references of a pixmap, BadMatch if it is not in granted pages. */
#define GRANTS_GET_REFS 0
/* Gather the window's damage from now on, until it is destroyed; `watch` is a new XID. */
#define GRANTS_WATCH 1
/* Report once what has been gathered, as soon as there is something: in full, and nothing of it again. */
#define GRANTS_ARM 2

#define GRANTS_EVENT_RECTS 3
#define GRANTS_EVENT_MORE  0x80 /* in `count`: another event of the same report follows */

struct grants_get_refs_request {
    uint8_t major_opcode;
    uint8_t minor_opcode;
    uint16_t length; /* 2 */
    uint32_t pixmap;
};

struct grants_get_refs_reply {
    uint8_t response_type;
    uint8_t pad0;
    uint16_t sequence;
    uint32_t length; /* number of references that follow */
    uint32_t width, height;
    uint32_t stride; /* bytes a row */
    uint32_t pad1[3];
    /* uint32_t refs[length] */
};

struct grants_watch_request {
    uint8_t major_opcode;
    uint8_t minor_opcode;
    uint16_t length; /* 3 */
    uint32_t watch;
    uint32_t window;
};

struct grants_arm_request {
    uint8_t major_opcode;
    uint8_t minor_opcode;
    uint16_t length; /* 3 */
    uint32_t watch;
    uint32_t forget; /* what was gathered before: 1: drop it, 0: it is part of the report */
};

/* The extension's only event. */
struct grants_damage_event {
    uint8_t response_type;
    uint8_t count;
    uint16_t sequence;
    uint32_t window;
    struct {
        int16_t x, y;
        uint16_t width, height;
    } rects[GRANTS_EVENT_RECTS]; /* of the window, without its border */
};

static_assert(sizeof(struct grants_get_refs_request) == 8, "request");
static_assert(sizeof(struct grants_watch_request) == 12, "request");
static_assert(sizeof(struct grants_arm_request) == 12, "request");
static_assert(sizeof(struct grants_damage_event) == 32, "event");
static_assert(sizeof(struct grants_get_refs_reply) == 32, "reply");

#endif
