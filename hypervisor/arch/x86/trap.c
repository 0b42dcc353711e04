/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Host exceptions (all fatal but NMI) and interrupts. Interrupts arrive only in the windows that the CPU loop
 * opens, so handlers run with no lock held.
 */
#include "bh/console.h"
#include "bh/cpu.h"
#include "bh/irq.h"
#include "bh/lapic.h"
#include "bh/lib.h"
#include "bh/mm.h"
#include "bh/msr.h"
#include "bh/pio.h"
#include "bh/shutdown.h"
#include "bh/spinlock.h"
#include "bh/symbols.h"

struct trap_frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
    uint64_t vector, error, rip, cs, rflags, rsp, ss;
};

static struct {
    irq_handler_t handler;
    void *arg;
} irq_table[256];
static spinlock_t irq_lock;
static unsigned next_vector = VECTOR_DYNAMIC_FIRST;
static bool panicking;

void trap_dispatch(struct trap_frame *f);

int irq_vector_alloc(irq_handler_t handler, void *arg)
{
    spin_guard(&irq_lock);
    for (unsigned i = VECTOR_DYNAMIC_FIRST; i <= VECTOR_DYNAMIC_LAST; i++) {
        unsigned v = next_vector;

        next_vector = v == VECTOR_DYNAMIC_LAST ? VECTOR_DYNAMIC_FIRST : v + 1;
        if (!irq_table[v].handler) {
            irq_table[v].arg = arg;
            __atomic_store_n(&irq_table[v].handler, handler, __ATOMIC_RELEASE);
            return (int)v;
        }
    }
    return -XEN_ENOSPC;
}

void irq_vector_free(uint8_t vector)
{
    __atomic_store_n(&irq_table[vector].handler, NULL, __ATOMIC_RELEASE);
}

uint32_t irq_default_apic_id(void)
{
    return cpus[0]->apic_id;
}

static void backtrace(uint64_t rip, uint64_t rbp)
{
    char name[96];

    for (unsigned i = 0; i < 24; i++) {
        uint64_t off;
        const char *s = symbol_lookup(rip, &off, name, sizeof(name));

        printk(LOG_ERR, "   [<%016lx>] %s+0x%lx\n", rip, s ? s : "?", s ? off : 0);
        if (rbp < DIRECTMAP_BASE - (4ull << 40) || rbp & 7 || !s)
            return;
        rip = ((uint64_t *)rbp)[1];
        rbp = ((uint64_t *)rbp)[0];
    }
}

static _Noreturn void stop_machine(void)
{
    for (unsigned i = 0; i < nr_cpus; i++)
        if (cpus[i] && cpus[i] != this_cpu())
            lapic_ipi(cpus[i]->apic_id, 0x4400); /* NMI: they see `panicking` and halt */
    machine_stop_after_panic();
}

/* The first CPU to come here tells why; the others are silent. */
static void panic_begin(void)
{
    if (__atomic_exchange_n(&panicking, true, __ATOMIC_SEQ_CST))
        machine_halt();
    console_force();
    printk(LOG_ERR, "\n");
    printk(LOG_ERR, "PANIC on CPU%u: ", nr_cpus ? this_cpu()->id : 0);
}

void panic(const char *fmt, ...)
{
    va_list ap;
    uint64_t rbp;

    __asm__ volatile("cli; mov %%rbp, %0" : "=r"(rbp));
    panic_begin();
    va_start(ap, fmt);
    vprintk(LOG_ERR, fmt, ap);
    va_end(ap);
    printk(LOG_ERR, "\n");
    backtrace(((uint64_t *)rbp)[1], ((uint64_t *)rbp)[0]);
    stop_machine();
}

static _Noreturn void fatal_trap(const struct trap_frame *f)
{
    static const char names[32][4] = {"#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM",
                                      "#DF", "",    "#TS", "#NP", "#SS", "#GP", "#PF", "",
                                      "#MF", "#AC", "#MC", "#XM", "#VE", "#CP"};

    panic_begin();
    printk(LOG_ERR, "exception %lu (%s), error code %lx\n", f->vector, names[f->vector], f->error);
    printk(LOG_ERR, "rip %04lx:%016lx rflags %016lx cr2 %016lx\n", f->cs, f->rip, f->rflags, read_cr2());
    printk(LOG_ERR, "rax %016lx rbx %016lx rcx %016lx rdx %016lx\n", f->rax, f->rbx, f->rcx, f->rdx);
    printk(LOG_ERR, "rsi %016lx rdi %016lx rbp %016lx rsp %016lx\n", f->rsi, f->rdi, f->rbp, f->rsp);
    printk(LOG_ERR, "r8  %016lx r9  %016lx r10 %016lx r11 %016lx\n", f->r8, f->r9, f->r10, f->r11);
    printk(LOG_ERR, "r12 %016lx r13 %016lx r14 %016lx r15 %016lx\n", f->r12, f->r13, f->r14, f->r15);
    backtrace(f->rip, f->rbp);
    stop_machine();
}

static void machine_check_report(void)
{
    unsigned banks = (unsigned)(rdmsr(MSR_MCG_CAP) & 0xff);

    for (unsigned i = 0; i < banks; i++) {
        uint64_t status = rdmsr(MSR_MC0_CTL + 4 * i + 1);

        if (status & BIT(63))
            pr_err("machine check: bank %u status %016lx address %016lx\n", i, status,
                   rdmsr(MSR_MC0_CTL + 4 * i + 2));
    }
}

static void nmi(const struct trap_frame *f)
{
    uint8_t reason;

    if (panicking)
        machine_halt();
    reason = inb(0x61);
    pr_warn("NMI on CPU%u at %016lx, reason byte %02x\n", this_cpu()->id, f->rip, reason);
}

void trap_dispatch(struct trap_frame *f)
{
    uint8_t vector = (uint8_t)f->vector;
    irq_handler_t handler;

    if (vector == 2) {
        nmi(f);
        return;
    }
    if (vector == 18)
        machine_check_report();
    if (vector < 32)
        fatal_trap(f);
    if (vector == VECTOR_SPURIOUS)
        return;
    lapic_eoi();
    if (vector == VECTOR_TIMER) {
        this_cpu()->work |= WORK_TIMER;
        return;
    }
    handler = __atomic_load_n(&irq_table[vector].handler, __ATOMIC_ACQUIRE);
    if (handler)
        handler(vector, irq_table[vector].arg);
}
