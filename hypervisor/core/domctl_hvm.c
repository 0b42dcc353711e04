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

#define FOR_EACH_REGISTER(X)                                                                                 \
    X(rax) X(rbx) X(rcx) X(rdx) X(rbp) X(rsi) X(rdi) X(r8) X(r9) X(r10) X(r11) X(r12) X(r13) X(r14) X(r15)
#define RFLAGS_SETTABLE 0x3f7fd5ull

static void registers_get(struct vcpu *v, struct vcpu_guest_context *g)
{
    struct cpu_state s = {0};

    virt->get_state(v, &s);
    memset(g, 0, sizeof(*g));
    memcpy(&g->fpu_ctxt, v->xsave, sizeof(g->fpu_ctxt));
    g->flags = (v->down ? 0 : VGCF_online) | VGCF_i387_valid | (virt->cpl(v) ? 0 : VGCF_in_kernel);
#define GET_REGISTER(r) g->user_regs.r = v->regs.r;
    FOR_EACH_REGISTER(GET_REGISTER)
    g->user_regs.rip = s.rip;
    g->user_regs.rsp = s.rsp;
    g->user_regs.rflags = s.rflags;
    g->user_regs.cs = s.seg[SEG_CS].selector;
    g->user_regs.ss = s.seg[SEG_SS].selector;
    g->ctrlreg[0] = s.cr0;
    g->ctrlreg[2] = s.cr2;
    g->ctrlreg[3] = s.cr3;
    g->ctrlreg[4] = s.cr4;
    g->fs_base = s.seg[SEG_FS].base;
    g->gs_base_kernel = s.kernel_gs_base;
    g->gs_base_user = s.seg[SEG_GS].base;
}

/* General registers only: the toolstack sets the result of a suspend that was called off. */
static void registers_set(struct vcpu *v, const struct vcpu_guest_context *g)
{
    struct cpu_state s = {0};

    virt->get_state(v, &s);
#define SET_REGISTER(r) v->regs.r = g->user_regs.r;
    FOR_EACH_REGISTER(SET_REGISTER)
    s.rax = g->user_regs.rax;
    s.rip = g->user_regs.rip;
    s.rsp = g->user_regs.rsp;
    s.rflags = (g->user_regs.rflags & RFLAGS_SETTABLE) | 2;
    virt->set_state(v, &s);
}

static long vcpucontext(struct domctl_call *c, bool set)
{
    struct xen_domctl_vcpucontext *x = &c->op->u.vcpucontext;
    struct vcpu *v = domain_vcpu(c->d, x->vcpu);
    struct vcpu_guest_context *g;
    long rc = 0;

    if (c->d == c->v->domain || x->vcpu >= c->d->max_vcpus)
        return -XEN_EINVAL;
    if (!v)
        return -XEN_ESRCH;
    g = kzalloc(sizeof(*g));
    if (!g)
        return -XEN_ENOMEM;
    if (set && copy_from_guest(c->v, g, HANDLE(x->ctxt), sizeof(*g)))
        rc = -XEN_EFAULT;
    if (!rc) {
        domain_pause(c->d);
        if (set)
            registers_set(v, g);
        else
            registers_get(v, g);
        domain_unpause(c->d);
    }
    if (!rc && !set && copy_to_guest(c->v, HANDLE(x->ctxt), g, sizeof(*g)))
        rc = -XEN_EFAULT;
    kfree(g, sizeof(*g));
    return rc;
}

DOMCTL(getvcpucontext)
{
    return vcpucontext(c, false);
}

DOMCTL(setvcpucontext)
{
    return vcpucontext(c, true);
}
