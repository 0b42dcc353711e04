/* SPDX-License-Identifier: GPL-2.0-or-later */
/* DOMCTL operations on a domain's memory: limits, frame types, log-dirty mode. */
#include "toolstack.h"
#include "bh/exit.h"
#include "bh/page.h"

DOMCTL(max_mem)
{
    c->d->max_pages = c->op->u.max_mem.max_memkb >> (PAGE_SHIFT - 10);
    return 0;
}

/* A domain without a limit has what it uses. */
static uint64_t mempool_size(const struct domain *d)
{
    return (d->p2m_limit == ~0ull ? d->p2m_nodes : d->p2m_limit) << PAGE_SHIFT;
}

static long mempool_set(struct domain *d, uint64_t size)
{
    spin_guard(&d->p2m_lock);
    if (size >> PAGE_SHIFT < d->p2m_nodes)
        return -XEN_EBUSY;
    d->p2m_limit = size >> PAGE_SHIFT;
    return 0;
}

DOMCTL(get_paging_mempool_size)
{
    c->op->u.paging_mempool.size = mempool_size(c->d);
    return 0;
}

DOMCTL(set_paging_mempool_size)
{
    uint64_t size = c->op->u.paging_mempool.size;

    return size & ~PAGE_MASK ? -XEN_EINVAL : mempool_set(c->d, size);
}

#define PFINFO_MAX 1024u

/* What the domain owns can be saved; everything else (grant table, other domains' frames) cannot. */
DOMCTL(getpageframeinfo3)
{
    const struct xen_domctl_getpageframeinfo3 *p = &c->op->u.getpageframeinfo3;

    if (p->num > PFINFO_MAX)
        return -XEN_E2BIG;
    for (uint64_t i = 0; i < p->num; i++) {
        uint64_t g, at = HANDLE(p->array) + i * sizeof(xen_pfn_t), info = XEN_DOMCTL_PFINFO_XTAB;
        enum p2m_type t;
        mfn_t m;

        if (copy_from_guest(c->v, &g, at, sizeof(g)))
            return -XEN_EFAULT;
        m = p2m_lookup(c->d, gfn(g), &t, NULL);
        if ((t == P2M_RAM || t == P2M_LOGDIRTY) && page_owner(m) == c->d->id)
            info = XEN_DOMCTL_PFINFO_NOTAB;
        if (copy_to_guest(c->v, at, &info, sizeof(info)))
            return -XEN_EFAULT;
    }
    return 0;
}

DOMCTL(hypercall_init)
{
    return hypercall_page_fill(c->d, gfn(c->op->u.hypercall_init.gmfn)) ? 0 : -XEN_EINVAL;
}

#define MB_SHIFT 20

static long read_bitmap(struct domctl_call *c, struct xen_domctl_shadow_op *s)
{
    struct logdirty_stats stats;
    long rc;

    if (s->mode & ~(uint32_t)XEN_DOMCTL_SHADOW_LOGDIRTY_FINAL)
        return -XEN_EINVAL;
    if (s->mode)
        grant_log_dirty(c->d);
    rc = logdirty_read(c->d, c->v, s->op == XEN_DOMCTL_SHADOW_OP_CLEAN, s->pages, HANDLE(s->dirty_bitmap),
                       &stats);
    s->stats = (struct xen_domctl_shadow_op_stats){stats.faults, stats.dirty};
    return rc;
}

DOMCTL(shadow_op)
{
    struct xen_domctl_shadow_op *s = &c->op->u.shadow_op;

    if (c->d->hardware)
        return -XEN_EINVAL;
    switch (s->op) {
    case XEN_DOMCTL_SHADOW_OP_OFF:
        return logdirty_disable(c->d);
    case XEN_DOMCTL_SHADOW_OP_ENABLE:
        if (s->mode != XEN_DOMCTL_SHADOW_ENABLE_LOG_DIRTY)
            return -XEN_EINVAL;
        /* fall through */
    case XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY:
        return logdirty_enable(c->d);
    case XEN_DOMCTL_SHADOW_OP_CLEAN:
    case XEN_DOMCTL_SHADOW_OP_PEEK:
        return read_bitmap(c, s);
    case XEN_DOMCTL_SHADOW_OP_GET_ALLOCATION:
        s->mb = (uint32_t)(mempool_size(c->d) >> MB_SHIFT);
        return 0;
    case XEN_DOMCTL_SHADOW_OP_SET_ALLOCATION:
        return mempool_set(c->d, (uint64_t)s->mb << MB_SHIFT);
    default:
        return -XEN_EINVAL;
    }
}
