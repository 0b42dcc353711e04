/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The MSI capability as dom0 sees it (PCI Local Bus 3.0 §6.8.1): address, data and control are the guest's
 * own; the device gets vectors and remapped messages of the hypervisor. Several messages only where the
 * IOMMU can give neighbouring handles. Mask and pending bits are the device's.
 */
#include "bh/vpci.h"
#include "bh/lib.h"
#include "bh/mm.h"
#include "bh/xen.h"

#define MSI_ENABLE   0x1u
#define MSI_MMC(c)   (((c) >> 1) & 7u)
#define MSI_MME(c)   (((c) >> 4) & 7u)
#define MSI_64BIT    0x80u
#define MSI_MASKABLE 0x100u
#define MSI_MAX      32u

struct vmsi_irq {
    struct vmsi *owner;
    struct msi_irq irq;
};

struct vmsi {
    struct vpci_function *f;
    uint8_t pos;
    bool is64;
    uint16_t ctrl; /* dom0's control register */
    unsigned nr_bound;
    uint64_t address; /* dom0's message */
    uint32_t data;
    struct vmsi_irq slot[MSI_MAX];
};

int vmsi_probe(struct vpci_function *f)
{
    unsigned pos = pci_find_capability(f->dev, PCI_CAP_MSI), ctrl;
    struct vmsi *m;

    if (!pos)
        return 0;
    m = kzalloc(sizeof(*m));
    if (!m)
        return -XEN_ENOMEM;
    ctrl = pci_read(f->dev, pos + 2, 2);
    m->f = f;
    m->pos = (uint8_t)pos;
    m->is64 = ctrl & MSI_64BIT;
    if (ctrl & MSI_ENABLE) /* firmware's */
        pci_write(f->dev, pos + 2, 2, ctrl & ~MSI_ENABLE);
    m->ctrl = (uint16_t)(ctrl & (MSI_64BIT | MSI_MASKABLE));
    if (iommu_remaps)
        m->ctrl = (uint16_t)(m->ctrl | (MIN(MSI_MMC(ctrl), 5u) << 1));
    for (unsigned i = 0; i < MSI_MAX; i++)
        m->slot[i] = (struct vmsi_irq){m, MSI_IRQ_NONE};
    f->msi = m;
    return 0;
}

static void msi_interrupt(uint8_t vector, void *arg)
{
    struct vmsi_irq *s = arg;
    struct vmsi *m = s->owner;
    unsigned mme = MSI_MME(m->ctrl);
    uint32_t number = (uint32_t)(s - m->slot);

    if (m->ctrl & MSI_ENABLE)
        msi_deliver(m->f->domain, m->address, (m->data & ~((1u << mme) - 1)) | number);
}

static void vmsi_unbind(struct vmsi *m)
{
    for (unsigned i = 0; i < m->nr_bound; i++)
        msi_unbind(m->f->dev, &m->slot[i].irq);
    m->nr_bound = 0;
}

static int vmsi_bind(struct vmsi *m, unsigned nr, struct msi_message *first)
{
    struct msi_message msg;
    int base = -1, rc;

    if (nr > 1) {
        base = iommu_reserve_irqs(m->f->dev, nr);
        if (base < 0)
            return base;
    }
    for (unsigned i = 0; i < nr; i++)
        m->slot[i].irq.index = base < 0 ? -1 : base + (int)i;
    m->nr_bound = nr; /* a failure gives back all that were reserved */
    for (unsigned i = 0; i < nr; i++) {
        rc = msi_bind(m->f->dev, msi_interrupt, &m->slot[i], &m->slot[i].irq, i ? &msg : first);
        if (rc) {
            vmsi_unbind(m);
            return rc;
        }
    }
    return 0;
}

static void vmsi_disable(struct vmsi *m)
{
    uint32_t ctrl = pci_read(m->f->dev, m->pos + 2u, 2);

    pci_write(m->f->dev, m->pos + 2u, 2, ctrl & ~MSI_ENABLE);
    m->ctrl &= (uint16_t)~MSI_ENABLE;
    vmsi_unbind(m);
}

static void vmsi_enable(struct vmsi *m)
{
    struct pci_sbdf dev = m->f->dev;
    unsigned mme = MIN(MSI_MME(m->ctrl), MSI_MMC(m->ctrl));
    uint32_t ctrl = pci_read(dev, m->pos + 2u, 2) & ~0x71u;
    struct msi_message msg;
    int rc = vmsi_bind(m, 1u << mme, &msg);

    if (rc) {
        pr_err(PCI_FMT ": no interrupt vector for MSI (error %d)\n", PCI_ARGS(dev), rc);
        return;
    }
    pci_write(dev, m->pos + 4u, 4, (uint32_t)msg.address);
    if (m->is64)
        pci_write(dev, m->pos + 8u, 4, (uint32_t)(msg.address >> 32));
    pci_write(dev, m->pos + (m->is64 ? 0xcu : 8u), 2, msg.data);
    m->ctrl |= MSI_ENABLE;
    pci_write(dev, m->pos + 2u, 2, ctrl | (mme << 4) | MSI_ENABLE);
}

static void control_write(struct vmsi *m, uint32_t ctrl)
{
    bool on = ctrl & MSI_ENABLE, was_on = m->ctrl & MSI_ENABLE;
    bool reset = !(pci_read(m->f->dev, m->pos + 2u, 2) & MSI_ENABLE); /* the device has forgotten it */

    if (was_on && (!on || reset || MSI_MME(ctrl) != MSI_MME(m->ctrl)))
        vmsi_disable(m);
    m->ctrl = (uint16_t)((m->ctrl & ~0x70u) | (ctrl & 0x70u));
    if (on && !(m->ctrl & MSI_ENABLE))
        vmsi_enable(m);
}

static void set_half(uint64_t *v, unsigned shift, const struct vpci_write *w)
{
    *v = (*v & ~((uint64_t)w->mask << shift)) | ((uint64_t)w->val << shift);
}

bool vmsi_read(struct vpci_function *f, unsigned reg, uint32_t *val)
{
    struct vmsi *m = f->msi;

    if (!m)
        return false;
    if (reg == m->pos)
        *val = (pci_read(f->dev, reg, 4) & 0xffff) | ((uint32_t)m->ctrl << 16);
    else if (reg == m->pos + 4u)
        *val = (uint32_t)m->address;
    else if (m->is64 && reg == m->pos + 8u)
        *val = (uint32_t)(m->address >> 32);
    else if (reg == m->pos + (m->is64 ? 0xcu : 8u))
        *val = m->data;
    else
        return false;
    return true;
}

bool vmsi_write(struct vpci_function *f, const struct vpci_write *w)
{
    struct vmsi *m = f->msi;

    if (!m)
        return false;
    if (w->reg == m->pos) {
        if (w->mask >> 16)
            control_write(m, (((uint32_t)m->ctrl & ~(w->mask >> 16)) | (w->val >> 16)));
    } else if (w->reg == m->pos + 4u) {
        set_half(&m->address, 0, w);
        m->address &= ~3ull;
    } else if (m->is64 && w->reg == m->pos + 8u) {
        set_half(&m->address, 32, w);
    } else if (w->reg == m->pos + (m->is64 ? 0xcu : 8u)) {
        m->data = ((m->data & ~w->mask) | w->val) & 0xffff;
    } else {
        return false;
    }
    return true;
}

void vmsi_release(struct vpci_function *f)
{
    if (f->msi && (f->msi->ctrl & MSI_ENABLE))
        vmsi_disable(f->msi);
}
