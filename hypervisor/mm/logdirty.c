/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See logdirty.h. What is dirty stands in the p2m alone: P2M_LOGDIRTY is clean, P2M_RAM was written. Long
 * operations stop after a while and keep their place in `next`.
 */
#include "bh/logdirty.h"
#include "bh/domain.h"
#include "bh/lib.h"
#include "bh/p2m_int.h"
#include "bh/page.h"

#define CHUNK_WORDS 32u /* read at once: 2048 frames */
#define CHUNK_BITS  (CHUNK_WORDS * 64ull)
#define CHUNKS      64u   /* read before other work gets its turn, */
#define CHUNKS_MIN  16u   /* and even if it waits */
#define ROUND       8192u /* leaves of the p2m changed before other work gets its turn */

enum doing { IDLE, ENABLING, DISABLING, READING, CLEANING };

struct logdirty {
    enum doing doing;
    uint64_t next;  /* frame where the operation in progress goes on */
    uint32_t dirty; /* frames it found */
};

void logdirty_mark(struct domain *d, gfn_t g)
{
    if (!__atomic_load_n(&d->logdirty, __ATOMIC_ACQUIRE))
        return;
    spin_guard(&d->p2m_lock);
    p2m_log_dirty_locked(d, g);
}

/* --- entering and leaving the mode --- */

/* One round over the p2m; the TLBs are clean when all is done. */
static int retype_all(struct domain *d, struct logdirty *l, enum p2m_type from, enum p2m_type to)
{
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
    l->doing = IDLE;
    return 0;
}

/* False: another operation is in the middle. */
static bool begin(struct logdirty *l, enum doing what)
{
    if (l->doing != IDLE && l->doing != what)
        return false;
    if (l->doing == IDLE) {
        l->next = 0;
        l->dirty = 0;
    }
    l->doing = what;
    return true;
}

int logdirty_enable(struct domain *d)
{
    struct logdirty *l = d->logdirty ? d->logdirty : kzalloc(sizeof(*l));

    if (!l)
        return -XEN_ENOMEM;
    spin_guard(&d->p2m_lock);
    if (!d->logdirty) {
        l->doing = ENABLING;
        d->log_faults = 0;
    }
    d->logdirty = l;
    return l->doing == ENABLING ? retype_all(d, l, P2M_RAM, P2M_LOGDIRTY) : -XEN_EINVAL;
}

int logdirty_disable(struct domain *d)
{
    int rc;

    if (!d->logdirty)
        return 0;
    spin_guard(&d->p2m_lock);
    rc = begin(d->logdirty, DISABLING) ? retype_all(d, d->logdirty, P2M_LOGDIRTY, P2M_RAM) : -XEN_EBUSY;
    if (!rc)
        logdirty_free(d);
    return rc;
}

void logdirty_free(struct domain *d)
{
    kfree(d->logdirty, sizeof(*d->logdirty));
    d->logdirty = NULL;
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
        for (uint64_t n = MAX(leaf.g.n, first); n < MIN(g.n, end); n++, d->logdirty->dirty++)
            out[(n - first) / 64] |= 1ull << n % 64;
        if (clean && g.n <= end)
            p2m_set_type_locked(d, leaf.g, P2M_LOGDIRTY);
    }
}

/* From where the last call stopped, until all is read or other work waits. */
static int read_chunks(struct domain *d, struct vcpu *caller, bool clean, uint64_t nr, uint64_t gva)
{
    struct logdirty *l = d->logdirty;

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
    struct logdirty *l = d->logdirty;
    int rc;

    if (!l || nr >> 36)
        return -XEN_EINVAL;
    if (!begin(l, clean ? CLEANING : READING))
        return -XEN_EBUSY;
    rc = read_chunks(d, caller, clean, nr, gva);
    *stats = (struct logdirty_stats){d->log_faults, l->dirty};
    if (rc == -XEN_ERESTART)
        return rc;
    l->doing = IDLE;
    if (clean) {
        p2m_flush(d); /* before the caller reads the frames: later writes are logged */
        d->log_faults = 0;
    }
    return rc;
}
