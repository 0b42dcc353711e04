/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Choice of the decompressor by magic, and what they share. A magic goes on through the headers that Linux'
 * build always writes the same, so that what it never uses is an unknown format, not code.
 */
#include "bh/decompress.h"
#include "unpack.h"

static const struct {
    const char *magic;
    uint8_t len;
    int (*unpack)(struct unpack *u);
} formats[] = {
    /* xz: CRC32; one block without sizes, x86 branch filter, LZMA2 with a dictionary of 32 MiB */
    {"\xfd"
     "7zXZ\0\0\1\x69\x22\xde\x36"
     "\2\1\4\0\x21\1\x1a\0\1\xc9\x80\xb3",
     24, unpack_xz},
    /* zstd: a frame with a checksum, without dictionary and content size */
    {"\x28\xb5\x2f\xfd\4", 5, unpack_zstd},
};

int decompress(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_len, void *scratch)
{
    struct unpack u = {.in = in, .in_len = in_len, .out = out, .out_cap = out_len, .scratch = scratch};

    for (unsigned i = 0; i < ARRAY_SIZE(formats); i++) {
        if (in_len > formats[i].len && !memcmp(in, formats[i].magic, formats[i].len)) {
            int rc;

            u.in_pos = formats[i].len;
            rc = formats[i].unpack(&u);
            return rc || u.out_pos == out_len ? rc : -XEN_EINVAL;
        }
    }
    return -XEN_ENOSYS;
}

int unpack_match(struct unpack *u, size_t distance, size_t len)
{
    uint8_t *dst = u->out + u->out_pos;
    const uint8_t *src;

    if (!distance || distance > u->out_pos)
        return -XEN_EINVAL;
    if (len > u->out_cap - u->out_pos)
        return -XEN_E2BIG;
    src = dst - distance;
    u->out_pos += len;
    if (distance >= 8) {
        for (; len >= 8; len -= 8, dst += 8, src += 8)
            memcpy(dst, src, 8);
    }
    while (len--)
        *dst++ = *src++;
    return 0;
}

int unpack_bytes(struct unpack *u, const uint8_t *bytes, size_t len)
{
    if (len > u->out_cap - u->out_pos)
        return -XEN_E2BIG;
    memcpy(u->out + u->out_pos, bytes, len);
    u->out_pos += len;
    return 0;
}
