/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One frame of zstd (RFC 8878), without a dictionary. The output is the window. Literals are not buffered:
 * sequences draw them from their packed form as they go, since the scratch memory has no room for a block's
 * 128 KiB.
 */
#include "unzstd.h"

#define MAX_BLOCK (128u * 1024)

enum { LITERALS_RAW, LITERALS_RLE, LITERALS_PACKED, LITERALS_TREELESS };

struct literals {
    unsigned type;
    const uint8_t *p; /* raw bytes, or the one repeated */
    uint32_t left;    /* bytes of the block not yet drawn */
    uint32_t segment; /* size of each Huffman stream's part but the last one's */
    uint32_t segment_left;
    unsigned stream, nr_streams;
    struct back_bits bits[4];
};

enum { SEQ_LITERALS, SEQ_OFFSET, SEQ_MATCH, SEQ_KINDS };

struct zstd {
    struct unpack *u;
    uint32_t offset[3];
    struct literals literals;
    bool have_table[SEQ_KINDS];
    struct fse_table table[SEQ_KINDS];
    struct huf_table huffman;
};

/* One Huffman stream's part, or less. */
static int draw_packed(struct zstd *z, uint8_t *out, uint32_t n)
{
    struct literals *l = &z->literals;
    const struct huf_table *h = &z->huffman;
    struct back_bits b = l->bits[l->stream];

    for (uint32_t i = 0; i < n; i++) {
        size_t index = back_bits_peek(&b, h->bits);

        out[i] = h->entry[index].symbol;
        b.pos -= h->entry[index].bits;
        if (b.pos < 0)
            return -XEN_EINVAL;
    }
    l->bits[l->stream] = b;
    l->segment_left -= n;
    if (l->segment_left)
        return 0;
    if (b.pos)
        return -XEN_EINVAL;
    l->stream++;
    l->segment_left = l->stream + 1 < l->nr_streams ? l->segment : l->left - n;
    return 0;
}

/* Append the block's next n literals to the output. */
static int draw_literals(struct zstd *z, uint32_t n)
{
    struct literals *l = &z->literals;
    struct unpack *u = z->u;

    if (n > l->left)
        return -XEN_EINVAL;
    if (n > u->out_cap - u->out_pos)
        return -XEN_E2BIG;
    while (n) {
        uint32_t step = l->type >= LITERALS_PACKED ? MIN(n, l->segment_left) : n;
        int rc = 0;

        if (l->type == LITERALS_RAW) {
            memcpy(u->out + u->out_pos, l->p, step);
            l->p += step;
        } else if (l->type == LITERALS_RLE) {
            memset(u->out + u->out_pos, *l->p, step);
        } else {
            rc = draw_packed(z, u->out + u->out_pos, step);
        }
        if (rc)
            return rc;
        u->out_pos += step;
        l->left -= step;
        n -= step;
    }
    return 0;
}

/* Four streams behind a jump table of three sizes, or one. */
static int open_streams(struct literals *l, const uint8_t *p, size_t len, uint32_t size)
{
    size_t pos = 0;

    l->stream = 0;
    l->segment = size;
    if (l->nr_streams == 4) {
        l->segment = (size + 3) / 4;
        pos = 6;
        if (len < pos || l->segment * 3 >= size)
            return -XEN_EINVAL;
    }
    l->segment_left = l->segment;
    for (unsigned i = 0; i < l->nr_streams; i++) {
        size_t n = i + 1 < l->nr_streams ? read_le16(p + 2 * i) : len - pos;

        if (n > len - pos || back_bits_init(&l->bits[i], p + pos, n))
            return -XEN_EINVAL;
        pos += n;
    }
    return 0;
}

static int packed_literals(struct zstd *z, const uint8_t *p, size_t len, size_t *used)
{
    static const uint8_t header_bytes[] = {3, 3, 4, 5}, size_bits[] = {10, 10, 14, 18};
    struct literals *l = &z->literals;
    unsigned format = p[0] >> 2 & 3, bits = size_bits[format];
    size_t header = header_bytes[format], packed, table = 0;
    uint64_t word = 0;

    if (len < header)
        return -XEN_EINVAL;
    memcpy(&word, p, header);
    l->left = (uint32_t)(word >> 4 & (BIT(bits) - 1));
    packed = (size_t)(word >> (4 + bits) & (BIT(bits) - 1));
    l->nr_streams = format ? 4 : 1;
    if (packed > len - header || l->left > MAX_BLOCK || !l->left)
        return -XEN_EINVAL;
    if (l->type == LITERALS_PACKED && huf_read(&z->huffman, p + header, packed, &table))
        return -XEN_EINVAL;
    if (!z->huffman.bits)
        return -XEN_EINVAL;
    *used = header + packed;
    return open_streams(l, p + header + table, packed - table, l->left);
}

static int plain_literals(struct zstd *z, const uint8_t *p, size_t len, size_t *used)
{
    static const uint8_t header_bytes[] = {1, 2, 1, 3}, size_shift[] = {3, 4, 3, 4};
    struct literals *l = &z->literals;
    unsigned format = p[0] >> 2 & 3;
    size_t header = header_bytes[format], stored;
    uint32_t word = 0;

    if (len < header)
        return -XEN_EINVAL;
    memcpy(&word, p, header);
    l->left = word >> size_shift[format];
    l->p = p + header;
    stored = l->type == LITERALS_RLE ? 1 : l->left;
    if (l->left > MAX_BLOCK || stored > len - header)
        return -XEN_EINVAL;
    *used = header + stored;
    return 0;
}

static int open_literals(struct zstd *z, const uint8_t *p, size_t len, size_t *used)
{
    if (!len)
        return -XEN_EINVAL;
    z->literals.type = p[0] & 3;
    return z->literals.type >= LITERALS_PACKED ? packed_literals(z, p, len, used)
                                               : plain_literals(z, p, len, used);
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
        rc = draw_literals(z, literals);
        if (!rc)
            rc = unpack_match(z->u, 0, resolve_offset(z, value, literals), match);
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
    int rc = open_literals(z, p, len, &pos);

    if (!rc)
        rc = read_sequence_count(p + pos, len - pos, &count, &used);
    if (rc)
        return rc;
    pos += used;
    if (!count)
        return pos == len ? draw_literals(z, z->literals.left) : -XEN_EINVAL;
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
    return rc ? rc : draw_literals(z, z->literals.left);
}

enum { BLOCK_RAW, BLOCK_RLE, BLOCK_PACKED };

static int unpack_block(struct zstd *z, bool *last)
{
    struct unpack *u = z->u;
    uint32_t header = 0, size;
    int rc;

    if (unpack_left(u) < 3)
        return -XEN_EINVAL;
    memcpy(&header, unpack_next(u), 3);
    u->in_pos += 3;
    *last = header & 1;
    size = header >> 3;
    switch (header >> 1 & 3) {
    case BLOCK_RAW:
        return unpack_literals(u, size);
    case BLOCK_RLE:
        if (!unpack_left(u))
            return -XEN_EINVAL;
        if (size > u->out_cap - u->out_pos)
            return -XEN_E2BIG;
        memset(u->out + u->out_pos, *unpack_next(u), size);
        u->out_pos += size;
        u->in_pos++;
        return 0;
    case BLOCK_PACKED:
        if (size > unpack_left(u) || size > MAX_BLOCK)
            return -XEN_EINVAL;
        rc = packed_block(z, unpack_next(u), size);
        u->in_pos += size;
        return rc;
    default:
        return -XEN_EINVAL;
    }
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

/* The frame header's descriptor tells which fields follow. The window's size does not matter here. */
static int parse_frame_header(struct unpack *u, bool *checksum, uint64_t *content_size)
{
    static const uint8_t size_bytes[] = {0, 2, 4, 8}, dictionary_bytes[] = {0, 1, 2, 4};
    uint8_t descriptor;
    bool single;
    size_t bytes, pos;

    if (!unpack_left(u))
        return -XEN_EINVAL;
    descriptor = *unpack_next(u);
    single = descriptor & 0x20;
    *checksum = descriptor & 4;
    bytes = size_bytes[descriptor >> 6];
    if (single && !bytes)
        bytes = 1;
    pos = single ? 1 : 2;
    if (descriptor & 8 || unpack_left(u) < pos + bytes + dictionary_bytes[descriptor & 3])
        return -XEN_EINVAL;
    for (unsigned i = 0; i < dictionary_bytes[descriptor & 3]; i++)
        if (unpack_next(u)[pos++])
            return -XEN_ENOSYS;
    *content_size = 0;
    memcpy(content_size, unpack_next(u) + pos, bytes);
    if (bytes == 2)
        *content_size += 256;
    else if (!bytes)
        *content_size = UINT64_MAX;
    u->in_pos += pos + bytes;
    return 0;
}

static int check_content(struct unpack *u, bool checksum, uint64_t content_size)
{
    if (content_size != UINT64_MAX && content_size != u->out_pos)
        return -XEN_EINVAL;
    if (checksum && (unpack_left(u) < 4 || (uint32_t)xxh64(u->out, u->out_pos) != read_le32(unpack_next(u))))
        return -XEN_EINVAL;
    return 0;
}

int unpack_zstd(struct unpack *u)
{
    static const uint32_t first_offsets[3] = {1, 4, 8};
    struct zstd *z = (void *)u->scratch;
    bool checksum, last = false;
    uint64_t content_size;
    int rc;

    u->in_pos += 4; /* the magic */
    rc = parse_frame_header(u, &checksum, &content_size);
    memset(z, 0, sizeof(*z));
    z->u = u;
    memcpy(z->offset, first_offsets, sizeof(first_offsets));
    while (!rc && !last)
        rc = unpack_block(z, &last);
    return rc ? rc : check_content(u, checksum, content_size);
}
