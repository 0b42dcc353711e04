/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Grant tables, version 1 (grant_table.h of the public ABI): a domain's shared entries, the hypervisor's
 * count of their use, and the handles (maptrack) of mappings a domain made of others' frames. Locks: a
 * granter's entries and use counts under its grant.lock; a mapper's maptrack under its grant.maptrack_lock;
 * order: granter's lock, then maptrack.
 */
#pragma once

#include "bh/spinlock.h"
#include "bh/xen.h"

struct domain;
struct vcpu;

#define GRANT_MAX_FRAMES   64u
#define GRANTS_PER_FRAME   512u
#define GRANT_MAX_MAPTRACK 1024u /* frames of handles */
#define MAPTRACK_PER_FRAME 170u
#define MAPTRACK_SHIFT     8u /* a handle: frame, and place in the frame in this many bits */

struct grant_active { /* one a shared entry, beside it */
    union {
        struct {
            uint16_t maps; /* mappings in force */
            uint16_t writable_maps;
            uint16_t mapper; /* domain id while maps or copies > 0 */
            uint8_t copies;  /* in progress at this moment, one a CPU at most */
            uint8_t mfn_high;
        };
        uint64_t uses; /* all of these at once; 0 in the count fields: not in use */
    };
    uint32_t mfn_low, gfn; /* frame, fixed at the first use */
};
/* The same in `uses`. */
#define GRANT_USE_MAP    1ull
#define GRANT_USE_WRITE  (1ull << 16)
#define GRANT_USE_COPY   (1ull << 48)
#define GRANT_WRITES     0xffff0000ull
#define GRANT_USES       (0xffull << 48 | 0xffff)
#define GRANT_USER_SHIFT 32
#define GRANT_MFN_SHIFT  56
static inline mfn_t grant_active_mfn(const struct grant_active *a)
{
    return mfn((uint64_t)a->mfn_high << 32 | a->mfn_low);
}
struct maptrack {
    uint16_t granter; /* or DOMID_SELF */
    uint16_t flags;   /* GNTMAP_*; 0: free */
    uint32_t ref;     /* or the next free handle */
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

void grant_domain_init(struct domain *d, uint32_t max_frames, uint32_t max_maptrack);
/* Drop mappings that this dying domain made, some at a time. True: none is left. */
bool grant_domain_destroy(struct domain *d);
void grant_domain_free(struct domain *d);
/* The frame of shared entries `idx`, grown on demand, with a reference for the caller. 0 or -XEN_E… */
int grant_shared_frame(struct domain *d, uint32_t idx, mfn_t *m);
/* Frames that others can write at this moment count as written (log-dirty mode). */
void grant_log_dirty(struct domain *d);
unsigned grant_count_frames(const struct domain *d); /* of its tables */
