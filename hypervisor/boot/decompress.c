/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Choice of the decompressor by magic, and what they share. */
#include "bh/decompress.h"
#include "unpack.h"

static const struct {
    uint8_t magic[6];
    uint8_t len;
    int (*unpack)(struct unpack *u);
} formats[] = {
    {{0x1f, 0x8b}, 2, unpack_gzip},
    {{0xfd, '7', 'z', 'X', 'Z', 0}, 6, unpack_xz},
    {{0x02, 0x21, 0x4c, 0x18}, 4, unpack_lz4},
    {{0x28, 0xb5, 0x2f, 0xfd}, 4, unpack_zstd},
};

int decompress(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap, size_t *out_len, void *scratch)
{
    struct unpack u = {.in = in, .in_len = in_len, .out = out, .out_cap = out_cap, .scratch = scratch};

    *out_len = 0;
    for (unsigned i = 0; i < ARRAY_SIZE(formats); i++) {
        if (in_len >= formats[i].len && !memcmp(in, formats[i].magic, formats[i].len)) {
            int rc = formats[i].unpack(&u);

            *out_len = u.out_pos;
            return rc;
        }
    }
    return -XEN_ENOSYS;
}

int unpack_match(struct unpack *u, size_t history, size_t distance, size_t len)
{
    uint8_t *dst = u->out + u->out_pos;
    const uint8_t *src;

    if (!distance || distance > u->out_pos - history)
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

int unpack_literals(struct unpack *u, size_t len)
{
    if (len > unpack_left(u))
        return -XEN_EINVAL;
    if (len > u->out_cap - u->out_pos)
        return -XEN_E2BIG;
    memcpy(u->out + u->out_pos, unpack_next(u), len);
    u->in_pos += len;
    u->out_pos += len;
    return 0;
}

void crc_init(struct crc_tables *tables, uint64_t poly)
{
    for (unsigned i = 0; i < 256; i++) {
        uint64_t crc = i;

        for (unsigned bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (crc & 1 ? poly : 0);
        tables->t[0][i] = crc;
    }
    for (unsigned i = 0; i < 256; i++)
        for (unsigned k = 1; k < 8; k++)
            tables->t[k][i] = (tables->t[k - 1][i] >> 8) ^ tables->t[0][tables->t[k - 1][i] & 0xff];
}

uint64_t crc_of(const struct crc_tables *tables, uint64_t ones, const uint8_t *p, size_t len)
{
    const uint64_t(*t)[256] = tables->t;
    uint64_t crc = ones;

    for (; len >= 8; len -= 8, p += 8) {
        uint64_t w = crc ^ read_le64(p);

        crc = t[7][w & 0xff] ^ t[6][w >> 8 & 0xff] ^ t[5][w >> 16 & 0xff] ^ t[4][w >> 24 & 0xff] ^
              t[3][w >> 32 & 0xff] ^ t[2][w >> 40 & 0xff] ^ t[1][w >> 48 & 0xff] ^ t[0][w >> 56];
    }
    while (len--)
        crc = (crc >> 8) ^ t[0][(crc ^ *p++) & 0xff];
    return crc ^ ones;
}
