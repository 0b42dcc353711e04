/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See logdirty.h. The bitmap is a tree of frames made as bits are set: two levels of 512 pointers over leaves
 * of 32768 bits, enough for 32 TiB. Long operations stop after a while and keep their place in `next`.
 */
#include "bh/logdirty.h"
#include "bh/domain.h"
#include "bh/guest_access.h"
#include "bh/lib.h"
#include "bh/p2m_int.h"
#include "bh/page.h"

#define LEAF_SHIFT  15u
#define INDEX_SHIFT 9u
#define ENTRIES     512u
#define GFN_LIMIT   (1ull << (LEAF_SHIFT + 2 * INDEX_SHIFT))
#define CHUNK_WORDS 32u /* read at once: 2048 frames */
#define CHUNK_BITS  (CHUNK_WORDS * 64ull)
#define ROUND       8192u /* leaves of the p2m looked at before other work gets its turn */

enum doing { IDLE, ENABLING, DISABLING, READING, CLEANING };

struct logdirty {
    uint64_t **dir[ENTRIES];
    enum doing doing;
    uint64_t next; /* frame where the operation in progress goes on */
    uint32_t faults, dirty;
    bool lost; /* a bit could not be set */
};

static uint64_t *leaf_find(const struct logdirty *l, uint64_t n)
{
    uint64_t **mid = n < GFN_LIMIT ? l->dir[n >> (LEAF_SHIFT + INDEX_SHIFT)] : NULL;

    return mid ? mid[n >> LEAF_SHIFT & (ENTRIES - 1)] : NULL;
}

static uint64_t *leaf_make(struct logdirty *l, uint64_t n)
{
    uint64_t ***mid = &l->dir[n >> (LEAF_SHIFT + INDEX_SHIFT)], **leaf;

    if (!*mid)
        *mid = page_va_alloc(0, PAGE_ZERO);
    if (!*mid)
        return NULL;
    leaf = &(*mid)[n >> LEAF_SHIFT & (ENTRIES - 1)];
    if (!*leaf)
        *leaf = page_va_alloc(0, PAGE_ZERO);
    return *leaf;
}

static void set_bit(struct logdirty *l, uint64_t n)
{
    uint64_t *leaf = n < GFN_LIMIT ? leaf_make(l, n) : NULL;
    uint64_t in = n & ((1ull << LEAF_SHIFT) - 1);

    if (!leaf) {
        l->lost = true;
        return;
    }
    if (!(leaf[in / 64] >> (in % 64) & 1))
        l->dirty++;
    leaf[in / 64] |= 1ull << in % 64;
}

void logdirty_mark_locked(struct domain *d, gfn_t g, unsigned order)
{
    for (uint64_t i = 0; i < 1ull << order; i++)
        set_bit(d->logdirty, g.n + i);
}

void logdirty_mark(struct domain *d, gfn_t g)
{
    enum p2m_type t;

    if (!__atomic_load_n(&d->logdirty, __ATOMIC_ACQUIRE))
        return;
    spin_guard(&d->p2m_lock);
    (void)p2m_lookup_locked(d, g, &t, NULL);
    if (d->logdirty && t == P2M_LOGDIRTY)
        p2m_log_dirty_locked(d, g);
    else if (d->logdirty && t == P2M_RAM)
        set_bit(d->logdirty, g.n);
}

void p2m_log_dirty_locked(struct domain *d, gfn_t g)
{
    unsigned order;

    /* without memory for the split, all that the superpage maps counts as written */
    (void)p2m_split_locked(d, g);
    (void)p2m_lookup_locked(d, g, NULL, &order);
    if (!p2m_change_type_locked(d, g, P2M_LOGDIRTY, P2M_RAM) || !d->logdirty)
        return;
    d->logdirty->faults++;
    logdirty_mark_locked(d, gfn(ROUND_DOWN(g.n, 1ull << order)), order);
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
            p2m_change_type_locked(d, leaf.g, from, to);
        l->next = g.n;
    }
    p2m_flush_locked(d);
    l->doing = IDLE;
    l->next = 0;
    return 0;
}

/* False: another operation is in the middle. */
static bool begin(struct logdirty *l, enum doing what)
{
    if (l->doing != IDLE && l->doing != what)
        return false;
    if (l->doing == IDLE)
        l->next = 0;
    l->doing = what;
    return true;
}

int logdirty_enable(struct domain *d)
{
    struct logdirty *l = d->logdirty ? d->logdirty : kzalloc(sizeof(*l));

    if (!l)
        return -XEN_ENOMEM;
    spin_guard(&d->p2m_lock);
    if (!d->logdirty)
        l->doing = ENABLING;
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
    struct logdirty *l = d->logdirty;

    if (!l)
        return;
    d->logdirty = NULL;
    for (unsigned i = 0; i < ENTRIES; i++) {
        for (unsigned j = 0; l->dir[i] && j < ENTRIES; j++)
            if (l->dir[i][j])
                page_free(va_to_mfn(l->dir[i][j]), 0);
        if (l->dir[i])
            page_free(va_to_mfn(l->dir[i]), 0);
    }
    kfree(l, sizeof(*l));
}

/* --- reading --- */

/* These frames were written and told: the next writes are to be logged again. */
static void protect_again(struct domain *d, uint64_t first, uint64_t bits)
{
    for (; bits; bits &= bits - 1, d->logdirty->dirty--)
        p2m_change_type_locked(d, gfn(first + (unsigned)__builtin_ctzll(bits)), P2M_RAM, P2M_LOGDIRTY);
}

/* One chunk of words from frame n on (a multiple of CHUNK_BITS) into out; frames from nr on are left. */
static void take_chunk(struct domain *d, uint64_t n, uint64_t nr, bool clean, uint64_t out[CHUNK_WORDS])
{
    uint64_t *leaf = leaf_find(d->logdirty, n), *words;

    memset(out, 0, CHUNK_WORDS * sizeof(out[0]));
    if (!leaf)
        return;
    words = leaf + (n & ((1ull << LEAF_SHIFT) - 1)) / 64;
    for (unsigned i = 0; i < CHUNK_WORDS && n + i * 64ull < nr; i++) {
        uint64_t left = nr - (n + i * 64ull), bits = words[i] & (left < 64 ? (1ull << left) - 1 : ~0ull);

        out[i] = bits;
        if (!clean || !bits)
            continue;
        words[i] &= ~bits;
        protect_again(d, n + i * 64ull, bits);
    }
}

/* From where the last call stopped, until all is read or other work waits. */
static int read_chunks(struct domain *d, struct vcpu *caller, bool clean, uint64_t nr, uint64_t gva)
{
    struct logdirty *l = d->logdirty;

    for (unsigned done = 0; l->next < nr; done++) {
        uint64_t out[CHUNK_WORDS], n = l->next, bits = MIN(CHUNK_BITS, nr - n);

        if (done >= 256 || (done >= 16 && this_cpu()->work))
            return -XEN_ERESTART;
        spin_lock(&d->p2m_lock);
        take_chunk(d, n, nr, clean, out);
        spin_unlock(&d->p2m_lock);
        if (gva && copy_to_guest(caller, gva + n / 8, out, (bits + 7) / 8))
            return -XEN_EFAULT;
        l->next = n + bits;
    }
    return 0;
}

int logdirty_read(struct domain *d, struct vcpu *caller, bool clean, uint64_t nr, uint64_t gva,
                  struct logdirty_stats *stats)
{
    struct logdirty *l = d->logdirty;
    int rc;

    if (!l || nr > GFN_LIMIT)
        return -XEN_EINVAL;
    if (!begin(l, clean ? CLEANING : READING))
        return -XEN_EBUSY;
    *stats = (struct logdirty_stats){l->faults, l->dirty};
    rc = read_chunks(d, caller, clean, nr, gva);
    if (rc == -XEN_ERESTART)
        return rc;
    l->doing = IDLE;
    if (clean) {
        p2m_flush(d); /* before the caller reads the frames: later writes are logged */
        l->faults = 0;
    }
    if (!rc && l->lost)
        rc = -XEN_ENOMEM;
    if (clean)
        l->lost = false;
    return rc;
}
