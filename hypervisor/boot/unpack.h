/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to the decompressors (boot/decompress.c and un*.c): their common state and match copy. */
#pragma once

#include "bh/bytes.h"

/* Everything in one piece of memory: the output so far is the history that matches refer to. */
struct unpack {
    const uint8_t *in;
    size_t in_len, in_pos;
    uint8_t *out;
    size_t out_cap, out_pos;
    uint8_t *scratch; /* DECOMPRESS_SCRATCH bytes */
};

static inline size_t unpack_left(const struct unpack *u)
{
    return u->in_len - u->in_pos;
}
static inline const uint8_t *unpack_next(const struct unpack *u)
{
    return u->in + u->in_pos;
}

/* Repeat `len` bytes from `distance` back, which may overlap. */
int unpack_match(struct unpack *u, size_t distance, size_t len);
/* Append to the output. */
int unpack_bytes(struct unpack *u, const uint8_t *bytes, size_t len);

/* xz's main filter: unpack LZMA2 chunks up to and with the end marker. 0, -XEN_EINVAL, -XEN_E2BIG. */
#define UNLZMA2_SCRATCH (32 * 1024)
int unpack_lzma2(struct unpack *u, void *scratch);

/* What follows the magic. 0, -XEN_EINVAL, -XEN_E2BIG. */
int unpack_xz(struct unpack *u);
int unpack_zstd(struct unpack *u);
