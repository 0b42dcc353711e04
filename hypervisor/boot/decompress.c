/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Choice of the decompressor by magic, and what they share. */
#include "bh/decompress.h"
#include "unpack.h"

static const struct {
    uint8_t magic[6];
    uint8_t len;
    int (*unpack)(struct unpack *u);
} formats[] = {
    {{0xfd, '7', 'z', 'X', 'Z', 0}, 6, unpack_xz},
    {{0x28, 0xb5, 0x2f, 0xfd}, 4, unpack_zstd},
};

int decompress(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_len, void *scratch)
{
    struct unpack u = {.in = in, .in_len = in_len, .out = out, .out_cap = out_len, .scratch = scratch};

    for (unsigned i = 0; i < ARRAY_SIZE(formats); i++) {
        if (in_len >= formats[i].len && !memcmp(in, formats[i].magic, formats[i].len)) {
            int rc = formats[i].unpack(&u);

            return rc || u.out_pos == out_len ? rc : -XEN_EINVAL;
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
