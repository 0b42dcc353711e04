/* SPDX-License-Identifier: GPL-2.0-or-later */
/* p2m operations for callers that hold d->p2m_lock (memory operations, grant tables, domain death). */
#pragma once

#include "bh/domain.h"
#include "bh/page.h"

#define TYPE_SHIFT 52

#define P2M_DEFER_MAX   64u
#define P2M_EMPTIED_MAX 8u /* nodes found empty that one flush takes out */

struct p2m_deferred {
    bool pending;        /* something was unmapped since the last flush */
    uint64_t gfn_filter; /* hashed frame numbers unmapped: may still be in TLBs */
    unsigned nr_put;
    mfn_t put[P2M_DEFER_MAX]; /* references to drop after the flush */
    gfn_t emptied[P2M_EMPTIED_MAX];
    unsigned nr_emptied, nr_spare;
    mfn_t spare[3]; /* empty nodes: what mapping and unmapping a far frame again and again needs */
    /* the nodes of level 1 and 2 that were looked at last, and the frame numbers' bits above each */
    struct {
        uint64_t *table, prefix;
        uint16_t *refs; /* of its frame */
    } seen[2];
    uint64_t leaf_bits[2];  /* the IOMMU's, by writable */
    uint64_t grant_bits[2]; /* all but the address of a grant mapping */
};

int p2m_init(struct domain *d);
void p2m_destroy(struct domain *d); /* nodes only; entries are gone already */
mfn_t p2m_lookup_locked(struct domain *d, gfn_t g, enum p2m_type *type, unsigned *order);
int __must_check p2m_set_locked(struct domain *d, gfn_t g, mfn_t m, unsigned order, enum p2m_type type);
/* Forget 2^order guest frames; splits superpages. 0 or -XEN_ENOMEM (when a split needs a node). The TLBs (CPU
 * and IOMMU) are flushed later, in batch, before any frame is reused: p2m_flush(). */
int __must_check p2m_clear_locked(struct domain *d, gfn_t g, unsigned order);
/* After clearing the entry that pointed at m: drop its reference once no TLB can use it. */
void p2m_defer_put_locked(struct domain *d, mfn_t m);
void p2m_flush_locked(struct domain *d);
struct p2m_leaf {
    gfn_t g;
    mfn_t m;
    unsigned order;
    enum p2m_type type;
};
/* The first leaf over or behind *g, which then is the frame behind it; the leaf may be cleared. False: none.
 */
bool p2m_next_locked(struct domain *d, gfn_t *g, struct p2m_leaf *leaf);
/* Give the leaf over g, of whatever size, another type. */
void p2m_set_type_locked(struct domain *d, gfn_t g, enum p2m_type t);
/* Frame behind g as RAM of any owner (own, foreign, grant) with a reference for the caller to page_put();
 * INVALID_MFN: not RAM, or read-only and write asked. A write to a logged page is recorded. */
mfn_t p2m_get_ram(struct domain *d, gfn_t g, bool write, enum p2m_type *type);

/* --- runs of single frames, for grant tables: what is usual is inline --- */

#define P2M_NOTHING_SEEN ~0ull
/* Is g in the level 1 node that was looked at last? And its entry there. */
static inline bool p2m_is_seen(const struct p2m_deferred *def, gfn_t g)
{
    return likely(g.n >> 9 == def->seen[0].prefix);
}
static inline uint64_t *p2m_seen(const struct p2m_deferred *def, gfn_t g)
{
    return &def->seen[0].table[g.n & 511];
}
uint64_t p2m_find_leaf_locked(struct domain *d, gfn_t g);
int p2m_add_grant_slow(struct domain *d, gfn_t g, mfn_t m, bool write);
void p2m_emptied_note(struct domain *d, gfn_t g);

/* The entry for g as if it were of level 1, also out of a 2 MiB one; 0: nothing is there. */
static inline uint64_t p2m_leaf_locked(struct domain *d, gfn_t g)
{
    const struct p2m_deferred *def = d->deferred;
    uint64_t e;

    if (likely(p2m_is_seen(def, g)))
        return *p2m_seen(def, g);
    if (likely(g.n >> 18 == def->seen[1].prefix)) {
        e = def->seen[1].table[g.n >> 9 & 511];
        if (likely(e & PTE_PS))
            return e + ((g.n & 511) << PAGE_SHIFT);
    }
    return p2m_find_leaf_locked(d, g);
}
static inline mfn_t p2m_leaf_mfn(uint64_t leaf)
{
    return mfn((leaf & PTE_ADDR) >> PAGE_SHIFT);
}
static inline enum p2m_type p2m_leaf_type(uint64_t leaf) /* P2M_NONE: nothing is there */
{
    return (enum p2m_type)(leaf >> TYPE_SHIFT & 0xf);
}

/* One more reference to a frame that the entry just read maps, which holds one already. */
static inline bool __must_check p2m_page_get(mfn_t m, uint16_t owner)
{
    struct page *pg = &page_table_base[m.n];

    if (unlikely(pg->owner != owner || pg->info >= PAGE_MAX_REFS - MAX_CPUS))
        return false;
    __atomic_fetch_add(&pg->info, 1, __ATOMIC_ACQ_REL);
    return true;
}

/* And one less, which is rarely the last. */
static inline void p2m_page_put(mfn_t m)
{
    struct page *pg = &page_table_base[m.n];
    uint16_t old = __atomic_load_n(&pg->info, __ATOMIC_RELAXED);

    if (unlikely(old < 2 || !__atomic_compare_exchange_n(&pg->info, &old, (uint16_t)(old - 1), false,
                                                         __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)))
        page_put(m);
}

/* A grant mapping where nothing is: 0, -XEN_EBUSY, -XEN_ENOMEM, -XEN_EINVAL. */
static inline int __must_check p2m_add_grant_locked(struct domain *d, gfn_t g, mfn_t m, uint32_t write)
{
    struct p2m_deferred *def = d->deferred;
    uint64_t *e;

    if (unlikely(!p2m_is_seen(def, g) || def->pending))
        return p2m_add_grant_slow(d, g, m, write);
    e = p2m_seen(def, g);
    if (unlikely(*e))
        return -XEN_EBUSY;
    ++*def->seen[0].refs;
    __atomic_store_n(e, mfn_pa(m) | def->grant_bits[write], __ATOMIC_RELEASE);
    return 0;
}
/* Its removal, if it is still there. p2m_flush_removed_locked() ends a run of these under one hold of the
 * lock. */
static inline void p2m_remove_grant_locked(struct domain *d, gfn_t g, mfn_t m, uint32_t write)
{
    struct p2m_deferred *def = d->deferred;
    uint64_t *e;

    if (unlikely(!p2m_is_seen(def, g)))
        (void)p2m_find_leaf_locked(d, g);
    if (unlikely(!p2m_is_seen(def, g)))
        return;
    e = p2m_seen(def, g);
    if (unlikely(*e != (mfn_pa(m) | def->grant_bits[write])))
        return;
    __atomic_store_n(e, 0, __ATOMIC_RELEASE);
    if (unlikely(--*def->seen[0].refs == 1))
        p2m_emptied_note(d, g);
}
void p2m_flush_removed_locked(struct domain *d);
