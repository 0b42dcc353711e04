/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interrupt remapping, as far as AMD-Vi and VT-d do it alike. See iommu_private.h. */
#include "bh/iommu_private.h"
#include "bh/lib.h"

static bool entry_free(const struct irq_table *t, unsigned i)
{
    return t->narrow ? !((const uint32_t *)t->entries)[i] : !((const struct irq_entry *)t->entries)[i].low;
}

/* The upper half first: an entry is valid only when it is whole. */
static void entry_write(const struct irq_table *t, unsigned i, struct irq_entry new)
{
    struct irq_entry *e = (struct irq_entry *)t->entries + i;

    if (t->narrow) {
        __atomic_store_n((uint32_t *)t->entries + i, (uint32_t) new.low, __ATOMIC_RELEASE);
    } else {
        if (e->low & IRQ_VALID)
            __atomic_store_n(&e->low, IRQ_RESERVED, __ATOMIC_RELEASE);
        __atomic_store_n(&e->high, new.high, __ATOMIC_RELEASE);
        __atomic_store_n(&e->low, new.low, __ATOMIC_RELEASE);
    }
    iommu->irq_written(t, i);
}

static int entries_reserve(const struct irq_table *t, unsigned nr)
{
    for (unsigned base = 0; base + nr <= IRQ_TABLE_ENTRIES; base += nr) {
        unsigned i = 0;

        while (i < nr && entry_free(t, base + i))
            i++;
        if (i < nr)
            continue;
        for (i = 0; i < nr; i++)
            entry_write(t, base + i, (struct irq_entry){.low = IRQ_RESERVED});
        return (int)base;
    }
    return -XEN_ENOSPC;
}

/* Set the entry *index of the source, taking one first if it is -1. */
static int entry_map(const struct irq_source *source, uint32_t apic_id, uint8_t vector, bool level,
                     int *index)
{
    struct irq_table t;
    int rc, i = *index;

    spin_guard(&iommu_lock);
    rc = iommu->irq_table(source, &t);
    if (!rc && i < 0)
        i = rc = entries_reserve(&t, 1);
    if (rc < 0)
        return rc;
    if (i >= (int)IRQ_TABLE_ENTRIES)
        return -XEN_EINVAL;
    entry_write(&t, (unsigned)i, iommu->irq_entry(source, apic_id, vector, level));
    *index = i;
    return 0;
}

int iommu_map_msi(struct pci_sbdf source, uint32_t apic_id, uint8_t vector, int *index, uint64_t *addr,
                  uint32_t *data)
{
    struct irq_source s = {.dev = source};
    int rc;

    if (!iommu_remaps)
        return 0;
    rc = entry_map(&s, apic_id, vector, false, index);
    if (!rc)
        iommu->msi_message((unsigned)*index, addr, data);
    return rc;
}

int iommu_map_ioapic(uint8_t ioapic_id, uint32_t apic_id, uint8_t vector, bool level, int *index,
                     uint64_t *redirection)
{
    struct irq_source s = {.ioapic = true};
    int rc;

    if (!iommu_remaps)
        return 0;
    rc = iommu->find_ioapic(ioapic_id, &s.dev) ? entry_map(&s, apic_id, vector, level, index) : -XEN_ENODEV;
    if (!rc)
        *redirection = iommu->redirection(*redirection, (unsigned)*index);
    return rc;
}

int iommu_reserve_irqs(struct pci_sbdf source, unsigned nr)
{
    struct irq_source s = {.dev = source};
    struct irq_table t;
    int rc;

    if (nr == 0 || nr > IRQ_TABLE_ENTRIES)
        return -XEN_EINVAL;
    spin_guard(&iommu_lock);
    rc = iommu->irq_table(&s, &t);
    return rc ? rc : entries_reserve(&t, nr);
}

void iommu_unmap_irq(struct pci_sbdf source, int index)
{
    struct irq_source s = {.dev = source};
    struct irq_table t;

    if (index < 0 || index >= (int)IRQ_TABLE_ENTRIES)
        return;
    spin_guard(&iommu_lock);
    if (!iommu->irq_table(&s, &t))
        entry_write(&t, (unsigned)index, (struct irq_entry){0});
}

bool iommu_ioapics_listed(const struct iommu_driver *driver, const struct acpi_info *acpi)
{
    struct pci_sbdf source;

    for (unsigned i = 0; i < acpi->nr_ioapics; i++)
        if (!driver->find_ioapic(acpi->ioapic[i].id, &source))
            return false;
    return true;
}
