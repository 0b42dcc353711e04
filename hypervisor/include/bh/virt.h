/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The operations table of a CPU back end (SVM, VMX), chosen at boot. Everything outside arch/x86/{svm,vmx}
 * uses only this. Guest state that is not in `regs` is read and written through get/set while the vCPU is not
 * running.
 */
#pragma once

#include "bh/insn.h"
#include "bh/types.h"

struct cpu;
struct domain;
struct vcpu;

struct guest_regs { /* order known to vmrun.S */
    uint64_t rax, rcx, rdx, rbx, rsp_unused, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15;
};

struct segment {
    uint16_t selector, attr; /* attr: VMCB form (type S DPL P AVL L DB G in 12 bits) */
    uint32_t limit;
    uint64_t base;
};
enum { SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS, SEG_GDTR, SEG_LDTR, SEG_IDTR, SEG_TR, NR_SEGS };

/* Everything of a vCPU that is saved, loaded or set at creation. */
struct cpu_state {
    struct segment seg[NR_SEGS];
    uint64_t cr0, cr2, cr3, cr4, efer, dr6, dr7, rflags, rip, rsp, rax;
    uint64_t star, lstar, cstar, sfmask, kernel_gs_base, sysenter_cs, sysenter_esp, sysenter_eip, pat;
    uint64_t event; /* to be delivered at the next entry, in the form of the VMCB's EVENTINJ; 0: none */
};

/* Address spaces that are not walked: none, and other forms than PVH kernels run with (4 levels). */
#define WALK_NONE      1ull
#define WALK_NO_PAGING 3ull

struct virt_ops {
    const char *name;
    int (*cpu_init)(struct cpu *c); /* switch virtualisation on; 0 or -XEN_ENODEV */
    int (*vcpu_init)(struct vcpu *v);
    void (*vcpu_destroy)(struct vcpu *v);
    void (*get_state)(struct vcpu *v, struct cpu_state *s);
    void (*set_state)(struct vcpu *v, const struct cpu_state *s);
    /* The rest of this CPU's life: enter the vCPU that cpu_next_vcpu() names, handle its exit, and so on. No
     * return instruction may reach over a guest entry: guests leave return predictions behind. */
    void (*loop)(void);
    /* Guest rip, rflags, cpl of a vCPU that exited on this CPU. */
    uint64_t (*rip)(struct vcpu *v);
    uint64_t (*rflags)(struct vcpu *v);
    void (*go_on)(struct vcpu *v, uint64_t rip, uint64_t rflags); /* with these at its next entry */
    unsigned (*cpl)(struct vcpu *v);
    uint64_t (*cr3)(struct vcpu *v);
    uint64_t (*cr4)(struct vcpu *v);
    uint64_t (*walk_root)(struct vcpu *v);                     /* the level 4 page table, or WALK_… */
    bool (*long_mode)(struct vcpu *v);                         /* 64-bit code segment */
    unsigned (*fetch)(struct vcpu *v, uint8_t code[INSN_MAX]); /* the instruction that exited; bytes known */
    void (*inject_exception)(struct vcpu *v, uint8_t vector, bool has_error, uint32_t error);
    void (*set_tsc_offset)(struct vcpu *v, uint64_t offset);
    /* The vCPU moves: load (true) or save (false) what the guest entry does not switch by itself. */
    void (*switch_state)(struct vcpu *v, bool in);
};

extern const struct virt_ops *virt;
extern const struct virt_ops svm_ops;

/* Choose the back end by CPUID; panics with one sentence when there is none. */
void virt_init(void);
void virt_cpu_init(struct cpu *c);
