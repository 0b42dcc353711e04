/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Base address registers: sized at boot, mapped one to one into dom0 while memory decoding is on
 * (as Xen has it: writes to a BAR in use are ignored, but sizing it works).
 */
#include "bh/vpci.h"
#include "bh/lib.h"
#include "bh/p2m.h"

#define MAX_BAR_END        (1ull << 46)
#define CLASS_HOST_BRIDGE  0x0600u
#define ROM_INDEX          (VPCI_MAX_BARS - 1)
#define COARSE_CHECK_PAGES (1ull << 14)

bool vpci_flush_needed;

/* ---- sizing ---- */

static uint32_t size_register(struct vpci_function *f, unsigned reg, uint32_t ones, uint32_t *orig)
{
    uint32_t val;

    *orig = pci_read(f->dev, reg, 4);
    pci_write(f->dev, reg, 4, ones);
    val = pci_read(f->dev, reg, 4);
    pci_write(f->dev, reg, 4, *orig);
    return val;
}

/* Returns how many registers the BAR takes. */
static unsigned bar_probe(struct vpci_function *f, unsigned i, unsigned nr)
{
    struct vpci_bar *b = &f->bar[i];
    uint32_t orig, orig_high, low = size_register(f, PCI_BASE_ADDRESS_0 + 4 * i, ~0u, &orig);
    uint64_t mask = 0xffffffff00000000ull | (low & PCI_BASE_ADDRESS_MEM_MASK);

    b->reg = (uint8_t)(PCI_BASE_ADDRESS_0 + 4 * i);
    if (low == 0 || low == ~0u)
        return 1;
    if (low & 1) {
        b->kind = BAR_IO;
        return 1;
    }
    b->kind = BAR_MEM;
    if ((low & 6) == 4 && i + 1 < nr) {
        uint32_t high = size_register(f, PCI_BASE_ADDRESS_0 + 4 * i + 4, ~0u, &orig_high);

        b->kind = BAR_MEM64;
        f->bar[i + 1].kind = BAR_MEM64_HIGH;
        f->bar[i + 1].reg = (uint8_t)(b->reg + 4);
        mask = ((uint64_t)high << 32) | (low & PCI_BASE_ADDRESS_MEM_MASK);
    }
    b->size = ~mask + 1;
    if (b->size & (b->size - 1)) /* no decoder has such a size */
        b->size = 0;
    return b->kind == BAR_MEM64 ? 2 : 1;
}

static void rom_probe(struct vpci_function *f)
{
    struct vpci_bar *b = &f->bar[ROM_INDEX];
    uint32_t orig, val;

    b->reg = f->header == 0 ? PCI_ROM_ADDRESS : PCI_ROM_ADDRESS1;
    val = size_register(f, b->reg, PCI_ROM_ADDRESS_MASK, &orig) & PCI_ROM_ADDRESS_MASK;
    if (!val)
        return;
    b->kind = BAR_ROM;
    b->size = ~val + 1;
}

void vpci_bars_probe(struct vpci_function *f)
{
    unsigned nr = f->header == 0 ? 6 : f->header == 1 ? 2 : 0;
    uint32_t cmd = pci_read(f->dev, PCI_COMMAND, 2);
    bool decode_off = (pci_read(f->dev, PCI_CLASS_REVISION, 4) >> 16) != CLASS_HOST_BRIDGE;

    memset(f->bar, 0, sizeof(f->bar));
    if (f->header > 1)
        return;
    if (decode_off)
        pci_write(f->dev, PCI_COMMAND, 2, cmd & ~(uint32_t)(PCI_COMMAND_IO | PCI_COMMAND_MEMORY));
    for (unsigned i = 0; i < nr;)
        i += bar_probe(f, i, nr);
    rom_probe(f);
    if (decode_off)
        pci_write(f->dev, PCI_COMMAND, 2, cmd);
}

/* ---- mapping ---- */

static uint64_t bar_address(struct vpci_function *f, const struct vpci_bar *b)
{
    uint64_t addr = pci_read(f->dev, b->reg, 4);

    if (b->kind == BAR_ROM)
        return addr & PCI_ROM_ADDRESS_MASK;
    addr &= PCI_BASE_ADDRESS_MEM_MASK;
    if (b->kind == BAR_MEM64)
        addr |= (uint64_t)pci_read(f->dev, b->reg + 4u, 4) << 32;
    return addr;
}

static uint64_t first_page(const struct vpci_bar *b)
{
    return b->addr >> PAGE_SHIFT;
}
static uint64_t end_page(const struct vpci_bar *b)
{
    return (b->addr + b->size + PAGE_SIZE - 1) >> PAGE_SHIFT;
}

/* Nothing but device memory may lie there, for the machine and for dom0. Large ranges are looked at every
 * 2 MiB. */
static bool range_free(struct domain *d, uint64_t start, uint64_t end)
{
    uint64_t step = end - start > COARSE_CHECK_PAGES ? 512 : 1;

    if (p2m_is_denied(start, end))
        return false;
    for (uint64_t n = start; n < end; n += step) {
        enum p2m_type type = P2M_NONE;

        p2m_lookup(d, gfn(n), &type, NULL);
        if (type != P2M_NONE && type != P2M_MMIO)
            return false;
    }
    return true;
}

static void map_pages(struct vpci_function *f, uint64_t start, uint64_t end)
{
    if (start < end && p2m_map_identity(f->domain, start, end))
        pr_err("no memory to map a BAR of " PCI_FMT "\n", PCI_ARGS(f->dev));
}

static void map_around_table(struct vpci_function *f, struct vpci_bar *b)
{
    uint64_t offset, size, start = first_page(b), end = end_page(b), table;

    if (!vmsix_table_range(f, (unsigned)(b - f->bar), &offset, &size)) {
        map_pages(f, start, end);
        return;
    }
    table = (b->addr + offset) >> PAGE_SHIFT;
    map_pages(f, start, table);
    map_pages(f, table + (size >> PAGE_SHIFT), end);
}

static void bar_map(struct vpci_function *f, struct vpci_bar *b)
{
    b->addr = bar_address(f, b);
    if (b->mapped || !b->size || !b->addr || b->addr >= MAX_BAR_END || b->size > MAX_BAR_END - b->addr)
        return;
    if (!range_free(f->domain, first_page(b), end_page(b))) {
        pr_warn(PCI_FMT ": BAR at %llx overlaps memory or registers of ours; it stays unmapped\n",
                PCI_ARGS(f->dev), (unsigned long long)b->addr);
        return;
    }
    map_around_table(f, b);
    b->mapped = true;
    vmsix_bar_mapped(f, (unsigned)(b - f->bar));
}

/* Small BARs can share a page with the one that went away: theirs is mapped again. */
static void remap_overlap(struct vpci_function *f, void *arg)
{
    const struct vpci_bar *gone = arg;

    for (unsigned i = 0; i < VPCI_MAX_BARS; i++) {
        struct vpci_bar *b = &f->bar[i];

        if (b->mapped && first_page(b) < end_page(gone) && first_page(gone) < end_page(b))
            map_around_table(f, b);
    }
}

static void bar_unmap(struct vpci_function *f, struct vpci_bar *b)
{
    if (!b->mapped)
        return;
    b->mapped = false;
    vmsix_bar_unmapped(f, (unsigned)(b - f->bar));
    if (p2m_unmap_range(f->domain, first_page(b), end_page(b)))
        pr_err("no memory to unmap a BAR of " PCI_FMT "\n", PCI_ARGS(f->dev));
    vpci_flush_needed = true;
    if (b->size < PAGE_SIZE)
        vpci_for_each(remap_overlap, b);
}

static bool rom_enabled(struct vpci_function *f)
{
    const struct vpci_bar *b = &f->bar[ROM_INDEX];

    return b->kind == BAR_ROM && (pci_read(f->dev, b->reg, 4) & PCI_ROM_ADDRESS_ENABLE);
}

void vpci_bars_decode(struct vpci_function *f, bool on)
{
    f->decode = on;
    for (unsigned i = 0; i < VPCI_MAX_BARS; i++) {
        struct vpci_bar *b = &f->bar[i];

        if (!on)
            bar_unmap(f, b);
        else if (b->kind == BAR_MEM || b->kind == BAR_MEM64 || (i == ROM_INDEX && rom_enabled(f)))
            bar_map(f, b);
    }
}

/* ---- registers ---- */

static struct vpci_bar *bar_at(struct vpci_function *f, unsigned reg)
{
    for (unsigned i = 0; i < VPCI_MAX_BARS; i++)
        if (f->bar[i].kind != BAR_NONE && f->bar[i].reg == reg)
            return &f->bar[i];
    return NULL;
}

bool vpci_bar_read(struct vpci_function *f, unsigned reg, uint32_t *val)
{
    struct vpci_bar *b = bar_at(f, reg);

    if (!b || !b->sizing)
        return false;
    if (b->kind == BAR_MEM64_HIGH)
        *val = (uint32_t)(~(b[-1].size - 1) >> 32);
    else
        *val = (uint32_t) ~(b->size - 1) | (pci_read(f->dev, reg, 4) & 0xf);
    return true;
}

static void rom_write(struct vpci_function *f, struct vpci_bar *b, const struct vpci_write *w)
{
    uint32_t old = pci_read(f->dev, b->reg, 4), next = (old & ~w->mask) | w->val;
    bool was_on = f->decode && (old & PCI_ROM_ADDRESS_ENABLE),
         is_on = f->decode && (next & PCI_ROM_ADDRESS_ENABLE);

    if (was_on && is_on && ((old ^ next) & PCI_ROM_ADDRESS_MASK))
        return;
    pci_write(f->dev, b->reg, 4, next);
    if (was_on && !is_on)
        bar_unmap(f, b);
    else if (is_on)
        bar_map(f, b);
}

bool vpci_bar_write(struct vpci_function *f, const struct vpci_write *w)
{
    struct vpci_bar *b = bar_at(f, w->reg);

    if (!b || b->kind == BAR_IO)
        return false;
    if (b->kind == BAR_ROM) {
        rom_write(f, b, w);
        return true;
    }
    if (f->decode && !(pci_read(f->dev, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY))
        vpci_bars_decode(f, false); /* the device was reset */
    b->sizing = false;
    if (!f->decode)
        return false;
    b->sizing = w->mask == ~0u && w->val == ~0u;
    if (!b->sizing &&
        ((pci_read(f->dev, b->reg, 4) ^ w->val) & w->mask & (uint32_t)PCI_BASE_ADDRESS_MEM_MASK))
        pr_debug(PCI_FMT ": BAR %u moved while decoding; ignored\n", PCI_ARGS(f->dev), b->reg);
    return true;
}
