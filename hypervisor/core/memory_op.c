/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * XENMEM_*: what a domain's physical address space holds. Each operation on a frame number is validate,
 * account, act; a list stops at the first entry that fails and tells how many were done. Long lists come in
 * pieces: the progress is kept in the upper bits of the command, as Xen's ABI does.
 */
#include "bh/domain.h"
#include "bh/guest_access.h"
#include "bh/hypercall.h"
#include "bh/lib.h"
#include "bh/p2m_int.h"
#include "bh/page.h"
#include "bh/boot.h"

#define EXTENTS_A_ROUND 256u
#define FRAMES_A_ROUND  2048u /* zeroing these takes a millisecond or two, with interrupts off */
#define MAX_E820_GUEST  128u

static struct domain *target(struct vcpu *v, uint16_t id, enum priv p, long *rc)
{
    struct domain *d = domain_get(id == DOMID_SELF ? v->domain->id : id);

    if (!d) {
        *rc = -XEN_ESRCH;
    } else if (!priv_allows(v->domain, d, p)) {
        domain_put(d);
        d = NULL;
        *rc = -XEN_EPERM;
    } else if (d->dying) {
        domain_put(d);
        d = NULL;
        *rc = -XEN_EINVAL;
    }
    return d;
}

/* Undo whatever is at g: owned RAM is freed, mappings lose their reference. p2m_lock held. */
static int clear_frame(struct domain *d, gfn_t g, unsigned order)
{
    enum p2m_type t;
    mfn_t m = p2m_lookup_locked(d, g, &t, NULL);
    int rc;

    if (t == P2M_NONE)
        return 0;
    if (t == P2M_GRANT_RW || t == P2M_GRANT_RO)
        return -XEN_EBUSY; /* its reference is the grant mapping's: unmap_grant_ref ends it */
    if (t ==
        P2M_MMIO) /* dom0's RAM of the first MiB is the machine's own; Linux puts its shared_info there */
        return d->hardware && g.n < 0x100 ? p2m_clear_locked(d, g, 0) : -XEN_EPERM;
    rc = p2m_clear_locked(d, g, order);
    if (rc)
        return rc;
    if (t == P2M_FOREIGN)
        d->foreign_maps--;
    for (uint64_t i = 0; i < 1ull << order; i++)
        p2m_defer_put_locked(d, mfn_add(m, i));
    return 0;
}

/* A reference to m is handed over to the entry. */
static int place_frame(struct domain *d, gfn_t g, mfn_t m, enum p2m_type t)
{
    int rc;

    spin_lock(&d->p2m_lock);
    rc = d->dying ? -XEN_EINVAL : clear_frame(d, g, 0);
    if (!rc)
        rc = p2m_set_locked(d, g, m, 0, t);
    if (!rc && t == P2M_FOREIGN)
        d->foreign_maps++;
    spin_unlock(&d->p2m_lock);
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

/* Entries have three sizes; an extent of another order takes several. All or nothing; p2m_lock held. */
static int map_extent(struct domain *d, uint64_t g, mfn_t m, unsigned order)
{
    unsigned piece = order >= ORDER_1G ? ORDER_1G : order >= ORDER_2M ? ORDER_2M : 0;
    uint64_t i, step = 1ull << piece;
    int rc = 0;

    for (i = 0; i < 1ull << order && !rc; i += step)
        rc = p2m_set_locked(d, gfn(g + i), mfn_add(m, i), piece, P2M_RAM);
    if (rc) {
        for (uint64_t j = 0; j + step < i; j += step)
            if (p2m_clear_locked(d, gfn(g + j), piece))
                panic("d%u: an entry of its own size cannot be cleared", d->id);
        p2m_flush_locked(d);
    }
    return rc;
}

static bool populate_one(struct domain *d, uint64_t g, unsigned order)
{
    mfn_t m;
    bool ok;

    if (g & ((1ull << order) - 1) || (g + (1ull << order)) >> 36)
        return false;
    if (d->direct_mapped) {
        m = mfn(g);
        if (!page_claim_fixed(d, m, 1ull << order))
            return false;
    } else {
        m = page_alloc_domain(d, order, 0);
    }
    if (!mfn_valid_value(m))
        return false;
    spin_lock(&d->p2m_lock);
    ok = !d->dying && extent_empty(d, g, order) && !map_extent(d, g, m, order);
    spin_unlock(&d->p2m_lock);
    if (!ok)
        for (uint64_t i = 0; i < 1ull << order; i++)
            page_put(mfn_add(m, i));
    return ok;
}

static bool decrease_one(struct domain *d, uint64_t g, unsigned order)
{
    bool ok = true;

    if ((g + (1ull << order)) >> 36)
        return false;
    spin_lock(&d->p2m_lock);
    for (uint64_t i = 0; i < 1ull << order && ok; i++) {
        enum p2m_type t;

        (void)p2m_lookup_locked(d, gfn(g + i), &t, NULL);
        ok = (t == P2M_RAM || t == P2M_LOGDIRTY) && !clear_frame(d, gfn(g + i), 0);
    }
    spin_unlock(&d->p2m_lock);
    return ok;
}

/* populate_physmap and decrease_reservation: the result is the number of extents done in all. */
static long reservation(struct vcpu *v, struct hypercall_args *args, unsigned op)
{
    struct xen_memory_reservation r;
    uint64_t start = args->a[0] >> MEMOP_EXTENT_SHIFT, i;
    struct domain *d;
    long rc = 0;

    if (copy_from_guest(v, &r, args->a[1], sizeof(r)))
        return -XEN_EFAULT;
    if (r.extent_order > ORDER_1G || r.nr_extents > ~0ul >> MEMOP_EXTENT_SHIFT || start > r.nr_extents)
        return (long)start;
    d = target(v, r.domid, PRIV_SELF_OR_CONTROL, &rc);
    if (!d)
        return rc;
    if (r.extent_order && d == v->domain && !d->privileged && r.extent_order > ORDER_2M) {
        domain_put(d);
        return (long)start; /* one GiB at once is for builders */
    }
    for (i = start; i < r.nr_extents; i++) {
        uint64_t g;

        if (i > start && (i - start >= EXTENTS_A_ROUND || this_cpu()->work ||
                          (i - start) << r.extent_order >= FRAMES_A_ROUND))
            break;
        if (copy_from_guest(v, &g, (uint64_t)(uintptr_t)r.extent_start.p + i * sizeof(xen_pfn_t), sizeof(g)))
            rc = 1;
        else if (op == XENMEM_populate_physmap)
            rc = !populate_one(d, g, r.extent_order);
        else
            rc = !decrease_one(d, g, r.extent_order);
        if (rc)
            break;
    }
    if (op == XENMEM_decrease_reservation)
        p2m_flush(d); /* the frames are free from here on */
    domain_put(d);
    if (!rc && i < r.nr_extents) {
        args->a[0] = op | i << MEMOP_EXTENT_SHIFT;
        return -XEN_ERESTART;
    }
    return (long)i;
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
        if (!rc && !page_get(m, OWNER_HYPERVISOR))
            rc = -XEN_EINVAL;
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
        m = p2m_get_ram(d, gfn(idx), true, &ft);
        if (!mfn_valid_value(m))
            return -XEN_EINVAL;
        if (ft != P2M_RAM || idx == g.n || decrease_one(d, idx, 0) == false) {
            page_put(m);
            return ft != P2M_RAM || idx != g.n ? -XEN_EINVAL : 0;
        }
        break;
    default:
        return -XEN_EINVAL;
    }
    if (rc)
        return rc;
    rc = place_frame(d, g, m, t);
    if (rc)
        page_put(m);
    return rc;
}

static long add_to_physmap(struct vcpu *v, uint64_t gva)
{
    struct xen_add_to_physmap a;
    struct domain *d;
    long rc = 0;

    if (copy_from_guest(v, &a, gva, sizeof(a)))
        return -XEN_EFAULT;
    if (a.space == XENMAPSPACE_gmfn_foreign)
        return -XEN_ENOSYS; /* needs the batch form */
    d = target(v, a.domid, PRIV_SELF_OR_CONTROL, &rc);
    if (!d)
        return rc;
    rc = add_one(d, a.space, a.idx, gfn(a.gpfn), NULL);
    domain_put(d);
    return rc;
}

static long add_to_physmap_batch(struct vcpu *v, struct hypercall_args *args)
{
    struct xen_add_to_physmap_batch b;
    uint64_t i = args->a[0] >> MEMOP_EXTENT_SHIFT, first = i;
    struct domain *d, *foreign = NULL;
    long rc = 0;

    if (copy_from_guest(v, &b, args->a[1], sizeof(b)))
        return -XEN_EFAULT;
    d = target(v, b.domid, PRIV_SELF_OR_CONTROL, &rc);
    if (!d)
        return rc;
    if (b.space == XENMAPSPACE_gmfn_foreign) {
        foreign = target(v, b.u.foreign_domid, PRIV_CONTROL, &rc);
        if (foreign == d) {
            domain_put(foreign);
            foreign = NULL;
            rc = -XEN_EINVAL;
        }
    } else if (b.u.res0) {
        rc = -XEN_EOPNOTSUPP;
    }
    for (; !rc && i < b.size; i++) {
        xen_ulong_t idx;
        xen_pfn_t g;
        int err;

        if (i - first >= EXTENTS_A_ROUND)
            break;
        if (copy_from_guest(v, &idx, (uint64_t)(uintptr_t)b.idxs.p + i * sizeof(idx), sizeof(idx)) ||
            copy_from_guest(v, &g, (uint64_t)(uintptr_t)b.gpfns.p + i * sizeof(g), sizeof(g))) {
            rc = -XEN_EFAULT;
            break;
        }
        err = add_one(d, b.space, idx, gfn(g), foreign);
        if (copy_to_guest(v, (uint64_t)(uintptr_t)b.errs.p + i * sizeof(err), &err, sizeof(err)))
            rc = -XEN_EFAULT;
    }
    domain_put(d);
    if (foreign)
        domain_put(foreign);
    if (!rc && i < b.size) {
        args->a[0] = XENMEM_add_to_physmap_batch | i << MEMOP_EXTENT_SHIFT;
        return -XEN_ERESTART;
    }
    return rc;
}

static long remove_from_physmap(struct vcpu *v, uint64_t gva)
{
    struct xen_remove_from_physmap a;
    struct domain *d;
    enum p2m_type t;
    long rc = 0;

    if (copy_from_guest(v, &a, gva, sizeof(a)))
        return -XEN_EFAULT;
    d = target(v, a.domid, PRIV_SELF_OR_CONTROL, &rc);
    if (!d)
        return rc;
    spin_lock(&d->p2m_lock);
    (void)p2m_lookup_locked(d, gfn(a.gpfn), &t, NULL);
    if (t == P2M_NONE)
        rc = -XEN_ENOENT;
    else if (t == P2M_GRANT_RW || t == P2M_GRANT_RO)
        rc = -XEN_EINVAL; /* grants end by unmap_grant_ref */
    else
        rc = clear_frame(d, gfn(a.gpfn), 0);
    spin_unlock(&d->p2m_lock);
    domain_put(d);
    return rc;
}

static long memory_map_locked(struct vcpu *v, uint64_t gva)
{
    struct xen_memory_map m;
    struct domain *d = v->domain;

    if (copy_from_guest(v, &m, gva, sizeof(m)))
        return -XEN_EFAULT;
    if (!d->e820)
        return -XEN_ENOSYS;
    if (m.nr_entries < d->nr_e820)
        return -XEN_EINVAL;
    m.nr_entries = d->nr_e820;
    if (copy_to_guest(v, (uint64_t)(uintptr_t)m.buffer.p, d->e820, d->nr_e820 * sizeof(struct e820_entry)) ||
        copy_to_guest(v, gva, &m, sizeof(m)))
        return -XEN_EFAULT;
    return 0;
}

/* d->lock keeps set_memory_map from freeing the map while it is copied. */
static long memory_map(struct vcpu *v, uint64_t gva)
{
    long rc;

    spin_lock(&v->domain->lock);
    rc = memory_map_locked(v, gva);
    spin_unlock(&v->domain->lock);
    return rc;
}

static long set_memory_map(struct vcpu *v, uint64_t gva)
{
    struct xen_foreign_memory_map m;
    struct e820_entry *e, *old;
    uint32_t old_nr;
    struct domain *d;
    long rc = 0;

    if (copy_from_guest(v, &m, gva, sizeof(m)))
        return -XEN_EFAULT;
    if (m.map.nr_entries > MAX_E820_GUEST || !m.map.nr_entries)
        return -XEN_EINVAL;
    d = target(v, m.domid, PRIV_CONTROL, &rc);
    if (!d)
        return rc;
    e = kzalloc(m.map.nr_entries * sizeof(*e));
    if (!e) {
        rc = -XEN_ENOMEM;
    } else if (copy_from_guest(v, e, (uint64_t)(uintptr_t)m.map.buffer.p, m.map.nr_entries * sizeof(*e))) {
        kfree(e, m.map.nr_entries * sizeof(*e));
        rc = -XEN_EFAULT;
    } else {
        spin_lock(&d->lock);
        old = d->e820;
        old_nr = d->nr_e820;
        d->e820 = e;
        d->nr_e820 = m.map.nr_entries;
        spin_unlock(&d->lock);
        kfree(old, old_nr * sizeof(*old));
    }
    domain_put(d);
    return rc;
}

/* Frames that belong to a domain but are not in its address space (grant table) into the caller's. */
static long acquire_resource(struct vcpu *v, uint64_t gva)
{
    struct xen_mem_acquire_resource r;
    struct domain *d;
    long rc = 0;

    if (copy_from_guest(v, &r, gva, sizeof(r)))
        return -XEN_EFAULT;
    if (r.pad)
        return -XEN_EINVAL;
    d = target(v, r.domid, PRIV_CONTROL, &rc);
    if (!d)
        return rc;
    if (r.type != XENMEM_resource_grant_table || r.id != XENMEM_resource_grant_table_id_shared) {
        rc = -XEN_EOPNOTSUPP;
    } else if (!r.frame_list.p) {
        r.nr_frames = d->grant.max_frames;
        rc = copy_to_guest(v, gva, &r, sizeof(r)) ? -XEN_EFAULT : 0;
    } else if (r.frame + r.nr_frames > d->grant.max_frames || r.frame + r.nr_frames < r.frame) {
        rc = -XEN_EINVAL;
    }
    for (uint32_t i = 0; !rc && r.frame_list.p && i < r.nr_frames; i++) {
        xen_pfn_t g;
        mfn_t m;

        if (copy_from_guest(v, &g, (uint64_t)(uintptr_t)r.frame_list.p + i * sizeof(g), sizeof(g)))
            rc = -XEN_EFAULT;
        else
            rc = grant_shared_frame(d, (uint32_t)r.frame + i, &m);
        if (!rc && !page_get(m, OWNER_HYPERVISOR))
            rc = -XEN_EBUSY;
        if (!rc) {
            rc = place_frame(v->domain, gfn(g), m, P2M_FOREIGN);
            if (rc)
                page_put(m);
        }
    }
    domain_put(d);
    return rc;
}

/* The operations that take a domain id and return a number about that domain. */
static long domain_number(struct vcpu *v, uint64_t gva, unsigned op)
{
    uint16_t id;
    struct domain *d;
    long rc = 0;

    if (copy_from_guest(v, &id, gva, sizeof(id)))
        return -XEN_EFAULT;
    d = target(v, id, PRIV_SELF_OR_CONTROL, &rc);
    if (!d)
        return rc;
    if (op == XENMEM_maximum_gpfn) {
        spin_lock(&d->p2m_lock);
        rc = (long)p2m_top_ram_locked(d);
        spin_unlock(&d->p2m_lock);
    } else {
        rc = (long)(op == XENMEM_maximum_reservation ? d->max_pages : d->tot_pages);
    }
    domain_put(d);
    return rc;
}

/* No populate-on-demand: the target always equals what there is. */
static long pod_target(struct vcpu *v, uint64_t gva)
{
    struct xen_pod_target p;
    struct domain *d;
    long rc = 0;

    if (copy_from_guest(v, &p, gva, sizeof(p)))
        return -XEN_EFAULT;
    d = target(v, p.domid, PRIV_CONTROL, &rc);
    if (!d)
        return rc;
    p.tot_pages = d->tot_pages;
    p.pod_cache_pages = p.pod_entries = 0;
    domain_put(d);
    return copy_to_guest(v, gva, &p, sizeof(p)) ? -XEN_EFAULT : 0;
}

HYPERCALL(memory_op)
{
    unsigned op = args->a[0] & MEMOP_CMD_MASK;
    uint64_t gva = args->a[1];

    switch (op) {
    case XENMEM_populate_physmap:
    case XENMEM_decrease_reservation:
        return reservation(v, args, op);
    case XENMEM_add_to_physmap:
        return add_to_physmap(v, gva);
    case XENMEM_add_to_physmap_batch:
        return add_to_physmap_batch(v, args);
    case XENMEM_remove_from_physmap:
        return remove_from_physmap(v, gva);
    case XENMEM_memory_map:
        return memory_map(v, gva);
    case XENMEM_set_memory_map:
        return set_memory_map(v, gva);
    case XENMEM_acquire_resource:
        return acquire_resource(v, gva);
    case XENMEM_current_reservation:
    case XENMEM_maximum_reservation:
    case XENMEM_maximum_gpfn:
        return domain_number(v, gva, op);
    case XENMEM_maximum_ram_page:
        return (long)max_page;
    case XENMEM_set_pod_target:
    case XENMEM_get_pod_target:
        return pod_target(v, gva);
    case XENMEM_get_sharing_freed_pages:
    case XENMEM_get_sharing_shared_pages:
        return 0;
    case XENMEM_get_vnumainfo: /* no virtual NUMA: saving asks */
        return -XEN_EOPNOTSUPP;
    default:
        return -XEN_ENOSYS;
    }
}
