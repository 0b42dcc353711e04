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
#define MSI_MME_MASK 0x70u
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
    uint32_t reg[4]; /* dom0's message as in the capability: address, its upper half if that is there, data */
    struct vmsi_irq slot[MSI_MAX];
};

int vmsi_probe(struct vpci_function *f)
{
    unsigned pos = pci_find_capability(f->dev, PCI_CAP_ID_MSI), ctrl;
    struct vmsi *m;

    if (!pos)
        return 0;
    m = kzalloc(sizeof(*m));
    if (!m)
        return -XEN_ENOMEM;
    ctrl = pci_read(f->dev, pos + 2, 2);
    m->f = f;
    m->pos = (uint8_t)pos;
    m->is64 = ctrl & PCI_MSI_FLAGS_64BIT;
    if (ctrl & MSI_ENABLE) /* firmware's */
        pci_write(f->dev, pos + 2, 2, ctrl & ~MSI_ENABLE);
    m->ctrl = (uint16_t)(ctrl & (PCI_MSI_FLAGS_64BIT | PCI_MSI_FLAGS_MASKBIT));
    if (iommu_remaps)
        m->ctrl = (uint16_t)(m->ctrl | (MIN(MSI_MMC(ctrl), 5u) << 1));
    for (unsigned i = 0; i < MSI_MAX; i++)
        m->slot[i] = (struct vmsi_irq){m, MSI_IRQ_NONE};
    f->msi = m;
    return 0;
}

static unsigned data_index(const struct vmsi *m)
{
    return m->is64 ? 3 : 2;
}

static void msi_interrupt(uint8_t vector, void *arg)
{
    struct vmsi_irq *s = arg;
    struct vmsi *m = s->owner;
    uint64_t upper = m->is64 ? (uint64_t)m->reg[2] << 32 : 0;
    uint32_t data = m->reg[data_index(m)] & ~((1u << MSI_MME(m->ctrl)) - 1);

    if (m->ctrl & MSI_ENABLE)
        msi_deliver(m->f->domain, upper | m->reg[1], data | (uint32_t)(s - m->slot));
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
    uint32_t ctrl = pci_read(dev, m->pos + 2u, 2) & ~(MSI_MME_MASK | MSI_ENABLE);
    struct msi_message msg;
    int rc = vmsi_bind(m, 1u << mme, &msg);

    if (rc) {
        pr_err(PCI_FMT ": no interrupt vector for MSI (error %d)\n", PCI_ARGS(dev), rc);
        return;
    }
    msi_program(dev, m->pos, &msg);
    m->ctrl |= MSI_ENABLE;
    pci_write(dev, m->pos + 2u, 2, ctrl | (mme << 4) | MSI_ENABLE);
}

static void control_write(struct vmsi *m, uint32_t ctrl)
{
    bool on = ctrl & MSI_ENABLE, was_on = m->ctrl & MSI_ENABLE;
    bool reset = !(pci_read(m->f->dev, m->pos + 2u, 2) & MSI_ENABLE); /* the device has forgotten it */

    if (was_on && (!on || reset || MSI_MME(ctrl) != MSI_MME(m->ctrl)))
        vmsi_disable(m);
    m->ctrl = (uint16_t)((m->ctrl & ~MSI_MME_MASK) | (ctrl & MSI_MME_MASK));
    if (on && !(m->ctrl & MSI_ENABLE))
        vmsi_enable(m);
}

/* Which dword of the message, 0: the control register; false: none of them. */
static bool msi_dword(const struct vmsi *m, unsigned reg, unsigned *index)
{
    if (!m || reg < m->pos || reg > m->pos + 4 * data_index(m))
        return false;
    *index = (reg - m->pos) / 4;
    return true;
}

bool vmsi_read(struct vpci_function *f, unsigned reg, uint32_t *val)
{
    unsigned i;

    if (!msi_dword(f->msi, reg, &i))
        return false;
    *val = i ? f->msi->reg[i] : (pci_read(f->dev, reg, 4) & 0xffff) | ((uint32_t)f->msi->ctrl << 16);
    return true;
}

bool vmsi_write(struct vpci_function *f, const struct vpci_write *w)
{
    struct vmsi *m = f->msi;
    unsigned i;

    if (!msi_dword(m, w->reg, &i))
        return false;
    if (i) {
        m->reg[i] = (m->reg[i] & ~w->mask) | w->val;
        m->reg[1] &= ~3u;
        m->reg[data_index(m)] &= 0xffff;
    } else if (w->mask >> 16) {
        control_write(m, (((uint32_t)m->ctrl & ~(w->mask >> 16)) | (w->val >> 16)));
    }
    return true;
}

void vmsi_release(struct vpci_function *f)
{
    if (f->msi && (f->msi->ctrl & MSI_ENABLE))
        vmsi_disable(f->msi);
}
