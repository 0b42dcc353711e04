/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For the parsers: little-endian numbers at any alignment, whose bytes the caller has checked to be there. */
#pragma once

#include "bh/types.h"
#include "bh/xen.h"
#include <string.h>

static inline uint16_t read_le16(const void *p)
{
    uint16_t v;

    memcpy(&v, p, sizeof(v));
    return v;
}

static inline uint32_t read_le32(const void *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof(v));
    return v;
}

static inline uint64_t read_le64(const void *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof(v));
    return v;
}

static inline void write_le32(void *p, uint32_t v)
{
    memcpy(p, &v, sizeof(v));
}

/* True when [offset, offset + size) lies within len bytes; no overflow. */
static inline bool range_within(uint64_t offset, uint64_t size, uint64_t len)
{
    return offset <= len && size <= len - offset;
}

/* Length of the structure at `offset` of a table, told by its bytes 2 and 3. 0: it does not fit, or lacks
 * `min` bytes. */
static inline size_t structure_length(const uint8_t *table, size_t offset, size_t len, size_t min)
{
    size_t n = range_within(offset, min, len) ? read_le16(table + offset + 2) : 0;

    return n >= min && range_within(offset, n, len) ? n : 0;
}

/* A parser's refusal: *why becomes a sentence for the console. */
static inline int refuse(const char **why, const char *sentence)
{
    *why = sentence;
    return -XEN_EINVAL;
}
