/* SPDX-License-Identifier: GPL-2.0-or-later */
/* DOMCTL get and set of the CPU state of a domain, which stands still meanwhile. */
#include "toolstack.h"
#include "bh/hvm_context.h"

DOMCTL(gethvmcontext)
{
    struct xen_domctl_hvmcontext *h = &c->op->u.hvmcontext;
    uint32_t room = h->size;
    size_t size;
    long rc = hvm_context_save(c->d, NULL, 0, &size);
    scratch(buf, size);

    if (!buf.p)
        return -XEN_ENOMEM;
    if (HANDLE(h->buffer) && room < size)
        return -XEN_ENOSPC;
    h->size = (uint32_t)size;
    if (!HANDLE(h->buffer))
        return rc;
    rc = hvm_context_save(c->d, buf.p, size, &size);
    return rc ? rc : copy_to_guest(c->v, HANDLE(h->buffer), buf.p, size);
}

DOMCTL(gethvmcontext_partial)
{
    struct xen_domctl_hvmcontext_partial *h = &c->op->u.hvmcontext_partial;
    uint64_t room = h->bufsz;
    size_t used;
    long rc;
    scratch(buf, PAGE_SIZE * 2);

    if (!buf.p)
        return -XEN_ENOMEM;
    rc = hvm_context_save_one(c->d, h->type, h->instance, buf.p, buf.size, &used);
    h->bufsz = used;
    if (rc || !HANDLE(h->buffer))
        return rc;
    return room < used ? -XEN_ENOSPC : copy_to_guest(c->v, HANDLE(h->buffer), buf.p, used);
}

DOMCTL(sethvmcontext)
{
    const struct xen_domctl_hvmcontext *h = &c->op->u.hvmcontext;
    scratch(buf, MIN(h->size, HVM_CONTEXT_MAX_SIZE));

    if (!h->size || h->size > HVM_CONTEXT_MAX_SIZE)
        return -XEN_EINVAL;
    if (!buf.p)
        return -XEN_ENOMEM;
    if (copy_from_guest(c->v, buf.p, HANDLE(h->buffer), h->size))
        return -XEN_EFAULT;
    return hvm_context_load(c->d, buf.p, h->size);
}

#define FOR_EACH_REGISTER(X)                                                                                 \
    X(rax) X(rbx) X(rcx) X(rdx) X(rbp) X(rsi) X(rdi) X(r8) X(r9) X(r10) X(r11) X(r12) X(r13) X(r14) X(r15)
#define RFLAGS_SETTABLE 0x3f7fd5ull

static void registers_get(struct vcpu *v, struct vcpu_guest_context *g)
{
    struct cpu_state s = {0};

    virt->get_state(v, &s);
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

DOMCTL(getvcpucontext)
{
    scratch(g, sizeof(struct vcpu_guest_context));

    if (!g.p)
        return -XEN_ENOMEM;
    registers_get(c->vcpu, g.p);
    return copy_to_guest(c->v, HANDLE(c->op->u.vcpucontext.ctxt), g.p, g.size);
}

DOMCTL(setvcpucontext)
{
    scratch(g, sizeof(struct vcpu_guest_context));

    if (!g.p)
        return -XEN_ENOMEM;
    if (copy_from_guest(c->v, g.p, HANDLE(c->op->u.vcpucontext.ctxt), g.size))
        return -XEN_EFAULT;
    registers_set(c->vcpu, g.p);
    return 0;
}
