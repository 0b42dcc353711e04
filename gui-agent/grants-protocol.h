/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The X extension BULKHEAD-GRANTS, between the agent and the server module in xorg/: where the server keeps a
 * window's pixels in granted pages, the agent asks for the references instead of copying. Native byte order
 * only.
 */
#ifndef GRANTS_PROTOCOL_H
#define GRANTS_PROTOCOL_H

#include <assert.h>
#include <stdint.h>

#define GRANTS_EXTENSION "BULKHEAD-GRANTS"

/* The only request: the references of a pixmap, BadMatch if it is not in granted pages. */
#define GRANTS_GET_REFS 0

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

static_assert(sizeof(struct grants_get_refs_request) == 8, "request");
static_assert(sizeof(struct grants_get_refs_reply) == 32, "reply");

#endif
