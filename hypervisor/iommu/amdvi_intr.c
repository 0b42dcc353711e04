/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AMD-Vi interrupt remapping (specification §2.2.5): one table of 256 entries for each device that has
 * interrupts, so a device can raise only its own. Entries are 32 bits, or 128 bits where the IOMMU knows
 * x2APIC destinations. An entry that is reserved but not used yet has only the "no fault log" bit.
 */
#include "bh/amdvi.h"
#include "bh/iommu_private.h"
#include "bh/lib.h"
#include "bh/mm.h"
#include "bh/xen.h"

#define TABLE_ENTRIES   256u
#define IRTE_VALID      1u
#define IRTE_RESERVED   2u
#define IRTE_INDEX_MASK 0x7ffull /* in MSI data and in redirection entries */
#define PASS_BITS(s)    (((uint64_t)((s)&7) << 56) | ((uint64_t)((s) >> 6) << 62))

struct intr_table {
    struct amdvi_unit *unit;
    uint16_t id;
    void *entries;
};

uint64_t amdvi_intr_blocked(uint8_t settings)
{
    return amdvi.remap ? DTE_IV | PASS_BITS(settings) : 0;
}

/* ---- entries ---- */

static uint64_t entry_low(const struct intr_table *t, unsigned i)
{
    return amdvi.wide ? ((const uint64_t *)t->entries)[2 * i] : ((const uint32_t *)t->entries)[i];
}

static void entry_write_narrow(const struct intr_table *t, unsigned i, uint32_t val)
{
    __atomic_store_n(&((uint32_t *)t->entries)[i], val, __ATOMIC_RELEASE);
}

/* The vector's half first: an entry is valid only when it is whole. */
static void entry_write_wide(const struct intr_table *t, unsigned i, uint64_t low, uint64_t high)
{
    uint64_t *e = (uint64_t *)t->entries + (size_t)2 * i;

    if (e[0] & IRTE_VALID)
        __atomic_store_n(&e[0], IRTE_RESERVED, __ATOMIC_RELEASE);
    __atomic_store_n(&e[1], high, __ATOMIC_RELEASE);
    __atomic_store_n(&e[0], low, __ATOMIC_RELEASE);
}

static void entry_mark(const struct intr_table *t, unsigned i, uint32_t mark)
{
    if (amdvi.wide)
        entry_write_wide(t, i, mark, 0);
    else
        entry_write_narrow(t, i, mark);
}

/* Fixed delivery, physical destination */
static void entry_set(const struct intr_table *t, unsigned i, uint32_t apic_id, uint8_t vector)
{
    if (amdvi.wide)
        entry_write_wide(t, i, IRTE_VALID | ((apic_id & 0xffffffull) << 8),
                         vector | ((uint64_t)(apic_id >> 24) << 56));
    else
        entry_write_narrow(t, i, IRTE_VALID | ((apic_id & 0xff) << 8) | ((uint32_t)vector << 16));
}

/* ---- tables ---- */

static void table_invalidate(const struct intr_table *t)
{
    iommu_command(&t->unit->queue, CMD_INVAL_INTR | t->id, 0);
    iommu_sync(&t->unit->queue);
}

static int table_get(struct amdvi_unit *u, uint16_t id, bool create, struct intr_table *t)
{
    struct amdvi_dte *e = &u->devtab[id];
    uint64_t pass = e->q[2] & PASS_BITS(0xff);

    *t = (struct intr_table){.unit = u, .id = id};
    if (DTE_INTR_ROOT(e->q[2])) {
        t->entries = pa_to_va(DTE_INTR_ROOT(e->q[2]));
        return 0;
    }
    if (!create)
        return -XEN_ENOENT;
    t->entries = page_va_alloc(ORDER_4K, PAGE_ZERO);
    if (!t->entries)
        return -XEN_ENOMEM;
    __atomic_store_n(&e->q[2], DTE_IV | DTE_INTR_LEN | DTE_INTR_REMAP | va_to_pa(t->entries) | pass,
                     __ATOMIC_RELEASE);
    iommu_command(&u->queue, CMD_INVAL_DEVTAB | id, 0);
    table_invalidate(t);
    return 0;
}

static int table_reserve(const struct intr_table *t, unsigned nr)
{
    for (unsigned base = 0; base + nr <= TABLE_ENTRIES; base += nr) {
        unsigned used = 0;

        for (unsigned i = 0; i < nr; i++)
            used += entry_low(t, base + i) != 0;
        if (used)
            continue;
        for (unsigned i = 0; i < nr; i++)
            entry_mark(t, base + i, IRTE_RESERVED);
        return (int)base;
    }
    return -XEN_ENOSPC;
}

/* Set the entry *index of the requester, taking one first if it is -1. */
static int remap(struct amdvi_unit *u, uint16_t id, uint32_t apic_id, uint8_t vector, int *index)
{
    struct intr_table t;
    int rc = table_get(u, id, true, &t), i = *index;

    if (!rc && i < 0)
        i = rc = table_reserve(&t, 1);
    if (rc < 0 || i >= (int)TABLE_ENTRIES)
        return rc < 0 ? rc : -XEN_EINVAL;
    *index = i;
    entry_set(&t, (unsigned)i, apic_id, vector);
    table_invalidate(&t);
    return 0;
}

int amdvi_map_msi(struct pci_sbdf source, uint32_t apic_id, uint8_t vector, int *index, uint64_t *addr,
                  uint32_t *data)
{
    uint16_t id;
    struct amdvi_unit *u = amdvi_lookup(source, &id);
    int rc;

    if (!u)
        return -XEN_ENODEV;
    spin_lock(&amdvi.lock);
    rc = remap(u, id, apic_id, vector, index);
    spin_unlock(&amdvi.lock);
    if (!rc)
        *data = (uint32_t)((*data & ~IRTE_INDEX_MASK) | (uint32_t)*index);
    return rc;
}

int amdvi_reserve_irqs(struct pci_sbdf source, unsigned nr)
{
    uint16_t id;
    struct amdvi_unit *u = amdvi_lookup(source, &id);
    struct intr_table t;
    int rc;

    if (!u || nr == 0 || nr > TABLE_ENTRIES)
        return -XEN_EINVAL;
    spin_lock(&amdvi.lock);
    rc = table_get(u, id, true, &t);
    if (!rc)
        rc = table_reserve(&t, nr);
    spin_unlock(&amdvi.lock);
    return rc;
}

const struct ivrs_special *amdvi_ioapic(uint8_t ioapic_id)
{
    for (unsigned i = 0; i < amdvi.ivrs.nr_specials; i++)
        if (amdvi.ivrs.special[i].variety == IVHD_IOAPIC && amdvi.ivrs.special[i].handle == ioapic_id)
            return &amdvi.ivrs.special[i];
    return NULL;
}

int amdvi_map_ioapic(uint8_t ioapic_id, unsigned pin, uint32_t apic_id, uint8_t vector, bool level,
                     int *index, uint64_t *redirection)
{
    const struct ivrs_special *s = amdvi_ioapic(ioapic_id);
    struct amdvi_unit *u;
    int rc;

    if (!s)
        return -XEN_ENODEV;
    u = &amdvi.unit[s->unit];
    if (s->devid >= u->nr_devids)
        return -XEN_ENODEV;
    spin_lock(&amdvi.lock);
    rc = remap(u, s->devid, apic_id, vector, index);
    spin_unlock(&amdvi.lock);
    if (!rc)
        *redirection = (*redirection & ~IRTE_INDEX_MASK) | (uint32_t)*index;
    return rc;
}

void amdvi_unmap_irq(struct pci_sbdf source, int index)
{
    uint16_t id;
    struct amdvi_unit *u = amdvi_lookup(source, &id);
    struct intr_table t;

    if (!u || index < 0 || index >= (int)TABLE_ENTRIES)
        return;
    spin_lock(&amdvi.lock);
    if (!table_get(u, id, false, &t)) {
        entry_mark(&t, (unsigned)index, 0);
        table_invalidate(&t);
    }
    spin_unlock(&amdvi.lock);
}
