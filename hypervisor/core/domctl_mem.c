/* SPDX-License-Identifier: GPL-2.0-or-later */
/* DOMCTL operations on a domain's memory: limits, frame types, log-dirty mode. */
#include "toolstack.h"
#include "bh/exit.h"
#include "bh/logdirty.h"
#include "bh/p2m_int.h"
#include "bh/page.h"

DOMCTL(max_mem)
{
    c->d->max_pages = c->op->u.max_mem.max_memkb >> (PAGE_SHIFT - 10);
    return 0;
}

DOMCTL(get_paging_mempool_size)
{
    struct domain *d = c->d;

    /* a domain without a limit has what it uses */
    c->op->u.paging_mempool.size = (d->p2m_limit == ~0ull ? d->p2m_nodes : d->p2m_limit) << PAGE_SHIFT;
    c->copyback = true;
    return 0;
}

DOMCTL(set_paging_mempool_size)
{
    uint64_t size = c->op->u.paging_mempool.size;
    struct domain *d = c->d;
    long rc = 0;

    if (size & ~PAGE_MASK)
        return -XEN_EINVAL;
    spin_lock(&d->p2m_lock);
    if (size >> PAGE_SHIFT < d->p2m_nodes)
        rc = -XEN_EBUSY;
    else
        d->p2m_limit = size >> PAGE_SHIFT;
    spin_unlock(&d->p2m_lock);
    return rc;
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

DOMCTL(shadow_op)
{
    (void)c;
    return -XEN_ENOSYS;
}
