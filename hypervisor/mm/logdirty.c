/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See logdirty.h. What is dirty stands in the p2m alone: P2M_LOGDIRTY is clean, P2M_RAM was written. Long
 * operations stop after a while and keep their place in `next`.
 */
#include "bh/domain.h"
#include "bh/lib.h"
#include "bh/p2m_int.h"
#include "bh/page.h"

#define CHUNK_WORDS 32u /* read at once: 2048 frames */
#define CHUNK_BITS  (CHUNK_WORDS * 64ull)
#define CHUNKS      64u   /* read before other work gets its turn, */
#define CHUNKS_MIN  16u   /* and even if it waits */
#define ROUND       8192u /* leaves of the p2m changed before other work gets its turn */

void logdirty_mark(struct domain *d, gfn_t g)
{
    if (!__atomic_load_n(&d->logdirty.state, __ATOMIC_ACQUIRE))
        return;
    spin_guard(&d->p2m_lock);
    p2m_log_dirty_locked(d, g);
}

/* --- entering and leaving the mode --- */

/* One round over the p2m; the TLBs are clean when all is done. */
static int retype_all(struct domain *d, enum p2m_type from, enum p2m_type to)
{
    struct logdirty *l = &d->logdirty;
    struct p2m_leaf leaf;
    gfn_t g = gfn(l->next);

    for (unsigned n = 0; p2m_next_locked(d, &g, &leaf); n++) {
        if (n == ROUND)
            return -XEN_ERESTART;
        if (leaf.type == from && page_owner(leaf.m) == d->id)
            p2m_set_type_locked(d, leaf.g, to);
        l->next = g.n;
    }
    p2m_flush_locked(d);
    l->state = LOGDIRTY_IDLE;
    return 0;
}

/* False: another operation is in the middle. */
static bool begin(struct logdirty *l, enum logdirty_state what)
{
    if (l->state != LOGDIRTY_IDLE && l->state != what)
        return false;
    if (l->state == LOGDIRTY_IDLE) {
        l->next = 0;
        l->dirty = 0;
    }
    l->state = what;
    return true;
}

int logdirty_enable(struct domain *d)
{
    spin_guard(&d->p2m_lock);
    if (d->logdirty.state == LOGDIRTY_OFF)
        d->logdirty = (struct logdirty){.state = LOGDIRTY_ENABLING};
    return d->logdirty.state == LOGDIRTY_ENABLING ? retype_all(d, P2M_RAM, P2M_LOGDIRTY) : -XEN_EINVAL;
}

int logdirty_disable(struct domain *d)
{
    int rc;

    spin_guard(&d->p2m_lock);
    if (d->logdirty.state == LOGDIRTY_OFF)
        return 0;
    rc = begin(&d->logdirty, LOGDIRTY_DISABLING) ? retype_all(d, P2M_LOGDIRTY, P2M_RAM) : -XEN_EBUSY;
    if (!rc)
        d->logdirty.state = LOGDIRTY_OFF;
    return rc;
}

/* --- reading --- */

/* The bits of frames first to end - 1 (at most CHUNK_BITS, first a multiple of it) into out. An entry that is
 * told is cleaned with its last frame: the reader looks at frames after all were told. */
static void take_chunk(struct domain *d, uint64_t first, uint64_t end, bool clean, uint64_t out[CHUNK_WORDS])
{
    struct p2m_leaf leaf;
    gfn_t g = gfn(first);

    while (g.n < end && p2m_next_locked(d, &g, &leaf) && leaf.g.n < end) {
        if (leaf.type != P2M_RAM || page_owner(leaf.m) != d->id)
            continue;
        for (uint64_t n = MAX(leaf.g.n, first); n < MIN(g.n, end); n++, d->logdirty.dirty++)
            out[(n - first) / 64] |= 1ull << n % 64;
        if (clean && g.n <= end)
            p2m_set_type_locked(d, leaf.g, P2M_LOGDIRTY);
    }
}

/* From where the last call stopped, until all is read or other work waits. */
static int read_chunks(struct domain *d, struct vcpu *caller, bool clean, uint64_t nr, uint64_t gva)
{
    struct logdirty *l = &d->logdirty;

    for (unsigned done = 0; l->next < nr; done++) {
        uint64_t out[CHUNK_WORDS] = {0}, n = l->next, end = MIN(n + CHUNK_BITS, nr);

        if (done >= CHUNKS || (done >= CHUNKS_MIN && this_cpu()->work))
            return -XEN_ERESTART;
        spin_lock(&d->p2m_lock);
        take_chunk(d, n, end, clean, out);
        spin_unlock(&d->p2m_lock);
        if (gva && copy_to_guest(caller, gva + n / 8, out, (end - n + 7) / 8))
            return -XEN_EFAULT;
        l->next = end;
    }
    return 0;
}

int logdirty_read(struct domain *d, struct vcpu *caller, bool clean, uint64_t nr, uint64_t gva,
                  struct logdirty_stats *stats)
{
    struct logdirty *l = &d->logdirty;
    int rc;

    if (l->state == LOGDIRTY_OFF || nr >> 36)
        return -XEN_EINVAL;
    if (!begin(l, clean ? LOGDIRTY_CLEANING : LOGDIRTY_READING))
        return -XEN_EBUSY;
    rc = read_chunks(d, caller, clean, nr, gva);
    *stats = (struct logdirty_stats){l->faults, l->dirty};
    if (rc == -XEN_ERESTART)
        return rc;
    l->state = LOGDIRTY_IDLE;
    if (clean) {
        p2m_flush(d); /* before the caller reads the frames: later writes are logged */
        l->faults = 0;
    }
    return rc;
}
