/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A physical CPU: its private data (reached through GS), features found at boot, interrupts between CPUs.
 */
#pragma once

#include "bh/spinlock.h"
#include "bh/timer.h"
#include "bh/types.h"

struct cpuid_regs;
struct vcpu;

#define MAX_CPUS       256 /* started; identifiers and ACPI tables are sized for 4,095 */
#define CPU_STACK_SIZE 8192
#define HOST_DS        0x10 /* selector */

/* Work that a CPU does before it enters a guest again (cpu->work bits). */
enum { WORK_TIMER = 1, WORK_RESCHED = 2, WORK_KICK = 4 };

struct cpu {
    struct cpu *self;     /* gs:0 */
    uint64_t arch_run_pa; /* gs:8, of arch_run */
    uint32_t id, apic_id;
    volatile uint32_t work;
    volatile bool in_guest, online;
    struct vcpu *current; /* NULL: idle */
    uint16_t last_domain;
    struct vcpu *last; /* whose FPU and MSR state is loaded */
    struct timer_queue timers;
    struct runq *runq;
    uint64_t stack_top;
    uint64_t vcpu_switches, idle_ns;
    void *arch_run; /* back end: host VMCB or VMCS region */
    uint64_t asid_generation;
    uint32_t asid_next;
    uint32_t tss[26];
    uint64_t gdt[8];
    uint8_t *ist_stacks;
};

static inline struct cpu *this_cpu(void)
{
#ifdef HOST_TEST
    extern struct cpu host_test_cpu;
    return &host_test_cpu;
#else
    struct cpu *c;

    __asm__("mov %%gs:0, %0" : "=r"(c));
    return c;
#endif
}

extern struct cpu *cpus[MAX_CPUS];
extern unsigned nr_cpus; /* online */

/* Features of this machine's CPUs that the hypervisor itself uses. */
struct cpu_features {
    bool smep, smap, nx, gb_pages, xsave, x2apic, rdtscp, invariant_tsc, amd, intel;
    bool ibpb, verw, auto_ibrs; /* predictors and buffers can be flushed; guests' predictions are not used */
    bool x87_pointers_stay;     /* XRSTOR leaves the last x87 instruction's addresses there: CVE-2006-1056 */
    bool more_cr4;              /* CR4 has bits that guests may not set (CR4_GUEST) */
    uint32_t max_leaf, max_ext_leaf, family, phys_bits, xsave_size;
    uint64_t xcr0_mask;
};
extern struct cpu_features cpu_features;

/* From the leaves that `ask` gives: cpuid(), or what a test wants. */
void cpu_features_init(struct cpuid_regs (*ask)(uint32_t leaf, uint32_t sub));
void cpu_init_tables(struct cpu *c); /* GDT, TSS, IDT, GS of this CPU */
void cpu_init_control(void);         /* CR4, EFER bits, PAT of this CPU */
/* Ask a CPU to look at its work; interrupts it if it runs a guest or idles. */
void cpu_kick(struct cpu *c, uint32_t work);
/* Do all work, choose who runs, load its state; sleeps while nobody can. For the back end's loop. */
struct vcpu *cpu_next_vcpu(void);
_Noreturn void cpu_loop(void);
