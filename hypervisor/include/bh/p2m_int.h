/* SPDX-License-Identifier: GPL-2.0-or-later */
/* p2m operations for callers that hold d->p2m_lock (memory operations, grant tables, domain death). */
#ifndef BH_P2M_INT_H
#define BH_P2M_INT_H

#include "bh/p2m.h"
#include "bh/types.h"

#define P2M_DEFER_MAX 64u

struct p2m_deferred {
    bool pending;        /* something was unmapped since the last flush */
    uint64_t gfn_filter; /* hashed frame numbers unmapped: may still be in TLBs */
    unsigned nr_put;
    mfn_t put[P2M_DEFER_MAX]; /* references to drop after the flush */
};

int p2m_init(struct domain *d);
void p2m_destroy(struct domain *d); /* nodes only; entries are gone already */
mfn_t p2m_lookup_locked(struct domain *d, gfn_t g, enum p2m_type *type, unsigned *order);
int __must_check p2m_set_locked(struct domain *d, gfn_t g, mfn_t m, unsigned order, enum p2m_type type);
int __must_check p2m_clear_locked(struct domain *d, gfn_t g, unsigned order);
/* After clearing the entry that pointed at m: drop its reference once no TLB can use it. */
void p2m_defer_put_locked(struct domain *d, mfn_t m);
void p2m_flush_locked(struct domain *d);
bool p2m_walk_locked(struct domain *d, gfn_t *g,
                     bool (*fn)(struct domain *d, gfn_t g, mfn_t m, unsigned order, enum p2m_type t,
                                void *arg),
                     void *arg);
/* Last frame of RAM; 0 without any. From the top down: the tree may be large. */
uint64_t p2m_top_ram_locked(const struct domain *d);
bool p2m_change_type_locked(struct domain *d, gfn_t g, enum p2m_type from, enum p2m_type to);
/* Make the entry for g a 4 KiB one. False: no memory for the nodes. */
bool p2m_split_locked(struct domain *d, gfn_t g);
/* Frame behind g as RAM of any owner (own, foreign, grant) with a reference for the caller to page_put();
 * INVALID_MFN: not RAM, or read-only and write asked. A write to a logged page is recorded. */
mfn_t p2m_get_ram(struct domain *d, gfn_t g, bool write, enum p2m_type *type);

#endif
