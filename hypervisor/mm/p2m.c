/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The nested page tables. Entries have the x86 form (APM vol. 2 §15.25); bits 52-55 hold the p2m type, and
 * the IOMMU driver adds the bits it needs, so one tree serves CPU and IOMMU. Level 4 is the root. p2m_lock of
 * the domain protects the tree; what was unmapped stays referenced until p2m_flush(). A node's frame counts
 * its present entries, one reference each beside the tree's own; the flush takes emptied nodes out.
 */
#include "bh/domain.h"
#include "bh/iommu.h"
#include "bh/lapic.h"
#include "bh/lib.h"
#include "bh/page.h"
#include "bh/p2m_int.h"

#define MAX_DENIED 256u /* all RAM ranges, IO-APICs, IOMMUs and MMCFG ranges that we know, and more */

static unsigned level_shift(unsigned level)
{
    return 9 * (level - 1);
}

static bool type_writable(enum p2m_type t)
{
    return t != P2M_GRANT_RO && t != P2M_LOGDIRTY;
}

static inline uint64_t make_leaf(const struct domain *d, mfn_t m, unsigned level, enum p2m_type t)
{
    uint64_t e = mfn_pa(m) | PTE_P | PTE_US | PTE_A | (uint64_t)t << TYPE_SHIFT;

    if (type_writable(t))
        e |= PTE_RW | PTE_D;
    if (level > 1)
        e |= PTE_PS;
    return e | d->deferred->leaf_bits[type_writable(t)];
}

static uint64_t make_node(const struct domain *d, mfn_t m, unsigned level)
{
    uint64_t e = mfn_pa(m) | PTE_P | PTE_RW | PTE_US | PTE_A;

    return d->hardware ? e | iommu_node_bits[level] : e;
}

/* A node: spare ones first, which are empty already. */
static mfn_t node_alloc(struct domain *d)
{
    mfn_t m;

    if (d->deferred->nr_spare)
        return d->deferred->spare[--d->deferred->nr_spare];
    if (d->p2m_nodes >= d->p2m_limit)
        return INVALID_MFN;
    m = page_alloc(0, PAGE_ZERO);
    if (mfn_valid_value(m))
        d->p2m_nodes++;
    return m;
}

static void seen_forget(struct p2m_deferred *def)
{
    def->seen[0].prefix = def->seen[1].prefix = P2M_NOTHING_SEEN;
}

int p2m_init(struct domain *d)
{
    struct p2m_deferred *def = d->deferred = kzalloc(sizeof(*def));

    if (!def)
        return -XEN_ENOMEM;
    seen_forget(def);
    d->p2m_generation = 1; /* no vCPU has seen it */
    if (d->hardware)
        memcpy(def->leaf_bits, iommu_leaf_bits, sizeof(def->leaf_bits));
    def->grant_bits[0] = make_leaf(d, mfn(0), 1, P2M_GRANT_RO);
    def->grant_bits[1] = make_leaf(d, mfn(0), 1, P2M_GRANT_RW);
    d->p2m_root = node_alloc(d);
    return mfn_valid_value(d->p2m_root) ? 0 : -XEN_ENOMEM;
}

/* References of a node: its present entries' and the tree's own. */
static uint16_t *node_refs(const uint64_t *e)
{
    return &page_table_base[((uintptr_t)e - DIRECTMAP_BASE) >> PAGE_SHIFT].info;
}

static uint64_t filter_bit(gfn_t g)
{
    return 1ull << (g.n & 63);
}

static bool node_empty(const uint64_t *table)
{
    return *node_refs(table) == 1;
}

static uint64_t *node_of(const uint64_t *e)
{
    return (uint64_t *)((uintptr_t)e & PAGE_MASK);
}

/* Change an entry and the count of its node. */
static void entry_set(uint64_t *e, uint64_t value)
{
    *node_refs(e) = (uint16_t)(*node_refs(e) + (value & PTE_P) - (*e & PTE_P));
    __atomic_store_n(e, value, __ATOMIC_RELEASE);
}

/* The node over g is empty: the next flush takes it out; not where frames have fixed places that a new node
 * might take. */
void p2m_emptied_note(struct domain *d, gfn_t g)
{
    struct p2m_deferred *def = d->deferred;

    if (def->nr_emptied < ARRAY_SIZE(def->emptied) && !d->direct_mapped)
        def->emptied[def->nr_emptied++] = g;
    def->pending = true;
}

/* Keep an empty node for the next need, or give it back. */
static void node_put(struct domain *d, mfn_t m)
{
    struct p2m_deferred *def = d->deferred;

    if (def->nr_spare < ARRAY_SIZE(def->spare)) {
        def->spare[def->nr_spare++] = m;
        return;
    }
    d->p2m_nodes--;
    page_put(m);
}

static void node_free(struct domain *d, mfn_t m, unsigned level)
{
    uint64_t *table = mfn_to_va(m);

    if (level > 1)
        for (unsigned i = 0; i < 512; i++)
            if (table[i] & PTE_P && !(table[i] & PTE_PS))
                node_free(d, mfn_of(table[i] & PTE_ADDR), level - 1);
    seen_forget(d->deferred);
    d->p2m_nodes--;
    *node_refs(table) = 1;
    page_put(m);
}

void p2m_destroy(struct domain *d)
{
    if (mfn_valid_value(d->p2m_root))
        node_free(d, d->p2m_root, 4);
    d->p2m_root = INVALID_MFN;
    while (d->deferred && d->deferred->nr_spare)
        page_put(d->deferred->spare[--d->deferred->nr_spare]);
    kfree(d->deferred, sizeof(*d->deferred));
    d->deferred = NULL;
}

static __attribute__((noinline)) uint64_t *find_from_root(struct domain *d, gfn_t g, unsigned *level)
{
    struct p2m_deferred *def = d->deferred;
    uint64_t *table = mfn_to_va(d->p2m_root);

    for (unsigned l = 4;; l--) {
        uint64_t *e = &table[g.n >> level_shift(l) & 511];

        if (l <= ARRAY_SIZE(def->seen)) {
            def->seen[l - 1].table = table;
            def->seen[l - 1].refs = node_refs(table);
            def->seen[l - 1].prefix = g.n >> level_shift(l + 1);
        }
        if (l == 1 || !(*e & PTE_P) || *e & PTE_PS) {
            *level = l;
            return e;
        }
        table = pa_to_va(*e & PTE_ADDR);
    }
}

/* The entry for g and the level it was found at: a leaf, or an empty one. */
static inline uint64_t *find(struct domain *d, gfn_t g, unsigned *level)
{
    *level = 1;
    return p2m_is_seen(d->deferred, g) ? p2m_seen(d->deferred, g) : find_from_root(d, g, level);
}

uint64_t p2m_find_leaf_locked(struct domain *d, gfn_t g)
{
    unsigned level;
    uint64_t e;

    if (g.n >> 36)
        return 0;
    e = *find_from_root(d, g, &level);
    return e & PTE_P ? e + ((g.n & ((1ull << level_shift(level)) - 1)) << PAGE_SHIFT) : 0;
}

mfn_t p2m_lookup_locked(struct domain *d, gfn_t g, enum p2m_type *type, unsigned *order)
{
    unsigned level = 4;
    uint64_t e = g.n >> 36 ? 0 : __atomic_load_n(find(d, g, &level), __ATOMIC_ACQUIRE);

    if (order)
        *order = level_shift(level);
    if (type)
        *type = p2m_leaf_type(e);
    if (!(e & PTE_P))
        return INVALID_MFN;
    return mfn(p2m_leaf_mfn(e).n | (g.n & ((1ull << level_shift(level)) - 1)));
}

mfn_t p2m_lookup(struct domain *d, gfn_t g, enum p2m_type *type, unsigned *order)
{
    spin_guard(&d->p2m_lock);
    return p2m_lookup_locked(d, g, type, order);
}

mfn_t p2m_get_ram(struct domain *d, gfn_t g, bool write, enum p2m_type *type)
{
    enum p2m_type t;
    mfn_t m;

    spin_guard(&d->p2m_lock);
    m = p2m_lookup_locked(d, g, &t, NULL);
    if (t == P2M_LOGDIRTY && write)
        p2m_log_dirty_locked(d, g);
    if (type)
        *type = t;
    if (t == P2M_NONE || t == P2M_MMIO || (write && t == P2M_GRANT_RO) || !page_get(m, page_owner(m)))
        return INVALID_MFN;
    return m;
}

/* Replace a superpage entry by a table of smaller ones. */
static int split(struct domain *d, uint64_t *e, unsigned level)
{
    mfn_t node = node_alloc(d), base = mfn_of(*e & PTE_ADDR);
    enum p2m_type t = p2m_leaf_type(*e);
    uint64_t *table;

    if (!mfn_valid_value(node))
        return -XEN_ENOMEM;
    table = mfn_to_va(node);
    for (unsigned i = 0; i < 512; i++)
        entry_set(&table[i],
                  make_leaf(d, mfn_add(base, (uint64_t)i << level_shift(level - 1)), level - 1, t));
    __atomic_store_n(e, make_node(d, node, level - 1), __ATOMIC_RELEASE);
    return 0;
}

/* The entry at exactly `level` for g; nodes are made and superpages split on the way. NULL: no memory. */
static uint64_t *entry_at(struct domain *d, gfn_t g, unsigned level)
{
    uint64_t *table = mfn_to_va(d->p2m_root);

    for (unsigned l = 4; l > level; l--) {
        uint64_t *e = &table[g.n >> level_shift(l) & 511];

        if (!(*e & PTE_P)) {
            mfn_t node = node_alloc(d);

            if (!mfn_valid_value(node)) {
                p2m_emptied_note(d, g); /* what was made on the way */
                return NULL;
            }
            entry_set(e, make_node(d, node, l - 1));
        } else if (*e & PTE_PS && split(d, e, l)) {
            return NULL;
        }
        table = pa_to_va(*e & PTE_ADDR);
    }
    return &table[g.n >> level_shift(level) & 511];
}

/* What lock-free readers of guest memory found before this may belong to others soon. */
static void generation_next(struct domain *d)
{
    __atomic_store_n(&d->p2m_generation, d->p2m_generation + 1, __ATOMIC_RELEASE);
}

/* A present entry goes. */
static void entry_clear(struct domain *d, gfn_t g, uint64_t *e)
{
    entry_set(e, 0);
    generation_next(d);
    d->deferred->gfn_filter |= filter_bit(g);
    d->deferred->pending = true;
    if (node_empty(node_of(e)))
        p2m_emptied_note(d, g);
}

/* A frame number that was unmapped may still be in a TLB: flush before it means something else. */
static void flush_before_reuse(struct domain *d, gfn_t g, unsigned order)
{
    struct p2m_deferred *def = d->deferred;

    if (def->pending && (order || def->gfn_filter & filter_bit(g)))
        p2m_flush_locked(d);
}

/* The largest entry for 2^order frames that the CPU has and the IOMMU can walk. */
static unsigned entry_order(const struct domain *d, unsigned order)
{
    unsigned largest = cpu_features.gb_pages ? ORDER_1G : ORDER_2M;

    if (d->hardware)
        largest = MIN(largest, iommu_max_order);
    return MIN(order >= ORDER_1G ? ORDER_1G : order >= ORDER_2M ? ORDER_2M : ORDER_4K, largest);
}

/* As 2^order frames of smaller entries; all or nothing. */
static int set_in_parts(struct domain *d, gfn_t g, mfn_t m, unsigned order, unsigned part, enum p2m_type type)
{
    uint64_t i, step = 1ull << part;
    int rc = 0;

    for (i = 0; i < 1ull << order && !rc; i += step)
        rc = p2m_set_locked(d, gfn_add(g, i), mfn_add(m, i), part, type);
    if (!rc)
        return 0;
    for (uint64_t j = 0; j + step < i; j += step)
        ASSERT(!p2m_clear_locked(d, gfn_add(g, j), part)); /* whole entries: needs no memory */
    p2m_flush_locked(d);
    return rc;
}

int p2m_set_locked(struct domain *d, gfn_t g, mfn_t m, unsigned order, enum p2m_type type)
{
    unsigned part = entry_order(d, order), level = order / 9 + 1;
    uint64_t *e, old;

    if (g.n >> 36 || (g.n | m.n) & ((1ull << part) - 1))
        return -XEN_EINVAL;
    if (part < order)
        return set_in_parts(d, g, m, order, part, type);
    flush_before_reuse(d, g, order);
    e = entry_at(d, g, level);
    if (!e)
        return -XEN_ENOMEM;
    old = *e;
    entry_set(e, make_leaf(d, m, level, type));
    if (old & PTE_P) {
        generation_next(d);
        d->deferred->pending = true;
        p2m_flush_locked(d);
        if (level > 1 && !(old & PTE_PS))
            node_free(d, mfn_of(old & PTE_ADDR), level - 1);
    }
    if (type == P2M_RAM)
        d->top_ram = MAX(d->top_ram, g.n + (1ull << order) - 1);
    return 0;
}

int p2m_set(struct domain *d, gfn_t g, mfn_t m, unsigned order, enum p2m_type type)
{
    spin_guard(&d->p2m_lock);
    return p2m_set_locked(d, g, m, order, type);
}

int p2m_clear_locked(struct domain *d, gfn_t g, unsigned order)
{
    unsigned level;
    uint64_t *e = find(d, g, &level);

    if (level_shift(level) > order && *e & PTE_P) { /* part of a superpage */
        e = entry_at(d, g, order / 9 + 1);
        if (!e)
            return -XEN_ENOMEM;
    }
    if (*e & PTE_P) {
        entry_clear(d, g, e);
        if (order)
            d->deferred->gfn_filter = ~0ull;
    }
    return 0;
}

int p2m_add_grant_slow(struct domain *d, gfn_t g, mfn_t m, bool write)
{
    unsigned level;
    uint64_t *e;

    if (g.n >> 36)
        return -XEN_EINVAL;
    flush_before_reuse(d, g, 0);
    e = find(d, g, &level);
    if (*e & PTE_P)
        return -XEN_EBUSY;
    if (level > 1)
        e = entry_at(d, g, 1);
    if (!e)
        return -XEN_ENOMEM;
    entry_set(e, mfn_pa(m) | d->deferred->grant_bits[write]);
    return 0;
}

/* The largest entry that can start at a frame and does not reach over the end. */
static unsigned best_order(uint64_t start, uint64_t end)
{
    for (unsigned o = ORDER_1G; o; o -= 9)
        if (!(start & ((1ull << o) - 1)) && end - start >= 1ull << o)
            return o;
    return 0;
}

/* Frames that are the hypervisor's alone; the first are where interrupt messages go and the local APICs are.
 */
static struct {
    uint64_t start, end;
} denied[MAX_DENIED] = {{0xfee00, 0xfef00}};
static unsigned nr_denied = 1;

void p2m_deny(uint64_t start, uint64_t end)
{
    ASSERT(nr_denied < MAX_DENIED);
    denied[nr_denied].start = start;
    denied[nr_denied++].end = end;
}

bool p2m_is_denied(uint64_t start, uint64_t end)
{
    for (unsigned i = 0; i < nr_denied; i++)
        if (start < denied[i].end && denied[i].start < end)
            return true;
    return false;
}

int p2m_map_identity(struct domain *d, uint64_t start, uint64_t end)
{
    int rc = 0;

    spin_guard(&d->p2m_lock);
    for (unsigned o; start < end && !rc; start += 1ull << o) {
        for (o = best_order(start, end); o && p2m_is_denied(start, start + (1ull << o));)
            o -= 9;
        if (!p2m_is_denied(start, start + (1ull << o)))
            rc = p2m_set_locked(d, gfn(start), mfn(start), o, P2M_MMIO);
    }
    return rc;
}

int p2m_unmap_range(struct domain *d, uint64_t start, uint64_t end)
{
    int rc = 0;

    spin_guard(&d->p2m_lock);
    for (unsigned o, level; start < end && !rc; start += 1ull << o) {
        find(d, gfn(start), &level);
        o = MIN(best_order(start, end), level_shift(level));
        rc = p2m_clear_locked(d, gfn(start), o);
    }
    return rc;
}

void p2m_defer_put_locked(struct domain *d, mfn_t m)
{
    struct p2m_deferred *def = d->deferred;

    def->pending = true;
    def->put[def->nr_put++] = m;
    if (def->nr_put == ARRAY_SIZE(def->put))
        p2m_flush_locked(d);
}

/* New generation: CPUs compare it at the next entry; those inside the guest are brought out first. */
static void tlb_flush_domain(struct domain *d)
{
    __atomic_add_fetch(&d->tlb_generation, 1, __ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < nr_cpus; i++) {
        struct cpu *c = cpus[i];
        struct vcpu *v;

        if (c == this_cpu() || !__atomic_load_n(&c->in_guest, __ATOMIC_SEQ_CST))
            continue;
        v = __atomic_load_n(&c->current, __ATOMIC_SEQ_CST);
        if (!v || v->domain != d)
            continue;
        lapic_ipi(c->apic_id, VECTOR_KICK);
        while (__atomic_load_n(&c->in_guest, __ATOMIC_SEQ_CST) &&
               __atomic_load_n(&c->current, __ATOMIC_SEQ_CST) == v &&
               __atomic_load_n(&v->tlb_generation, __ATOMIC_SEQ_CST) != d->tlb_generation)
            __builtin_ia32_pause();
    }
}

/* Take the nodes over g that are empty out of the tree, but the root; their number. */
static unsigned prune(struct domain *d, gfn_t g, mfn_t *gone)
{
    uint64_t *above[5] = {NULL}; /* the entry over the node of each level */
    uint64_t *table = mfn_to_va(d->p2m_root);
    unsigned l, n = 0;

    for (l = 4; l > 1; l--) {
        uint64_t *e = &table[g.n >> level_shift(l) & 511];

        if (!(*e & PTE_P) || *e & PTE_PS)
            break;
        above[l - 1] = e;
        table = pa_to_va(*e & PTE_ADDR);
    }
    for (; l < 4 && node_empty(table); l++) {
        gone[n++] = va_to_mfn(table);
        entry_set(above[l], 0);
        table = node_of(above[l]);
        seen_forget(d->deferred);
    }
    return n;
}

void p2m_flush_locked(struct domain *d)
{
    struct p2m_deferred *def = d->deferred;
    mfn_t gone[3 * ARRAY_SIZE(def->emptied)];
    unsigned nr_gone = 0;

    if (!def->pending)
        return;
    for (; def->nr_emptied; def->nr_emptied--)
        nr_gone += prune(d, def->emptied[def->nr_emptied - 1], gone + nr_gone);
    tlb_flush_domain(d);
    if (d->hardware)
        iommu_flush();
    while (nr_gone)
        node_put(d, gone[--nr_gone]);
    for (unsigned i = 0; i < def->nr_put; i++)
        page_put(def->put[i]);
    def->nr_put = 0;
    def->gfn_filter = 0;
    def->pending = false;
}

void p2m_flush_removed_locked(struct domain *d)
{
    generation_next(d);
    d->deferred->pending = true;
    p2m_flush_locked(d);
}

void p2m_flush(struct domain *d)
{
    spin_guard(&d->p2m_lock);
    p2m_flush_locked(d);
}

paddr_t p2m_root(const struct domain *d)
{
    return mfn_pa(d->p2m_root);
}

bool p2m_next_locked(struct domain *d, gfn_t *g, struct p2m_leaf *leaf)
{
    while (!(g->n >> 36)) {
        unsigned level;
        uint64_t e = *find(d, *g, &level), step = 1ull << level_shift(level);

        *leaf = (struct p2m_leaf){gfn(ROUND_DOWN(g->n, step)), mfn_of(e & PTE_ADDR), level_shift(level),
                                  p2m_leaf_type(e)};
        g->n = leaf->g.n + step;
        if (e & PTE_P)
            return true;
    }
    return false;
}

void p2m_set_type_locked(struct domain *d, gfn_t g, enum p2m_type t)
{
    unsigned level;
    uint64_t *e = find(d, g, &level);

    __atomic_store_n(e, make_leaf(d, mfn_of(*e & PTE_ADDR), level, t), __ATOMIC_RELEASE);
    d->deferred->pending = true;
    d->deferred->gfn_filter = ~0ull;
}

void p2m_log_dirty_locked(struct domain *d, gfn_t g)
{
    enum p2m_type t;

    (void)p2m_lookup_locked(d, g, &t, NULL);
    if (t != P2M_LOGDIRTY)
        return;
    (void)entry_at(d, g, 1); /* without memory for the split, all that the superpage maps counts as written */
    p2m_set_type_locked(d, g, P2M_RAM);
    d->logdirty.faults++;
}
