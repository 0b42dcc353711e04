/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MSI-X as dom0 sees it (PCI Local Bus 3.0 §6.8.2). The pages of the vector table trap; each entry keeps
 * dom0's message, and the device's own entry is written when dom0 first unmasks it with MSI-X enabled. What
 * else lies in those pages (the pending bits, other registers) is passed through.
 */
#include "bh/vpci.h"
#include "bh/emul.h"
#include "bh/lib.h"
#include "bh/mm.h"
#include "bh/pio.h"
#include "bh/xen.h"

#define MAX_TABLE_MOVES 8u /* each takes address space of the hypervisor's for good */

struct vmsix_entry {
    struct vmsix *owner;
    uint32_t reg[4]; /* dom0's: address, its upper half, data, mask */
    bool programmed; /* the device's entry holds our message */
    struct msi_irq irq;
};

struct vmsix {
    struct vpci_function *f;
    uint8_t pos, bar;
    uint16_t ctrl; /* dom0's: enable and mask-all bits */
    uint16_t nr;
    uint32_t table;     /* offset in the BAR */
    uint64_t window_pa; /* what `window` maps, 0: nothing yet */
    volatile uint8_t *window;
    bool reachable; /* the BAR is mapped and the window is right */
    unsigned moves;
    struct vmsix_entry *entry;
};

int vmsix_probe(struct vpci_function *f)
{
    unsigned pos = pci_find_capability(f->dev, PCI_CAP_ID_MSIX);
    uint32_t ctrl, table;
    struct vmsix *m;

    if (!pos)
        return 0;
    ctrl = pci_read(f->dev, pos + 2, 2);
    table = pci_read(f->dev, pos + 4, 4);
    if ((table & 7) > 5)
        return 0;
    m = kzalloc(sizeof(*m));
    if (!m)
        return -XEN_ENOMEM;
    m->nr = (uint16_t)((ctrl & PCI_MSIX_FLAGS_QSIZE) + 1);
    m->entry = kzalloc(m->nr * sizeof(*m->entry));
    if (!m->entry) {
        kfree(m, sizeof(*m));
        return -XEN_ENOMEM;
    }
    m->f = f;
    m->pos = (uint8_t)pos;
    m->bar = table & 7;
    m->table = table & ~7u;
    if (ctrl & PCI_MSIX_FLAGS_ENABLE)
        pci_write(f->dev, pos + 2, 2, ctrl & ~(uint32_t)PCI_MSIX_FLAGS_ENABLE);
    for (unsigned i = 0; i < m->nr; i++)
        m->entry[i] =
            (struct vmsix_entry){.owner = m, .reg[3] = PCI_MSIX_ENTRY_CTRL_MASKBIT, .irq = MSI_IRQ_NONE};
    f->msix = m;
    return 0;
}

bool vmsix_table_range(const struct vpci_function *f, unsigned bar, uint64_t *offset, uint64_t *size)
{
    const struct vmsix *m = f->msix;
    uint64_t end;

    if (!m || m->bar != bar)
        return false;
    end = (uint64_t)m->table + m->nr * PCI_MSIX_ENTRY_SIZE;
    if (end > f->bar[bar].size)
        return false;
    *offset = m->table & PAGE_MASK;
    *size = ROUND_UP(end, PAGE_SIZE) - *offset;
    return true;
}

/* ---- the device's entries ---- */

static volatile uint8_t *hw_entry(const struct vmsix_entry *e)
{
    const struct vmsix *m = e->owner;

    return m->window + (m->table & ~PAGE_MASK) + (size_t)(e - m->entry) * PCI_MSIX_ENTRY_SIZE;
}

static void hw_mask(struct vmsix_entry *e, bool masked)
{
    mmio_write32(hw_entry(e) + 12, masked ? PCI_MSIX_ENTRY_CTRL_MASKBIT : 0);
}

static void msix_interrupt(uint8_t vector, void *arg)
{
    const struct vmsix_entry *e = arg;

    if ((e->owner->ctrl & PCI_MSIX_FLAGS_ENABLE) && !e->reg[3])
        msi_deliver(e->owner->f->domain, (uint64_t)e->reg[1] << 32 | e->reg[0], e->reg[2]);
}

static int entry_program(struct vmsix_entry *e)
{
    struct vpci_function *f = e->owner->f;
    struct msi_message msg;
    int rc = msi_bind(f->dev, msix_interrupt, e, &e->irq, &msg);

    if (rc) {
        pr_err(PCI_FMT ": no interrupt vector for MSI-X entry %u (error %d)\n", PCI_ARGS(f->dev),
               (unsigned)(e - e->owner->entry), rc);
        return rc;
    }
    hw_mask(e, true);
    mmio_write32(hw_entry(e), (uint32_t)msg.address);
    mmio_write32(hw_entry(e) + 4, (uint32_t)(msg.address >> 32));
    mmio_write32(hw_entry(e) + 8, msg.data);
    e->programmed = true;
    return 0;
}

/* Bring the device's entry in line with dom0's. */
static void entry_update(struct vmsix_entry *e)
{
    struct vmsix *m = e->owner;

    if (!m->reachable || !(m->ctrl & PCI_MSIX_FLAGS_ENABLE))
        return;
    if (!e->reg[3] && !e->programmed && entry_program(e))
        return;
    if (e->programmed)
        hw_mask(e, e->reg[3]);
}

static void entry_release(struct vmsix_entry *e)
{
    struct vmsix *m = e->owner;

    if (e->programmed && m->reachable)
        hw_mask(e, true);
    e->programmed = false;
    msi_unbind(m->f->dev, &e->irq);
}

/* ---- control register ---- */

static void vmsix_enable(struct vmsix *m)
{
    for (unsigned i = 0; i < m->nr; i++) {
        if (m->reachable && !m->entry[i].programmed)
            hw_mask(&m->entry[i], true);
        entry_update(&m->entry[i]);
    }
}

/* A device that was reset has forgotten its entries: dom0 then enables MSI-X again without disabling it. */
static void forget_after_reset(struct vmsix *m)
{
    if (!(m->ctrl & PCI_MSIX_FLAGS_ENABLE) || (pci_read(m->f->dev, m->pos + 2u, 2) & PCI_MSIX_FLAGS_ENABLE))
        return;
    for (unsigned i = 0; i < m->nr; i++)
        entry_release(&m->entry[i]);
    m->ctrl &= (uint16_t)~PCI_MSIX_FLAGS_ENABLE;
}

static void control_write(struct vmsix *m, uint32_t ctrl)
{
    bool on = ctrl & PCI_MSIX_FLAGS_ENABLE, was_on;

    forget_after_reset(m);
    was_on = m->ctrl & PCI_MSIX_FLAGS_ENABLE;
    m->ctrl = (uint16_t)(ctrl & (PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL));
    if (on && !was_on) {
        pci_write(m->f->dev, m->pos + 2u, 2, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
        vmsix_enable(m);
    }
    pci_write(m->f->dev, m->pos + 2u, 2, m->ctrl);
    for (unsigned i = 0; !on && was_on && i < m->nr; i++)
        entry_release(&m->entry[i]);
}

bool vmsix_write(struct vpci_function *f, const struct vpci_write *w)
{
    struct vmsix *m = f->msix;

    if (!m || w->reg != m->pos)
        return false;
    if (w->mask >> 16)
        control_write(m, (m->ctrl & ~(w->mask >> 16)) | (w->val >> 16));
    return true;
}

void vmsix_release(struct vpci_function *f)
{
    if (f->msix)
        control_write(f->msix, 0);
}

/* ---- the table's pages ---- */

static void entry_write(struct vmsix_entry *e, unsigned i, uint32_t val)
{
    static const uint32_t writable[] = {~3u, ~0u, ~0u, PCI_MSIX_ENTRY_CTRL_MASKBIT};
    uint32_t old = e->reg[i];

    e->reg[i] = val & writable[i];
    if (i == 3 && e->reg[i] != old)
        entry_update(e);
}

static void table_access(struct vmsix *m, uint32_t offset, unsigned size, bool write, uint64_t *val)
{
    uint64_t read = 0;

    for (unsigned i = 0; i < size; i += 4) {
        struct vmsix_entry *e = &m->entry[(offset + i) / PCI_MSIX_ENTRY_SIZE];
        unsigned reg = (offset + i) % PCI_MSIX_ENTRY_SIZE / 4;

        if (write)
            entry_write(e, reg, (uint32_t)(*val >> (8 * i)));
        else
            read |= (uint64_t)e->reg[reg] << (8 * i);
    }
    if (!write)
        *val = read;
}

static void window_access(struct vmsix *m, uint64_t offset, unsigned size, bool write, uint64_t *val)
{
    if (write)
        mmio_write_size(m->window + offset, size, *val);
    else
        *val = mmio_read_size(m->window + offset, size);
}

static void vmsix_access(struct vcpu *v, void *arg, uint64_t offset, unsigned size, bool write, uint64_t *val)
{
    struct vmsix *m = arg;
    uint64_t start = m->table & ~PAGE_MASK, end = start + m->nr * PCI_MSIX_ENTRY_SIZE;
    bool in_table = offset >= start && offset + size <= end;
    bool outside = offset + size <= start || offset >= end;

    spin_guard(&vpci_lock);
    if (in_table && size >= 4 && !(offset & (size - 1)))
        table_access(m, (uint32_t)(offset - start), size, write, val);
    else if (outside && m->reachable && !(offset & (size - 1)))
        window_access(m, offset, size, write, val);
}

void vmsix_bar_mapped(struct vpci_function *f, unsigned bar)
{
    struct vmsix *m = f->msix;
    uint64_t offset, size, addr;

    if (!vmsix_table_range(f, bar, &offset, &size))
        return;
    addr = (f->bar[bar].addr + offset) & PAGE_MASK;
    if (m->window_pa != addr) {
        if (m->moves++ >= MAX_TABLE_MOVES) {
            pr_err(PCI_FMT ": MSI-X table moved too often; it cannot be used\n", PCI_ARGS(f->dev));
            return;
        }
        m->window = map_mmio(addr, size);
        m->window_pa = addr;
    }
    if (emul_mmio_register(f->domain, addr, size, vmsix_access, m)) {
        pr_err(PCI_FMT ": MSI-X table cannot be trapped\n", PCI_ARGS(f->dev));
        return;
    }
    m->reachable = true;
    if (m->ctrl & PCI_MSIX_FLAGS_ENABLE)
        vmsix_enable(m);
}

void vmsix_bar_unmapped(struct vpci_function *f, unsigned bar)
{
    struct vmsix *m = f->msix;

    if (!m || m->bar != bar || !m->reachable)
        return;
    m->reachable = false;
    emul_mmio_unregister(f->domain, m->window_pa);
}
