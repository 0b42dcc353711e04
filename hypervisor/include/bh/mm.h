/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Machine memory: the direct map, the page allocator and the small-object heap.
 * Every 4 KiB frame has 4 bytes: owner and a count of references (mappings) with state bits.
 */
#pragma once

#include "bh/types.h"

#ifdef HOST_TEST /* the tests' machine memory lies where the host has room */
extern uint64_t host_directmap_base;
#define DIRECTMAP_BASE host_directmap_base
#else
#define DIRECTMAP_BASE 0xffff830000000000ull
#endif
#define XEN_VIRT_BASE 0xffffffff80000000ull /* the image, linked at 2 MiB above */

/* RAM and ACPI ranges are in the direct map; device memory is mapped by map_mmio(). */
static inline void *pa_to_va(paddr_t pa)
{
    return (void *)(uintptr_t)(DIRECTMAP_BASE + pa);
}
static inline void *mfn_to_va(mfn_t m)
{
    return pa_to_va(mfn_pa(m));
}
paddr_t va_to_pa(const void *va); /* direct map or image addresses */
static inline mfn_t va_to_mfn(const void *va)
{
    return mfn_of(va_to_pa(va));
}

/* Map device memory uncached, RW, NX. Never fails after boot began (panics when the window is full). */
void *map_mmio(paddr_t pa, size_t size);
void *map_framebuffer(paddr_t pa, size_t size); /* write-combining */

/* Frames without an owner, for the hypervisor's own use; contents undefined unless PAGE_ZERO. */
enum { PAGE_ZERO = 1, PAGE_BELOW_4G = 2 };
mfn_t page_alloc(unsigned order, unsigned flags); /* INVALID_MFN when out of memory */
void page_free(mfn_t m, unsigned order);
static inline void *page_va_alloc(unsigned order, unsigned flags)
{
    mfn_t m = page_alloc(order, flags);

    return mfn_valid_value(m) ? mfn_to_va(m) : NULL;
}

/* Small objects, zeroed. NULL when out of memory. The caller tells the same size again. */
void *kzalloc(size_t size) __must_check;
void kfree(void *p, size_t size);
/* Memory that goes with the block: `scratch(s, size); if (!s.p) …` */
struct scratch {
    void *p;
    size_t size;
};
static inline void scratch_end(struct scratch *s)
{
    kfree(s->p, s->size);
}
#define scratch(name, bytes)                                                                                 \
    __attribute__((cleanup(scratch_end))) struct scratch name = {kzalloc(bytes), bytes}
/* Frames that hold small objects, and what of them is in use. */
extern struct heap_counts {
    uint64_t frames, bytes;
} heap_counts;
