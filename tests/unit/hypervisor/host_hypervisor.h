/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine for tests of the hypervisor's stateful core: memory behind the direct map, CPUs, domains with one
 * vCPU each. The core is the real one; only hardware, time and guest page tables (a guest virtual address is
 * a host pointer) are stand-ins. The whole machine can be saved and put back, which lets a model test walk
 * every path from a state.
 */
#ifndef HOST_HYPERVISOR_H
#define HOST_HYPERVISOR_H

#include "bh/domain.h"
#include "bh/hypercall.h"
#include "bh/page.h"

extern uint64_t host_now;       /* ns, what now_ns() says */
extern unsigned host_kicks;     /* cpu_kick() calls */
extern unsigned host_level_eoi; /* vioapic_eoi() calls */
extern uint64_t host_cr4;       /* of every guest */

/* A fresh machine: `frames` frames of RAM of which the first hold the frame table, `cpus` CPUs; forgets the
 * one before. */
void host_machine(uint64_t frames, unsigned cpus);
/* A domain with one vCPU, `ram` frames from gfn 0 on, event ports 1 to max_port. */
struct domain *host_domain(uint16_t id, unsigned ram, unsigned max_port);
/* Dies: everything is given up at once; the structure goes when nobody uses its frames any more. */
void host_domain_kill(struct domain *d);
/* NULL once it is gone; no reference is kept. */
struct domain *host_domain_find(uint16_t id);
unsigned page_refs(mfn_t m);
int p2m_clear(struct domain *d, gfn_t g, unsigned order);
long host_event_op(struct domain *d, unsigned cmd, void *arg);
long host_grant_op(struct domain *d, unsigned cmd, void *arg, unsigned count);

static inline bool spin_is_locked(const spinlock_t *l)
{
    return l->next != l->owner;
}

struct host_snapshot;
struct host_snapshot *host_snapshot_new(void);
void host_snapshot_save(struct host_snapshot *s);
void host_snapshot_restore(const struct host_snapshot *s);
void host_snapshot_free(struct host_snapshot *s);

/* Breadth of a model test: states seen, by 64-bit digest. */
struct host_seen;
struct host_seen *host_seen_new(void);
/* True: not yet seen at this depth or a smaller one. */
bool host_seen_add(struct host_seen *s, uint64_t digest, unsigned depth);
uint64_t host_seen_count(const struct host_seen *s);
void host_seen_free(struct host_seen *s);
/* Mix a value into a digest (start with 0). */
uint64_t host_digest(uint64_t digest, uint64_t value);

#endif
