/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The second-stage map of a domain: guest frame -> machine frame, a radix tree in the format of the CPU's
 * nested page tables (and of the IOMMU, which walks the same tree for dom0). Nodes are frames with reference
 * counts, so a forked domain can share subtrees.
 * Locks: p2m->lock around every change; lookups from the domain's own vCPUs take it too.
 */
#pragma once

#include "bh/spinlock.h"

struct domain;

enum p2m_type {
    P2M_NONE,     /* nothing there; an access traps */
    P2M_RAM,      /* owned memory */
    P2M_LOGDIRTY, /* owned memory, write-protected to log the first write */
    P2M_MMIO,    /* device memory or firmware region, machine frame as given, uncached decided by the guest */
    P2M_FOREIGN, /* another domain's frame, mapped by privilege; holds a reference */
    P2M_GRANT_RW, /* another domain's frame, mapped by grant; holds a reference */
    P2M_GRANT_RO
};

/* Machine frame behind a guest frame, INVALID_MFN if none. type and order (of the mapping found) may be NULL.
 */
mfn_t p2m_lookup(struct domain *d, gfn_t g, enum p2m_type *type, unsigned *order);
/* Point 2^order guest frames (both aligned to the entries that fit: orders 0, 9 and 18) at machine frames.
 * Replaces what was there without touching references: the caller owns those rules. 0 or -XEN_ENOMEM (nothing
 * changed, where nothing was). */
int __must_check p2m_set(struct domain *d, gfn_t g, mfn_t m, unsigned order, enum p2m_type type);
/* Frames [start, end) are the hypervisor's alone: RAM, registers of IOMMUs and of interrupt controllers, what
 * traps. No domain's device memory may be there. At boot. */
void p2m_deny(uint64_t start, uint64_t end);
bool p2m_is_denied(uint64_t start, uint64_t end); /* any of them */
/* Identity map [start, end) frames, but for the denied ones, as P2M_MMIO with the largest pages that fit, or
 * remove it. */
int __must_check p2m_map_identity(struct domain *d, uint64_t start, uint64_t end);
int __must_check p2m_unmap_range(struct domain *d, uint64_t start, uint64_t end);
/* Make every earlier change visible to the domain's CPUs and its IOMMU before returning. */
void p2m_flush(struct domain *d);
/* Machine address of the root table (4 levels), for NPT/EPT and for the IOMMU. */
paddr_t p2m_root(const struct domain *d);
