/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * LZMA2 (the xz file format's filter 0x21) and the LZMA coder inside, as the LZMA SDK's specification
 * describes them. The output is the dictionary, which only the first chunk resets.
 */
#include "unpack.h"

#define PROB_BITS  11
#define PROB_INIT  ((1u << PROB_BITS) / 2)
#define MOVE_BITS  5
#define TOP        (1u << 24)
#define STATES     12
#define LIT_STATES 7 /* states below this follow a literal */
#define POS_STATES 4
/* Bits of context as xz takes them by itself: 3 of the literal before, none and 2 of the position. */
#define PROPERTIES   0x5d
#define CONTEXT_BITS 3
#define MIN_MATCH    2
#define END_SPECIAL  14 /* distance slots from here on have direct bits */
#define ALIGN_BITS   4
#define LITERAL_SIZE 0x300

struct length_coder {
    uint16_t choice, choice2;
    uint16_t low[POS_STATES][8], mid[POS_STATES][8], high[256];
};

/* All adaptive probabilities, so that a reset is one loop. */
struct probabilities {
    uint16_t is_match[STATES][POS_STATES], is_rep[STATES], is_rep0[STATES], is_rep1[STATES], is_rep2[STATES];
    uint16_t is_rep0_long[STATES][POS_STATES];
    uint16_t slot[4][64], special[115], align[16];
    struct length_coder match_len, rep_len;
    uint16_t literal[1 << CONTEXT_BITS][LITERAL_SIZE];
};

/*
 * A copy on the stack of decode_symbols(), whose helpers are all inlined, so that it lives in registers: a
 * tenth fewer instructions than through struct lzma.
 */
struct range_coder {
    const uint8_t *in, *end; /* of the chunk */
    uint32_t range, code;
    bool overrun; /* more was wanted than the chunk has */
};
#define INLINE static inline __attribute__((always_inline))

struct lzma {
    struct unpack *u;
    uint32_t state, rep[4]; /* last distances minus one */
    struct probabilities p;
};

_Static_assert(sizeof(struct lzma) <= UNLZMA2_SCRATCH, "");

static uint32_t read_be16(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

INLINE void normalize(struct range_coder *rc)
{
    if (rc->range >= TOP)
        return;
    rc->range <<= 8;
    rc->code <<= 8;
    if (rc->in < rc->end)
        rc->code |= *rc->in++;
    else
        rc->overrun = true;
}

INLINE unsigned decode_bit(struct range_coder *rc, uint16_t *prob)
{
    uint32_t bound;

    normalize(rc);
    bound = (rc->range >> PROB_BITS) * *prob;
    if (rc->code < bound) {
        rc->range = bound;
        *prob = (uint16_t)(*prob + (((1u << PROB_BITS) - *prob) >> MOVE_BITS));
        return 0;
    }
    rc->range -= bound;
    rc->code -= bound;
    *prob = (uint16_t)(*prob - (*prob >> MOVE_BITS));
    return 1;
}

INLINE uint32_t decode_tree(struct range_coder *rc, uint16_t *probs, unsigned bits)
{
    uint32_t symbol = 1;

    for (unsigned i = 0; i < bits; i++)
        symbol = symbol << 1 | decode_bit(rc, &probs[symbol]);
    return symbol - (1u << bits);
}

INLINE uint32_t decode_tree_reverse(struct range_coder *rc, uint16_t *probs, unsigned bits)
{
    uint32_t symbol = 1, value = 0;

    for (unsigned i = 0; i < bits; i++) {
        unsigned bit = decode_bit(rc, &probs[symbol]);

        symbol = symbol << 1 | bit;
        value |= bit << i;
    }
    return value;
}

INLINE uint32_t decode_direct(struct range_coder *rc, unsigned bits)
{
    uint32_t value = 0;

    while (bits--) {
        normalize(rc);
        rc->range >>= 1;
        value <<= 1;
        if (rc->code >= rc->range) {
            rc->code -= rc->range;
            value |= 1;
        }
    }
    return value;
}

INLINE uint32_t decode_length(struct range_coder *rc, struct length_coder *coder, uint32_t pos_state)
{
    if (!decode_bit(rc, &coder->choice))
        return MIN_MATCH + decode_tree(rc, coder->low[pos_state], 3);
    if (!decode_bit(rc, &coder->choice2))
        return MIN_MATCH + 8 + decode_tree(rc, coder->mid[pos_state], 3);
    return MIN_MATCH + 16 + decode_tree(rc, coder->high, 8);
}

INLINE uint32_t decode_distance(struct lzma *s, struct range_coder *rc, uint32_t len)
{
    uint32_t slot = decode_tree(rc, s->p.slot[MIN(len - MIN_MATCH, 3u)], 6), distance;
    unsigned bits = (slot >> 1) - 1;

    if (slot < 4)
        return slot;
    distance = (2 | (slot & 1)) << bits;
    if (slot < END_SPECIAL)
        return distance + decode_tree_reverse(rc, &s->p.special[distance - slot], bits);
    distance += decode_direct(rc, bits - ALIGN_BITS) << ALIGN_BITS;
    return distance + decode_tree_reverse(rc, s->p.align, ALIGN_BITS);
}

/* After a match the byte at the last distance predicts the literal until they first differ. */
INLINE unsigned decode_matched_literal(struct range_coder *rc, uint16_t *probs, unsigned predicted)
{
    uint32_t symbol = 1, same = 0x100;

    while (symbol < 0x100) {
        unsigned bit, predicted_bit;

        predicted <<= 1;
        predicted_bit = predicted & same;
        bit = decode_bit(rc, &probs[same + predicted_bit + symbol]);
        symbol = symbol << 1 | bit;
        same &= bit ? predicted_bit : ~predicted_bit;
    }
    return symbol & 0xff;
}

INLINE int decode_literal(struct lzma *s, struct range_coder *rc)
{
    struct unpack *u = s->u;
    size_t pos = u->out_pos;
    unsigned previous = pos ? u->out[pos - 1] : 0;
    uint16_t *probs = s->p.literal[previous >> (8 - CONTEXT_BITS)];
    unsigned byte;

    if (s->state < LIT_STATES) {
        byte = decode_tree(rc, probs, 8);
    } else {
        if (s->rep[0] >= pos)
            return -XEN_EINVAL;
        byte = decode_matched_literal(rc, probs, u->out[pos - 1 - s->rep[0]]);
    }
    u->out[u->out_pos++] = (uint8_t)byte;
    if (s->state < 4)
        s->state = 0;
    else
        s->state -= s->state < 10 ? 3 : 6;
    return 0;
}

/* Bring the distance number `i` to the front, or put a new one there. */
static void use_distance(struct lzma *s, unsigned i, uint32_t distance)
{
    for (; i > 0; i--)
        s->rep[i] = s->rep[i - 1];
    s->rep[0] = distance;
}

/* Choose one of the last four distances; true if the match is a single byte, else its length follows. */
INLINE bool decode_rep(struct lzma *s, struct range_coder *rc, uint32_t pos_state)
{
    unsigned i = 0;

    if (!decode_bit(rc, &s->p.is_rep0[s->state]))
        return !decode_bit(rc, &s->p.is_rep0_long[s->state][pos_state]);
    if (!decode_bit(rc, &s->p.is_rep1[s->state]))
        i = 1;
    else
        i = 2 + decode_bit(rc, &s->p.is_rep2[s->state]);
    use_distance(s, i, s->rep[i]);
    return false;
}

/* Returns the match's length and leaves its distance in rep[0]. */
INLINE uint32_t decode_match(struct lzma *s, struct range_coder *rc, uint32_t pos_state)
{
    bool after_literal = s->state < LIT_STATES, rep = decode_bit(rc, &s->p.is_rep[s->state]);
    uint32_t len;

    if (rep && decode_rep(s, rc, pos_state)) {
        s->state = after_literal ? 9 : 11;
        return 1;
    }
    len = decode_length(rc, rep ? &s->p.rep_len : &s->p.match_len, pos_state);
    if (!rep)
        use_distance(s, 3, decode_distance(s, rc, len));
    s->state = (after_literal ? 7u : 10u) + rep;
    return len;
}

static int decode_symbols(struct lzma *s, size_t in_len, size_t out_end)
{
    struct unpack *u = s->u;
    const uint8_t *p = unpack_next(u);
    struct range_coder rc = {.in = p + 5, .end = p + in_len, .range = UINT32_MAX};

    rc.code = read_be16(p + 1) << 16 | read_be16(p + 3);
    if (p[0])
        return -XEN_EINVAL;
    while (u->out_pos < out_end && !rc.overrun) {
        uint32_t pos_state = (uint32_t)u->out_pos % POS_STATES, len;
        int err;

        if (!decode_bit(&rc, &s->p.is_match[s->state][pos_state])) {
            err = decode_literal(s, &rc);
        } else {
            len = decode_match(s, &rc, pos_state);
            if (len > out_end - u->out_pos)
                return -XEN_EINVAL;
            err = unpack_match(u, (size_t)s->rep[0] + 1, len);
        }
        if (err)
            return err;
    }
    normalize(&rc);
    u->in_pos += in_len;
    /* A whole chunk uses all its bytes and leaves the coder at zero. */
    return rc.overrun || rc.in != rc.end || rc.code ? -XEN_EINVAL : 0;
}

static void reset_state(struct lzma *s)
{
    uint16_t *prob = (uint16_t *)&s->p;

    s->state = 0;
    memset(s->rep, 0, sizeof(s->rep));
    for (size_t i = 0; i < sizeof(s->p) / sizeof(*prob); i++)
        prob[i] = PROB_INIT;
}

/* Bits 5 and 6 of the control byte: what to reset first. */
enum { RESET_NOTHING, RESET_STATE, RESET_PROPS, RESET_DICTIONARY };

static int lzma_chunk(struct lzma *s, uint8_t control)
{
    struct unpack *u = s->u;
    const uint8_t *p = unpack_next(u);
    unsigned reset = control >> 5 & 3, header = reset >= RESET_PROPS ? 6 : 5;
    uint32_t out_len, in_len;

    if (unpack_left(u) < header)
        return -XEN_EINVAL;
    out_len = ((control & 0x1fu) << 16) + read_be16(p + 1) + 1;
    in_len = read_be16(p + 3) + 1;
    u->in_pos += header;
    if (in_len > unpack_left(u) || in_len < 5)
        return -XEN_EINVAL;
    if (out_len > u->out_cap - u->out_pos)
        return -XEN_E2BIG;
    if (reset >= RESET_PROPS && p[5] != PROPERTIES)
        return -XEN_ENOSYS;
    if (reset != RESET_NOTHING)
        reset_state(s);
    return decode_symbols(s, in_len, u->out_pos + out_len);
}

static int stored_chunk(struct unpack *u)
{
    const uint8_t *p = unpack_next(u);
    uint32_t len;

    if (unpack_left(u) < 3)
        return -XEN_EINVAL;
    len = read_be16(p + 1) + 1;
    u->in_pos += 3;
    if (len > unpack_left(u))
        return -XEN_EINVAL;
    u->in_pos += len;
    return unpack_bytes(u, p + 3, len);
}

int unpack_lzma2(struct unpack *u, void *scratch)
{
    struct lzma *s = scratch;

    memset(s, 0, sizeof(*s));
    s->u = u;
    reset_state(s);
    while (unpack_left(u)) {
        uint8_t control = *unpack_next(u);
        bool first = control == 1 || control >= 0x80 + (RESET_DICTIONARY << 5);
        int rc = -XEN_EINVAL;

        if (!control) {
            u->in_pos++;
            return 0;
        }
        if (first == !u->out_pos && control >= 0x80)
            rc = lzma_chunk(s, control);
        else if (first == !u->out_pos && control <= 2)
            rc = stored_chunk(u);
        if (rc)
            return rc;
    }
    return -XEN_EINVAL;
}
