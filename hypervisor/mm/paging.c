/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hypervisor's own address space. Built once at boot; afterwards only the device window and the stack
 * area grow, under paging_lock, on entries that were empty (so nothing needs a TLB flush on other CPUs).
 */
#include "bh/cpu.h"
#include "bh/lib.h"
#include "bh/mm.h"
#include "bh/msr.h"
#include "bh/page.h"
#include "bh/paging.h"
#include "bh/spinlock.h"

#define PTE_PWT    BIT(3)
#define PTE_PCD    BIT(4)
#define PTE_G      BIT(8)
#define PTE_NX     BIT(63)
#define MMIO_BASE  0xffff820000000000ull
#define STACK_BASE 0xffff818000000000ull
#define STACK_STEP (CPU_STACK_SIZE * 2)

extern char __image_start[], __text_end[], __rodata_end[], __image_end[], __init_start[], __init_end[];

static uint64_t *root;
static uint64_t nx;
static uint64_t mmio_next = MMIO_BASE, stack_next = STACK_BASE;
static spinlock_t paging_lock;
static paddr_t (*early_frame)(void);

void paging_set_early(paddr_t (*early)(void))
{
    early_frame = early;
}

static uint64_t *node_new(void)
{
    void *node = early_frame ? pa_to_va(early_frame()) : page_va_alloc(0, PAGE_ZERO);

    if (!node)
        panic("no memory left for the hypervisor's own page tables");
    return node;
}

/* The entry for va at a level (1: 4 KiB, 2: 2 MiB, 3: 1 GiB), nodes made on the way. */
static uint64_t *entry_for(uint64_t va, unsigned level)
{
    uint64_t *table = root;

    for (unsigned l = 4; l > level; l--) {
        uint64_t *e = &table[va >> (12 + 9 * (l - 1)) & 511];

        if (!(*e & PTE_P))
            *e = va_to_pa(node_new()) | PTE_P | PTE_RW | PTE_A;
        ASSERT(!(*e & PTE_PS));
        table = pa_to_va(*e & PTE_ADDR);
    }
    return &table[va >> (12 + 9 * (level - 1)) & 511];
}

static void map_range(uint64_t va, paddr_t pa, uint64_t size, uint64_t flags)
{
    for (uint64_t step; size; va += step, pa += step, size -= step) {
        unsigned level = 1;

        if (cpu_features.gb_pages && !((va | pa) & 0x3fffffff) && size >= 0x40000000)
            level = 3;
        else if (!((va | pa) & 0x1fffff) && size >= 0x200000)
            level = 2;
        *entry_for(va, level) = pa | flags | PTE_P | PTE_A | PTE_D | (level > 1 ? PTE_PS : 0);
        step = 1ull << (12 + 9 * (level - 1));
    }
}

static bool mapped(uint64_t va)
{
    uint64_t *table = root;

    for (unsigned l = 4;; l--) {
        uint64_t e = table[va >> (12 + 9 * (l - 1)) & 511];

        if (!(e & PTE_P))
            return false;
        if (l == 1 || e & PTE_PS)
            return true;
        table = pa_to_va(e & PTE_ADDR);
    }
}

void directmap_add(paddr_t pa, size_t len)
{
    paddr_t end = ROUND_UP(pa + len, PAGE_SIZE);

    spin_guard(&paging_lock);
    for (pa = ROUND_DOWN(pa, PAGE_SIZE); pa < end; pa += PAGE_SIZE)
        if (!mapped(DIRECTMAP_BASE + pa))
            map_range(DIRECTMAP_BASE + pa, pa, PAGE_SIZE, nx);
}

static void map_image(const char *from, const char *to, uint64_t flags)
{
    map_range((uintptr_t)from, (uintptr_t)from - XEN_VIRT_BASE, (uint64_t)(to - from), flags | PTE_G);
}

void paging_init(const struct boot_info *bi)
{
    nx = cpu_features.nx ? PTE_NX : 0;
    root = node_new();
    map_image(__image_start, __text_end, 0);
    map_image(__text_end, __rodata_end, nx);
    map_image(__rodata_end, __init_start, PTE_RW | nx);
    map_image(__init_start, __init_end, PTE_RW); /* runs boot code; unmapped by paging_free_init() */
    map_image(__init_end, __image_end, PTE_RW | nx);
    for (unsigned i = 0; i < bi->nr_e820; i++) {
        const struct e820_entry *e = &bi->e820[i];
        paddr_t start = ROUND_UP(e->addr, PAGE_SIZE), end = ROUND_DOWN(e->addr + e->size, PAGE_SIZE);

        if (e->type == E820_RAM && start >= 0x100000 && start < end)
            map_range(DIRECTMAP_BASE + start, start, end - start, PTE_RW | PTE_G | nx);
    }
    map_range(DIRECTMAP_BASE, 0, 0x100000, PTE_RW | PTE_G | nx); /* BIOS areas, VGA text */
    for (unsigned i = 0; i < bi->nr_e820; i++)
        if (bi->e820[i].type == E820_ACPI || bi->e820[i].type == E820_NVS)
            directmap_add(bi->e820[i].addr, bi->e820[i].size);
    write_cr3(va_to_pa(root));
}

paddr_t paging_root(void)
{
    return va_to_pa(root);
}

paddr_t va_to_pa(const void *va)
{
    uintptr_t a = (uintptr_t)va;

    return a >= XEN_VIRT_BASE ? a - XEN_VIRT_BASE : a - DIRECTMAP_BASE;
}

static void *map_device(paddr_t pa, size_t size, uint64_t caching)
{
    paddr_t start = ROUND_DOWN(pa, PAGE_SIZE);
    uint64_t len = ROUND_UP(pa + size, PAGE_SIZE) - start, va;

    spin_guard(&paging_lock);
    va = mmio_next;
    mmio_next += len;
    for (uint64_t off = 0; off < len; off += PAGE_SIZE)
        map_range(va + off, start + off, PAGE_SIZE, PTE_RW | caching | PTE_G | nx);
    return (void *)(uintptr_t)(va + (pa - start));
}

void *map_mmio(paddr_t pa, size_t size)
{
    return map_device(pa, size, PTE_PCD | PTE_PWT);
}

void *map_framebuffer(paddr_t pa, size_t size)
{
    return map_device(pa, size, PTE_PWT);
}

uint64_t stack_alloc(void)
{
    spin_guard(&paging_lock);
    stack_next += STACK_STEP;
    for (uint64_t off = PAGE_SIZE; off <= CPU_STACK_SIZE; off += PAGE_SIZE)
        map_range(stack_next - off, va_to_pa(node_new()), PAGE_SIZE, PTE_RW | PTE_G | nx);
    return stack_next;
}

void paging_free_init(void)
{
    for (char *p = __init_start; p < __init_end; p += PAGE_SIZE)
        *entry_for((uintptr_t)p, 1) = 0;
    write_cr4(read_cr4() & ~X86_CR4_PGE);
    write_cr4(read_cr4() | X86_CR4_PGE);
    page_add_ram((uintptr_t)__init_start - XEN_VIRT_BASE, (uintptr_t)__init_end - XEN_VIRT_BASE, true);
}
