/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AMD-Vi interrupt remapping (specification §2.2.5): one table of 256 entries for each device that has
 * interrupts, so a device can raise only its own. Entries are 32 bits, or 128 bits where the IOMMU knows
 * x2APIC destinations.
 */
#include "bh/amdvi.h"
#include "bh/iommu_private.h"
#include "bh/lib.h"
#include "bh/mm.h"
#include "bh/xen.h"

#define IRTE_INDEX_MASK 0x7ffull /* in MSI data and in redirection entries */
#define PASS_BITS(s)    (((uint64_t)((s)&7) << 56) | ((uint64_t)((s) >> 6) << 62))

uint64_t amdvi_intr_blocked(uint8_t settings)
{
    return iommu_remaps ? DTE_IV | PASS_BITS(settings) : 0;
}

struct irq_entry amdvi_irq_entry(const struct irq_source *source, uint32_t apic_id, uint8_t vector,
                                 bool level)
{
    if (amdvi.wide)
        return (struct irq_entry){IRQ_VALID | ((apic_id & 0xffffffull) << 8),
                                  vector | ((uint64_t)(apic_id >> 24) << 56)};
    return (struct irq_entry){.low = IRQ_VALID | ((apic_id & 0xff) << 8) | ((uint32_t)vector << 16)};
}

void amdvi_irq_written(const struct irq_table *table, unsigned i)
{
    iommu_command(table->queue, CMD_INVAL_INTR | table->id, 0);
    iommu_sync(table->queue);
}

int amdvi_irq_table(const struct irq_source *source, struct irq_table *table)
{
    struct amdvi_unit *u = amdvi_lookup(source->dev, &table->id);
    uint64_t *q;

    if (!u)
        return -XEN_ENODEV;
    table->queue = &u->queue;
    table->narrow = !amdvi.wide;
    q = &u->devtab[table->id].q[2];
    if (DTE_INTR_ROOT(*q)) {
        table->entries = pa_to_va(DTE_INTR_ROOT(*q));
        return 0;
    }
    table->entries = page_va_alloc(ORDER_4K, PAGE_ZERO);
    if (!table->entries)
        return -XEN_ENOMEM;
    __atomic_store_n(q, *q | DTE_IV | DTE_INTR_LEN | DTE_INTR_REMAP | va_to_pa(table->entries),
                     __ATOMIC_RELEASE);
    iommu_command(table->queue, CMD_INVAL_DEVTAB | table->id, 0);
    iommu_command(table->queue, CMD_INVAL_INTR | table->id, 0);
    iommu_sync(table->queue);
    return 0;
}

void amdvi_msi_message(unsigned index, uint64_t *addr, uint32_t *data)
{
    *data = (uint32_t)amdvi_redirection(*data, index);
}

uint64_t amdvi_redirection(uint64_t compatible, unsigned index)
{
    return (compatible & ~IRTE_INDEX_MASK) | index;
}

bool amdvi_find_ioapic(uint8_t ioapic_id, struct pci_sbdf *source)
{
    for (unsigned i = 0; i < amdvi.ivrs.nr_specials; i++) {
        const struct ivrs_special *s = &amdvi.ivrs.special[i];

        if (s->variety == IVHD_IOAPIC && s->handle == ioapic_id) {
            *source = pci_sbdf(amdvi.ivrs.unit[s->unit].segment, (uint8_t)(s->devid >> 8), (uint8_t)s->devid);
            return true;
        }
    }
    return false;
}
