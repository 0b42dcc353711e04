/* SPDX-License-Identifier: GPL-2.0-or-later */
/* gzip (RFC 1952) and deflate (RFC 1951). */
#include "unpack.h"

#define MAX_BITS      15
#define FAST_BITS     10
#define MAX_LITLEN    288
#define MAX_DISTANCES 32

/* A canonical Huffman code: short codes by one look-up, longer ones bit by bit from the counts. */
struct huffman {
    uint16_t fast[1 << FAST_BITS]; /* symbol << 4 | length, by the next bits of input; 0: a longer code */
    uint16_t count[MAX_BITS + 1];
    uint16_t symbol[MAX_LITLEN];
};

struct inflate {
    struct unpack *u;
    uint64_t bits;
    unsigned nr_bits;
    struct huffman litlen, distance;
    uint8_t lengths[MAX_LITLEN + MAX_DISTANCES];
    struct crc_tables crc;
};

/* Top the bit buffer up to 56 bits or more; behind the end of input come zeroes, which need_bits() refuses.
 */
static void refill(struct inflate *s)
{
    while (s->nr_bits <= 56 && unpack_left(s->u)) {
        s->bits |= (uint64_t)s->u->in[s->u->in_pos++] << s->nr_bits;
        s->nr_bits += 8;
    }
}

/* The next n (0-16) bits, or -XEN_EINVAL behind the end. */
static int take_bits(struct inflate *s, unsigned n)
{
    int value;

    if (s->nr_bits < n)
        refill(s);
    if (s->nr_bits < n)
        return -XEN_EINVAL;
    value = (int)(s->bits & (BIT(n) - 1));
    s->bits >>= n;
    s->nr_bits -= n;
    return value;
}

static uint32_t reverse_bits(uint32_t code, unsigned len)
{
    uint32_t reversed = 0;

    for (; len; len--, code >>= 1)
        reversed = reversed << 1 | (code & 1);
    return reversed;
}

static void fill_fast(struct huffman *h, uint32_t code, unsigned len, unsigned symbol)
{
    for (uint32_t i = reverse_bits(code, len); i < 1u << FAST_BITS; i += 1u << len)
        h->fast[i] = (uint16_t)(symbol << 4 | len);
}

/* Refuses over-subscribed codes; incomplete ones are allowed, their missing codes fail when met. */
static int huffman_build(struct huffman *h, const uint8_t *lengths, unsigned n)
{
    uint16_t offset[MAX_BITS + 2] = {0};
    uint32_t code[MAX_BITS + 2] = {0};
    int left = 1;

    memset(h, 0, sizeof(*h));
    for (unsigned i = 0; i < n; i++)
        h->count[lengths[i]]++;
    h->count[0] = 0;
    for (unsigned len = 1; len <= MAX_BITS; len++) {
        left = left * 2 - h->count[len];
        if (left < 0)
            return -XEN_EINVAL;
        offset[len + 1] = (uint16_t)(offset[len] + h->count[len]);
        code[len + 1] = (code[len] + h->count[len]) << 1;
    }
    for (unsigned i = 0; i < n; i++) {
        unsigned len = lengths[i];

        if (!len)
            continue;
        h->symbol[offset[len]++] = (uint16_t)i;
        if (len <= FAST_BITS)
            fill_fast(h, code[len], len, i);
        code[len]++;
    }
    return 0;
}

static int decode_slow(struct inflate *s, const struct huffman *h)
{
    int code = 0, first = 0, index = 0;

    for (unsigned len = 1; len <= MAX_BITS; len++) {
        int bit = take_bits(s, 1), count = h->count[len];

        if (bit < 0)
            return bit;
        code |= bit;
        if (code - count < first)
            return h->symbol[index + (code - first)];
        index += count;
        first = (first + count) << 1;
        code <<= 1;
    }
    return -XEN_EINVAL;
}

static int decode_symbol(struct inflate *s, const struct huffman *h)
{
    unsigned entry;

    if (s->nr_bits < MAX_BITS)
        refill(s);
    entry = h->fast[s->bits & ((1u << FAST_BITS) - 1)];
    if (!entry || (entry & 15) > s->nr_bits)
        return decode_slow(s, h);
    s->bits >>= entry & 15;
    s->nr_bits -= entry & 15;
    return (int)(entry >> 4);
}

static int copy_back(struct inflate *s, int symbol)
{
    static const uint16_t length_base[] = {3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
                                           31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
    static const uint8_t length_bits[] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                          2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
    static const uint16_t distance_base[] = {1,    2,    3,    4,    5,    7,    9,    13,    17,    25,
                                             33,   49,   65,   97,   129,  193,  257,  385,   513,   769,
                                             1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
    int extra, distance;
    size_t len;

    symbol -= 257;
    if (symbol >= (int)ARRAY_SIZE(length_base))
        return -XEN_EINVAL;
    extra = take_bits(s, length_bits[symbol]);
    if (extra < 0)
        return extra;
    len = (size_t)(length_base[symbol] + extra);
    distance = decode_symbol(s, &s->distance);
    if (distance < 0 || distance >= (int)ARRAY_SIZE(distance_base))
        return -XEN_EINVAL;
    extra = take_bits(s, distance < 2 ? 0 : (unsigned)distance / 2 - 1);
    if (extra < 0)
        return extra;
    return unpack_match(s->u, 0, (size_t)(distance_base[distance] + extra), len);
}

static int inflate_codes(struct inflate *s)
{
    for (;;) {
        int symbol = decode_symbol(s, &s->litlen), rc;

        if (symbol < 0)
            return symbol;
        if (symbol == 256)
            return 0;
        if (symbol < 256) {
            if (s->u->out_pos == s->u->out_cap)
                return -XEN_E2BIG;
            s->u->out[s->u->out_pos++] = (uint8_t)symbol;
            continue;
        }
        rc = copy_back(s, symbol);
        if (rc)
            return rc;
    }
}

/* Give whole unread bytes back to the input and forget the rest of the current one. */
static void align_to_byte(struct inflate *s)
{
    s->u->in_pos -= s->nr_bits / 8;
    s->bits = 0;
    s->nr_bits = 0;
}

static int inflate_stored(struct inflate *s)
{
    uint16_t len, inverted;

    align_to_byte(s);
    if (unpack_left(s->u) < 4)
        return -XEN_EINVAL;
    len = read_le16(unpack_next(s->u));
    inverted = read_le16(unpack_next(s->u) + 2);
    if ((len ^ inverted) != 0xffff)
        return -XEN_EINVAL;
    s->u->in_pos += 4;
    return unpack_literals(s->u, len);
}

static int fixed_codes(struct inflate *s)
{
    memset(s->lengths, 8, 144);
    memset(s->lengths + 144, 9, 112);
    memset(s->lengths + 256, 7, 24);
    memset(s->lengths + 280, 8, 8);
    memset(s->lengths + MAX_LITLEN, 5, MAX_DISTANCES);
    return huffman_build(&s->litlen, s->lengths, MAX_LITLEN) ||
                   huffman_build(&s->distance, s->lengths + MAX_LITLEN, MAX_DISTANCES)
               ? -XEN_EINVAL
               : 0;
}

/* The code lengths themselves are packed with run lengths, coded by s->litlen. */
static int read_lengths(struct inflate *s, unsigned n)
{
    static const uint8_t repeat_bits[] = {2, 3, 7}, repeat_base[] = {3, 3, 11};
    unsigned i = 0;

    while (i < n) {
        int symbol = decode_symbol(s, &s->litlen), repeat;
        uint8_t value = 0;

        if (symbol < 0)
            return symbol;
        if (symbol < 16) {
            s->lengths[i++] = (uint8_t)symbol;
            continue;
        }
        if (symbol > 18 || (symbol == 16 && !i))
            return -XEN_EINVAL;
        if (symbol == 16)
            value = s->lengths[i - 1];
        repeat = take_bits(s, repeat_bits[symbol - 16]);
        if (repeat < 0)
            return repeat;
        repeat += repeat_base[symbol - 16];
        if ((unsigned)repeat > n - i)
            return -XEN_EINVAL;
        memset(s->lengths + i, value, (size_t)repeat);
        i += (unsigned)repeat;
    }
    return 0;
}

static int dynamic_codes(struct inflate *s)
{
    static const uint8_t order[19] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
    int litlens = take_bits(s, 5), distances = take_bits(s, 5), codes = take_bits(s, 4), rc;

    if (litlens < 0 || distances < 0 || codes < 0 || litlens > 29)
        return -XEN_EINVAL;
    litlens += 257;
    distances += 1;
    memset(s->lengths, 0, sizeof(order));
    for (int i = 0; i < codes + 4; i++) {
        int len = take_bits(s, 3);

        if (len < 0)
            return len;
        s->lengths[order[i]] = (uint8_t)len;
    }
    rc = huffman_build(&s->litlen, s->lengths, sizeof(order));
    if (!rc)
        rc = read_lengths(s, (unsigned)(litlens + distances));
    if (!rc)
        rc = huffman_build(&s->litlen, s->lengths, (unsigned)litlens);
    if (!rc)
        rc = huffman_build(&s->distance, s->lengths + litlens, (unsigned)distances);
    return rc;
}

static int inflate_block(struct inflate *s, int type)
{
    int rc;

    switch (type) {
    case 0:
        return inflate_stored(s);
    case 1:
        rc = fixed_codes(s);
        break;
    case 2:
        rc = dynamic_codes(s);
        break;
    default:
        rc = -XEN_EINVAL;
    }
    return rc ? rc : inflate_codes(s);
}

static int skip_string(struct unpack *u)
{
    while (unpack_left(u))
        if (!u->in[u->in_pos++])
            return 0;
    return -XEN_EINVAL;
}

/* Flags: 2 header CRC (not checked), 4 extra field, 8 name, 16 comment. */
static int skip_header(struct unpack *u)
{
    const uint8_t *p = unpack_next(u);
    uint8_t flags;

    if (unpack_left(u) < 10 || p[2] != 8 || p[3] & 0xe0)
        return -XEN_EINVAL;
    flags = p[3];
    u->in_pos += 10;
    if (flags & 4) {
        if (unpack_left(u) < 2 || unpack_left(u) - 2 < read_le16(unpack_next(u)))
            return -XEN_EINVAL;
        u->in_pos += 2u + read_le16(unpack_next(u));
    }
    if ((flags & 8 && skip_string(u)) || (flags & 16 && skip_string(u)))
        return -XEN_EINVAL;
    if (flags & 2) {
        if (unpack_left(u) < 2)
            return -XEN_EINVAL;
        u->in_pos += 2;
    }
    return 0;
}

static int check_trailer(struct inflate *s, const struct unpack *u)
{
    const uint8_t *p = unpack_next(u);

    if (unpack_left(u) < 8 || read_le32(p + 4) != (uint32_t)u->out_pos)
        return -XEN_EINVAL;
    crc_init(&s->crc, CRC32_POLY);
    return crc_of(&s->crc, UINT32_MAX, u->out, u->out_pos) == read_le32(p) ? 0 : -XEN_EINVAL;
}

int unpack_gzip(struct unpack *u)
{
    struct inflate *s = (void *)u->scratch;
    int rc = skip_header(u), last = 0;

    memset(s, 0, sizeof(*s));
    s->u = u;
    while (!rc && !last) {
        int type;

        last = take_bits(s, 1);
        type = take_bits(s, 2);
        rc = last < 0 ? last : inflate_block(s, type);
    }
    if (rc)
        return rc;
    align_to_byte(s);
    return check_trailer(s, u);
}
