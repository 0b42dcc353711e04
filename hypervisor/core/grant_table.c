/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Grant entries, their use by others, and the operations on them. The entry is the granter's memory and may
 * change at any time: it is read once as 32 bits, checked, and claimed by compare-and-swap; the frame is
 * fixed at first use. Locks: see grant.h. Batches are worked off in chunks that are copied in and out at
 * once.
 */
#include "bh/domain.h"
#include "bh/lib.h"
#include "bh/p2m_int.h"
#include "bh/page.h"

#define CHUNK       64u /* of a batch, on the stack */
#define NO_HANDLE   0xffffffffu
#define ROUND_LIMIT 512u  /* elements before other work gets its turn */
#define DROP_LIMIT  8192u /* handles of a dying domain */
#define CLAIM_TRIES 8u
#define MAPS_MAX    0xfff0u
#define COPIES_MAX  0xf0u

void grant_domain_init(struct domain *d, uint32_t max_frames, uint32_t max_maptrack)
{
    struct grant_domain *g = &d->grant;

    g->max_frames = MIN(MAX(max_frames, 1), GRANT_MAX_FRAMES);
    g->max_maptrack_frames = MIN(max_maptrack, GRANT_MAX_MAPTRACK);
    g->free_handle = NO_HANDLE;
}

void grant_domain_free(struct domain *d)
{
    struct grant_domain *g = &d->grant;

    for (unsigned i = 0; i < g->nr_frames; i++) {
        page_put(va_to_mfn(g->shared[i]));
        page_free(va_to_mfn(g->active[i]), 1);
    }
    for (unsigned i = 0; i < g->nr_maptrack_frames; i++)
        page_free(va_to_mfn(g->maptrack[i]), 0);
    if (g->maptrack)
        page_free(va_to_mfn(g->maptrack), 1);
}

/* Grow to nr frames; grant.lock held. */
static int grow(struct grant_domain *g, uint32_t nr)
{
    if (nr > g->max_frames)
        return -XEN_EINVAL;
    while (g->nr_frames < nr) {
        grant_entry_v1_t *shared = page_va_alloc(0, PAGE_ZERO);
        struct grant_active *active = page_va_alloc(1, PAGE_ZERO);

        if (!shared || !active) {
            if (shared)
                page_free(va_to_mfn(shared), 0);
            if (active)
                page_free(va_to_mfn(active), 1);
            return -XEN_ENOMEM;
        }
        g->shared[g->nr_frames] = shared;
        g->active[g->nr_frames++] = active;
    }
    return 0;
}

int grant_shared_frame(struct domain *d, uint32_t idx, mfn_t *m)
{
    struct grant_domain *g = &d->grant;
    int rc;

    spin_guard(&g->lock);
    rc = idx >= g->max_frames ? -XEN_EINVAL : grow(g, idx + 1);
    if (rc)
        return rc;
    *m = va_to_mfn(g->shared[idx]);
    return page_get(*m, OWNER_HYPERVISOR) ? 0 : -XEN_EBUSY;
}

static inline bool handle_exists(const struct grant_domain *g, uint32_t h)
{
    return likely(h >> MAPTRACK_SHIFT < g->nr_maptrack_frames &&
                  (h & ((1u << MAPTRACK_SHIFT) - 1)) < MAPTRACK_PER_FRAME);
}

static inline struct maptrack *handle_entry(const struct grant_domain *g, uint32_t h)
{
    return &g->maptrack[h >> MAPTRACK_SHIFT][h & ((1u << MAPTRACK_SHIFT) - 1)];
}

/* One more frame of free handles; maptrack_lock held. */
static bool handles_grow(struct grant_domain *g)
{
    struct maptrack *frame;
    uint32_t first = g->nr_maptrack_frames << MAPTRACK_SHIFT;

    if (g->nr_maptrack_frames >= g->max_maptrack_frames)
        return false;
    if (!g->maptrack)
        g->maptrack = page_va_alloc(1, PAGE_ZERO);
    frame = g->maptrack ? page_va_alloc(0, PAGE_ZERO) : NULL;
    if (!frame)
        return false;
    for (uint32_t i = 0; i < MAPTRACK_PER_FRAME; i++)
        frame[i].ref = i + 1 < MAPTRACK_PER_FRAME ? first + i + 1 : NO_HANDLE;
    g->maptrack[g->nr_maptrack_frames++] = frame;
    g->free_handle = first;
    return true;
}

/* Put a mapping into the first free handle; there is one, and maptrack_lock is held. */
static inline uint32_t handle_fill(struct grant_domain *g, const struct maptrack *content)
{
    uint32_t h = g->free_handle;
    struct maptrack *t = handle_entry(g, h);

    g->free_handle = t->ref;
    *t = *content;
    return h;
}

/* Take a mapping out of the table so that only one caller undoes it; maptrack_lock held. */
static inline bool handle_take(struct grant_domain *g, uint32_t h, uint64_t host_addr, struct maptrack *out)
{
    struct maptrack *t;

    if (unlikely(!handle_exists(g, h)))
        return false;
    t = handle_entry(g, h);
    if (unlikely(!t->flags || (host_addr && gfn_of(host_addr).n != t->gfn)))
        return false;
    *out = *t;
    t->flags = 0;
    t->ref = g->free_handle;
    g->free_handle = h;
    return true;
}

static __attribute__((noinline)) int16_t claim_refused(uint32_t head, uint16_t user)
{
    return (head & GTF_type_mask) == GTF_permit_access && head >> 16 == user ? GNTST_permission_denied
                                                                             : GNTST_bad_gntref;
}

/* Mark the shared entry as read (and written) by `user`, if it permits that. GNTST_*. */
static inline int16_t entry_claim(grant_entry_v1_t *e, uint16_t user, uint32_t write)
{
    /* flags in the lower half, domid in the upper */
    uint32_t *word = (uint32_t *)(void *)e, head = __atomic_load_n(word, __ATOMIC_ACQUIRE);
    uint32_t mask = 0xffff0000u | GTF_type_mask | write * GTF_readonly,
             claim = GTF_reading | write * GTF_writing;

    for (unsigned tries = 0; tries < CLAIM_TRIES; tries++) {
        if (unlikely((head & mask) != ((uint32_t)user << 16 | GTF_permit_access)))
            return claim_refused(head, user);
        if (likely(__atomic_compare_exchange_n(word, &head, head | claim, false, __ATOMIC_SEQ_CST,
                                               __ATOMIC_ACQUIRE)))
            return GNTST_okay;
    }
    return GNTST_eagain; /* the granter keeps changing it */
}

struct use { /* of an entry, by a mapping or a copy */
    uint32_t ref;
    uint32_t write; /* 0 or 1 */
    bool copy;
};

/* What it adds to grant_active.uses. */
static inline uint64_t use_count(struct use u)
{
    return (u.copy ? GRANT_USE_COPY : GRANT_USE_MAP) + u.write * GRANT_USE_WRITE;
}

static inline grant_entry_v1_t *shared_entry(struct domain *granter, uint32_t ref)
{
    return &granter->grant.shared[ref / GRANTS_PER_FRAME][ref % GRANTS_PER_FRAME];
}

static inline struct grant_active *active_entry(struct domain *granter, uint32_t ref)
{
    return &granter->grant.active[ref / GRANTS_PER_FRAME][ref % GRANTS_PER_FRAME];
}

/* Take back what the entry's flags say of uses that are not there any more. */
static inline void flags_release(grant_entry_v1_t *e, uint64_t uses)
{
    unsigned over = (uses & GRANT_WRITES ? 0u : GTF_writing) | (uses & GRANT_USES ? 0u : GTF_reading);

    if (likely(over))
        __atomic_fetch_and(&e->flags, (uint16_t)~over, __ATOMIC_SEQ_CST);
}

/* Uses of one granter's entries under one hold of its locks: a 2 MiB page of RAM is looked at once. */
struct pin_run {
    uint64_t prefix; /* of its frame numbers */
    mfn_t first;
    uint32_t nr_refs; /* of the granter's table */
};

static struct pin_run run_begin(const struct domain *granter)
{
    return (struct pin_run){P2M_NOTHING_SEEN, INVALID_MFN, granter->grant.nr_frames * GRANTS_PER_FRAME};
}

/* The frame behind g, or INVALID_MFN: it may not be granted. It must keep the granter in the list: not
 * shared_info, not the grant table. */
static __attribute__((noinline)) mfn_t frame_find(struct domain *granter, gfn_t g, bool write,
                                                  struct pin_run *run)
{
    uint64_t leaf = p2m_leaf_locked(granter, g);
    mfn_t m = p2m_leaf_mfn(leaf);

    if (p2m_leaf_type(leaf) == P2M_LOGDIRTY && write)
        p2m_log_dirty_locked(granter, g);
    else if (p2m_leaf_type(leaf) == P2M_RAM && leaf & PTE_PS)
        *run = (struct pin_run){g.n >> 9, mfn(m.n - (g.n & 511)), run->nr_refs};
    return p2m_leaf_type(leaf) == P2M_RAM || p2m_leaf_type(leaf) == P2M_LOGDIRTY ? m : INVALID_MFN;
}

/* The frame that an entry names at its first use, referenced. */
static inline mfn_t frame_fix(struct domain *granter, gfn_t g, bool write, struct pin_run *run)
{
    mfn_t m = mfn_add(run->first, g.n & 511);

    if (unlikely(g.n >> 9 != run->prefix)) {
        m = frame_find(granter, g, write, run);
        if (!mfn_valid_value(m))
            return m;
    }
    return likely(p2m_page_get(m, granter->id)) ? m : INVALID_MFN;
}

/* One more use of an entry that the user uses already: of the frame that was fixed. */
static __attribute__((noinline)) int16_t pin_again(struct domain *granter, uint16_t user, struct use u,
                                                   mfn_t *m)
{
    struct grant_active *a = active_entry(granter, u.ref);
    int16_t st;

    if (a->mapper != user)
        return GNTST_bad_gntref;
    if (a->maps >= MAPS_MAX || a->copies >= COPIES_MAX)
        return GNTST_no_space;
    st = entry_claim(shared_entry(granter, u.ref), user, u.write);
    *m = grant_active_mfn(a);
    if (st == GNTST_okay && !page_get(*m, granter->id)) {
        flags_release(shared_entry(granter, u.ref), a->uses);
        st = GNTST_general_error;
    }
    if (st == GNTST_okay)
        a->uses += use_count(u);
    return st;
}

/* Use the entry: check, count, fix the frame. On success *m holds a reference. The granter's grant.lock and
 * p2m_lock are held. */
static inline __attribute__((always_inline)) int16_t pin_locked(struct domain *granter, uint16_t user,
                                                                struct use u, struct pin_run *run, mfn_t *m)
{
    struct grant_active *a;
    grant_entry_v1_t *e;
    int16_t st;

    if (unlikely(u.ref >= run->nr_refs))
        return GNTST_bad_gntref;
    e = shared_entry(granter, u.ref);
    a = active_entry(granter, u.ref);
    if (unlikely(a->uses))
        return pin_again(granter, user, u, m);
    st = entry_claim(e, user, u.write);
    if (unlikely(st != GNTST_okay))
        return st;
    a->gfn = __atomic_load_n(&e->frame, __ATOMIC_RELAXED);
    *m = frame_fix(granter, gfn(a->gfn), u.write, run);
    if (unlikely(!mfn_valid_value(*m))) {
        flags_release(e, 0);
        return GNTST_bad_page;
    }
    a->mfn_low = (uint32_t)m->n;
    a->uses = use_count(u) | (uint64_t)user << GRANT_USER_SHIFT | m->n >> 32 << GRANT_MFN_SHIFT;
    return GNTST_okay;
}

/* The use ends, and its reference; the granter's grant.lock is held. */
static inline void unpin_locked(struct domain *granter, struct use u, mfn_t m)
{
    struct grant_active *a = active_entry(granter, u.ref);
    uint64_t uses = a->uses - use_count(u);

    if (likely(!(uses & (GRANT_USES | GRANT_WRITES)))) {
        a->uses = 0;
        flags_release(shared_entry(granter, u.ref), 0);
    } else {
        a->uses = uses;
        flags_release(shared_entry(granter, u.ref), uses);
    }
    if (unlikely(granter->logdirty.state) && u.write)
        logdirty_mark(granter, gfn(a->gfn));
    p2m_page_put(m);
}

static void unpin(struct domain *granter, struct use u, mfn_t m)
{
    spin_guard(&granter->grant.lock);
    unpin_locked(granter, u, m);
}

void grant_log_dirty(struct domain *d)
{
    spin_guard(&d->grant.lock);
    for (uint32_t i = 0; i < d->grant.nr_frames * GRANTS_PER_FRAME; i++)
        if (active_entry(d, i)->writable_maps)
            logdirty_mark(d, gfn(active_entry(d, i)->gfn));
}

union grant_chunk {
    struct gnttab_map_grant_ref map[CHUNK];
    struct gnttab_unmap_grant_ref unmap[CHUNK];
    struct gnttab_copy copy[CHUNK];
};

/* Batches mostly name one domain: *last is a reference to the one found before, or NULL. */
static struct domain *domain_again(struct domain **last, const struct domain *self, uint16_t id)
{
    if (id == DOMID_SELF)
        id = self->id;
    if (!*last || (*last)->id != id) {
        domain_ref_end(last);
        *last = domain_get(id);
    }
    return *last;
}

static inline bool map_flags_valid(const struct gnttab_map_grant_ref *op)
{
    return (op->flags & (GNTMAP_host_map | GNTMAP_contains_pte | GNTMAP_application_map)) == GNTMAP_host_map;
}

static inline uint32_t map_writes(uint32_t flags)
{
    return ~flags / GNTMAP_readonly & 1;
}

/* Use the entries of a run of operations that name one granter; the run's length. */
static unsigned map_pin(struct domain *d, struct gnttab_map_grant_ref *first, unsigned n, mfn_t *m,
                        struct domain **last)
{
    struct domain *granter = domain_again(last, d, first->dom);
    struct gnttab_map_grant_ref *op = first, *end = first + n;
    domid_t dom = first->dom, user = d->id;
    struct pin_run run;

    if (!map_flags_valid(first) || !granter || granter->dying) {
        first->status = map_flags_valid(first) ? GNTST_bad_domain : GNTST_bad_virt_addr;
        return 1;
    }
    spin_guard(&granter->grant.lock);
    spin_guard(&granter->p2m_lock);
    run = run_begin(granter);
    do {
        op->status =
            pin_locked(granter, user, (struct use){op->ref, map_writes(op->flags), false}, &run, m++);
    } while (++op < end && op->dom == dom && map_flags_valid(op));
    return (unsigned)(op - first);
}

/* Give a used entry a handle and its place; the mapper's p2m_lock and maptrack_lock are held. */
static inline int16_t map_place(struct domain *d, struct gnttab_map_grant_ref *op, mfn_t m)
{
    struct grant_domain *g = &d->grant;
    gfn_t place = gfn_of(op->host_addr);

    if (unlikely(g->free_handle == NO_HANDLE) && !handles_grow(g))
        return GNTST_no_space;
    if (unlikely(p2m_add_grant_locked(d, place, m, map_writes(op->flags))))
        return GNTST_general_error;
    op->handle = handle_fill(
        g, &(struct maptrack){
               .granter = op->dom, .flags = (uint16_t)op->flags, .ref = op->ref, .gfn = place.n, .mfn = m.n});
    op->dev_bus_addr = op->host_addr & PAGE_MASK;
    return GNTST_okay;
}

static void chunk_map(struct domain *d, union grant_chunk *k, unsigned n, struct domain **last)
{
    uint64_t unplaced = 0;
    unsigned placed = n;
    mfn_t m[CHUNK];

    _Static_assert(CHUNK <= sizeof(unplaced) * 8, "a bit an operation");
    for (unsigned i = 0; i < n;)
        i += map_pin(d, &k->map[i], n - i, &m[i], last);
    spin_lock(&d->p2m_lock);
    spin_lock(&d->grant.maptrack_lock);
    for (unsigned i = 0; i < n; i++) {
        struct gnttab_map_grant_ref *op = &k->map[i];

        if (likely(op->status == GNTST_okay)) {
            op->status = map_place(d, op, m[i]);
            if (likely(op->status == GNTST_okay))
                continue;
            unplaced |= 1ull << i;
        }
        placed--;
    }
    d->grant.nr_maps += placed;
    spin_unlock(&d->grant.maptrack_lock);
    spin_unlock(&d->p2m_lock);
    for (unsigned i = 0; unplaced; i++, unplaced >>= 1)
        if (unplaced & 1)
            unpin(domain_again(last, d, k->map[i].dom),
                  (struct use){k->map[i].ref, map_writes(k->map[i].flags), false}, m[i]);
}

/* The uses behind a run of mappings of one granter's frames that no TLB holds any more; the run's length. */
static unsigned unmap_end(const struct domain *d, const struct maptrack *t, unsigned n, struct domain **last)
{
    struct domain *granter;
    unsigned i = 0;

    if (!t->flags)
        return 1;
    granter = domain_again(last, d, t->granter);
    ASSERT(granter); /* its frame that we hold keeps it in the list */
    spin_guard(&granter->grant.lock);
    do {
        unpin_locked(granter, (struct use){t[i].ref, map_writes(t[i].flags), false}, mfn(t[i].mfn));
    } while (++i < n && t[i].flags && t[i].granter == t->granter);
    return i;
}

/* The entries go and the TLBs are cleaned, all at once; then the uses end. */
static void chunk_unmap(struct domain *d, union grant_chunk *k, unsigned n, struct domain **last)
{
    struct gnttab_unmap_grant_ref *ops = k->unmap;
    struct maptrack t[CHUNK];
    unsigned taken = n;

    spin_lock(&d->p2m_lock);
    spin_lock(&d->grant.maptrack_lock);
    for (unsigned i = 0; i < n; i++) {
        if (unlikely(!handle_take(&d->grant, ops[i].handle, ops[i].host_addr, &t[i]))) {
            ops[i].status = GNTST_bad_handle;
            t[i].flags = 0;
            taken--;
            continue;
        }
        p2m_remove_grant_locked(d, gfn(t[i].gfn), mfn(t[i].mfn), map_writes(t[i].flags));
        ops[i].status = GNTST_okay;
    }
    d->grant.nr_maps -= taken;
    spin_unlock(&d->grant.maptrack_lock);
    p2m_flush_removed_locked(d);
    spin_unlock(&d->p2m_lock);
    for (unsigned i = 0; i < n;)
        i += unmap_end(d, &t[i], n - i, last);
}

bool grant_domain_destroy(struct domain *d)
{
    struct grant_domain *g = &d->grant;
    uint32_t end = MIN(g->nr_maptrack_frames << MAPTRACK_SHIFT, g->next_drop + DROP_LIMIT);
    domain_ref struct domain *last = NULL;

    while (g->next_drop < end && g->nr_maps) {
        union grant_chunk k = {0};
        unsigned n = 0;

        while (n < CHUNK && g->next_drop < end)
            k.unmap[n++].handle = g->next_drop++;
        chunk_unmap(d, &k, n, &last);
    }
    return !g->nr_maps;
}

/* One side of a copy: a grant of another domain, or a frame of the caller's own. */
struct copy_side {
    struct domain *granter; /* NULL: own frame */
    struct use use;
    mfn_t m; /* referenced */
};

static int16_t copy_side(struct domain *d, bool by_ref, uint16_t domid, uint64_t ref_or_gfn, bool write,
                         struct copy_side *side, struct domain **last)
{
    struct pin_run run;

    *side = (struct copy_side){.use = {(uint32_t)ref_or_gfn, write, true}};
    if (!by_ref) {
        if (domid != DOMID_SELF && domid != d->id)
            return GNTST_permission_denied;
        side->m = p2m_get_ram(d, gfn(ref_or_gfn), write, NULL);
        return mfn_valid_value(side->m) ? GNTST_okay : GNTST_bad_page;
    }
    side->granter = domain_again(last, d, domid);
    if (!side->granter || side->granter->dying)
        return GNTST_bad_domain;
    spin_guard(&side->granter->grant.lock);
    spin_guard(&side->granter->p2m_lock);
    run = run_begin(side->granter);
    return pin_locked(side->granter, d->id, side->use, &run, &side->m);
}

static void copy_side_end(const struct copy_side *side)
{
    if (side->granter)
        unpin(side->granter, side->use, side->m);
    else
        page_put(side->m);
}

static int16_t copy_one(struct domain *d, const struct gnttab_copy *op, struct domain **last)
{
    bool sref = op->flags & GNTCOPY_source_gref, dref = op->flags & GNTCOPY_dest_gref;
    struct copy_side from, to;
    int16_t st;

    if ((uint32_t)op->source.offset + op->len > PAGE_SIZE || (uint32_t)op->dest.offset + op->len > PAGE_SIZE)
        return GNTST_bad_copy_arg;
    st = copy_side(d, sref, op->source.domid, sref ? op->source.u.ref : op->source.u.gmfn, false, &from,
                   &last[0]);
    if (st != GNTST_okay)
        return st;
    st = copy_side(d, dref, op->dest.domid, dref ? op->dest.u.ref : op->dest.u.gmfn, true, &to, &last[1]);
    if (st == GNTST_okay) {
        memcpy((char *)mfn_to_va(to.m) + op->dest.offset, (char *)mfn_to_va(from.m) + op->source.offset,
               op->len);
        copy_side_end(&to);
    }
    copy_side_end(&from);
    return st;
}

static void chunk_copy(struct domain *d, union grant_chunk *k, unsigned n, struct domain **last)
{
    for (unsigned i = 0; i < n; i++)
        k->copy[i].status = copy_one(d, &k->copy[i], last);
}

static const struct {
    void (*fn)(struct domain *d, union grant_chunk *k, unsigned n, struct domain **last);
    size_t size;
} batch_ops[] = {
    [GNTTABOP_map_grant_ref] = {chunk_map, sizeof(struct gnttab_map_grant_ref)},
    [GNTTABOP_unmap_grant_ref] = {chunk_unmap, sizeof(struct gnttab_unmap_grant_ref)},
    [GNTTABOP_copy] = {chunk_copy, sizeof(struct gnttab_copy)},
};

static long batch(struct vcpu *v, struct hypercall_args *args, unsigned cmd)
{
    struct domain *last[2] = {NULL, NULL};
    union grant_chunk k;
    size_t size = batch_ops[cmd].size;
    unsigned done = 0;
    /* a dying domain's vCPUs do not run: what is mapped here is undone by its end */
    long rc = v->domain->dying ? -XEN_EINVAL : 0;

    while (args->a[2] && !rc) {
        unsigned n = (unsigned)MIN(args->a[2], CHUNK);

        if (done && (done >= ROUND_LIMIT || this_cpu()->work)) {
            rc = -XEN_ERESTART;
            break;
        }
        rc = copy_from_guest(v, &k, args->a[1], n * size);
        if (rc)
            break;
        batch_ops[cmd].fn(v->domain, &k, n, last);
        rc = copy_to_guest(v, args->a[1], &k, n * size);
        args->a[1] += n * size;
        args->a[2] -= n;
        done += n;
    }
    domain_ref_end(&last[0]);
    domain_ref_end(&last[1]);
    return rc;
}

static struct domain *query_target(struct vcpu *v, uint16_t id, int16_t *st)
{
    long rc;
    struct domain *d = domain_target(v, id, PRIV_SELF_OR_CONTROL, &rc);

    *st = d ? GNTST_okay : rc == -XEN_ESRCH ? GNTST_bad_domain : GNTST_permission_denied;
    return d;
}

static long query_size(struct vcpu *v, void *arg)
{
    struct gnttab_query_size *q = arg;
    domain_ref struct domain *d = query_target(v, q->dom, &q->status);

    if (d) {
        q->nr_frames = MAX(d->grant.nr_frames, 1u);
        q->max_nr_frames = d->grant.max_frames;
    }
    return 0;
}

static long setup_table(struct vcpu *v, void *arg)
{
    struct gnttab_setup_table *s = arg;
    domain_ref struct domain *d = query_target(v, s->dom, &s->status);

    if (d) {
        spin_guard(&d->grant.lock);
        s->status = grow(&d->grant, s->nr_frames) ? GNTST_general_error : GNTST_okay;
    }
    return 0;
}

static long get_version(struct vcpu *v, void *arg)
{
    struct gnttab_get_version *g = arg;
    long rc;
    domain_ref struct domain *d = domain_target(v, g->dom, PRIV_SELF_OR_CONTROL, &rc);

    g->version = 1;
    return d ? 0 : rc;
}

static long set_version(struct vcpu *v, void *arg)
{
    uint32_t version = ((gnttab_set_version_t *)arg)->version;

    return version == 1 ? 0 : version == 2 ? -XEN_ENOSYS : -XEN_EINVAL;
}

static int16_t swap_refs(struct domain *d, uint32_t a, uint32_t b)
{
    uint32_t limit = d->grant.nr_frames * GRANTS_PER_FRAME;
    grant_entry_v1_t tmp;

    if (a >= limit || b >= limit)
        return GNTST_bad_gntref;
    if ((active_entry(d, a)->uses | active_entry(d, b)->uses) & GRANT_USES)
        return GNTST_eagain;
    tmp = *shared_entry(d, a);
    *shared_entry(d, a) = *shared_entry(d, b);
    *shared_entry(d, b) = tmp;
    return GNTST_okay;
}

static long swap_op(struct vcpu *v, void *arg)
{
    struct gnttab_swap_grant_ref *s = arg;

    spin_guard(&v->domain->grant.lock);
    s->status = swap_refs(v->domain, s->ref_a, s->ref_b);
    return 0;
}

static const struct subop singles[] = {
    [GNTTABOP_setup_table] = {setup_table, sizeof(struct gnttab_setup_table), true},
    [GNTTABOP_query_size] = {query_size, sizeof(struct gnttab_query_size), true},
    [GNTTABOP_set_version] = {set_version, sizeof(gnttab_set_version_t), false},
    [GNTTABOP_get_version] = {get_version, sizeof(struct gnttab_get_version), true},
    [GNTTABOP_swap_grant_ref] = {swap_op, sizeof(struct gnttab_swap_grant_ref), true},
};

HYPERCALL(grant_table_op)
{
    unsigned cmd = (unsigned)args->a[0] & 0xffff;

    if ((int64_t)args->a[2] < 0)
        return -XEN_EINVAL;
    if (cmd < ARRAY_SIZE(batch_ops) && batch_ops[cmd].fn)
        return batch(v, args, cmd);
    if (cmd < ARRAY_SIZE(singles) && singles[cmd].fn && args->a[2] != 1)
        return -XEN_EINVAL;
    return subop_call(v, v, singles, ARRAY_SIZE(singles), cmd, args->a[1]);
}

unsigned grant_count_frames(const struct domain *d)
{
    const struct grant_domain *g = &d->grant;

    return 3 * g->nr_frames + g->nr_maptrack_frames + (g->maptrack ? 2 : 0);
}
