/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One frame of zstd (RFC 8878), without a dictionary. The output is the window. */
#include "bh/decompress.h"
#include "unzstd.h"

#define MAX_BLOCK (128u * 1024)

enum { SEQ_LITERALS, SEQ_OFFSET, SEQ_MATCH, SEQ_KINDS };

struct zstd {
    struct unpack *u;
    uint32_t offset[3];
    const uint8_t *literals; /* of the block, those not yet used */
    uint32_t nr_literals;
    bool have_table[SEQ_KINDS];
    struct fse_table table[SEQ_KINDS];
    struct huf_table huffman;
    uint8_t buffer[MAX_BLOCK]; /* literals that were packed */
};

_Static_assert(sizeof(struct zstd) <= DECOMPRESS_SCRATCH, "");

/* Append the block's next n literals to the output. */
static int use_literals(struct zstd *z, uint32_t n)
{
    const uint8_t *p = z->literals;

    if (n > z->nr_literals)
        return -XEN_EINVAL;
    z->literals += n;
    z->nr_literals -= n;
    return unpack_bytes(z->u, p, n);
}

/* A stream holds `n` symbols and nothing else. */
static int unpack_stream(const struct huf_table *h, const uint8_t *p, size_t len, uint8_t *out, uint32_t n)
{
    struct back_bits b;

    if (back_bits_init(&b, p, len))
        return -XEN_EINVAL;
    for (uint32_t i = 0; i < n; i++) {
        size_t index = back_bits_peek(&b, h->bits);

        out[i] = h->entry[index].symbol;
        b.pos -= h->entry[index].bits;
    }
    return b.pos ? -XEN_EINVAL : 0;
}

/* Four streams behind a jump table of the first three's sizes. */
static int unpack_four_streams(struct zstd *z, const uint8_t *p, size_t len)
{
    uint32_t part = (z->nr_literals + 3) / 4, rest = z->nr_literals - 3 * part;
    size_t pos = 6;
    int rc = 0;

    if (len < pos || part * 3 >= z->nr_literals)
        return -XEN_EINVAL;
    for (unsigned i = 0; i < 4 && !rc; i++) {
        size_t n = i < 3 ? read_le16(p + 2 * i) : len - pos;

        if (n > len - pos)
            return -XEN_EINVAL;
        rc = unpack_stream(&z->huffman, p + pos, n, z->buffer + i * part, i < 3 ? part : rest);
        pos += n;
    }
    return rc;
}

enum { LITERALS_RAW, LITERALS_RLE, LITERALS_PACKED, LITERALS_TREELESS };

static int packed_literals(struct zstd *z, const uint8_t *p, size_t len, size_t *used)
{
    static const uint8_t header_bytes[] = {3, 3, 4, 5}, size_bits[] = {10, 10, 14, 18};
    unsigned type = p[0] & 3, format = p[0] >> 2 & 3, bits = size_bits[format];
    size_t header = header_bytes[format], packed, table = 0;
    uint64_t word = 0;

    if (len < header)
        return -XEN_EINVAL;
    memcpy(&word, p, header);
    z->nr_literals = (uint32_t)(word >> 4 & (BIT(bits) - 1));
    z->literals = z->buffer;
    packed = (size_t)(word >> (4 + bits) & (BIT(bits) - 1));
    if (packed > len - header || z->nr_literals > MAX_BLOCK || !z->nr_literals)
        return -XEN_EINVAL;
    p += header;
    *used = header + packed;
    if (type == LITERALS_PACKED && huf_read(&z->huffman, p, packed, &table))
        return -XEN_EINVAL;
    if (!z->huffman.bits)
        return -XEN_EINVAL;
    if (format)
        return unpack_four_streams(z, p + table, packed - table);
    return unpack_stream(&z->huffman, p + table, packed - table, z->buffer, z->nr_literals);
}

static int plain_literals(struct zstd *z, const uint8_t *p, size_t len, size_t *used)
{
    static const uint8_t header_bytes[] = {1, 2, 1, 3}, size_shift[] = {3, 4, 3, 4};
    bool repeat = (p[0] & 3) == LITERALS_RLE;
    unsigned format = p[0] >> 2 & 3;
    size_t header = header_bytes[format];
    uint32_t word = 0;

    if (len < header)
        return -XEN_EINVAL;
    memcpy(&word, p, header);
    z->nr_literals = word >> size_shift[format];
    z->literals = repeat ? z->buffer : p + header;
    *used = header + (repeat ? 1 : z->nr_literals);
    if (z->nr_literals > MAX_BLOCK || *used > len)
        return -XEN_EINVAL;
    if (repeat)
        memset(z->buffer, p[header], z->nr_literals);
    return 0;
}

static const int16_t default_literals[] = {4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1,  1,  2,  2,
                                           2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1};
static const int16_t default_offsets[] = {1, 1, 1, 1, 1, 1, 2, 2, 2, 1,  1,  1,  1,  1, 1,
                                          1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1};
static const int16_t default_matches[] = {1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1,  1,  1,  1,  1,  1,  1, 1,
                                          1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,  1,  1,  1,  1,  1,  1, 1,
                                          1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1};

static const struct {
    const int16_t *counts;
    uint8_t nr_counts, log, max_log, max_symbols;
} sequence_kinds[SEQ_KINDS] = {
    [SEQ_LITERALS] = {default_literals, ARRAY_SIZE(default_literals), 6, 9, 36},
    [SEQ_OFFSET] = {default_offsets, ARRAY_SIZE(default_offsets), 5, 8, 32},
    [SEQ_MATCH] = {default_matches, ARRAY_SIZE(default_matches), 6, 9, 53},
};

enum { MODE_DEFAULT, MODE_RLE, MODE_FSE, MODE_REPEAT };

static int read_table(struct zstd *z, unsigned kind, unsigned mode, const uint8_t *p, size_t len,
                      size_t *used)
{
    struct fse_table *t = &z->table[kind];
    int rc = 0;

    *used = 0;
    switch (mode) {
    case MODE_DEFAULT:
        rc = fse_build(t, sequence_kinds[kind].counts, sequence_kinds[kind].nr_counts,
                       sequence_kinds[kind].log);
        break;
    case MODE_RLE:
        if (!len || p[0] >= sequence_kinds[kind].max_symbols)
            return -XEN_EINVAL;
        fse_rle(t, p[0]);
        *used = 1;
        break;
    case MODE_FSE:
        rc = fse_read(t, p, len, sequence_kinds[kind].max_log, sequence_kinds[kind].max_symbols, used);
        break;
    default:
        return z->have_table[kind] ? 0 : -XEN_EINVAL;
    }
    z->have_table[kind] = !rc;
    return rc;
}

/* Values 1 to 3 name one of the last three offsets, moved by one when no literals precede the match. */
static uint32_t resolve_offset(struct zstd *z, uint64_t value, uint32_t literals)
{
    uint64_t index = value - 1 + (literals ? 0 : 1), offset;

    if (value > 3) {
        offset = value - 3;
        index = 2;
    } else {
        offset = index < 3 ? z->offset[index] : z->offset[0] - 1ull;
    }
    if (index >= 2)
        z->offset[2] = z->offset[1];
    if (index >= 1) {
        z->offset[1] = z->offset[0];
        z->offset[0] = (uint32_t)offset;
    }
    return (uint32_t)offset;
}

/* Code → first value and number of extra bits. The first 16 (literals) and 32 (matches) codes are values. */
struct length_code {
    uint32_t base;
    uint8_t bits;
};
static const struct length_code literal_codes[] = {
    {16, 1},    {18, 1},    {20, 1},    {22, 1},     {24, 2},     {28, 2},     {32, 3},
    {40, 3},    {48, 4},    {64, 6},    {128, 7},    {256, 8},    {512, 9},    {1024, 10},
    {2048, 11}, {4096, 12}, {8192, 13}, {16384, 14}, {32768, 15}, {65536, 16},
};
static const struct length_code match_codes[] = {
    {35, 1},    {37, 1},    {39, 1},    {41, 1},    {43, 2},     {47, 2},     {51, 3},
    {59, 3},    {67, 4},    {83, 4},    {99, 5},    {131, 7},    {259, 8},    {515, 9},
    {1027, 10}, {2051, 11}, {4099, 12}, {8195, 13}, {16387, 14}, {32771, 15}, {65539, 16},
};

static uint32_t take_length(struct back_bits *b, const struct length_code *codes, unsigned first,
                            unsigned code, uint32_t shift)
{
    if (code < first)
        return code + shift;
    return codes[code - first].base + (uint32_t)back_bits_take(b, codes[code - first].bits);
}

static int run_sequences(struct zstd *z, struct back_bits *b, uint32_t count)
{
    const struct fse_table *t = z->table;
    unsigned state[SEQ_KINDS];

    for (unsigned i = 0; i < SEQ_KINDS; i++)
        state[i] = fse_start(&t[i], b);
    while (count--) {
        unsigned offset_code = t[SEQ_OFFSET].entry[state[SEQ_OFFSET]].symbol;
        uint64_t value = BIT(offset_code) + back_bits_take(b, offset_code);
        uint32_t match = take_length(b, match_codes, 32, t[SEQ_MATCH].entry[state[SEQ_MATCH]].symbol, 3);
        uint32_t literals =
            take_length(b, literal_codes, 16, t[SEQ_LITERALS].entry[state[SEQ_LITERALS]].symbol, 0);
        int rc;

        if (count) {
            state[SEQ_LITERALS] = fse_next(&t[SEQ_LITERALS], state[SEQ_LITERALS], b);
            state[SEQ_MATCH] = fse_next(&t[SEQ_MATCH], state[SEQ_MATCH], b);
            state[SEQ_OFFSET] = fse_next(&t[SEQ_OFFSET], state[SEQ_OFFSET], b);
        }
        if (b->pos < 0)
            return -XEN_EINVAL;
        rc = use_literals(z, literals);
        if (!rc)
            rc = unpack_match(z->u, resolve_offset(z, value, literals), match);
        if (rc)
            return rc;
    }
    return b->pos ? -XEN_EINVAL : 0;
}

static int read_sequence_count(const uint8_t *p, size_t len, uint32_t *count, size_t *used)
{
    if (!len)
        return -XEN_EINVAL;
    *used = p[0] < 128 ? 1 : p[0] < 255 ? 2 : 3;
    if (*used > len)
        return -XEN_EINVAL;
    if (*used == 1)
        *count = p[0];
    else if (*used == 2)
        *count = (p[0] - 128u) << 8 | p[1];
    else
        *count = read_le16(p + 1) + 0x7f00u;
    return 0;
}

static int packed_block(struct zstd *z, const uint8_t *p, size_t len)
{
    struct back_bits b;
    size_t pos, used = 0;
    uint32_t count;
    uint8_t modes;
    int rc;

    if (!len)
        return -XEN_EINVAL;
    rc = (p[0] & 3) >= LITERALS_PACKED ? packed_literals(z, p, len, &pos) : plain_literals(z, p, len, &pos);
    if (!rc)
        rc = read_sequence_count(p + pos, len - pos, &count, &used);
    if (rc)
        return rc;
    pos += used;
    if (!count)
        return pos == len ? use_literals(z, z->nr_literals) : -XEN_EINVAL;
    if (pos == len || p[pos] & 3)
        return -XEN_EINVAL;
    modes = p[pos++];
    for (unsigned kind = 0; kind < SEQ_KINDS; kind++, pos += used) {
        rc = read_table(z, kind, modes >> (6 - 2 * kind) & 3, p + pos, len - pos, &used);
        if (rc)
            return rc;
    }
    rc = back_bits_init(&b, p + pos, len - pos);
    if (!rc)
        rc = run_sequences(z, &b, count);
    return rc ? rc : use_literals(z, z->nr_literals);
}

enum { BLOCK_RAW, BLOCK_RLE, BLOCK_PACKED };

static int unpack_block(struct zstd *z, bool *last)
{
    struct unpack *u = z->u;
    uint32_t header = 0, kind, size, stored;
    const uint8_t *p;

    if (unpack_left(u) < 3)
        return -XEN_EINVAL;
    memcpy(&header, unpack_next(u), 3);
    u->in_pos += 3;
    *last = header & 1;
    kind = header >> 1 & 3;
    size = header >> 3;
    stored = kind == BLOCK_RLE ? 1 : size;
    if (kind > BLOCK_PACKED || size > MAX_BLOCK || stored > unpack_left(u))
        return -XEN_EINVAL;
    p = unpack_next(u);
    u->in_pos += stored;
    if (kind == BLOCK_PACKED)
        return packed_block(z, p, size);
    if (kind == BLOCK_RLE)
        p = memset(z->buffer, *p, size);
    return unpack_bytes(u, p, size);
}

/* XXH64 (xxHash specification) with seed 0: zstd stores its low half. */
#define XX1 0x9e3779b185ebca87ull
#define XX2 0xc2b2ae3d27d4eb4full
#define XX3 0x165667b19e3779f9ull
#define XX4 0x85ebca77c2b2ae63ull
#define XX5 0x27d4eb2f165667c5ull

static uint64_t rotate_left(uint64_t v, unsigned n)
{
    return v << n | v >> (64 - n);
}
static uint64_t xx_round(uint64_t acc, uint64_t lane)
{
    return rotate_left(acc + lane * XX2, 31) * XX1;
}

static uint64_t xx_stripes(const uint8_t *p, size_t stripes)
{
    uint64_t acc[4] = {XX1 + XX2, XX2, 0, 0 - XX1}, hash;

    for (; stripes; stripes--)
        for (unsigned i = 0; i < 4; i++, p += 8)
            acc[i] = xx_round(acc[i], read_le64(p));
    hash =
        rotate_left(acc[0], 1) + rotate_left(acc[1], 7) + rotate_left(acc[2], 12) + rotate_left(acc[3], 18);
    for (unsigned i = 0; i < 4; i++)
        hash = (hash ^ xx_round(0, acc[i])) * XX1 + XX4;
    return hash;
}

static uint64_t xxh64(const uint8_t *p, size_t len)
{
    uint64_t hash = (len >= 32 ? xx_stripes(p, len / 32) : XX5) + len;
    const uint8_t *end = p + len;

    p += len & ~31ull;
    for (; end - p >= 8; p += 8)
        hash = rotate_left(hash ^ xx_round(0, read_le64(p)), 27) * XX1 + XX4;
    if (end - p >= 4) {
        hash = rotate_left(hash ^ read_le32(p) * XX1, 23) * XX2 + XX3;
        p += 4;
    }
    for (; p < end; p++)
        hash = rotate_left(hash ^ *p * XX5, 11) * XX1;
    hash = (hash ^ hash >> 33) * XX2;
    hash = (hash ^ hash >> 29) * XX3;
    return hash ^ hash >> 32;
}

int unpack_zstd(struct unpack *u)
{
    static const uint32_t first_offsets[3] = {1, 4, 8};
    struct zstd *z = (void *)u->scratch;
    bool last = false;
    int rc = 0;

    u->in_pos++; /* the window's size does not matter here */
    memset(z, 0, sizeof(*z));
    z->u = u;
    memcpy(z->offset, first_offsets, sizeof(first_offsets));
    while (!rc && !last)
        rc = unpack_block(z, &last);
    if (rc)
        return rc;
    if (unpack_left(u) < 4 || (uint32_t)xxh64(u->out, u->out_pos) != read_le32(unpack_next(u)))
        return -XEN_EINVAL;
    return 0;
}
