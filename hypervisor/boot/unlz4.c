/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * LZ4's legacy frame (lz4_Frame_format.md, "Legacy frame"), which `lz4 -l` and Linux' build make: blocks of
 * up to 8 MiB unpacked, each behind its packed size, until the input ends. There is no checksum in it.
 */
#include "unpack.h"

#define LZ4_MAGIC 0x184c2102u
#define MIN_MATCH 4

/* A length of 15 in the token goes on in bytes of 255 and a last one below that. */
static int read_length(struct unpack *u, size_t end, size_t *len)
{
    uint8_t byte = 255;

    if (*len < 15)
        return 0;
    while (byte == 255) {
        if (u->in_pos >= end)
            return -XEN_EINVAL;
        byte = u->in[u->in_pos++];
        *len += byte;
    }
    return 0;
}

static int unpack_block(struct unpack *u, size_t end)
{
    size_t history = u->out_pos;

    while (u->in_pos < end) {
        uint8_t token = u->in[u->in_pos++];
        size_t literals = token >> 4, match = token & 15, distance;
        int rc = read_length(u, end, &literals);

        if (!rc && literals > end - u->in_pos)
            rc = -XEN_EINVAL;
        if (!rc)
            rc = unpack_literals(u, literals);
        if (rc)
            return rc;
        if (u->in_pos == end)
            return 0; /* a block ends with literals only */
        if (end - u->in_pos < 2)
            return -XEN_EINVAL;
        distance = read_le16(unpack_next(u));
        u->in_pos += 2;
        rc = read_length(u, end, &match);
        if (!rc)
            rc = unpack_match(u, history, distance, match + MIN_MATCH);
        if (rc)
            return rc;
    }
    return -XEN_EINVAL;
}

int unpack_lz4(struct unpack *u)
{
    while (unpack_left(u) >= 4) {
        uint32_t size = read_le32(unpack_next(u));
        int rc;

        u->in_pos += 4;
        if (size == LZ4_MAGIC) /* concatenated frames */
            continue;
        if (size > unpack_left(u))
            return -XEN_EINVAL;
        rc = unpack_block(u, u->in_pos + size);
        if (rc)
            return rc;
    }
    return unpack_left(u) ? -XEN_EINVAL : 0;
}
