/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Basic types of the hypervisor. An address space is part of a type: guest frame (gfn) and machine
 * frame (mfn) numbers do not mix without a conversion that names it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t paddr_t;  /* machine physical address, bytes */
typedef uint64_t gpaddr_t; /* guest physical address, bytes */

typedef struct {
    uint64_t n;
} mfn_t;
typedef struct {
    uint64_t n;
} gfn_t;

#define PAGE_SHIFT    12
#define PAGE_SIZE     4096ul
#define PAGE_MASK     (~(PAGE_SIZE - 1))
#define ORDER_4K      0u
#define ORDER_2M      9u
#define ORDER_1G      18u
#define INVALID_FRAME (~0ull)

static inline mfn_t mfn(uint64_t n)
{
    return (mfn_t){n};
}
static inline gfn_t gfn(uint64_t n)
{
    return (gfn_t){n};
}
static inline mfn_t mfn_add(mfn_t m, uint64_t i)
{
    return (mfn_t){m.n + i};
}
static inline gfn_t gfn_add(gfn_t g, uint64_t i)
{
    return (gfn_t){g.n + i};
}
static inline mfn_t mfn_of(paddr_t pa)
{
    return (mfn_t){pa >> PAGE_SHIFT};
}
static inline gfn_t gfn_of(gpaddr_t pa)
{
    return (gfn_t){pa >> PAGE_SHIFT};
}
static inline paddr_t mfn_pa(mfn_t m)
{
    return m.n << PAGE_SHIFT;
}
static inline bool mfn_valid_value(mfn_t m)
{
    return m.n != INVALID_FRAME;
}

#define INVALID_MFN ((mfn_t){INVALID_FRAME})

/* How often `unit` has to be doubled to hold `size`. */
static inline unsigned doublings(size_t unit, size_t size)
{
    unsigned n = 0;

    while (unit << n < size)
        n++;
    return n;
}

#define JOIN_NAMES(a, b)      a##b
#define JOIN(a, b)            JOIN_NAMES(a, b)
#define UNIQUE(name)          JOIN(name, __LINE__) /* for what a macro declares */
#define ARRAY_SIZE(a)         (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)             ((a) < (b) ? (a) : (b))
#define MAX(a, b)             ((a) > (b) ? (a) : (b))
#define ROUND_UP(x, a)        (((x) + (a)-1) & ~((uint64_t)(a)-1))
#define ROUND_DOWN(x, a)      ((x) & ~((uint64_t)(a)-1))
#define BIT(n)                (1ul << (n))
#define likely(x)             __builtin_expect(!!(x), 1)
#define unlikely(x)           __builtin_expect(!!(x), 0)
#define container_of(p, t, m) ((t *)(void *)((char *)(p)-offsetof(t, m)))
#define __aligned_to(n)       __attribute__((aligned(n)))
#define __packed_struct       __attribute__((packed))
#define __must_check          __attribute__((warn_unused_result))
