/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VT-d interrupt remapping (specification ch. 5): one table of 256 entries for all units; each entry names
 * the requester that may use it. An entry that is reserved but not used yet has only an AVAIL bit.
 */
#include "bh/vtd.h"
#include "bh/iommu_private.h"
#include "bh/lib.h"
#include "bh/mm.h"
#include "bh/xen.h"

#define IRT_ENTRIES     256u
#define IRT_SIZE_FIELD  7u /* 2^(7 + 1) entries */
#define IRTA_EIM        BIT(11)
#define IRTE_PRESENT    BIT(0)
#define IRTE_LEVEL      BIT(4)
#define IRTE_RESERVED   BIT(8) /* available to software */
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

static void entry_write(unsigned i, uint64_t low, uint64_t high)
{
    struct vtd_entry *e = &vtd.irt[i];

    if (e->low & IRTE_PRESENT)
        __atomic_store_n(&e->low, IRTE_RESERVED, __ATOMIC_RELEASE);
    __atomic_store_n(&e->high, high, __ATOMIC_RELEASE);
    __atomic_store_n(&e->low, low, __ATOMIC_RELEASE);
    vtd_clean(e, sizeof(*e));
    for (unsigned n = 0; n < vtd.dmar.nr_units; n++)
        iommu_command(&vtd.unit[n].queue, QI_IEC_INDEX(i), 0);
    for (unsigned n = 0; n < vtd.dmar.nr_units; n++)
        iommu_sync(&vtd.unit[n].queue);
}

static int entries_reserve(unsigned nr)
{
    for (unsigned base = 0; base + nr <= IRT_ENTRIES; base += nr) {
        unsigned used = 0;

        for (unsigned i = 0; i < nr; i++)
            used += vtd.irt[base + i].low != 0;
        if (used)
            continue;
        for (unsigned i = 0; i < nr; i++)
            entry_write(base + i, IRTE_RESERVED, 0);
        return (int)base;
    }
    return -XEN_ENOSPC;
}

/* Fixed delivery, physical destination; `verify` says which requester may use it. */
static int remap(uint64_t verify, uint32_t apic_id, uint8_t vector, bool level, int *index)
{
    uint64_t dest = vtd.eim ? apic_id : (apic_id & 0xff) << 8;
    int i = *index < 0 ? entries_reserve(1) : *index;

    if (i < 0 || i >= (int)IRT_ENTRIES)
        return i < 0 ? i : -XEN_EINVAL;
    *index = i;
    entry_write((unsigned)i,
                IRTE_PRESENT | (level ? IRTE_LEVEL : 0) | ((uint64_t)vector << 16) | (dest << 32), verify);
    return 0;
}

/* A conventional device behind a bridge sends its messages in the bridge's name: not verified. */
static uint64_t verify_device(struct pci_sbdf dev)
{
    if (dev.bus != 0 && !pci_find_capability(dev, PCI_CAP_EXPRESS))
        return 0;
    return IRTE_VERIFY_SID | pci_bdf(dev);
}

int vtd_map_msi(struct pci_sbdf source, uint32_t apic_id, uint8_t vector, int *index, uint64_t *addr,
                uint32_t *data)
{
    int rc;

    if (!vtd_lookup(source))
        return -XEN_ENODEV;
    spin_lock(&vtd.lock);
    rc = remap(verify_device(source), apic_id, vector, false, index);
    spin_unlock(&vtd.lock);
    if (rc)
        return rc;
    /* handle + subhandle: a device with several messages changes the low bits of the data */
    *addr = MSI_BASE | MSI_REMAPPABLE | MSI_SUBHANDLE | ((uint32_t)*index << 5);
    *data = 0;
    return 0;
}

int vtd_reserve_irqs(struct pci_sbdf source, unsigned nr)
{
    int rc;

    if (!vtd_lookup(source) || nr == 0 || nr > IRT_ENTRIES)
        return -XEN_EINVAL;
    spin_lock(&vtd.lock);
    rc = entries_reserve(nr);
    spin_unlock(&vtd.lock);
    return rc;
}

const struct dmar_scope *vtd_ioapic(uint8_t ioapic_id)
{
    for (unsigned i = 0; i < vtd.dmar.nr_scopes; i++)
        if (vtd.dmar.scope[i].type == DMAR_IOAPIC && vtd.dmar.scope[i].enumeration == ioapic_id)
            return &vtd.dmar.scope[i];
    return NULL;
}

/* The vector stays in the entry: it is what an EOI is matched with. */
int vtd_map_ioapic(uint8_t ioapic_id, unsigned pin, uint32_t apic_id, uint8_t vector, bool level, int *index,
                   uint64_t *redirection)
{
    const struct dmar_scope *s = vtd_ioapic(ioapic_id);
    int rc;

    if (!s)
        return -XEN_ENODEV;
    spin_lock(&vtd.lock);
    rc = remap(IRTE_VERIFY_SID | ((uint32_t)s->bus << 8) | s->path[0], apic_id, vector, level, index);
    spin_unlock(&vtd.lock);
    if (!rc)
        *redirection = (*redirection & RTE_KEEP) | RTE_REMAPPABLE | ((uint64_t)(uint32_t)*index << 49);
    return rc;
}

void vtd_unmap_irq(struct pci_sbdf source, int index)
{
    if (index < 0 || index >= (int)IRT_ENTRIES)
        return;
    spin_lock(&vtd.lock);
    entry_write((unsigned)index, 0, 0);
    spin_unlock(&vtd.lock);
}
