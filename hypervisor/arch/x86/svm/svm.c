/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AMD SVM back end: set-up, entry and event injection. External interrupts are injected as virtual interrupts
 * (V_IRQ): the CPU then respects the guest's interrupt flag and shadow by itself, no window exits are needed,
 * and emulators that deliver EVENTINJ twice are avoided.
 */
#include "svm.h"
#include "bh/exit.h"
#include "bh/guest_access.h"
#include "bh/lib.h"
#include "bh/msr.h"
#include "bh/page.h"

struct svm_features svm_features;
_Static_assert(offsetof(struct vcpu, vmcb_pa) == 0x80, "vmrun.S");
_Static_assert(offsetof(struct cpu, arch_run_pa) == 8, "vmrun.S");

static int svm_cpu_init(struct cpu *c)
{
    mfn_t hsave, host;
    struct cpuid_regs r;

    if (cpu_features.max_ext_leaf < 0x8000000a || !(cpuid(0x80000001, 0).c & BIT(2)))
        return -XEN_ENODEV;
    if (rdmsr(MSR_VM_CR) & BIT(4)) {
        pr_err(
            "SVM is switched off by the firmware: enable virtualisation (SVM) in the setup of the machine\n");
        return -XEN_ENODEV;
    }
    r = cpuid(0x8000000a, 0);
    if (!(r.d & BIT(0))) {
        pr_err("this CPU has no nested paging\n");
        return -XEN_ENODEV;
    }
    if (c->id == 0) {
        svm_features = (struct svm_features){.nrip = r.d & BIT(3),
                                             .flush_by_asid = r.d & BIT(6),
                                             .decode_assist = r.d & BIT(7),
                                             .nr_asids = r.b};
        svm_msrpm_init();
    }
    hsave = page_alloc(0, PAGE_ZERO);
    host = page_alloc(0, PAGE_ZERO);
    if (!mfn_valid_value(hsave) || !mfn_valid_value(host))
        return -XEN_ENOMEM;
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SVME | (cpu_features.auto_ibrs ? EFER_AIBRSE : 0));
    wrmsr(MSR_VM_HSAVE_PA, mfn_pa(hsave));
    c->arch_run = mfn_to_va(host);
    c->arch_run_pa = mfn_pa(host);
    __asm__ volatile("vmsave %0" ::"a"(c->arch_run_pa) : "memory");
    c->asid_generation = 1;
    c->asid_next = 1;
    return 0;
}

/* Of all domains; WBINVD besides where there are no devices, since caches stay coherent. */
static const uint8_t intercepted[] = {
    SVM_EXIT_INTR,    SVM_EXIT_NMI,         SVM_EXIT_SMI,      SVM_EXIT_INIT,    SVM_EXIT_RDPMC,
    SVM_EXIT_CPUID,   SVM_EXIT_INVD,        SVM_EXIT_HLT,      SVM_EXIT_INVLPGA, SVM_EXIT_IOIO,
    SVM_EXIT_MSR,     SVM_EXIT_FERR_FREEZE, SVM_EXIT_SHUTDOWN, SVM_EXIT_VMRUN,   SVM_EXIT_VMMCALL,
    SVM_EXIT_VMLOAD,  SVM_EXIT_VMSAVE,      SVM_EXIT_STGI,     SVM_EXIT_CLGI,    SVM_EXIT_SKINIT,
    SVM_EXIT_MONITOR, SVM_EXIT_MWAIT,       SVM_EXIT_XSETBV,   SVM_EXIT_RDPRU};

static void intercept(struct vmcb *b, unsigned exit)
{
    b->intercept[(exit - SVM_EXIT_INTR) / 32] |= 1u << exit % 32;
}

static int svm_vcpu_init(struct vcpu *v)
{
    mfn_t m = page_alloc(0, PAGE_ZERO);
    struct vmcb *b;

    if (!mfn_valid_value(m))
        return -XEN_ENOMEM;
    b = v->vmcb = mfn_to_va(m);
    v->vmcb_pa = mfn_pa(m);
    for (unsigned i = 0; i < ARRAY_SIZE(intercepted); i++)
        intercept(b, intercepted[i]);
    if (!v->domain->hardware)
        intercept(b, SVM_EXIT_WBINVD);
    if (cpu_features.more_cr4)
        b->intercept_cr_write = BIT(4);
    b->intercept_dr_read = b->intercept_dr_write = 0xffff;
    /* #DB and #AC can be raised endlessly by a guest without leaving it; #MC is ours */
    b->intercept_exception = (uint32_t)(BIT(1) | BIT(17) | BIT(18));
    b->iopm_pa = emul_iopm(v->domain);
    b->msrpm_pa = svm_msrpm_pa();
    b->np_enable = 1;
    b->ncr3 = p2m_root(v->domain);
    b->vintr = VINTR_MASKING;
    b->g_pat = 0x0007040600070406ull;
    b->tsc_offset = v->tsc_offset;
    return 0;
}

static void svm_vcpu_destroy(struct vcpu *v)
{
    if (v->vmcb)
        page_free(va_to_mfn(v->vmcb), 0);
    v->vmcb = NULL;
}

/* Fields that are the same in the VMCB and in cpu_state. */
#define REGISTERS(X)      X(cr0) X(cr2) X(cr3) X(dr6) X(dr7) X(rip) X(rsp)
#define MSRS(X)           X(star) X(lstar) X(cstar) X(sfmask) X(kernel_gs_base)
#define SYSENTER_MSRS(X)  X(sysenter_cs) X(sysenter_esp) X(sysenter_eip)
#define FOR_EACH_STATE(X) REGISTERS(X) MSRS(X) SYSENTER_MSRS(X)

static void svm_get_state(struct vcpu *v, struct cpu_state *s)
{
    const struct vmcb *b = v->vmcb;

    memcpy(s->seg, b->seg, sizeof(s->seg));
#define GET_STATE(field) s->field = b->field;
    FOR_EACH_STATE(GET_STATE)
    s->cr4 = b->cr4;
    s->efer = b->efer & ~EFER_SVME;
    s->rflags = b->rflags;
    s->rax = v->regs.rax;
    s->pat = b->g_pat;
    s->event = b->eventinj;
}

static void svm_set_state(struct vcpu *v, const struct cpu_state *s)
{
    struct vmcb *b = v->vmcb;

    memcpy(b->seg, s->seg, sizeof(s->seg));
#define SET_STATE(field) b->field = s->field;
    FOR_EACH_STATE(SET_STATE)
    b->cpl = s->seg[SEG_SS].attr >> 5 & 3;
    b->cr4 = s->cr4 & CR4_GUEST;
    b->efer = s->efer | EFER_SVME;
    b->rflags = s->rflags | 2;
    v->regs.rax = s->rax;
    b->g_pat = s->pat;
    b->eventinj = s->event;
    b->interrupt_shadow = 0;
    b->vintr = VINTR_MASKING;
}

static uint64_t svm_rip(struct vcpu *v)
{
    return v->vmcb->rip;
}
static uint64_t svm_rflags(struct vcpu *v)
{
    return v->vmcb->rflags;
}
static void svm_go_on(struct vcpu *v, uint64_t rip, uint64_t rflags)
{
    v->vmcb->rip = rip;
    v->vmcb->rflags = rflags | 2;
}
static unsigned svm_cpl(struct vcpu *v)
{
    return v->vmcb->cpl;
}
static uint64_t svm_cr3(struct vcpu *v)
{
    return v->vmcb->cr3;
}
static uint64_t svm_cr4(struct vcpu *v)
{
    return v->vmcb->cr4;
}
static uint64_t svm_walk_root(struct vcpu *v)
{
    const struct vmcb *b = v->vmcb;

    if (unlikely(!(b->cr0 & X86_CR0_PG)))
        return WALK_NO_PAGING;
    return likely(b->efer & EFER_LMA) ? b->cr3 & PTE_ADDR : WALK_NONE;
}
static bool svm_long_mode(struct vcpu *v)
{
    return svm_is_long_mode(v->vmcb);
}

/* The instruction that exited: with decode assists the CPU gives that of a nested page fault. */
static unsigned svm_fetch(struct vcpu *v, uint8_t code[INSN_MAX])
{
    const struct vmcb *b = v->vmcb;
    unsigned n = svm_features.decode_assist ? vmcb_insn(b, code) : 0;

    return n ? n : guest_fetch(v, b->rip + (svm_is_long_mode(b) ? 0 : b->seg[SEG_CS].base), code, INSN_MAX);
}

static void svm_inject_exception(struct vcpu *v, uint8_t vector, bool has_error, uint32_t error)
{
    v->vmcb->eventinj = vector | EVENT_TYPE(EVENT_EXCEPTION) | EVENT_VALID |
                        (has_error ? EVENT_ERROR | (uint64_t)error << 32 : 0);
}

static void svm_set_tsc_offset(struct vcpu *v, uint64_t offset)
{
    v->tsc_offset = offset;
    v->vmcb->tsc_offset = offset;
}

/* A fresh ASID when the vCPU's is of an older round on this CPU or, where an ASID cannot be flushed, its
 * domain's maps changed. */
static void assign_asid(struct cpu *c, struct vcpu *v)
{
    struct vmcb *b = v->vmcb;
    uint64_t generation = __atomic_load_n(&v->domain->tlb_generation, __ATOMIC_SEQ_CST);

    b->tlb_control = 0;
    if (likely(v->last_cpu == c && v->asid_generation == c->asid_generation)) {
        if (likely(v->tlb_generation == generation))
            return;
        if (svm_features.flush_by_asid) {
            b->tlb_control = TLB_FLUSH_ASID;
            v->tlb_generation = generation;
            return;
        }
    }
    if (c->asid_next >= svm_features.nr_asids) { /* a new round begins: this entry flushes all */
        c->asid_generation++;
        c->asid_next = 1;
        b->tlb_control = TLB_FLUSH_ALL;
    }
    b->asid = c->asid_next++;
    v->asid_generation = c->asid_generation;
    v->last_cpu = c;
    v->tlb_generation = generation;
}

/* What is to be delivered next: NMI, then the PV upcall, then the local APIC's best. */
static void prepare_interrupt(struct vcpu *v)
{
    struct vmcb *b = v->vmcb;
    int vector;

    if (unlikely(v->nmi_pending) && !(b->eventinj & EVENT_VALID)) {
        v->nmi_pending = false;
        b->eventinj = 2 | EVENT_TYPE(EVENT_NMI) | EVENT_VALID;
    }
    b->vintr &= VINTR_KEPT;
    if (v->info->evtchn_upcall_pending && v->domain->callback_vector && !v->upcall_vector)
        vector = v->domain->callback_vector;
    else if (likely(vlapic_irr_empty(&v->lapic)))
        return;
    else
        vector = vlapic_pending(v);
    if (vector >= 0)
        b->vintr |= VINTR_IRQ | VINTR_IGN_TPR | (uint64_t)vector << VINTR_VECTOR_SHIFT;
}

/* V_IRQ reads 0 when the guest took the interrupt; the other fields stay as they were offered. */
static void finish_interrupt(struct vcpu *v)
{
    uint64_t vintr = v->vmcb->vintr;
    uint8_t vector = (uint8_t)(vintr >> VINTR_VECTOR_SHIFT);

    if (likely((vintr & (VINTR_IRQ | VINTR_IGN_TPR)) != VINTR_IGN_TPR))
        return;
    if (vector != v->domain->callback_vector || v->upcall_vector)
        vlapic_ack(v, vector);
}

/* An event whose delivery was cut short by the exit has to be delivered again. */
static void requeue_event(struct vcpu *v)
{
    struct vmcb *b = v->vmcb;
    uint64_t info = b->exitintinfo;

    b->eventinj = 0;
    if (likely(!(info & EVENT_VALID)))
        return;
    /* A V_IRQ delivery that faulted may be told as exception of that vector: make it what it was. */
    if ((info >> 8 & 7) == EVENT_EXCEPTION && (info & 0xff) >= 32)
        info = (info & ~EVENT_TYPE(7)) | EVENT_TYPE(EVENT_EXTERNAL);
    b->eventinj = info;
}

/* False: there is something else to do first. Whatever stops a vCPU but its own halt comes with work. */
static bool prepare_entry(struct cpu *c, struct vcpu *v)
{
    /* first, so that whoever makes work or an interrupt pending from now on interrupts this CPU (vcpu_kick)
     */
    __atomic_store_n(&c->in_guest, true, __ATOMIC_SEQ_CST);
    if (unlikely(c->work || v->blocked || v->down)) {
        __atomic_store_n(&c->in_guest, false, __ATOMIC_RELEASE);
        return false;
    }
    prepare_interrupt(v);
    assign_asid(c, v);
    v->vmcb->rax = v->regs.rax;
    return true;
}

struct vcpu *svm_turn(struct vcpu *v)
{
    struct cpu *c = this_cpu();

    if (likely(v)) {
        __atomic_store_n(&c->in_guest, false, __ATOMIC_RELEASE);
        v->regs.rax = v->vmcb->rax;
        v->exits++;
        finish_interrupt(v);
        requeue_event(v);
        svm_handle_exit(v);
    }
    while (unlikely(!v) || unlikely(!prepare_entry(c, v)))
        v = cpu_next_vcpu();
    return v;
}

static void xsave_area(void *area, uint64_t mask, bool restore)
{
    uint32_t lo = (uint32_t)mask, hi = (uint32_t)(mask >> 32);

    if (!cpu_features.xsave && restore)
        __asm__ volatile("fxrstor64 (%0)" ::"r"(area) : "memory");
    else if (!cpu_features.xsave)
        __asm__ volatile("fxsave64 (%0)" ::"r"(area) : "memory");
    else if (restore)
        __asm__ volatile("xrstor64 (%0)" ::"r"(area), "a"(lo), "d"(hi) : "memory");
    else
        __asm__ volatile("xsave64 (%0)" ::"r"(area), "a"(lo), "d"(hi) : "memory");
}

static void dr_switch(struct vcpu *v, bool in)
{
    if (!v->dr_used)
        return;
    if (in)
        __asm__ volatile("mov %0, %%dr0; mov %1, %%dr1; mov %2, %%dr2; mov %3, %%dr3" ::"r"(v->dr[0]),
                         "r"(v->dr[1]), "r"(v->dr[2]), "r"(v->dr[3]));
    else
        __asm__ volatile("mov %%dr0, %0; mov %%dr1, %1; mov %%dr2, %2; mov %%dr3, %3"
                         : "=r"(v->dr[0]), "=r"(v->dr[1]), "=r"(v->dr[2]), "=r"(v->dr[3]));
}

/* FPU state is switched eagerly: lazy switching leaks by speculation, and fails on emulators. */
static void svm_switch_state(struct vcpu *v, bool in)
{
    static const uint32_t zero;
    uint64_t all = cpu_features.xcr0_mask;

    if (cpu_features.xsave) {
        if (!in)
            v->xcr0 = xgetbv(); /* emulators let guests set it without the intercept */
        xsetbv(all);
    }
    if (in && cpu_features.x87_pointers_stay) /* no other guest's addresses, but these */
        __asm__ volatile("fnclex; ffree %%st(7); fildl %0" ::"m"(zero));
    xsave_area(v->xsave, all, in);
    if (cpu_features.xsave)
        xsetbv(v->xcr0);
    if (cpu_features.rdtscp) {
        if (in)
            wrmsr(MSR_TSC_AUX, v->tsc_aux);
        else
            v->tsc_aux = rdmsr(MSR_TSC_AUX);
    }
    dr_switch(v, in);
}

const struct virt_ops svm_ops = {
    .name = "AMD SVM with nested paging",
    .cpu_init = svm_cpu_init,
    .vcpu_init = svm_vcpu_init,
    .vcpu_destroy = svm_vcpu_destroy,
    .get_state = svm_get_state,
    .set_state = svm_set_state,
    .loop = svm_loop,
    .rip = svm_rip,
    .rflags = svm_rflags,
    .go_on = svm_go_on,
    .cpl = svm_cpl,
    .cr3 = svm_cr3,
    .cr4 = svm_cr4,
    .walk_root = svm_walk_root,
    .long_mode = svm_long_mode,
    .fetch = svm_fetch,
    .inject_exception = svm_inject_exception,
    .set_tsc_offset = svm_set_tsc_offset,
    .switch_state = svm_switch_state,
};
