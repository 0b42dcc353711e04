/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ticket locks. The hypervisor runs with interrupts off and takes them only at points where no lock is held
 * (arch/x86/cpu_loop.c), so there is one kind of lock and no saving of flags.
 * Lock order: domctl (tried only) > domain.lock > grant.lock > p2m_lock > evtchn.lock (two: lower domain
 * address first) > FIFO queue > runq > timer > timer queue > heap > console. Leaves, also under p2m_lock:
 * domlist_lock (page_put() of a domain's frame) and maptrack_lock. A holder of p2m_lock may wait for a CPU to
 * leave guest mode, which needs no lock; nobody waits for a CPU in host mode with a lock held but domctl's.
 */
#pragma once

#include "bh/types.h"

typedef struct {
    uint16_t next, owner;
} __attribute__((aligned(4))) spinlock_t; /* zero: free */

static inline void spin_lock(spinlock_t *l)
{
    uint16_t t = __atomic_fetch_add(&l->next, 1, __ATOMIC_RELAXED);

    while (__atomic_load_n(&l->owner, __ATOMIC_ACQUIRE) != t)
        __builtin_ia32_pause();
}

static inline bool spin_trylock(spinlock_t *l)
{
    spinlock_t old, new;

    __atomic_load(l, &old, __ATOMIC_RELAXED);
    new = old;
    new.next++;
    return old.next == old.owner &&
           __atomic_compare_exchange(l, &old, &new, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static inline void spin_unlock(spinlock_t *l)
{
    __atomic_store_n(&l->owner, (uint16_t)(l->owner + 1), __ATOMIC_RELEASE);
}

/* Take the lock and hold it to the end of the block, whichever way leaves it. */
#define spin_guard(lock)                                                                                     \
    __attribute__((cleanup(spin_guard_end), unused)) spinlock_t *UNIQUE(guard) = spin_locked(lock)
static inline spinlock_t *spin_locked(spinlock_t *l)
{
    spin_lock(l);
    return l;
}
static inline void spin_guard_end(spinlock_t **l)
{
    spin_unlock(*l);
}
