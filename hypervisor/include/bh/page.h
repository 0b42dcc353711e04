/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ownership and references of machine frames. A frame of a domain starts with one reference, its owner's;
 * each foreign or grant mapping adds one. The last one gone, the frame is scrubbed and free again.
 * All operations are lock-free on the frame's 4-byte record.
 */
#pragma once

#include "bh/mm.h"

struct domain;

/* Page table entries of the CPU, its second stage and guests (APM vol. 2 §5.3). */
#define PTE_P    BIT(0)
#define PTE_RW   BIT(1)
#define PTE_US   BIT(2)
#define PTE_A    BIT(5)
#define PTE_D    BIT(6)
#define PTE_PS   BIT(7)
#define PTE_ADDR 0x000ffffffffff000ull

struct page {
    uint16_t owner; /* domain id, or one of OWNER_… */
    uint16_t info;  /* owned by a domain or the hypervisor: references; free: a block's order and state */
} __aligned_to(4);
enum { OWNER_FREE = 0xffff, OWNER_HYPERVISOR = 0xfffe, OWNER_NONE = 0xfffd };
#define PAGE_MAX_REFS 0xfff0u

extern struct page *page_table_base; /* one a frame, up to max_page */
extern uint64_t max_page;

static inline struct page *mfn_page(mfn_t m)
{
    return m.n < max_page ? &page_table_base[m.n] : NULL;
}

/* Boot: make the array for frames below `limit` in memory at `where`, then hand RAM over. */
size_t page_table_size(uint64_t limit);
void page_init(void *where, uint64_t limit);
void page_add_ram(paddr_t start, paddr_t end, bool dirty);

/* 2^order frames for a domain, charged to it; zeroed unless `dirty_ok`. INVALID_MFN: out of memory or over
 * max_pages when `check_limit`. */
mfn_t page_alloc_domain(struct domain *d, unsigned order, unsigned flags);
enum { PAGE_DIRTY_OK = 4, PAGE_NO_LIMIT = 8 };
/* Frames for the hypervisor at the highest place there is (boot only). */
mfn_t page_alloc_top(unsigned order);
/* Give RAM frames at a fixed place to a domain (one-to-one dom0). False if any is not free. */
bool page_claim_fixed(struct domain *d, mfn_t m, uint64_t count);

/* One more reference to a frame that `owner` owns. False: not its frame, dying, or too many. */
bool __must_check page_get(mfn_t m, uint16_t owner);
/* Drop a reference; the last one frees the frame (and uncharges the owner). */
void page_put(mfn_t m);
/* Drop the owner's reference to 2^order frames that nobody else can newly reference. */
void page_put_block(mfn_t m, unsigned order);
uint16_t page_owner(mfn_t m);

extern struct page_counts { /* frames; the dirty ones are free, too */
    uint64_t total, free, dirty;
} page_counts;
/* Free frames in [start, end). Walks the free blocks: for questions of the toolstack. */
uint64_t page_count_free_in(uint64_t start, uint64_t end);
/* Idle CPUs clean freed memory. True if there is more to do. */
bool page_scrub_some(void);
/* Debug build: the allocation after this many more fails; negative: none. */
#ifdef BH_FAULT_INJECTION
extern int64_t page_fail_after;
bool page_fail_injected(void);
#else
static inline bool page_fail_injected(void)
{
    return false;
}
#endif
