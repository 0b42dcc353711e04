/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Starting the other CPUs (INIT, SIPI, SIPI) and interrupts between CPUs. */
#include "bh/acpi.h"
#include "bh/cmdline.h"
#include "bh/cpu.h"
#include "bh/lapic.h"
#include "bh/lib.h"
#include "bh/mm.h"
#include "bh/msr.h"
#include "bh/paging.h"
#include "bh/sched.h"
#include "bh/setup.h"
#include "bh/time.h"
#include "bh/topology.h"
#include "bh/virt.h"

#define FAMILY_ZEN2    0x18u             /* Zen, Zen+ and Zen 2 are of family 17h, Hygon's of 18h */
#define HAS_ARCH_CAPS  BIT(29)           /* CPUID 7 edx */
#define ARCH_CAPS_SAFE (BIT(0) | BIT(5)) /* not vulnerable to L1TF; nor to MDS */

extern char ap_trampoline[], ap_trampoline_end[], ap_boot_root[], ap_final_root[], ap_boot_stack[],
    ap_boot_cpu[];
void smp_ap_main(struct cpu *c);

struct cpu *cpu_alloc(uint32_t apic_id)
{
    struct cpu *c = kzalloc(sizeof(*c));

    if (!c)
        return NULL;
    c->id = nr_cpus;
    c->apic_id = apic_id;
    c->stack_top = stack_alloc();
    c->ist_stacks = page_va_alloc(2, 0); /* three are used */
    c->timers.cpu = c;
    if (!c->ist_stacks || sched_cpu_init(c)) {
        kfree(c, sizeof(*c));
        return NULL;
    }
    return c;
}

void smp_ap_main(struct cpu *c)
{
    cpu_init_control();
    cpu_init_tables(c);
    lapic_init(0, false);
    virt_cpu_init(c);
    __atomic_store_n(&c->online, true, __ATOMIC_RELEASE);
    setup_ap_wait();
    cpu_loop();
}

/* Fill in a word of the trampoline's copy. */
static void trampoline_set(uint8_t *page, const char *field, uint64_t v)
{
    memcpy(page + (field - ap_trampoline), &v, sizeof(v));
}

static bool start_cpu(struct cpu *c, uint8_t *page, paddr_t page_pa, uint64_t boot_root)
{
    memcpy(page, ap_trampoline, (size_t)(ap_trampoline_end - ap_trampoline));
    trampoline_set(page, ap_boot_root, boot_root);
    trampoline_set(page, ap_final_root, paging_root());
    trampoline_set(page, ap_boot_stack, c->stack_top);
    trampoline_set(page, ap_boot_cpu, (uintptr_t)c);
    lapic_ipi(c->apic_id, 0xc500); /* INIT, level, assert */
    udelay(cpu_features.family > 6 ? 200 : 10000);
    for (unsigned i = 0; i < 2 && !c->online; i++) {
        lapic_ipi(c->apic_id, 0x600 | (uint32_t)(page_pa >> PAGE_SHIFT));
        for (unsigned j = 0; j < 2000 && !__atomic_load_n(&c->online, __ATOMIC_ACQUIRE); j++)
            udelay(100);
    }
    return c->online;
}

/*
 * Threads of a core share caches, buffers and predictors. Where one can read the other's (MDS and L1TF, or
 * return predictions of AMD's family 17h, CVE-2022-27672), two domains must not run there at once.
 */
static bool threads_leak(void)
{
    uint64_t caps;

    if (!cpu_features.intel)
        return cpu_features.family <= FAMILY_ZEN2;
    caps = cpu_features.max_leaf >= 7 && cpuid(7, 0).d & HAS_ARCH_CAPS ? rdmsr(MSR_ARCH_CAPS) : 0;
    return (caps & ARCH_CAPS_SAFE) != ARCH_CAPS_SAFE;
}

/* With smt=0, which leaking CPUs have by default, only the first thread of each core is started. */
static bool is_second_thread(uint32_t apic_id)
{
    return apic_id & ((1u << topology_thread_bits()) - 1);
}

void smp_start_all(const struct acpi_info *acpi, paddr_t trampoline_pa, uint64_t boot_root)
{
    bool leak = threads_leak(), smt = cmdline_bool(saved_cmdline, "smt", !leak);
    uint8_t *page = pa_to_va(trampoline_pa);
    unsigned parked = 0;

    for (unsigned i = 0; i < acpi->nr_cpus && nr_cpus < MAX_CPUS; i++) {
        struct cpu *c;

        if (acpi->apic_id[i] == cpus[0]->apic_id)
            continue;
        if (!smt && is_second_thread(acpi->apic_id[i])) {
            parked++;
            continue;
        }
        c = cpu_alloc(acpi->apic_id[i]);
        if (!c) {
            pr_warn("no memory for CPU with APIC id %u\n", acpi->apic_id[i]);
            return;
        }
        if (!start_cpu(c, page, trampoline_pa, boot_root)) {
            pr_warn("CPU with APIC id %u did not start\n", acpi->apic_id[i]);
            continue;
        }
        cpus[nr_cpus++] = c;
    }
    if (parked)
        pr_info("SMT: %u second threads of cores stay parked, since %s\n", parked,
                leak ? "this CPU's threads can read from each other (smt=1 starts them)" : "smt=0 says so");
    else if (leak && smt && topology_thread_bits())
        pr_warn("SMT: threads of a core can read from each other, and smt=1 lets domains share cores\n");
}

void cpu_kick(struct cpu *c, uint32_t work)
{
    uint32_t old = __atomic_fetch_or(&c->work, work, __ATOMIC_SEQ_CST);

    if (c != this_cpu() && !(old & work))
        lapic_ipi(c->apic_id, VECTOR_KICK);
}
