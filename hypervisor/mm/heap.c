/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Small objects: power-of-two classes of 32 bytes to 2 KiB carved from single frames; larger ones are whole
 * frames. A frame of a class holds a header with its free list and goes back when its last object does.
 */
#include "bh/lib.h"
#include "bh/mm.h"
#include "bh/page.h"
#include "bh/spinlock.h"

struct slab {
    struct slab *next; /* of those with room */
    void *free;
    uint16_t used, capacity;
    uint32_t size;
};

enum { MIN_SHIFT = 5, MAX_SHIFT = 11, NR_CLASSES = MAX_SHIFT - MIN_SHIFT + 1 };
static struct slab *partial[NR_CLASSES];
static spinlock_t slab_lock;
struct heap_counts heap_counts;

static unsigned class_of(size_t size)
{
    return doublings(1ul << MIN_SHIFT, size);
}

static void slab_link(unsigned c, struct slab *s)
{
    s->next = partial[c];
    partial[c] = s;
}

static void slab_unlink(unsigned c, struct slab *s)
{
    struct slab **p = &partial[c];

    while (*p != s)
        p = &(*p)->next;
    *p = s->next;
}

static struct slab *slab_new(unsigned c)
{
    struct slab *s = page_va_alloc(0, PAGE_ZERO);
    uint32_t size = 32u << c, first = MAX((uint32_t)sizeof(*s), MIN(size, 64u));

    if (!s)
        return NULL;
    s->size = size;
    for (uint32_t off = (uint32_t)ROUND_UP(first, MIN(size, 64u)); off + size <= PAGE_SIZE; off += size) {
        *(void **)(void *)((char *)s + off) = s->free;
        s->free = (char *)s + off;
        s->capacity++;
    }
    slab_link(c, s);
    heap_counts.frames++;
    return s;
}

void *kzalloc(size_t size)
{
    unsigned c = class_of(size);
    struct slab *s;
    void *p = NULL;

    if (c >= NR_CLASSES)
        return page_va_alloc(doublings(PAGE_SIZE, size), PAGE_ZERO);
    if (page_fail_injected())
        return NULL;
    spin_lock(&slab_lock);
    s = partial[c] ? partial[c] : slab_new(c);
    if (s) {
        p = s->free;
        s->free = *(void **)p;
        heap_counts.bytes += s->size;
        if (++s->used == s->capacity)
            slab_unlink(c, s);
    }
    spin_unlock(&slab_lock);
    if (p)
        memset(p, 0, size);
    return p;
}

void kfree(void *p, size_t size)
{
    unsigned c = class_of(size);
    struct slab *s = (struct slab *)((uintptr_t)p & PAGE_MASK);

    if (!p)
        return;
    if (c >= NR_CLASSES) {
        page_free(va_to_mfn(p), doublings(PAGE_SIZE, size));
        return;
    }
    spin_guard(&slab_lock);
    ASSERT(s->size == 32u << c && s->used);
    *(void **)p = s->free;
    s->free = p;
    heap_counts.bytes -= s->size;
    if (s->used-- == s->capacity)
        slab_link(c, s);
    if (!s->used) {
        slab_unlink(c, s);
        heap_counts.frames--;
        page_free(va_to_mfn(s), 0);
    }
}
