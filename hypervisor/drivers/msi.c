/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bh/msi.h"
#include "bh/lib.h"
#include "bh/pci.h"
#include "bh/vlapic.h"
#include "bh/xen.h"

#define MSI_ADDRESS_BASE   0xfee00000ull
#define MSI_ADDRESS_PREFIX 0xfeeull
#define MSI_DEST(a)        ((uint32_t)((a) >> 12) & 0xff)
#define MSI_EXT_DEST(a)    ((uint32_t)((a) >> 5) & 0x7f) /* bits 8-14 of the destination, virtual APICs only */
#define MSI_LOGICAL        4u

struct msi_message msi_compat_message(uint32_t apic_id, uint8_t vector)
{
    return (struct msi_message){MSI_ADDRESS_BASE | ((apic_id & 0xffull) << 12), vector};
}

int msi_bind(struct pci_sbdf dev, irq_handler_t handler, void *arg, struct msi_irq *irq,
             struct msi_message *msg)
{
    uint32_t apic_id = irq_default_apic_id();
    int vector = irq_vector_alloc(handler, arg), rc;

    if (vector < 0)
        return vector;
    *msg = msi_compat_message(apic_id, (uint8_t)vector);
    irq->vector = vector;
    rc = iommu_map_msi(dev, apic_id, (uint8_t)vector, &irq->index, &msg->address, &msg->data);
    if (rc)
        msi_unbind(dev, irq);
    return rc;
}

void msi_unbind(struct pci_sbdf dev, struct msi_irq *irq)
{
    if (irq->index >= 0)
        iommu_unmap_irq(dev, irq->index);
    if (irq->vector >= 0)
        irq_vector_free((uint8_t)irq->vector);
    *irq = MSI_IRQ_NONE;
}

void msi_deliver(struct domain *d, uint64_t address, uint32_t data)
{
    if ((address >> 20) != MSI_ADDRESS_PREFIX)
        return;
    vlapic_deliver(d, MSI_DEST(address) | (MSI_EXT_DEST(address) << 8), address & MSI_LOGICAL,
                   (uint8_t)((data >> 8) & 7), (uint8_t)data, false);
}

void msi_program(struct pci_sbdf dev, unsigned pos, const struct msi_message *msg)
{
    bool is64 = pci_read(dev, pos + 2, 2) & PCI_MSI_FLAGS_64BIT;

    pci_write(dev, pos + 4, 4, (uint32_t)msg->address);
    if (is64)
        pci_write(dev, pos + 8, 4, (uint32_t)(msg->address >> 32));
    pci_write(dev, pos + (is64 ? 0xc : 8), 2, msg->data);
}

int msi_setup_own(struct pci_sbdf dev, irq_handler_t handler, void *arg)
{
    unsigned pos = pci_find_capability(dev, PCI_CAP_ID_MSI);
    struct msi_message msg;
    int vector;

    if (!pos)
        return -XEN_ENODEV;
    vector = irq_vector_alloc(handler, arg);
    if (vector < 0)
        return vector;
    msg = msi_compat_message(irq_default_apic_id(), (uint8_t)vector);
    msi_program(dev, pos, &msg);
    pci_write(dev, pos + 2, 2, (pci_read(dev, pos + 2, 2) & ~0x70u) | 1);
    return 0;
}
