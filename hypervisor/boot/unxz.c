/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The xz container (The .xz File Format 1.1) as Linux' build makes it: blocks with the x86 branch filter and
 * a CRC32 of their contents. The index and the footer behind the last block tell nothing new.
 */
#include "unpack.h"

#define STREAM_HEADER_SIZE 12
#define FILTER_X86         0x04
#define FILTER_LZMA2       0x21
#define VLI_MAX            (UINT64_MAX / 2)

#define CHECK_CRC32 1
#define CRC32_POLY  0xedb88320u

struct xz {
    struct unpack *u;
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

/* Variable-length integer: seven bits a byte, least significant first. */
static int read_vli(const uint8_t *p, size_t len, size_t *pos, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 63 && *pos < len; shift += 7) {
        uint8_t byte = p[(*pos)++];

        *value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return byte || !shift ? 0 : -XEN_EINVAL; /* no padding with zero bytes */
    }
    return -XEN_EINVAL;
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

static int verify_check(struct xz *x, const uint8_t *data, size_t len)
{
    struct unpack *u = x->u;

    if (unpack_left(u) < 4 || crc32(x, data, len) != read_le32(unpack_next(u)))
        return -XEN_EINVAL;
    u->in_pos += 4;
    return 0;
}

struct block_header {
    uint64_t packed, unpacked; /* UINT64_MAX: not told */
    bool x86;
};

/* Filters: optionally x86 without properties, then LZMA2 with its dictionary size (which the output makes
 * moot). */
static int parse_filters(const uint8_t *p, size_t len, size_t *pos, unsigned count, struct block_header *h)
{
    for (unsigned i = 0; i < count; i++) {
        uint64_t id, props_size;

        if (read_vli(p, len, pos, &id) || read_vli(p, len, pos, &props_size) || props_size > len - *pos)
            return -XEN_EINVAL;
        if (i + 1 < count && id == FILTER_X86 && props_size == 0 && !h->x86)
            h->x86 = true;
        else if (i + 1 != count || id != FILTER_LZMA2 || props_size != 1)
            return -XEN_ENOSYS;
        *pos += (size_t)props_size;
    }
    return 0;
}

static int parse_block_header(struct xz *x, struct block_header *h)
{
    const uint8_t *p = unpack_next(x->u);
    size_t size = (p[0] + 1u) * 4, pos = 2;
    int rc;

    *h = (struct block_header){.packed = UINT64_MAX, .unpacked = UINT64_MAX};
    if (size > unpack_left(x->u) || crc32(x, p, size - 4) != read_le32(p + size - 4) || p[1] & 0x3c)
        return -XEN_EINVAL;
    if (p[1] & 0x40 && read_vli(p, size - 4, &pos, &h->packed))
        return -XEN_EINVAL;
    if (p[1] & 0x80 && read_vli(p, size - 4, &pos, &h->unpacked))
        return -XEN_EINVAL;
    rc = parse_filters(p, size - 4, &pos, (p[1] & 3u) + 1, h);
    for (; !rc && pos < size - 4; pos++)
        if (p[pos])
            rc = -XEN_EINVAL;
    x->u->in_pos += size;
    return rc;
}

static int skip_padding(struct unpack *u, size_t from)
{
    for (; (u->in_pos - from) % 4; u->in_pos++)
        if (!unpack_left(u) || *unpack_next(u))
            return -XEN_EINVAL;
    return 0;
}

static int unpack_block(struct xz *x)
{
    struct unpack *u = x->u;
    struct block_header h;
    size_t out_start = u->out_pos, data, packed, unpacked;
    int rc = parse_block_header(x, &h);

    data = u->in_pos;
    if (!rc)
        rc = unpack_lzma2(u, x->lzma);
    if (rc)
        return rc;
    packed = u->in_pos - data;
    unpacked = u->out_pos - out_start;
    if ((h.packed != UINT64_MAX && h.packed != packed) ||
        (h.unpacked != UINT64_MAX && h.unpacked != unpacked))
        return -XEN_EINVAL;
    if (h.x86)
        undo_x86_filter(u->out + out_start, unpacked);
    rc = skip_padding(u, data);
    return rc ? rc : verify_check(x, u->out + out_start, unpacked);
}

int unpack_xz(struct unpack *u)
{
    struct xz *x = (void *)u->scratch;
    const uint8_t *p = unpack_next(u);
    int rc = 0;

    x->u = u;
    crc32_init(x);
    if (unpack_left(u) < STREAM_HEADER_SIZE || crc32(x, p + 6, 2) != read_le32(p + 8) || p[6])
        return -XEN_EINVAL;
    if (p[7] != CHECK_CRC32)
        return -XEN_ENOSYS;
    u->in_pos += STREAM_HEADER_SIZE;
    while (!rc && unpack_left(u) && *unpack_next(u)) /* 0: the index */
        rc = unpack_block(x);
    return rc || unpack_left(u) ? rc : -XEN_EINVAL;
}
