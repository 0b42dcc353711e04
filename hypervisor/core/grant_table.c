/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Grant entries, their use by others, and the operations on them. The entry is the granter's memory and may
 * change at any time: it is read once as 32 bits, checked, and claimed by compare-and-swap; the frame is
 * fixed at first use. Locks: see grant.h. Batches are worked off in chunks that are copied in and out at
 * once.
 */
#include "bh/domain.h"
#include "bh/grant.h"
#include "bh/guest_access.h"
#include "bh/hypercall.h"
#include "bh/lib.h"
#include "bh/logdirty.h"
#include "bh/p2m_int.h"
#include "bh/page.h"

#define CHUNK       16u
#define NO_HANDLE   0xffffffffu
#define ROUND_LIMIT 512u  /* elements before other work gets its turn */
#define DROP_LIMIT  8192u /* handles of a dying domain */

int grant_domain_init(struct domain *d, uint32_t max_frames, uint32_t max_maptrack)
{
    struct grant_domain *g = &d->grant;

    g->max_frames = MIN(MAX(max_frames, 1), GRANT_MAX_FRAMES);
    g->max_maptrack_frames = MIN(max_maptrack, GRANT_MAX_MAPTRACK);
    g->free_handle = NO_HANDLE;
    return 0;
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
    int rc = idx >= g->max_frames ? -XEN_EINVAL : 0;

    spin_lock(&g->lock);
    if (!rc)
        rc = grow(g, idx + 1);
    if (!rc)
        *m = va_to_mfn(g->shared[idx]);
    spin_unlock(&g->lock);
    return rc;
}

static struct maptrack *handle_entry(struct grant_domain *g, uint32_t h)
{
    return h / MAPTRACK_PER_FRAME < g->nr_maptrack_frames
               ? &g->maptrack[h / MAPTRACK_PER_FRAME][h % MAPTRACK_PER_FRAME]
               : NULL;
}

/* One more frame of free handles; maptrack_lock held. */
static bool handles_grow(struct grant_domain *g)
{
    struct maptrack *frame;
    uint32_t first = g->nr_maptrack_frames * MAPTRACK_PER_FRAME;

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

static uint32_t handle_new(struct grant_domain *g, const struct maptrack *content)
{
    uint32_t h = NO_HANDLE;

    spin_lock(&g->maptrack_lock);
    if (g->free_handle != NO_HANDLE || handles_grow(g)) {
        struct maptrack *t;

        h = g->free_handle;
        t = handle_entry(g, h);
        g->free_handle = t->ref;
        *t = *content;
        g->nr_maps++;
    }
    spin_unlock(&g->maptrack_lock);
    return h;
}

/* Take a mapping out of the table so that only one caller undoes it. */
static bool handle_take(struct grant_domain *g, uint32_t h, uint64_t host_addr, struct maptrack *out)
{
    struct maptrack *t;
    bool ok;

    spin_lock(&g->maptrack_lock);
    t = handle_entry(g, h);
    ok = t && t->flags && (!host_addr || gfn_of(host_addr).n == t->gfn);
    if (ok) {
        *out = *t;
        *t = (struct maptrack){.ref = g->free_handle};
        g->free_handle = h;
        g->nr_maps--;
    }
    spin_unlock(&g->maptrack_lock);
    return ok;
}

union entry_head {
    struct {
        uint16_t flags, domid;
    };
    uint32_t word;
};

/* Mark the shared entry as read (and written) by `user`, if it permits that. GNTST_*. */
static int16_t entry_claim(grant_entry_v1_t *e, uint16_t user, bool write)
{
    uint32_t *word = (uint32_t *)(void *)e;
    union entry_head h = {.word = __atomic_load_n(word, __ATOMIC_ACQUIRE)};

    for (unsigned tries = 0; tries < 8; tries++) {
        union entry_head n = h;

        if ((h.flags & GTF_type_mask) != GTF_permit_access || h.domid != user)
            return GNTST_bad_gntref;
        if (write && h.flags & GTF_readonly)
            return GNTST_permission_denied;
        n.flags = (uint16_t)(n.flags | GTF_reading | (write ? GTF_writing : 0));
        if (__atomic_compare_exchange_n(word, &h.word, n.word, false, __ATOMIC_SEQ_CST, __ATOMIC_ACQUIRE))
            return GNTST_okay;
    }
    return GNTST_eagain; /* the granter keeps changing it */
}

struct pin {
    struct domain *granter;
    uint32_t ref;
    bool write, copy;
    mfn_t m; /* referenced */
};

/* Use the entry: check, count, fix the frame. On success pin->m holds a reference. */
static int16_t pin_ref(struct pin *p, uint16_t user)
{
    struct grant_domain *g = &p->granter->grant;
    struct grant_active *a;
    grant_entry_v1_t *e;
    enum p2m_type t;
    int16_t st;

    spin_lock(&g->lock);
    if (p->ref >= g->nr_frames * GRANTS_PER_FRAME) {
        spin_unlock(&g->lock);
        return GNTST_bad_gntref;
    }
    e = &g->shared[p->ref / GRANTS_PER_FRAME][p->ref % GRANTS_PER_FRAME];
    a = &g->active[p->ref / GRANTS_PER_FRAME][p->ref % GRANTS_PER_FRAME];
    if ((a->maps || a->copies) && a->mapper != user) {
        st = GNTST_bad_gntref;
    } else if (a->maps >= 0xfff0 || a->copies >= 0xfff0) {
        st = GNTST_no_space;
    } else if ((st = entry_claim(e, user, p->write)) == GNTST_okay) {
        if (a->maps || a->copies) {
            p->m = mfn(a->mfn);
            if (!page_get(p->m, page_owner(p->m)))
                st = GNTST_general_error;
        } else {
            p->m = p2m_get_ram(p->granter, gfn(__atomic_load_n(&e->frame, __ATOMIC_RELAXED)), true, &t);
            if (!mfn_valid_value(p->m)) {
                st = GNTST_bad_page;
            } else if ((t != P2M_RAM && t != P2M_LOGDIRTY) || page_owner(p->m) != p->granter->id) {
                /* the frame must keep the granter in the list: not shared_info, not the grant table */
                page_put(p->m);
                st = GNTST_bad_page;
            }
        }
        if (st == GNTST_okay) {
            a->mfn = p->m.n;
            a->mapper = user;
            a->copies = (uint16_t)(a->copies + p->copy);
            a->maps = (uint16_t)(a->maps + !p->copy);
            a->writable_maps = (uint16_t)(a->writable_maps + p->write);
        } else if (!a->maps && !a->copies) {
            __atomic_fetch_and(&e->flags, (uint16_t) ~(GTF_reading | GTF_writing), __ATOMIC_SEQ_CST);
        }
    }
    spin_unlock(&g->lock);
    return st;
}

/* The use ends; the frame's reference is the caller's business. */
static void unpin_ref(const struct pin *p)
{
    struct grant_domain *g = &p->granter->grant;
    struct grant_active *a;
    grant_entry_v1_t *e;
    uint32_t frame;

    spin_lock(&g->lock);
    e = &g->shared[p->ref / GRANTS_PER_FRAME][p->ref % GRANTS_PER_FRAME];
    a = &g->active[p->ref / GRANTS_PER_FRAME][p->ref % GRANTS_PER_FRAME];
    frame = __atomic_load_n(&e->frame, __ATOMIC_RELAXED);
    a->copies = (uint16_t)(a->copies - p->copy);
    a->maps = (uint16_t)(a->maps - !p->copy);
    a->writable_maps = (uint16_t)(a->writable_maps - p->write);
    if (!a->writable_maps)
        __atomic_fetch_and(&e->flags, (uint16_t)~GTF_writing, __ATOMIC_SEQ_CST);
    if (!a->maps && !a->copies)
        __atomic_fetch_and(&e->flags, (uint16_t)~GTF_reading, __ATOMIC_SEQ_CST);
    spin_unlock(&g->lock);
    if (p->write)
        logdirty_mark(p->granter, gfn(frame));
}

void grant_log_dirty(struct domain *d)
{
    struct grant_domain *g = &d->grant;

    spin_lock(&g->lock);
    for (uint32_t i = 0; i < g->nr_frames * GRANTS_PER_FRAME; i++)
        if (g->active[i / GRANTS_PER_FRAME][i % GRANTS_PER_FRAME].writable_maps)
            logdirty_mark(d, gfn(g->shared[i / GRANTS_PER_FRAME][i % GRANTS_PER_FRAME].frame));
    spin_unlock(&g->lock);
}

/* Batches mostly name one domain: keep the last one found. */
struct domain_cache {
    struct domain *d;
};

static struct domain *cached_domain(struct domain_cache *c, const struct domain *self, uint16_t id)
{
    if (id == DOMID_SELF)
        id = self->id;
    if (c->d && c->d->id == id)
        return c->d;
    if (c->d)
        domain_put(c->d);
    c->d = domain_get(id);
    return c->d;
}

static void cache_drop(struct domain_cache *c)
{
    if (c->d)
        domain_put(c->d);
    c->d = NULL;
}

static int16_t map_place(struct domain *d, gfn_t g, mfn_t m, bool write)
{
    enum p2m_type t;
    int rc;

    spin_lock(&d->p2m_lock);
    (void)p2m_lookup_locked(d, g, &t, NULL);
    rc = t != P2M_NONE || d->dying ? -XEN_EBUSY
                                   : p2m_set_locked(d, g, m, 0, write ? P2M_GRANT_RW : P2M_GRANT_RO);
    spin_unlock(&d->p2m_lock);
    return rc ? GNTST_general_error : GNTST_okay;
}

static void map_one(struct vcpu *v, struct gnttab_map_grant_ref *op, struct domain_cache *c)
{
    struct domain *d = v->domain;
    struct pin p = {.ref = op->ref, .write = !(op->flags & GNTMAP_readonly)};
    struct maptrack t;

    op->status = GNTST_general_error;
    if (!(op->flags & GNTMAP_host_map) || op->flags & (GNTMAP_contains_pte | GNTMAP_application_map)) {
        op->status = GNTST_bad_virt_addr;
        return;
    }
    p.granter = cached_domain(c, d, op->dom);
    if (!p.granter || p.granter->dying) {
        op->status = GNTST_bad_domain;
        return;
    }
    op->status = pin_ref(&p, d->id);
    if (op->status != GNTST_okay)
        return;
    op->status = map_place(d, gfn_of(op->host_addr), p.m, p.write);
    if (op->status == GNTST_okay) {
        t = (struct maptrack){.granter = p.granter->id,
                              .flags = (uint16_t)op->flags,
                              .ref = p.ref,
                              .gfn = gfn_of(op->host_addr).n,
                              .mfn = p.m.n};
        op->handle = handle_new(&d->grant, &t);
        op->dev_bus_addr = op->host_addr & PAGE_MASK;
        if (op->handle != NO_HANDLE)
            return;
        op->status = GNTST_no_space;
        spin_lock(&d->p2m_lock);
        if (!p2m_clear_locked(d, gfn_of(op->host_addr), 0))
            p2m_flush_locked(d);
        spin_unlock(&d->p2m_lock);
    }
    unpin_ref(&p);
    page_put(p.m);
}

/* First half of an unmap: the entry goes; what it meant is kept until the TLBs are clean. */
static int16_t unmap_begin(struct domain *d, uint32_t handle, uint64_t host_addr, struct maptrack *t)
{
    mfn_t m;
    enum p2m_type type;

    t->flags = 0;
    if (!handle_take(&d->grant, handle, host_addr, t))
        return GNTST_bad_handle;
    spin_lock(&d->p2m_lock);
    m = p2m_lookup_locked(d, gfn(t->gfn), &type, NULL);
    if ((type == P2M_GRANT_RW || type == P2M_GRANT_RO) && m.n == t->mfn &&
        p2m_clear_locked(d, gfn(t->gfn), 0))
        pr_err("d%u: a grant mapping at frame %lx could not be removed\n", d->id,
               t->gfn); /* 4 KiB entries need no memory */
    spin_unlock(&d->p2m_lock);
    return GNTST_okay;
}

static void unmap_end(const struct domain *d, const struct maptrack *t, struct domain_cache *c)
{
    struct pin p = {.ref = t->ref, .write = !(t->flags & GNTMAP_readonly)};

    p.granter = cached_domain(c, d, t->granter);
    ASSERT(p.granter); /* its frame that we hold keeps it in the list */
    unpin_ref(&p);
    page_put(mfn(t->mfn));
}

static void unmap_chunk(struct vcpu *v, struct gnttab_unmap_grant_ref *ops, unsigned n,
                        struct domain_cache *c)
{
    struct maptrack t[CHUNK];

    for (unsigned i = 0; i < n; i++)
        ops[i].status = unmap_begin(v->domain, ops[i].handle, ops[i].host_addr, &t[i]);
    p2m_flush(v->domain);
    for (unsigned i = 0; i < n; i++)
        if (t[i].flags)
            unmap_end(v->domain, &t[i], c);
}

bool grant_domain_destroy(struct domain *d)
{
    struct grant_domain *g = &d->grant;
    uint32_t end = MIN(g->nr_maptrack_frames * MAPTRACK_PER_FRAME, g->next_drop + DROP_LIMIT);
    struct domain_cache c = {NULL};

    for (; g->next_drop < end && g->nr_maps; g->next_drop++) {
        struct maptrack t;

        if (unmap_begin(d, g->next_drop, 0, &t) == GNTST_okay)
            unmap_end(d, &t, &c);
    }
    cache_drop(&c);
    return !g->nr_maps;
}

/* One side of a copy: a grant of another domain, or a frame of the caller's own. */
static int16_t copy_side(struct vcpu *v, bool by_ref, uint16_t domid, uint64_t ref_or_gfn, bool write,
                         struct pin *p, struct domain_cache *c)
{
    *p = (struct pin){.ref = (uint32_t)ref_or_gfn, .write = write, .copy = true};
    if (by_ref) {
        p->granter = cached_domain(c, v->domain, domid);
        return p->granter && !p->granter->dying ? pin_ref(p, v->domain->id) : GNTST_bad_domain;
    }
    if (domid != DOMID_SELF && domid != v->domain->id)
        return GNTST_permission_denied;
    p->m = p2m_get_ram(v->domain, gfn(ref_or_gfn), write, NULL);
    return mfn_valid_value(p->m) ? GNTST_okay : GNTST_bad_page;
}

static void copy_side_end(const struct pin *p)
{
    if (p->granter)
        unpin_ref(p);
    page_put(p->m);
}

static void copy_one(struct vcpu *v, struct gnttab_copy *op, struct domain_cache *src,
                     struct domain_cache *dst)
{
    bool sref = op->flags & GNTCOPY_source_gref, dref = op->flags & GNTCOPY_dest_gref;
    struct pin s, d;

    if ((uint32_t)op->source.offset + op->len > PAGE_SIZE ||
        (uint32_t)op->dest.offset + op->len > PAGE_SIZE) {
        op->status = GNTST_bad_copy_arg;
        return;
    }
    op->status =
        copy_side(v, sref, op->source.domid, sref ? op->source.u.ref : op->source.u.gmfn, false, &s, src);
    if (op->status != GNTST_okay)
        return;
    op->status = copy_side(v, dref, op->dest.domid, dref ? op->dest.u.ref : op->dest.u.gmfn, true, &d, dst);
    if (op->status == GNTST_okay) {
        memcpy((char *)mfn_to_va(d.m) + op->dest.offset, (char *)mfn_to_va(s.m) + op->source.offset, op->len);
        copy_side_end(&d);
    }
    copy_side_end(&s);
}

union grant_chunk {
    struct gnttab_map_grant_ref map[CHUNK];
    struct gnttab_unmap_grant_ref unmap[CHUNK];
    struct gnttab_copy copy[CHUNK];
};

static void chunk_map(struct vcpu *v, union grant_chunk *k, unsigned n, struct domain_cache *c)
{
    for (unsigned i = 0; i < n; i++)
        map_one(v, &k->map[i], &c[0]);
}

static void chunk_unmap(struct vcpu *v, union grant_chunk *k, unsigned n, struct domain_cache *c)
{
    unmap_chunk(v, k->unmap, n, &c[0]);
}

static void chunk_copy(struct vcpu *v, union grant_chunk *k, unsigned n, struct domain_cache *c)
{
    for (unsigned i = 0; i < n; i++)
        copy_one(v, &k->copy[i], &c[0], &c[1]);
}

static const struct {
    void (*fn)(struct vcpu *v, union grant_chunk *k, unsigned n, struct domain_cache *c);
    size_t size;
} batch_ops[] = {
    [GNTTABOP_map_grant_ref] = {chunk_map, sizeof(struct gnttab_map_grant_ref)},
    [GNTTABOP_unmap_grant_ref] = {chunk_unmap, sizeof(struct gnttab_unmap_grant_ref)},
    [GNTTABOP_copy] = {chunk_copy, sizeof(struct gnttab_copy)},
};

static long batch(struct vcpu *v, struct hypercall_args *args, unsigned cmd)
{
    struct domain_cache cache[2] = {{NULL}, {NULL}};
    union grant_chunk k;
    size_t size = batch_ops[cmd].size;
    unsigned done = 0;
    long rc = 0;

    while (args->a[2] && !rc) {
        unsigned n = (unsigned)MIN(args->a[2], CHUNK);

        if (done && (done >= ROUND_LIMIT || this_cpu()->work)) {
            rc = -XEN_ERESTART;
            break;
        }
        rc = copy_from_guest(v, &k, args->a[1], n * size);
        if (rc)
            break;
        batch_ops[cmd].fn(v, &k, n, cache);
        rc = copy_to_guest(v, args->a[1], &k, n * size);
        args->a[1] += n * size;
        args->a[2] -= n;
        done += n;
    }
    cache_drop(&cache[0]);
    cache_drop(&cache[1]);
    return rc;
}

static struct domain *query_target(struct vcpu *v, uint16_t id, int16_t *st)
{
    struct domain *d = domain_get(id == DOMID_SELF ? v->domain->id : id);

    *st = !d                                                ? GNTST_bad_domain
          : priv_allows(v->domain, d, PRIV_SELF_OR_CONTROL) ? GNTST_okay
                                                            : GNTST_permission_denied;
    if (d && *st != GNTST_okay) {
        domain_put(d);
        d = NULL;
    }
    return d;
}

static long query_size(struct vcpu *v, uint64_t gva)
{
    struct gnttab_query_size q;
    struct domain *d;

    if (copy_from_guest(v, &q, gva, sizeof(q)))
        return -XEN_EFAULT;
    d = query_target(v, q.dom, &q.status);
    if (d) {
        q.nr_frames = MAX(d->grant.nr_frames, 1u);
        q.max_nr_frames = d->grant.max_frames;
        domain_put(d);
    }
    return copy_to_guest(v, gva, &q, sizeof(q)) ? -XEN_EFAULT : 0;
}

static long setup_table(struct vcpu *v, uint64_t gva)
{
    struct gnttab_setup_table s;
    struct domain *d;

    if (copy_from_guest(v, &s, gva, sizeof(s)))
        return -XEN_EFAULT;
    d = query_target(v, s.dom, &s.status);
    if (d) {
        spin_lock(&d->grant.lock);
        s.status = grow(&d->grant, s.nr_frames) ? GNTST_general_error : GNTST_okay;
        spin_unlock(&d->grant.lock);
        domain_put(d);
    }
    return copy_to_guest(v, gva, &s, sizeof(s)) ? -XEN_EFAULT : 0;
}

static long version_op(struct vcpu *v, uint64_t gva, bool set)
{
    struct gnttab_get_version g;
    gnttab_set_version_t s;
    struct domain *d;
    int16_t st;

    if (set) {
        if (copy_from_guest(v, &s, gva, sizeof(s)))
            return -XEN_EFAULT;
        if (s.version == 2)
            return -XEN_ENOSYS;
        return s.version == 1 ? 0 : -XEN_EINVAL;
    }
    if (copy_from_guest(v, &g, gva, sizeof(g)))
        return -XEN_EFAULT;
    d = query_target(v, g.dom, &st);
    if (!d)
        return st == GNTST_bad_domain ? -XEN_ESRCH : -XEN_EPERM;
    domain_put(d);
    g.version = 1;
    return copy_to_guest(v, gva, &g, sizeof(g)) ? -XEN_EFAULT : 0;
}

static int16_t swap_refs(struct grant_domain *g, uint32_t a, uint32_t b)
{
    uint32_t limit = g->nr_frames * GRANTS_PER_FRAME;
    struct grant_active *aa, *ab;
    grant_entry_v1_t *ea, *eb, tmp;

    if (a >= limit || b >= limit)
        return GNTST_bad_gntref;
    aa = &g->active[a / GRANTS_PER_FRAME][a % GRANTS_PER_FRAME];
    ab = &g->active[b / GRANTS_PER_FRAME][b % GRANTS_PER_FRAME];
    if (aa->maps || aa->copies || ab->maps || ab->copies)
        return GNTST_eagain;
    ea = &g->shared[a / GRANTS_PER_FRAME][a % GRANTS_PER_FRAME];
    eb = &g->shared[b / GRANTS_PER_FRAME][b % GRANTS_PER_FRAME];
    tmp = *ea;
    *ea = *eb;
    *eb = tmp;
    return GNTST_okay;
}

static long swap_op(struct vcpu *v, uint64_t gva)
{
    struct gnttab_swap_grant_ref s;

    if (copy_from_guest(v, &s, gva, sizeof(s)))
        return -XEN_EFAULT;
    spin_lock(&v->domain->grant.lock);
    s.status = swap_refs(&v->domain->grant, s.ref_a, s.ref_b);
    spin_unlock(&v->domain->grant.lock);
    return copy_to_guest(v, gva, &s, sizeof(s)) ? -XEN_EFAULT : 0;
}

HYPERCALL(grant_table_op)
{
    unsigned cmd = (unsigned)args->a[0] & 0xffff;
    static long (*const singles[])(struct vcpu * v, uint64_t gva) = {
        [GNTTABOP_setup_table] = setup_table,
        [GNTTABOP_query_size] = query_size,
        [GNTTABOP_swap_grant_ref] = swap_op,
    };

    if ((int64_t)args->a[2] < 0)
        return -XEN_EINVAL;
    if (cmd < ARRAY_SIZE(batch_ops) && batch_ops[cmd].fn)
        return batch(v, args, cmd);
    if (cmd == GNTTABOP_set_version || cmd == GNTTABOP_get_version)
        return args->a[2] == 1 ? version_op(v, args->a[1], cmd == GNTTABOP_set_version) : -XEN_EINVAL;
    if (cmd < ARRAY_SIZE(singles) && singles[cmd])
        return args->a[2] == 1 ? singles[cmd](v, args->a[1]) : -XEN_EINVAL;
    return -XEN_ENOSYS;
}

unsigned grant_count_maps(const struct domain *d)
{
    return d->grant.nr_maps;
}

unsigned grant_count_frames(const struct domain *d)
{
    const struct grant_domain *g = &d->grant;

    return 3 * g->nr_frames + g->nr_maptrack_frames + (g->maptrack ? 2 : 0);
}
