/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The xz container (The .xz File Format 1.1) as Linux' build makes it: one block with the x86 branch filter
 * and a CRC32 of its contents. The index and the footer behind it tell nothing new.
 */
#include "unpack.h"

#define CRC32_POLY 0xedb88320u

struct xz {
    uint32_t crc[8][256]; /* eight bytes a step */
    uint64_t lzma[UNLZMA2_SCRATCH / 8];
};

static void crc32_init(struct xz *x)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;

        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? CRC32_POLY : 0);
        x->crc[0][i] = crc;
    }
    for (unsigned k = 1; k < 8; k++)
        for (unsigned i = 0; i < 256; i++)
            x->crc[k][i] = x->crc[k - 1][i] >> 8 ^ x->crc[0][x->crc[k - 1][i] & 0xff];
}

static uint32_t crc32(const struct xz *x, const uint8_t *p, size_t len)
{
    uint32_t crc = UINT32_MAX;

    for (; len >= 8; len -= 8, p += 8) {
        uint64_t w = crc ^ read_le64(p);

        crc = 0;
        for (unsigned i = 0; i < 8; i++)
            crc ^= x->crc[7 - i][w >> 8 * i & 0xff];
    }
    while (len--)
        crc = crc >> 8 ^ x->crc[0][(crc ^ *p++) & 0xff];
    return ~crc;
}

/*
 * Undo the x86 branch filter: behind an opcode e8 or e9 the encoder made relative targets absolute, if their
 * top byte was 00 or ff. `recent` remembers in its low three bits which of the last bytes looked like an
 * opcode too: the filter leaves alone what overlaps with such in certain ways.
 */
static bool is_sign_byte(unsigned byte)
{
    return byte == 0 || byte == 0xff;
}

static uint32_t absolute_to_relative(uint32_t target, uint32_t next_ip, uint32_t recent)
{
    static const uint8_t overlapped_bytes[8] = {0, 1, 2, 2, 3, 3, 3, 3};
    unsigned bits = 8u * overlapped_bytes[recent];
    uint32_t relative = target - next_ip;

    /* Once is enough: the outcome's byte there is the inverse of the target's, which is_sign_byte() refused.
     */
    if (recent && is_sign_byte(relative >> (24 - bits) & 0xff))
        relative = (relative ^ ((1u << (32 - bits)) - 1)) - next_ip;
    relative &= 0x01ffffff;
    return relative & 0x01000000 ? relative | 0xff000000 : relative;
}

/* First byte from i on that is e8 or e9; else `end`, or i if that is higher. Eight at a time: nearly all
 * bytes are none. */
static size_t next_opcode(const uint8_t *buf, size_t i, size_t end)
{
    const uint64_t ones = 0x0101010101010101ull;

    for (; i + 8 <= end; i += 8) {
        uint64_t differs = (read_le64(buf + i) & ~ones) ^ 0xe8 * ones;

        if ((differs - ones) & ~differs & 0x80 * ones) /* some byte is zero */
            break;
    }
    while (i < end && (buf[i] & 0xfe) != 0xe8)
        i++;
    return i;
}

static void undo_x86_filter(uint8_t *buf, size_t size)
{
    static const uint8_t allowed[8] = {1, 1, 1, 0, 1, 0, 0, 0}, check_at[8] = {4, 3, 2, 2, 1, 1, 1, 1};
    size_t end = size > 4 ? size - 4 : 0; /* no operand of four bytes behind an opcode from here on */
    size_t next = 0;                      /* first byte behind the last opcode-like one */
    uint32_t recent = 0;

    for (size_t i = next_opcode(buf, 0, end); i < end; i = next_opcode(buf, i + 1, end)) {
        recent = i - next > 2 ? 0 : recent << (i - next) & 7;
        next = i + 1;
        if ((recent && (!allowed[recent] || is_sign_byte(buf[i + check_at[recent]]))) ||
            !is_sign_byte(buf[i + 4])) {
            recent = recent << 1 | 1;
            continue;
        }
        write_le32(buf + i + 1, absolute_to_relative(read_le32(buf + i + 1), (uint32_t)i + 5, recent));
        i += 4;
    }
}

int unpack_xz(struct unpack *u)
{
    struct xz *x = (void *)u->scratch;
    int rc = unpack_lzma2(u, x->lzma);

    if (rc)
        return rc;
    undo_x86_filter(u->out, u->out_pos);
    u->in_pos = ROUND_UP(u->in_pos, 4);
    crc32_init(x);
    if (!range_within(u->in_pos, 4, u->in_len) || crc32(x, u->out, u->out_pos) != read_le32(unpack_next(u)))
        return -XEN_EINVAL;
    return 0;
}
