/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VT-d interrupt remapping (specification ch. 5): one table of 256 entries for all units; each entry names
 * the requester that may use it.
 */
#include "bh/vtd.h"
#include "bh/iommu_private.h"
#include "bh/lib.h"
#include "bh/mm.h"
#include "bh/xen.h"

#define IRT_SIZE_FIELD  7u /* 2^(7 + 1) entries */
#define IRTA_EIM        BIT(11)
#define IRTE_LEVEL      BIT(4)
#define IRTE_VERIFY_SID (1ull << 18)
#define RTE_REMAPPABLE  BIT(48)
#define RTE_KEEP        0x1a0ffull /* vector, polarity, trigger, mask */
#define MSI_REMAPPABLE  0x10u
#define MSI_SUBHANDLE   0x08u
#define MSI_BASE        0xfee00000u

bool vtd_intr_init(void)
{
    vtd.irt = page_va_alloc(ORDER_4K, PAGE_ZERO);
    if (vtd.irt)
        vtd_clean(vtd.irt, PAGE_SIZE);
    return vtd.irt;
}

uint64_t vtd_irt_address(void)
{
    return va_to_pa(vtd.irt) | IRT_SIZE_FIELD | (vtd.eim ? IRTA_EIM : 0);
}

int vtd_irq_table(const struct irq_source *source, struct irq_table *table)
{
    *table = (struct irq_table){.entries = vtd.irt};
    return source->ioapic || vtd_lookup(source->dev) ? 0 : -XEN_ENODEV;
}

/* A conventional device behind a bridge sends its messages in the bridge's name: not verified. */
static bool sends_as_itself(const struct irq_source *s)
{
    return s->ioapic || s->dev.bus == 0 || pci_find_capability(s->dev, PCI_CAP_EXPRESS);
}

struct irq_entry vtd_irq_entry(const struct irq_source *source, uint32_t apic_id, uint8_t vector, bool level)
{
    uint64_t dest = vtd.eim ? apic_id : (apic_id & 0xff) << 8;

    return (struct irq_entry){.low = IRQ_VALID | (level ? IRTE_LEVEL : 0) | ((uint64_t)vector << 16) |
                                     (dest << 32),
                              .high = sends_as_itself(source) ? IRTE_VERIFY_SID | pci_bdf(source->dev) : 0};
}

void vtd_irq_written(const struct irq_table *table, unsigned i)
{
    vtd_clean(&vtd.irt[i], sizeof(vtd.irt[i]));
    iommu_command_all(QI_IEC_INDEX(i), 0);
}

/* handle + subhandle: a device with several messages changes the low bits of the data */
void vtd_msi_message(unsigned index, uint64_t *addr, uint32_t *data)
{
    *addr = MSI_BASE | MSI_REMAPPABLE | MSI_SUBHANDLE | (index << 5);
    *data = 0;
}

/* The vector stays in the entry: it is what an EOI is matched with. */
uint64_t vtd_redirection(uint64_t compatible, unsigned index)
{
    return (compatible & RTE_KEEP) | RTE_REMAPPABLE | ((uint64_t)index << 49);
}

bool vtd_find_ioapic(uint8_t ioapic_id, struct pci_sbdf *source)
{
    for (unsigned i = 0; i < vtd.dmar.nr_scopes; i++) {
        const struct dmar_scope *s = &vtd.dmar.scope[i];

        if (s->type == DMAR_IOAPIC && s->enumeration == ioapic_id) {
            *source = pci_sbdf(vtd.dmar.unit[s->unit].segment, s->bus, s->path[0]);
            return true;
        }
    }
    return false;
}
