/* SPDX-License-Identifier: GPL-2.0-or-later */
/* DOMCTL get and set of the CPU state of a domain, which stands still meanwhile. */
#include "toolstack.h"
#include "bh/hvm_context.h"

/* Save into a buffer of its own, then to the caller. */
static long save_to_guest(struct vcpu *v, struct domain *d, struct xen_domctl_hvmcontext *h, size_t need)
{
    size_t used = 0;
    void *buf = kzalloc(need);
    long rc;

    if (!buf)
        return -XEN_ENOMEM;
    rc = hvm_context_save(d, buf, need, &used);
    if (!rc && copy_to_guest(v, HANDLE(h->buffer), buf, used))
        rc = -XEN_EFAULT;
    h->size = (uint32_t)used;
    kfree(buf, need);
    return rc;
}

DOMCTL(gethvmcontext)
{
    struct xen_domctl_hvmcontext *h = &c->op->u.hvmcontext;
    size_t need;
    long rc = 0;

    if (c->d == c->v->domain)
        return -XEN_EINVAL;
    domain_pause(c->d);
    need = hvm_context_size(c->d);
    if (!HANDLE(h->buffer))
        h->size = (uint32_t)need;
    else if (h->size < need)
        rc = -XEN_ENOSPC;
    else
        rc = save_to_guest(c->v, c->d, h, need);
    domain_unpause(c->d);
    c->copyback = !rc;
    return rc;
}

DOMCTL(gethvmcontext_partial)
{
    struct xen_domctl_hvmcontext_partial *h = &c->op->u.hvmcontext_partial;
    size_t used = 0;
    void *buf;
    long rc;

    if (c->d == c->v->domain)
        return -XEN_EINVAL;
    buf = kzalloc(PAGE_SIZE * 2);
    if (!buf)
        return -XEN_ENOMEM;
    domain_pause(c->d);
    rc = hvm_context_save_one(c->d, h->type, h->instance, buf, PAGE_SIZE * 2, &used);
    domain_unpause(c->d);
    if (!rc && HANDLE(h->buffer)) {
        if (h->bufsz < used)
            rc = -XEN_ENOSPC;
        else if (copy_to_guest(c->v, HANDLE(h->buffer), buf, used))
            rc = -XEN_EFAULT;
    }
    kfree(buf, PAGE_SIZE * 2);
    h->bufsz = used;
    c->copyback = !rc;
    return rc;
}

DOMCTL(sethvmcontext)
{
    const struct xen_domctl_hvmcontext *h = &c->op->u.hvmcontext;
    void *buf;
    long rc;

    if (c->d == c->v->domain || !h->size || h->size > HVM_CONTEXT_MAX_SIZE)
        return -XEN_EINVAL;
    buf = kzalloc(h->size);
    if (!buf)
        return -XEN_ENOMEM;
    if (copy_from_guest(c->v, buf, HANDLE(h->buffer), h->size)) {
        rc = -XEN_EFAULT;
    } else {
        domain_pause(c->d);
        rc = hvm_context_load(c->d, buf, h->size);
        domain_unpause(c->d);
    }
    kfree(buf, h->size);
    return rc;
}
