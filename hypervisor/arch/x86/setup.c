/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The boot, chapter by chapter. */
#include "bh/acpi.h"
#include "bh/boot.h"
#include "bh/cmdline.h"
#include "bh/console.h"
#include "bh/domain.h"
#include "bh/hwdom.h"
#include "bh/iommu.h"
#include "bh/lapic.h"
#include "bh/lib.h"
#include "bh/page.h"
#include "bh/paging.h"
#include "bh/setup.h"
#include "bh/shutdown.h"
#include "bh/time.h"
#include "bh/topology.h"

_Noreturn void hypervisor_main(uint32_t magic, uint32_t info);

__attribute__((section(".bss.init"))) struct boot_info boot_info;
struct acpi_info acpi_info __attribute__((section(".bss.init")));
char saved_cmdline[1024];
extern char __image_end[];
static volatile bool aps_may_run;
static paddr_t early_next, early_end, trampoline_pa;

uintptr_t __stack_chk_guard = 0x57ac9ba2d1e30700;
_Noreturn void __stack_chk_fail(void);
_Noreturn void __stack_chk_fail(void)
{
    panic("stack smashed");
}

static const void *boot_map(paddr_t pa, size_t len)
{
    return pa + len <= BIT(32) ? pa_to_va(pa) : NULL;
}

/* Allocator before the page allocator: downwards from the end of one RAM range that nothing else uses. */
static paddr_t early_frame(void)
{
    if (early_end - early_next < PAGE_SIZE)
        panic("too little memory: the hypervisor's tables do not fit");
    early_end -= PAGE_SIZE;
    memset(pa_to_va(early_end), 0, PAGE_SIZE);
    return early_end;
}

static uint64_t highest_frame(const struct boot_info *bi)
{
    uint64_t top = 0;

    for (unsigned i = 0; i < bi->nr_e820; i++)
        if (bi->e820[i].type == E820_RAM)
            top = MAX(top, (bi->e820[i].addr + bi->e820[i].size) >> PAGE_SHIFT);
    return top;
}

/* End of what the loader put into [start, end), or start. */
static paddr_t used_end(const struct boot_info *bi, paddr_t start, paddr_t end)
{
    paddr_t image_end = (uintptr_t)__image_end - XEN_VIRT_BASE, used = start;

    if (image_end > start && image_end <= end)
        used = image_end;
    for (unsigned i = 0; i < bi->nr_modules; i++)
        if (bi->module[i].end > used && bi->module[i].start < end)
            used = bi->module[i].end;
    return ROUND_UP(used, PAGE_SIZE);
}

/* The largest tail of RAM below 4 GiB free of image and modules serves early allocations. */
static void early_init(const struct boot_info *bi)
{
    for (unsigned i = 0; i < bi->nr_e820; i++) {
        paddr_t start = bi->e820[i].addr, end = MIN(start + bi->e820[i].size, BIT(32));

        if (bi->e820[i].type != E820_RAM || start < 0x100000 || end <= start)
            continue;
        start = used_end(bi, start, end);
        end = ROUND_DOWN(end, PAGE_SIZE);
        if (end > start && end - start > early_end - early_next) {
            early_next = start;
            early_end = end;
        }
    }
    if (!early_end)
        panic("no usable memory below 4 GiB in the memory map");
}

struct span {
    paddr_t start, end;
};

/*
 * RAM below this is handed out last: small allocations behind the boot modules would break up what a dom0
 * that is mapped one to one needs in one piece, its kernel's place from 16 MiB on.
 */
#define LOW_RAM (256ul << 20)
static struct span used[BOOT_MAX_MODULES + 3] __attribute__((section(".bss.init")));
static unsigned nr_used;
static paddr_t low_end = LOW_1M;

/* Hand RAM [start, end) to the allocator, leaving out the spans in use. */
static void add_ram_around(paddr_t start, paddr_t end)
{
    for (unsigned i = 0; i < nr_used; i++) {
        if (used[i].end <= start || used[i].start >= end)
            continue;
        if (used[i].start > start)
            add_ram_around(start, used[i].start);
        start = used[i].end;
        if (start >= end)
            return;
        i = (unsigned)-1; /* start moved: look at all spans again */
    }
    page_add_ram(start, end, true);
}

static void add_ram(const struct boot_info *bi, paddr_t from, paddr_t to)
{
    for (unsigned i = 0; i < bi->nr_e820; i++) {
        const struct e820_entry *e = &bi->e820[i];
        paddr_t start = MAX(e->addr, from), end = MIN(e->addr + e->size, to);

        if (e->type == E820_RAM && start < end)
            add_ram_around(start, end);
    }
}

static void memory_init(const struct boot_info *bi)
{
    uint64_t top = highest_frame(bi);
    paddr_t table, early_stop;
    size_t size = page_table_size(top);

    early_init(bi);
    if (early_end - early_next < size + 64 * PAGE_SIZE)
        panic("too little memory: %lu KiB of page records do not fit", size >> 10);
    early_stop = early_end;
    early_end -= size;
    table = early_end;
    paging_set_early(early_frame);
    paging_init(bi);
    screen_map();
    page_init(pa_to_va(table), top);
    used[nr_used++] = (struct span){0x200000, ROUND_UP((uintptr_t)__image_end - XEN_VIRT_BASE, PAGE_SIZE)};
    used[nr_used++] = (struct span){early_end, early_stop};
    for (unsigned i = 0; i < bi->nr_modules; i++)
        used[nr_used++] =
            (struct span){ROUND_DOWN(bi->module[i].start, PAGE_SIZE), ROUND_UP(bi->module[i].end, PAGE_SIZE)};
    paging_set_early(NULL);
    if (top << PAGE_SHIFT >= 2 * LOW_RAM)
        low_end = LOW_RAM;
    add_ram(bi, low_end, top << PAGE_SHIFT);
}

static void memory_add_low(const struct boot_info *bi)
{
    add_ram(bi, LOW_1M, low_end);
    pr_info("memory: %lu MiB\n", page_counts.total >> 8);
}

/* A free page below 640 KiB for the other CPUs' first instructions. */
static paddr_t find_trampoline(const struct boot_info *bi)
{
    for (unsigned i = 0; i < bi->nr_e820; i++) {
        paddr_t start = MAX(ROUND_UP(bi->e820[i].addr, PAGE_SIZE), 0x8000);
        paddr_t end = MIN(bi->e820[i].addr + bi->e820[i].size, 0x9f000);

        if (bi->e820[i].type == E820_RAM && start + PAGE_SIZE <= end)
            return start;
    }
    return 0;
}

static void acpi_init(const struct boot_info *bi)
{
    const char *why = "";
    paddr_t rsdp = bi->rsdp || bi->rsdp_copy_len ? bi->rsdp : acpi_find_rsdp(boot_map);
    int rc = acpi_parse(boot_map, rsdp, bi->rsdp_copy, bi->rsdp_copy_len, &acpi_info, &why);

    if (rc)
        panic("no usable ACPI tables: %s", why);
    pr_info("ACPI: %u CPUs, %u IO-APICs, %u tables\n", acpi_info.nr_cpus, acpi_info.nr_ioapics,
            acpi_info.nr_tables);
}

static void report_unknown_words(const char *cmdline)
{
    static const char *const known[] = {"console",  "com1",           "loglvl",   "guest_loglvl",
                                        "dom0_mem", "dom0_max_vcpus", "noreboot", "iommu",
                                        "smt",      "sched",          "dom0",     "placeholder"};
    const char *cursor = cmdline;
    char word[64];

    while (cmdline_next_unknown(&cursor, known, ARRAY_SIZE(known), word, sizeof(word)))
        pr_warn("command line: unknown word \"%s\" ignored\n", word);
}

void setup_ap_wait(void)
{
    while (!__atomic_load_n(&aps_may_run, __ATOMIC_ACQUIRE))
        __builtin_ia32_pause();
}

static void first_cpu(void)
{
    static struct cpu boot_cpu;
    static uint8_t ist[3 * PAGE_SIZE] __aligned_to(4096);

    boot_cpu.ist_stacks = ist;
    boot_cpu.timers.cpu = &boot_cpu;
    cpu_init_tables(&boot_cpu);
    cpus[0] = &boot_cpu;
}

static _Noreturn void after_stack_switch(void)
{
    paging_free_init();
    console_screen_release();
    __atomic_store_n(&aps_may_run, true, __ATOMIC_RELEASE);
    domain_unpause(dom0);
    cpu_loop();
}

static _Noreturn void switch_stack(uint64_t top, void (*fn)(void))
{
    __asm__ volatile("mov %0, %%rsp; xor %%ebp, %%ebp; call *%1; ud2" ::"r"(top), "r"(fn));
    __builtin_unreachable();
}

_Noreturn void hypervisor_main(uint32_t magic, uint32_t info)
{
    const char *why = "";
    uint64_t boot_root = read_cr3();
    int rc;

    first_cpu();
    rc = multiboot_parse(magic, info, boot_map, &boot_info, &why);
    console_init(&boot_info);
    opt_noreboot = cmdline_bool(boot_info.cmdline, "noreboot", false);
    pr_info("Bulkhead hypervisor, Xen 4.17 ABI, from %s\n",
            boot_info.loader[0] ? boot_info.loader : "an unnamed loader");
    if (rc)
        panic("the boot loader's information is unusable: %s", why);
    strlcpy(saved_cmdline, boot_info.cmdline, sizeof(saved_cmdline));
    pr_info("command line: %s\n", saved_cmdline);
    report_unknown_words(saved_cmdline);

    cpu_features_init(cpuid);
    __stack_chk_guard ^= rdtsc() << 8;
    acpi_init(&boot_info);
    shutdown_init(&acpi_info);
    memory_init(&boot_info);
    for (unsigned i = 0; i < acpi_info.nr_tables; i++)
        directmap_add(acpi_info.table[i].address, acpi_info.table[i].length);
    cpu_init_control();
    lapic_init(acpi_info.lapic_address ? acpi_info.lapic_address : 0xfee00000, true);
    cpus[0]->apic_id = lapic_id();
    cpus[0]->stack_top = stack_alloc();
    nr_cpus = 1;
    cpus[0]->online = true;
    time_init(&acpi_info);
    lapic_timer_calibrate();
    virt_init();
    virt_cpu_init(cpus[0]);
    if (sched_cpu_init(cpus[0]))
        panic("too little memory");
    ioapic_init(&acpi_info);
    trampoline_pa = find_trampoline(&boot_info);
    if (trampoline_pa)
        smp_start_all(&acpi_info, trampoline_pa, boot_root);
    topology_init(&acpi_info);
    pr_info("CPUs: %u started, %s\n", nr_cpus, virt->name);
    cpuid_policy_init();
    iommu_init(&acpi_info, cmdline_bool(saved_cmdline, "iommu", true));
    console_input_init();
    memory_add_low(&boot_info);
    rc = dom0_build(&boot_info, &why);
    if (rc)
        panic("dom0 cannot be built: %s", why);
    switch_stack(cpus[0]->stack_top, after_stack_switch);
}
