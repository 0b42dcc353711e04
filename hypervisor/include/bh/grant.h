/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Grant tables, version 1 (grant_table.h of the public ABI): a domain's shared entries, the hypervisor's
 * count of their use, and the handles (maptrack) of mappings a domain made of others' frames. Locks: a
 * granter's entries and use counts under its grant.lock; a mapper's maptrack under its grant.maptrack_lock;
 * order: granter's lock, then maptrack.
 */
#ifndef BH_GRANT_H
#define BH_GRANT_H

#include "bh/spinlock.h"
#include "bh/types.h"
#include "bh/xen.h"

struct domain;
struct vcpu;

#define GRANT_MAX_FRAMES   64u
#define GRANTS_PER_FRAME   512u
#define GRANT_MAX_MAPTRACK 1024u /* frames of handles */
#define MAPTRACK_PER_FRAME 170u

struct grant_active { /* one a shared entry, beside it */
    uint16_t maps;    /* mappings in force */
    uint16_t writable_maps;
    uint16_t mapper; /* domain id while maps or copies > 0 */
    uint16_t copies;
    uint64_t mfn; /* frame, fixed at the first use */
};
struct maptrack {
    uint16_t granter;
    uint16_t flags; /* GNTMAP_*; 0: free */
    uint32_t ref;   /* or the next free handle */
    uint64_t gfn;
    uint64_t mfn;
};
struct grant_domain {
    spinlock_t lock, maptrack_lock;
    uint32_t nr_frames, max_frames;
    grant_entry_v1_t *shared[GRANT_MAX_FRAMES];
    struct grant_active *active[GRANT_MAX_FRAMES]; /* 8 KiB a frame */
    struct maptrack **maptrack;                    /* frame of pointers */
    uint32_t nr_maptrack_frames, max_maptrack_frames, free_handle, nr_maps, next_drop;
};

int grant_domain_init(struct domain *d, uint32_t max_frames, uint32_t max_maptrack);
/* Drop mappings that this dying domain made, some at a time. True: none is left. */
bool grant_domain_destroy(struct domain *d);
void grant_domain_free(struct domain *d);
long grant_table_op(struct vcpu *v, unsigned cmd, uint64_t arg, unsigned count);
/* The frame of shared entries `idx`, grown on demand (add_to_physmap, acquire_resource). 0 or -XEN_E… */
int grant_shared_frame(struct domain *d, uint32_t idx, mfn_t *m);
/* Frames that others can write at this moment count as written (log-dirty mode). */
void grant_log_dirty(struct domain *d);
unsigned grant_count_maps(const struct domain *d);
unsigned grant_count_frames(const struct domain *d); /* of its tables */

#endif
