/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * XENMEM_*: what a domain's physical address space holds. Each operation on a frame number is validate,
 * account, act; a list stops at the first entry that fails and tells how many were done. Long lists come in
 * pieces: the progress is kept in the upper bits of the command, as Xen's ABI does.
 */
#include "bh/domain.h"
#include "bh/lib.h"
#include "bh/p2m_int.h"
#include "bh/page.h"
#include "bh/boot.h"

#define EXTENTS_A_ROUND 256u
#define FRAMES_A_ROUND  2048u /* zeroing these takes a millisecond or two, with interrupts off */
#define MAX_E820_GUEST  128u

static struct domain *live_target(struct vcpu *v, uint16_t id, enum priv p, long *rc)
{
    struct domain *d = domain_target(v, id, p, rc);

    if (d && d->dying) {
        domain_put(d);
        *rc = -XEN_EINVAL;
        return NULL;
    }
    return d;
}

/* A call with a domain in its structure, which is copied in once; some are copied back. */
struct memory_call {
    struct vcpu *v;
    struct hypercall_args *args;
    struct domain *d; /* the one it names, referenced */
    unsigned op;
    union {
        struct xen_memory_reservation reservation;
        struct xen_add_to_physmap add;
        struct xen_add_to_physmap_batch batch;
        struct xen_remove_from_physmap remove;
        struct xen_foreign_memory_map map;
        struct xen_mem_acquire_resource resource;
        struct xen_pod_target pod;
        domid_t domid;
    } u;
};
#define GUEST_ADDRESS(handle) ((uint64_t)(uintptr_t)(handle).p)

/* Undo whatever is at g: owned RAM is freed, mappings lose their reference. p2m_lock held. */
static int clear_frame(struct domain *d, gfn_t g)
{
    enum p2m_type t;
    mfn_t m = p2m_lookup_locked(d, g, &t, NULL);
    int rc;

    if (t == P2M_NONE)
        return 0;
    if (t == P2M_GRANT_RW || t == P2M_GRANT_RO)
        return -XEN_EBUSY; /* its reference is the grant mapping's: unmap_grant_ref ends it */
    if (t == P2M_MMIO)     /* dom0's first MiB is the machine's own; Linux puts its shared_info there */
        return d->hardware && g.n < 0x100 ? p2m_clear_locked(d, g, 0) : -XEN_EPERM;
    rc = p2m_clear_locked(d, g, 0);
    if (rc)
        return rc;
    if (t == P2M_FOREIGN)
        d->foreign_maps--;
    p2m_defer_put_locked(d, m);
    return 0;
}

/* The reference to m is handed over to the entry, or dropped after an error. */
static int place_frame(struct domain *d, gfn_t g, mfn_t m, enum p2m_type t)
{
    int rc;

    spin_guard(&d->p2m_lock);
    rc = d->dying ? -XEN_EINVAL : clear_frame(d, g);
    rc = rc ? rc : p2m_set_locked(d, g, m, 0, t);
    if (rc)
        page_put(m);
    else if (t == P2M_FOREIGN)
        d->foreign_maps++;
    return rc;
}

/* Nothing stands in any frame of the extent; g is aligned to it. p2m_lock held. */
static bool extent_empty(struct domain *d, uint64_t g, unsigned order)
{
    for (uint64_t i = 0; i < 1ull << order;) {
        enum p2m_type t;
        unsigned step;

        (void)p2m_lookup_locked(d, gfn(g + i), &t, &step);
        if (t != P2M_NONE)
            return false;
        i += 1ull << step;
    }
    return true;
}

static bool extent_add(struct domain *d, uint64_t g, mfn_t m, unsigned order)
{
    spin_guard(&d->p2m_lock);
    return !d->dying && extent_empty(d, g, order) && !p2m_set_locked(d, gfn(g), m, order, P2M_RAM);
}

static bool populate_one(struct domain *d, uint64_t g, unsigned order)
{
    mfn_t m = mfn(g);
    bool ok;

    if (g & ((1ull << order) - 1) || (g + (1ull << order)) >> 36)
        return false;
    if (!d->direct_mapped)
        m = page_alloc_domain(d, order, 0);
    else if (!page_claim_fixed(d, m, 1ull << order))
        return false;
    if (!mfn_valid_value(m))
        return false;
    ok = extent_add(d, g, m, order);
    if (!ok)
        page_put_block(m, order);
    return ok;
}

static bool decrease_one(struct domain *d, uint64_t g, unsigned order)
{
    if ((g + (1ull << order)) >> 36)
        return false;
    spin_guard(&d->p2m_lock);
    for (uint64_t i = 0; i < 1ull << order; i++) {
        enum p2m_type t;

        (void)p2m_lookup_locked(d, gfn(g + i), &t, NULL);
        if ((t != P2M_RAM && t != P2M_LOGDIRTY) || clear_frame(d, gfn(g + i)))
            return false;
    }
    return true;
}

/* The result is the number of extents done in all. */
static long reservation(struct memory_call *c)
{
    const struct xen_memory_reservation *r = &c->u.reservation;
    uint64_t start = c->args->a[0] >> MEMOP_EXTENT_SHIFT, i;
    /* one GiB at once is for builders */
    unsigned max_order = c->d != c->v->domain || c->d->privileged ? ORDER_1G : ORDER_2M;
    bool failed = false;

    if (r->extent_order > max_order || r->nr_extents > ~0ul >> MEMOP_EXTENT_SHIFT || start > r->nr_extents)
        return (long)start;
    for (i = start; i < r->nr_extents; i++) {
        uint64_t g;

        if (i > start && (i - start >= EXTENTS_A_ROUND || this_cpu()->work ||
                          (i - start) << r->extent_order >= FRAMES_A_ROUND))
            break;
        if (copy_from_guest(c->v, &g, GUEST_ADDRESS(r->extent_start) + i * sizeof(g), sizeof(g)))
            failed = true;
        else if (c->op == XENMEM_populate_physmap)
            failed = !populate_one(c->d, g, r->extent_order);
        else
            failed = !decrease_one(c->d, g, r->extent_order);
        if (failed)
            break;
    }
    if (c->op == XENMEM_decrease_reservation)
        p2m_flush(c->d); /* the frames are free from here on */
    if (failed || i == r->nr_extents)
        return (long)i;
    c->args->a[0] = c->op | i << MEMOP_EXTENT_SHIFT;
    return -XEN_ERESTART;
}

static int add_one(struct domain *d, unsigned space, uint64_t idx, gfn_t g, struct domain *foreign)
{
    enum p2m_type t = P2M_RAM, ft;
    mfn_t m;
    int rc = 0;

    switch (space) {
    case XENMAPSPACE_shared_info:
        m = va_to_mfn(d->shared_info);
        if (idx || !page_get(m, OWNER_HYPERVISOR))
            rc = -XEN_EINVAL;
        break;
    case XENMAPSPACE_grant_table:
        if (idx & XENMAPIDX_grant_table_status)
            return -XEN_EINVAL;
        rc = idx > 0xffffffff ? -XEN_EINVAL : grant_shared_frame(d, (uint32_t)idx, &m);
        break;
    case XENMAPSPACE_gmfn_foreign:
        m = p2m_get_ram(foreign, gfn(idx), false, &ft); /* is not a write: saving maps every frame */
        if (!mfn_valid_value(m))
            return -XEN_EINVAL;
        if (ft != P2M_RAM && ft != P2M_LOGDIRTY) {
            page_put(m);
            return -XEN_EINVAL;
        }
        t = P2M_FOREIGN;
        break;
    case XENMAPSPACE_gmfn: /* move a frame of its own */
        if (!guest_frame_get(d, gfn(idx), &m))
            return -XEN_EINVAL;
        if (idx == g.n || !decrease_one(d, idx, 0)) {
            page_put(m);
            return idx == g.n ? 0 : -XEN_EINVAL;
        }
        break;
    default:
        return -XEN_EINVAL;
    }
    return rc ? rc : place_frame(d, g, m, t);
}

static long add_to_physmap(struct memory_call *c)
{
    const struct xen_add_to_physmap *a = &c->u.add;

    if (a->space == XENMAPSPACE_gmfn_foreign)
        return -XEN_ENOSYS; /* needs the batch form */
    return add_one(c->d, a->space, a->idx, gfn(a->gpfn), NULL);
}

static long add_batch(struct memory_call *c, struct domain *foreign)
{
    const struct xen_add_to_physmap_batch *b = &c->u.batch;
    uint64_t i = c->args->a[0] >> MEMOP_EXTENT_SHIFT, first = i;

    for (; i < b->size; i++) {
        xen_ulong_t idx;
        xen_pfn_t g;
        int err;

        if (i - first >= EXTENTS_A_ROUND) {
            c->args->a[0] = XENMEM_add_to_physmap_batch | i << MEMOP_EXTENT_SHIFT;
            return -XEN_ERESTART;
        }
        if (copy_from_guest(c->v, &idx, GUEST_ADDRESS(b->idxs) + i * sizeof(idx), sizeof(idx)) ||
            copy_from_guest(c->v, &g, GUEST_ADDRESS(b->gpfns) + i * sizeof(g), sizeof(g)))
            return -XEN_EFAULT;
        err = add_one(c->d, b->space, idx, gfn(g), foreign);
        if (copy_to_guest(c->v, GUEST_ADDRESS(b->errs) + i * sizeof(err), &err, sizeof(err)))
            return -XEN_EFAULT;
    }
    return 0;
}

static long add_to_physmap_batch(struct memory_call *c)
{
    domain_ref struct domain *foreign = NULL;
    long rc;

    if (c->u.batch.space != XENMAPSPACE_gmfn_foreign)
        return c->u.batch.u.res0 ? -XEN_EOPNOTSUPP : add_batch(c, NULL);
    foreign = live_target(c->v, c->u.batch.u.foreign_domid, PRIV_CONTROL, &rc);
    return !foreign ? rc : foreign == c->d ? -XEN_EINVAL : add_batch(c, foreign);
}

static long remove_from_physmap(struct memory_call *c)
{
    gfn_t g = gfn(c->u.remove.gpfn);
    enum p2m_type t;

    spin_guard(&c->d->p2m_lock);
    (void)p2m_lookup_locked(c->d, g, &t, NULL);
    if (t == P2M_NONE)
        return -XEN_ENOENT;
    if (t == P2M_GRANT_RW || t == P2M_GRANT_RO)
        return -XEN_EINVAL; /* grants end by unmap_grant_ref */
    return clear_frame(c->d, g);
}

static long memory_map(struct vcpu *v, uint64_t gva)
{
    struct xen_memory_map m;
    struct domain *d = v->domain;

    if (copy_from_guest(v, &m, gva, sizeof(m)))
        return -XEN_EFAULT;
    spin_guard(&d->lock); /* keeps set_memory_map from freeing the map while it is copied */
    if (!d->e820)
        return -XEN_ENOSYS;
    if (m.nr_entries < d->nr_e820)
        return -XEN_EINVAL;
    m.nr_entries = d->nr_e820;
    if (copy_to_guest(v, GUEST_ADDRESS(m.buffer), d->e820, d->nr_e820 * sizeof(struct e820_entry)) ||
        copy_to_guest(v, gva, &m, sizeof(m)))
        return -XEN_EFAULT;
    return 0;
}

static long set_memory_map(struct memory_call *c)
{
    uint32_t nr = c->u.map.map.nr_entries;
    struct e820_entry *e;

    if (nr > MAX_E820_GUEST || !nr)
        return -XEN_EINVAL;
    e = kzalloc(nr * sizeof(*e));
    if (!e)
        return -XEN_ENOMEM;
    if (copy_from_guest(c->v, e, GUEST_ADDRESS(c->u.map.map.buffer), nr * sizeof(*e))) {
        kfree(e, nr * sizeof(*e));
        return -XEN_EFAULT;
    }
    spin_guard(&c->d->lock);
    kfree(c->d->e820, c->d->nr_e820 * sizeof(*e));
    c->d->e820 = e;
    c->d->nr_e820 = nr;
    return 0;
}

/* Frames that belong to a domain but are not in its address space (grant table) into the caller's. */
static long acquire_resource(struct memory_call *c)
{
    struct xen_mem_acquire_resource *r = &c->u.resource;
    uint64_t gva = GUEST_ADDRESS(r->frame_list);
    long rc = 0;

    if (r->type != XENMEM_resource_grant_table || r->id != XENMEM_resource_grant_table_id_shared)
        return -XEN_EOPNOTSUPP;
    if (!gva) {
        r->nr_frames = c->d->grant.max_frames;
        return 0;
    }
    if (r->frame + r->nr_frames > c->d->grant.max_frames || r->frame + r->nr_frames < r->frame)
        return -XEN_EINVAL;
    for (uint32_t i = 0; !rc && i < r->nr_frames; i++) {
        xen_pfn_t g;
        mfn_t m;

        if (copy_from_guest(c->v, &g, gva + i * sizeof(g), sizeof(g)))
            return -XEN_EFAULT;
        rc = grant_shared_frame(c->d, (uint32_t)r->frame + i, &m);
        rc = rc ? rc : place_frame(c->v->domain, gfn(g), m, P2M_FOREIGN);
    }
    return rc;
}

static long domain_size(struct memory_call *c)
{
    const struct domain *d = c->d;

    return (long)(c->op == XENMEM_maximum_gpfn          ? d->top_ram
                  : c->op == XENMEM_maximum_reservation ? d->max_pages
                                                        : d->tot_pages);
}

/* No populate-on-demand: the target always equals what there is. */
static long pod_target(struct memory_call *c)
{
    c->u.pod.tot_pages = c->d->tot_pages;
    c->u.pod.pod_cache_pages = c->u.pod.pod_entries = 0;
    return 0;
}

#define OP(name, handler, type, domid_field, priv, back)                                                     \
    [XENMEM_##name] = {handler, sizeof(type), offsetof(type, domid_field), priv, back}
static const struct {
    long (*fn)(struct memory_call *c);
    uint16_t size, domid_offset;
    uint8_t priv;
    bool copyback;
} table[] = {
    OP(populate_physmap, reservation, struct xen_memory_reservation, domid, PRIV_SELF_OR_CONTROL, false),
    OP(decrease_reservation, reservation, struct xen_memory_reservation, domid, PRIV_SELF_OR_CONTROL, false),
    OP(add_to_physmap, add_to_physmap, struct xen_add_to_physmap, domid, PRIV_SELF_OR_CONTROL, false),
    OP(add_to_physmap_batch, add_to_physmap_batch, struct xen_add_to_physmap_batch, domid,
       PRIV_SELF_OR_CONTROL, false),
    OP(remove_from_physmap, remove_from_physmap, struct xen_remove_from_physmap, domid, PRIV_SELF_OR_CONTROL,
       false),
    OP(set_memory_map, set_memory_map, struct xen_foreign_memory_map, domid, PRIV_CONTROL, false),
    OP(acquire_resource, acquire_resource, struct xen_mem_acquire_resource, domid, PRIV_CONTROL, true),
    OP(set_pod_target, pod_target, struct xen_pod_target, domid, PRIV_CONTROL, true),
    OP(get_pod_target, pod_target, struct xen_pod_target, domid, PRIV_CONTROL, true),
    [XENMEM_current_reservation] = {domain_size, sizeof(domid_t), 0, PRIV_SELF_OR_CONTROL, false},
    [XENMEM_maximum_reservation] = {domain_size, sizeof(domid_t), 0, PRIV_SELF_OR_CONTROL, false},
    [XENMEM_maximum_gpfn] = {domain_size, sizeof(domid_t), 0, PRIV_SELF_OR_CONTROL, false},
};

static long domain_op(struct vcpu *v, struct hypercall_args *args, unsigned op)
{
    struct memory_call c = {.v = v, .args = args, .op = op};
    uint64_t gva = args->a[1];
    domid_t id;
    long rc = 0;

    if (copy_from_guest(v, &c.u, gva, table[op].size))
        return -XEN_EFAULT;
    if (op == XENMEM_acquire_resource && c.u.resource.pad)
        return -XEN_EINVAL; /* Xen looks at it before the domain */
    memcpy(&id, (const char *)&c.u + table[op].domid_offset, sizeof(id));
    c.d = live_target(v, id, table[op].priv, &rc);
    if (!c.d)
        return rc;
    rc = table[op].fn(&c);
    domain_put(c.d);
    return !rc && table[op].copyback && copy_to_guest(v, gva, &c.u, table[op].size) ? -XEN_EFAULT : rc;
}

HYPERCALL(memory_op)
{
    unsigned op = args->a[0] & MEMOP_CMD_MASK;

    if (op < ARRAY_SIZE(table) && table[op].fn)
        return domain_op(v, args, op);
    switch (op) {
    case XENMEM_memory_map:
        return memory_map(v, args->a[1]);
    case XENMEM_maximum_ram_page:
        return (long)max_page;
    case XENMEM_get_sharing_freed_pages:
    case XENMEM_get_sharing_shared_pages:
        return 0;
    case XENMEM_get_vnumainfo: /* no virtual NUMA: saving asks */
        return -XEN_EOPNOTSUPP;
    default:
        return -XEN_ENOSYS;
    }
}
