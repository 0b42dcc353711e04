/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Starting the other CPUs (INIT, SIPI, SIPI) and interrupts between CPUs. */
#include "bh/acpi.h"
#include "bh/cpu.h"
#include "bh/lapic.h"
#include "bh/lib.h"
#include "bh/mm.h"
#include "bh/msr.h"
#include "bh/paging.h"
#include "bh/sched.h"
#include "bh/setup.h"
#include "bh/time.h"
#include "bh/virt.h"

extern char ap_trampoline[], ap_trampoline_end[], ap_boot_root[], ap_final_root[], ap_boot_stack[],
    ap_boot_cpu[];
void smp_ap_main(struct cpu *c);

bool opt_smt = true;

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

/* Threads of a core share caches and buffers: with smt=0 only the first of each runs. */
static bool is_second_thread(uint32_t apic_id)
{
    unsigned threads = 1;

    if (cpu_features.amd && cpu_features.max_ext_leaf >= 0x8000001e && cpuid(0x80000001, 0).c & BIT(22))
        threads = (cpuid(0x8000001e, 0).b >> 8 & 0xff) + 1;
    else if (cpu_features.max_leaf >= 0xb)
        threads = 1u << (cpuid(0xb, 0).a & 31);
    return threads > 1 && apic_id & (threads - 1);
}

void smp_start_all(const struct acpi_info *acpi, paddr_t trampoline_pa, uint64_t boot_root)
{
    uint8_t *page = pa_to_va(trampoline_pa);

    for (unsigned i = 0; i < acpi->nr_cpus && nr_cpus < MAX_CPUS; i++) {
        struct cpu *c;

        if (acpi->apic_id[i] == cpus[0]->apic_id || (!opt_smt && is_second_thread(acpi->apic_id[i])))
            continue;
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
}

void cpu_kick(struct cpu *c, uint32_t work)
{
    uint32_t old = __atomic_fetch_or(&c->work, work, __ATOMIC_SEQ_CST);

    if (c != this_cpu() && !(old & work))
        lapic_ipi(c->apic_id, VECTOR_KICK);
}
