/* SPDX-License-Identifier: GPL-2.0-or-later */
/* zstd's FSE and Huffman tables (RFC 8878, sections 4.1 and 4.2). */
#include "unzstd.h"

int back_bits_init(struct back_bits *b, const uint8_t *p, size_t len)
{
    if (!len || !p[len - 1])
        return -XEN_EINVAL;
    *b = (struct back_bits){.p = p, .len = len, .pos = (int64_t)(len - 1) * 8 + highest_bit(p[len - 1])};
    return 0;
}

void fse_rle(struct fse_table *t, uint8_t symbol)
{
    t->log = 0;
    t->entry[0] = (struct fse_entry){.symbol = symbol};
}

/* Symbols are spread over the table by a fixed step; "less than one" ones sit at its end, one entry each. */
static int fse_spread(struct fse_table *t, const int16_t *counts, unsigned nr_symbols, uint16_t *next_state)
{
    unsigned size = 1u << t->log, high = size, pos = 0, step = (size >> 1) + (size >> 3) + 3;

    for (unsigned s = 0; s < nr_symbols; s++) {
        next_state[s] = (uint16_t)(counts[s] < 0 ? 1 : counts[s]);
        if (counts[s] >= 0)
            continue;
        if (!high)
            return -XEN_EINVAL;
        t->entry[--high].symbol = (uint8_t)s;
    }
    for (unsigned s = 0; s < nr_symbols; s++) {
        for (int i = 0; i < counts[s]; i++) {
            t->entry[pos].symbol = (uint8_t)s;
            do
                pos = (pos + step) & (size - 1);
            while (pos >= high);
        }
    }
    return pos ? -XEN_EINVAL : 0;
}

int fse_build(struct fse_table *t, const int16_t *counts, unsigned nr_symbols, unsigned log)
{
    uint16_t next_state[FSE_MAX_SYMBOLS];
    unsigned size = 1u << log, sum = 0;

    for (unsigned s = 0; s < nr_symbols; s++)
        sum += (unsigned)(counts[s] < 0 ? 1 : counts[s]);
    t->log = (uint8_t)log;
    if (sum != size || fse_spread(t, counts, nr_symbols, next_state))
        return -XEN_EINVAL;
    for (unsigned i = 0; i < size; i++) {
        struct fse_entry *e = &t->entry[i];
        unsigned next = next_state[e->symbol]++;

        e->bits = (uint8_t)(log - highest_bit(next));
        e->base = (uint16_t)((next << e->bits) - size);
    }
    return 0;
}

/* Forward bit reader of a table's description, least significant bit first. */
struct forward_bits {
    const uint8_t *p;
    size_t bits, pos;
};

static unsigned forward_peek(const struct forward_bits *f, unsigned n)
{
    unsigned value = 0;

    for (unsigned i = 0; i < n && f->pos + i < f->bits; i++)
        value |= (unsigned)(f->p[(f->pos + i) / 8] >> ((f->pos + i) % 8) & 1) << i;
    return value;
}

/* A value below `limit` in as few bits as possible: small ones save one bit. */
static unsigned forward_take_below(struct forward_bits *f, unsigned limit)
{
    unsigned n = highest_bit(limit) + 1, half = 1u << (n - 1), short_codes = (1u << n) - 1 - limit;
    unsigned value = forward_peek(f, n);

    if ((value & (half - 1)) < short_codes) {
        f->pos += n - 1;
        return value & (half - 1);
    }
    f->pos += n;
    return value >= half ? value - short_codes : value;
}

/* After a zero, two-bit counts of further zeroes follow, as long as they are 3. */
static unsigned forward_take_zeroes(struct forward_bits *f)
{
    unsigned zeroes = 0, n;

    do {
        n = forward_peek(f, 2);
        f->pos += 2;
        zeroes += n;
    } while (n == 3 && f->pos < f->bits);
    return zeroes;
}

int fse_read(struct fse_table *t, const uint8_t *p, size_t len, unsigned max_log, unsigned max_symbols,
             size_t *used)
{
    struct forward_bits f = {.p = p, .bits = len * 8};
    int16_t counts[FSE_MAX_SYMBOLS] = {0};
    unsigned log = forward_peek(&f, 4) + 5, symbol = 0;
    int left = 1 << log;

    f.pos = 4;
    if (log > max_log)
        return -XEN_EINVAL;
    while (left > 0) {
        int count = (int)forward_take_below(&f, (unsigned)left + 1) - 1;

        if (symbol >= max_symbols || f.pos > f.bits)
            return -XEN_EINVAL;
        left -= count < 0 ? 1 : count;
        counts[symbol++] = (int16_t)count;
        if (!count)
            symbol += forward_take_zeroes(&f);
    }
    if (left < 0 || symbol > max_symbols || f.pos > f.bits)
        return -XEN_EINVAL;
    *used = (f.pos + 7) / 8;
    return fse_build(t, counts, symbol, log);
}

/* Weights packed by FSE: two states take turns until the stream is used up. */
static int read_packed_weights(struct huf_table *t, const uint8_t *p, size_t len, uint8_t *weights,
                               unsigned *n)
{
    struct back_bits b;
    size_t used;
    unsigned state[2], turn = 0;

    if (fse_read(&t->weights, p, len, 6, HUF_MAX_BITS + 2, &used) || back_bits_init(&b, p + used, len - used))
        return -XEN_EINVAL;
    state[0] = fse_start(&t->weights, &b);
    state[1] = fse_start(&t->weights, &b);
    if (b.pos < 0)
        return -XEN_EINVAL;
    for (*n = 0; *n < 254; turn ^= 1) {
        weights[(*n)++] = t->weights.entry[state[turn]].symbol;
        state[turn] = fse_next(&t->weights, state[turn], &b);
        if (b.pos < 0) { /* the other state still holds the last one */
            weights[(*n)++] = t->weights.entry[state[turn ^ 1]].symbol;
            return 0;
        }
    }
    return -XEN_EINVAL;
}

/* The last weight is not written: it fills the table up to a power of two. */
static int add_last_weight(uint8_t *weights, unsigned *n, unsigned *bits)
{
    uint32_t sum = 0, rest;

    for (unsigned i = 0; i < *n; i++) {
        if (weights[i] > HUF_MAX_BITS)
            return -XEN_EINVAL;
        sum += weights[i] ? 1u << (weights[i] - 1) : 0;
    }
    if (!sum)
        return -XEN_EINVAL;
    *bits = highest_bit(sum) + 1;
    rest = (1u << *bits) - sum;
    if (*bits > HUF_MAX_BITS || rest & (rest - 1))
        return -XEN_EINVAL;
    weights[(*n)++] = (uint8_t)(highest_bit(rest) + 1);
    return 0;
}

static void huf_build(struct huf_table *t, const uint8_t *weights, unsigned n, unsigned bits)
{
    unsigned pos = 0;

    t->bits = (uint8_t)bits;
    for (unsigned weight = 1; weight <= bits; weight++) {
        for (unsigned s = 0; s < n; s++) {
            if (weights[s] != weight)
                continue;
            for (unsigned i = 0; i < 1u << (weight - 1); i++, pos++) {
                t->entry[pos].symbol = (uint8_t)s;
                t->entry[pos].bits = (uint8_t)(bits + 1 - weight);
            }
        }
    }
}

int huf_read(struct huf_table *t, const uint8_t *p, size_t len, size_t *used)
{
    uint8_t weights[256];
    unsigned n, bits;

    if (!len)
        return -XEN_EINVAL;
    if (p[0] < 128) {
        *used = 1u + p[0];
        if (*used > len || read_packed_weights(t, p + 1, p[0], weights, &n))
            return -XEN_EINVAL;
    } else {
        n = p[0] - 127u;
        *used = 1 + (n + 1) / 2;
        if (*used > len)
            return -XEN_EINVAL;
        for (unsigned i = 0; i < n; i++)
            weights[i] = i % 2 ? p[1 + i / 2] & 15 : p[1 + i / 2] >> 4;
    }
    if (n > 255 || add_last_weight(weights, &n, &bits))
        return -XEN_EINVAL;
    huf_build(t, weights, n, bits);
    return 0;
}
