/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Exit handlers, one function a reason, in a table. */
#include "svm.h"
#include "bh/exit.h"
#include "bh/hypercall.h"
#include "bh/lib.h"
#include "bh/msr.h"

typedef void (*exit_fn)(struct vcpu *v);

static void exit_interrupt(struct vcpu *v)
{
    __asm__ volatile("sti; nop; cli" ::: "memory"); /* the pending interrupt is taken here */
}

static void exit_nothing(struct vcpu *v)
{
    (void)v; /* NMI, SMI, INIT: taken by the host when GIF was set again */
}

static __attribute__((noinline)) void exit_cpuid(struct vcpu *v)
{
    uint32_t leaf = (uint32_t)v->regs.rax;
    struct cpuid_regs r;

    if (unlikely(leaf == 0xd) && cpu_features.xsave)
        v->xcr0 = xgetbv(); /* its size is asked for; emulators let guests set it without the intercept */
    cpuid_guest(v, leaf, (uint32_t)v->regs.rcx, &r);
    v->regs.rax = r.a;
    v->regs.rbx = r.b;
    v->regs.rcx = r.c;
    v->regs.rdx = r.d;
    svm_skip(v, 2);
}

static void exit_hlt(struct vcpu *v)
{
    svm_skip(v, 1);
    vcpu_halt(v);
}

static void exit_vmmcall(struct vcpu *v)
{
    if (unlikely(v->vmcb->cpl))
        v->regs.rax = (uint64_t)-XEN_EPERM;
    else if (unlikely(!svm_is_long_mode(v->vmcb))) /* 32-bit callers have structures of another layout */
        v->regs.rax = (uint64_t)-XEN_ENOSYS;
    else if (unlikely(!hypercall_dispatch(v)))
        return;
    svm_skip(v, 3);
}

static void exit_ioio(struct vcpu *v)
{
    uint64_t info = v->vmcb->exitinfo1, val;
    unsigned size = (unsigned)(info >> 4 & 7);
    bool in = info & 1;

    if (info & 4) { /* INS, OUTS: nothing behind trapped ports is read in strings */
        guest_inject_gp(v);
        return;
    }
    val = size == 4 ? (uint32_t)v->regs.rax : v->regs.rax & ((1ull << size * 8) - 1);
    emul_port(v, (uint16_t)(info >> 16), size, !in, &val);
    if (in && size == 4)
        v->regs.rax = (uint32_t)val;
    else if (in)
        v->regs.rax = (v->regs.rax & ~((1ull << size * 8) - 1)) | (val & ((1ull << size * 8) - 1));
    v->vmcb->rip = v->vmcb->exitinfo2;
    v->vmcb->interrupt_shadow = 0;
}

static bool efer_write(struct vcpu *v, uint64_t val)
{
    struct vmcb *b = v->vmcb;
    uint64_t allowed = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE | BIT(14); /* FFXSR */

    if (val & ~allowed)
        return false;
    if (b->cr0 & X86_CR0_PG && (val ^ b->efer) & EFER_LME)
        return false;
    b->efer = (val & ~EFER_LMA) | (b->efer & EFER_LMA) | EFER_SVME;
    return true;
}

static void exit_msr(struct vcpu *v)
{
    uint32_t msr = (uint32_t)v->regs.rcx;
    uint64_t val = (uint32_t)v->regs.rax | v->regs.rdx << 32;
    bool write = v->vmcb->exitinfo1 & 1, ok;

    if (v->vmcb->cpl)
        ok = false;
    else if (msr == MSR_EFER && write)
        ok = efer_write(v, val);
    else if (msr == MSR_EFER)
        ok = true, val = v->vmcb->efer & ~EFER_SVME;
    else
        ok = write ? msr_guest_write(v, msr, val) : msr_guest_read(v, msr, &val);
    if (!ok) {
        guest_inject_gp(v);
        return;
    }
    if (!write) {
        v->regs.rax = (uint32_t)val;
        v->regs.rdx = val >> 32;
    }
    svm_skip(v, 2);
}

static void exit_npf(struct vcpu *v)
{
    uint64_t info = v->vmcb->exitinfo1;

    emul_memory_fault(v, v->vmcb->exitinfo2, info & 2, info & 16);
}

static void exit_xsetbv(struct vcpu *v)
{
    uint64_t val = (uint32_t)v->regs.rax | v->regs.rdx << 32;

    if (v->vmcb->cpl || (uint32_t)v->regs.rcx || !guest_xsetbv(v, val))
        guest_inject_gp(v);
    else
        svm_skip(v, 3);
}

static void exit_skip2(struct vcpu *v)
{
    svm_skip(v, 2); /* INVD, WBINVD: caches stay coherent without the guest's help */
}

static void exit_db(struct vcpu *v)
{
    virt->inject_exception(v, 1, false, 0);
}

static void exit_ac(struct vcpu *v)
{
    virt->inject_exception(v, 17, true, (uint32_t)v->vmcb->exitinfo1);
}

static void exit_mc(struct vcpu *v)
{
    __asm__ volatile("int $18");
}

static void exit_shutdown(struct vcpu *v)
{
    domain_crash(v->domain, "triple fault");
}

/* The x87 error of a guest with CR0.NE clear: PVH has no FERR# interrupt, the exception it is. */
static void exit_ferr(struct vcpu *v)
{
    virt->inject_exception(v, 16, false, 0);
}

/* MOV to CR4: [REX] 0F 22 /4. Trapped where the CPU knows bits that guests are not shown. */
static void exit_cr4(struct vcpu *v)
{
    struct vmcb *b = v->vmcb;
    bool wide = svm_is_long_mode(b);
    uint8_t code[INSN_MAX] = {0};
    unsigned n = virt->fetch(v, code);
    unsigned rex = wide && (code[0] & 0xf0) == 0x40,
             reg = (code[rex + 2] & 7u) | (rex && code[0] & 1 ? 8u : 0);
    uint64_t val = reg == 4 ? b->rsp : (&v->regs.rax)[reg];

    if (!wide)
        val = (uint32_t)val;
    if (n < rex + 3 || code[rex] != 0x0f || code[rex + 1] != 0x22) {
        guest_inject_ud(v);
    } else if (val & ~CR4_GUEST) {
        guest_inject_gp(v);
    } else {
        b->cr4 = val;
        v->asid_generation = 0; /* it flushes the TLB */
        svm_skip(v, rex + 3);
    }
}

static void exit_dr(struct vcpu *v)
{
    v->vmcb->intercept_dr_read = v->vmcb->intercept_dr_write = 0;
    v->dr_used = true;
    __asm__ volatile("mov %0, %%dr0; mov %1, %%dr1; mov %2, %%dr2; mov %3, %%dr3" ::"r"(v->dr[0]),
                     "r"(v->dr[1]), "r"(v->dr[2]), "r"(v->dr[3]));
}

static const exit_fn handlers[0x90] = {
    [SVM_EXIT_WRITE_CR4] = exit_cr4,
    [SVM_EXIT_READ_DR0... SVM_EXIT_READ_DR0 + 15] = exit_dr,
    [SVM_EXIT_WRITE_DR0... SVM_EXIT_WRITE_DR0 + 15] = exit_dr,
    [SVM_EXIT_EXCP_BASE + 1] = exit_db,
    [SVM_EXIT_EXCP_BASE + 17] = exit_ac,
    [SVM_EXIT_EXCP_BASE + 18] = exit_mc,
    [SVM_EXIT_INTR] = exit_interrupt,
    [SVM_EXIT_NMI] = exit_nothing,
    [SVM_EXIT_SMI] = exit_nothing,
    [SVM_EXIT_INIT] = exit_nothing,
    [SVM_EXIT_RDPMC] = guest_inject_gp,
    [SVM_EXIT_INVD] = exit_skip2,
    [SVM_EXIT_HLT] = exit_hlt,
    [SVM_EXIT_INVLPGA] = guest_inject_ud,
    [SVM_EXIT_IOIO] = exit_ioio,
    [SVM_EXIT_MSR] = exit_msr,
    [SVM_EXIT_FERR_FREEZE] = exit_ferr,
    [SVM_EXIT_SHUTDOWN] = exit_shutdown,
    [SVM_EXIT_VMRUN] = guest_inject_ud,
    [SVM_EXIT_VMLOAD... SVM_EXIT_SKINIT] = guest_inject_ud,
    [SVM_EXIT_WBINVD] = exit_skip2,
    [SVM_EXIT_MONITOR] = guest_inject_ud,
    [SVM_EXIT_MWAIT] = guest_inject_ud,
    [SVM_EXIT_XSETBV] = exit_xsetbv,
    [SVM_EXIT_RDPRU] = guest_inject_ud,
};

static __attribute__((noinline)) void unexpected(struct vcpu *v)
{
    const struct vmcb *b = v->vmcb;

    pr_err("d%uv%u: unexpected exit %lx info %lx %lx at %04x:%016lx cr0 %lx cr3 %lx cr4 %lx efer %lx rflags "
           "%lx\n",
           v->domain->id, v->id, b->exitcode, b->exitinfo1, b->exitinfo2, b->seg[SEG_CS].selector, b->rip,
           b->cr0, b->cr3, b->cr4, b->efer, b->rflags);
    domain_crash(v->domain, "an exit that has no handler");
}

void svm_handle_exit(struct vcpu *v)
{
    uint64_t code = v->vmcb->exitcode;

    if (code == SVM_EXIT_VMMCALL) /* the frequent ones without an indirect call */
        exit_vmmcall(v);
    else if (code == SVM_EXIT_CPUID)
        exit_cpuid(v);
    else if (code == SVM_EXIT_NPF)
        exit_npf(v);
    else if (code < ARRAY_SIZE(handlers) && handlers[code])
        handlers[code](v);
    else
        unexpected(v);
}
