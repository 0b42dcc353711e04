/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to the zstd decompressor: bit streams, FSE and Huffman codes (RFC 8878, sections 4.1 and 4.2). */
#pragma once

#include "unpack.h"

/* A bit stream that is read from its end to its start. */
struct back_bits {
    const uint8_t *p;
    size_t len;
    int64_t pos; /* bits not yet read; negative: more was read than there is */
};

/* The last byte's highest one bit marks the start. -XEN_EINVAL if there is none. */
int back_bits_init(struct back_bits *b, const uint8_t *p, size_t len);

/* The 64 bits at bit position `pos` (their first pos % 8 bits dropped), zeroes behind the end. */
static inline uint64_t back_bits_window(const struct back_bits *b, int64_t pos)
{
    size_t byte = (size_t)pos / 8;
    uint64_t word = 0;

    if (b->len - byte >= 8)
        word = read_le64(b->p + byte);
    else
        memcpy(&word, b->p + byte, b->len - byte);
    return word >> (pos % 8);
}

/* The next n (0-56) bits without taking them; before the stream's start come zeroes. */
static inline uint64_t back_bits_peek(const struct back_bits *b, unsigned n)
{
    if (b->pos >= n)
        return back_bits_window(b, b->pos - n) & (BIT(n) - 1);
    if (b->pos <= 0)
        return 0;
    return (back_bits_window(b, 0) & (BIT(b->pos) - 1)) << (n - (unsigned)b->pos);
}

static inline uint64_t back_bits_take(struct back_bits *b, unsigned n)
{
    uint64_t value = back_bits_peek(b, n);

    b->pos -= n;
    return value;
}

static inline unsigned highest_bit(uint32_t v)
{
    return 31u - (unsigned)__builtin_clz(v);
}

#define FSE_MAX_LOG     9
#define FSE_MAX_SYMBOLS 256

struct fse_entry {
    uint8_t symbol, bits;
    uint16_t base;
};
struct fse_table {
    uint8_t log; /* accuracy: the table has 1 << log entries */
    struct fse_entry entry[1 << FSE_MAX_LOG];
};

void fse_rle(struct fse_table *t, uint8_t symbol);
/* counts: probability of each symbol, -1 for "less than one"; their sum must fill the table. */
int fse_build(struct fse_table *t, const int16_t *counts, unsigned nr_symbols, unsigned log);
/* Read a table's description. *used becomes its length in bytes. */
int fse_read(struct fse_table *t, const uint8_t *p, size_t len, unsigned max_log, unsigned max_symbols,
             size_t *used);

static inline unsigned fse_start(const struct fse_table *t, struct back_bits *b)
{
    return (unsigned)back_bits_take(b, t->log);
}

static inline unsigned fse_next(const struct fse_table *t, unsigned state, struct back_bits *b)
{
    return t->entry[state].base + (unsigned)back_bits_take(b, t->entry[state].bits);
}

#define HUF_MAX_BITS 11

struct huf_table {
    uint8_t bits; /* 0: no table yet */
    struct {
        uint8_t symbol, bits;
    } entry[1 << HUF_MAX_BITS];
    struct fse_table weights; /* used while reading a description */
};

int huf_read(struct huf_table *t, const uint8_t *p, size_t len, size_t *used);
