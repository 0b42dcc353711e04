/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to the decompressors (boot/decompress.c and un*.c): their common state, match copy and checksums.
 */
#ifndef BOOT_UNPACK_H
#define BOOT_UNPACK_H

#include "bh/bytes.h"
#include "bh/xen.h"

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

/* Repeat `len` bytes from `distance` back, which may overlap. history: first byte that may be referred to. */
int unpack_match(struct unpack *u, size_t history, size_t distance, size_t len);
/* Copy `len` bytes of input to the output. */
int unpack_literals(struct unpack *u, size_t len);

/* Reflected CRCs up to 64 bits, eight bytes a step with tables made at run time. */
#define CRC32_POLY 0xedb88320ull
#define CRC64_POLY 0xc96c5795d7870f42ull
struct crc_tables {
    uint64_t t[8][256];
};
void crc_init(struct crc_tables *tables, uint64_t poly);
/* `ones`: the CRC's width in one bits, with which it starts and which inverts the result. */
uint64_t crc_of(const struct crc_tables *tables, uint64_t ones, const uint8_t *p, size_t len);

/* Each expects its magic at in_pos. 0, -XEN_EINVAL, -XEN_E2BIG, -XEN_ENOSYS (a variant that is not
 * supported). */
int unpack_gzip(struct unpack *u);
int unpack_xz(struct unpack *u);
int unpack_lz4(struct unpack *u);
int unpack_zstd(struct unpack *u);

#endif
