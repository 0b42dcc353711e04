/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dom0's PCI configuration space, by ports 0xcf8/0xcfc and by MMCFG. Functions are found at boot (and when
 * dom0 numbers a bus or reports a device), given to dom0's IOMMU domain, and shown to it with a few
 * registers mediated: command, BARs, MSI, MSI-X, and the capabilities that would make BARs change.
 * Lock: vpci_lock, above p2m.lock and the IOMMU's; the p2m is flushed after it is dropped.
 */
#include "bh/vpci.h"
#include "bh/emul.h"
#include "bh/hwdom.h"
#include "bh/lib.h"
#include "bh/mm.h"
#include "bh/p2m.h"
#include "bh/pio.h"
#include "bh/setup.h"
#include "bh/xen.h"

#define EXT_CAP_VF_REBAR 0x24 /* linux/pci_regs.h has it not yet */
#define MAX_FUNCTIONS    4096u
#define RESET_PORT       1u /* 0xcf9 as offset in the port range */

spinlock_t vpci_lock;

static struct {
    struct domain *domain;
    uint32_t latch; /* port 0xcf8 */
    unsigned nr;
    struct vpci_function *bus[256]; /* by bus number, all segments: absent devices miss at once */
} vpci;

static struct vpci_function *function_find(struct pci_sbdf dev)
{
    for (struct vpci_function *f = vpci.bus[dev.bus]; f; f = f->next)
        if (pci_same(f->dev, dev))
            return f;
    return NULL;
}

void vpci_for_each(void (*fn)(struct vpci_function *f, void *arg), void *arg)
{
    for (unsigned bus = 0; bus < 256; bus++)
        for (struct vpci_function *f = vpci.bus[bus]; f; f = f->next)
            fn(f, arg);
}

/* ---- functions ---- */

/* Functions that no IOMMU serves (host bridges, the IOMMU's own) have nothing to be given. */
static int assign(struct pci_sbdf dev)
{
    int rc = iommu_assign(dev, vpci.domain);

    return rc == -XEN_ENODEV ? 0 : rc;
}

/* A conventional bridge sends its devices' requests as its own or as function 0 of its secondary bus. */
static void assign_bridge_alias(struct vpci_function *f)
{
    unsigned pos = pci_find_capability(f->dev, PCI_CAP_ID_EXP);
    unsigned type = pos ? (pci_read(f->dev, pos + 2, 2) >> 4) & 0xf : 7;

    if (type == 7 && f->secondary)
        (void)assign(pci_sbdf(f->dev.segment, f->secondary, 0));
}

static void find_hidden(struct vpci_function *f)
{
    static const uint16_t ids[] = {PCI_EXT_CAP_ID_SRIOV, PCI_EXT_CAP_ID_REBAR, EXT_CAP_VF_REBAR};

    for (unsigned i = 0; i < ARRAY_SIZE(ids); i++)
        f->hidden[i] = (uint16_t)pci_find_ext_capability(f->dev, ids[i]);
}

static int function_setup(struct vpci_function *f)
{
    int rc;

    f->header = pci_read(f->dev, PCI_HEADER_TYPE, 1) & 0x7f;
    f->read_only = iommu_owns_function(f->dev);
    if (f->read_only)
        return 0;
    rc = vmsi_probe(f);
    if (!rc)
        rc = vmsix_probe(f);
    if (rc)
        return rc;
    vpci_bars_probe(f);
    find_hidden(f);
    if (f->header == 1) {
        f->secondary = (uint8_t)pci_read(f->dev, PCI_SECONDARY_BUS, 1);
        assign_bridge_alias(f);
    }
    rc = assign(f->dev);
    vpci_bars_decode(f, pci_read(f->dev, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY);
    return rc;
}

static void function_found(struct pci_sbdf dev, void *arg)
{
    struct vpci_function *f;
    int *worst = arg, rc;

    if (function_find(dev))
        return;
    f = vpci.nr < MAX_FUNCTIONS ? kzalloc(sizeof(*f)) : NULL;
    if (!f) {
        *worst = -XEN_ENOMEM;
        return;
    }
    f->dev = dev;
    f->domain = vpci.domain;
    f->next = vpci.bus[dev.bus];
    vpci.bus[dev.bus] = f;
    vpci.nr++;
    rc = function_setup(f);
    if (rc) {
        pr_err(PCI_FMT ": error %d while it was given to dom0\n", PCI_ARGS(dev), rc);
        *worst = rc;
    }
}

/* dom0 gave a bridge another secondary bus: see what is there. */
static void bridge_renumbered(struct vpci_function *f)
{
    uint8_t secondary = (uint8_t)pci_read(f->dev, PCI_SECONDARY_BUS, 1);
    int rc = 0;

    if (secondary == f->secondary)
        return;
    f->secondary = secondary;
    if (!secondary || secondary <= f->dev.bus)
        return;
    assign_bridge_alias(f);
    pci_scan_bus(f->dev.segment, secondary, function_found, &rc);
}

/* ---- registers ---- */

static bool hidden_read(struct vpci_function *f, unsigned reg, uint32_t *val)
{
    for (unsigned i = 0; reg && i < ARRAY_SIZE(f->hidden); i++)
        if (f->hidden[i] == reg) { /* id 0 and the link to the next one */
            *val = pci_read(f->dev, reg, 4) & 0xffff0000u;
            return true;
        }
    return false;
}

static uint32_t function_read(struct vpci_function *f, unsigned reg, unsigned size)
{
    unsigned dword = reg & ~3u, shift = 8 * (reg & 3);
    uint32_t val;

    if (f->read_only ||
        !(vpci_bar_read(f, dword, &val) || vmsi_read(f, dword, &val) || hidden_read(f, dword, &val)))
        return pci_read(f->dev, reg, size);
    return val >> shift & (uint32_t)size_mask(size);
}

static void command_write(struct vpci_function *f, const struct vpci_write *w, unsigned reg, unsigned size,
                          uint32_t val)
{
    uint32_t old = f->decode ? PCI_COMMAND_MEMORY : 0;
    bool on = ((old & ~w->mask) | w->val) & PCI_COMMAND_MEMORY;

    if (on && !f->decode)
        vpci_bars_decode(f, true);
    pci_write(f->dev, reg, size, val);
    if (!on && f->decode)
        vpci_bars_decode(f, false);
}

static void function_write(struct vpci_function *f, unsigned reg, unsigned size, uint32_t val)
{
    unsigned shift = 8 * (reg & 3);
    uint32_t bytes = (uint32_t)size_mask(size);
    struct vpci_write w = {.reg = reg & ~3u, .val = (val & bytes) << shift, .mask = bytes << shift};

    if (f->read_only)
        return;
    if (w.reg == PCI_COMMAND) {
        command_write(f, &w, reg, size, val);
        return;
    }
    if (vpci_bar_write(f, &w) || vmsi_write(f, &w) || vmsix_write(f, &w))
        return;
    pci_write(f->dev, reg, size, val);
    if (f->header == 1 && w.reg == PCI_PRIMARY_BUS)
        bridge_renumbered(f);
}

/* One access that lies within a dword; all-ones when there is no such function. */
static void config_access(struct pci_sbdf dev, unsigned reg, unsigned size, bool write, uint32_t *val)
{
    struct vpci_function *f;
    bool flush;

    spin_lock(&vpci_lock);
    f = function_find(dev);
    if (f && write)
        function_write(f, reg, size, *val);
    else if (!write)
        *val = f ? function_read(f, reg, size) : ~0u;
    flush = vpci_flush_needed;
    vpci_flush_needed = false;
    spin_unlock(&vpci_lock);
    if (flush)
        p2m_flush(vpci.domain);
}

/* ---- ports ---- */

static void data_port(unsigned byte, unsigned size, bool write, uint64_t *val)
{
    uint32_t latch = vpci.latch, v = (uint32_t)*val;
    struct pci_sbdf dev = pci_sbdf(0, (uint8_t)(latch >> 16), (uint8_t)(latch >> 8));
    unsigned reg = (latch & 0xfc) | ((latch >> 16) & 0xf00) | byte;

    if (!(latch & 0x80000000u) || byte + size > 4)
        return;
    config_access(dev, reg, size, write, &v);
    if (!write)
        *val = v;
}

static void port_access(struct vcpu *v, void *arg, uint64_t offset, unsigned size, bool write, uint64_t *val)
{
    if (offset >= 4) {
        data_port((unsigned)offset - 4, size, write, val);
    } else if (offset == 0 && size == 4) {
        if (write)
            vpci.latch = (uint32_t)*val;
        else
            *val = vpci.latch;
    } else if (offset == RESET_PORT && size == 1) {
        if (write)
            outb(PCI_PORT_ADDRESS + RESET_PORT, (uint8_t)*val);
        else
            *val = inb(PCI_PORT_ADDRESS + RESET_PORT);
    }
}

/* ---- MMCFG ---- */

static void mmcfg_access(struct vcpu *v, void *arg, uint64_t offset, unsigned size, bool write, uint64_t *val)
{
    const struct acpi_mcfg_segment *a = arg;
    struct pci_sbdf dev =
        pci_sbdf(a->segment, (uint8_t)(a->bus_start + (offset >> 20)), (uint8_t)(offset >> 12));
    uint64_t read = 0;

    for (unsigned i = 0; i < size; i += 4) {
        unsigned reg = (unsigned)(offset & 0xfff) + i, n = MIN(size, 4u);
        uint32_t part = (uint32_t)(*val >> (8 * i));

        if ((reg & 3) + n > 4)
            part = ~0u;
        else
            config_access(dev, reg, n, write, &part);
        read |= (uint64_t)part << (8 * i);
    }
    if (!write)
        *val = read;
}

static int mmcfg_register(struct domain *d, const struct acpi_mcfg_segment *m)
{
    paddr_t start = m->address + ((paddr_t)m->bus_start << 20);
    uint64_t size = ((uint64_t)m->bus_end - m->bus_start + 1) << 20;

    return emul_mmio_register(d, start, size, mmcfg_access, (void *)(uintptr_t)m);
}

int vpci_mmcfg_reserved(struct domain *d, uint64_t address, uint16_t segment, uint8_t start_bus,
                        uint8_t end_bus)
{
    const struct acpi_mcfg_segment *m;

    if (d != vpci.domain || end_bus < start_bus)
        return -XEN_EINVAL;
    for (unsigned i = 0; (m = pci_mcfg(i)); i++)
        if (m->address == address && m->segment == segment && m->bus_start <= start_bus)
            return 0;
    return -XEN_ENODEV;
}

/* ---- devices that dom0 reports ---- */

int vpci_device_add(struct domain *d, uint16_t segment, uint8_t bus, uint8_t devfn)
{
    struct pci_sbdf dev = pci_sbdf(segment, bus, devfn);
    int rc = 0;

    if (d != vpci.domain)
        return -XEN_EPERM;
    spin_guard(&vpci_lock);
    if (function_find(dev))
        return 0;
    pci_map_bus(segment, bus);
    if (!pci_present(dev))
        return -XEN_ENODEV;
    function_found(dev, &rc);
    return rc;
}

int vpci_device_remove(struct domain *d, uint16_t segment, uint8_t bus, uint8_t devfn)
{
    struct vpci_function *f;

    if (d != vpci.domain)
        return -XEN_EPERM;
    spin_lock(&vpci_lock);
    f = function_find(pci_sbdf(segment, bus, devfn));
    if (f && !f->read_only) {
        vmsi_release(f);
        vmsix_release(f);
        vpci_bars_decode(f, false);
    }
    vpci_flush_needed = false;
    spin_unlock(&vpci_lock);
    p2m_flush(d);
    return f ? 0 : -XEN_ENODEV;
}

int vpci_init(struct domain *d, const struct acpi_info *acpi)
{
    const struct acpi_mcfg_segment *m;
    int rc = 0;

    vpci.domain = d;
    pci_init(acpi);
    for (unsigned i = 0; (m = pci_mcfg(i)) && !rc; i++)
        rc = mmcfg_register(d, m);
    if (rc)
        return rc;
    rc = iommu_map_reserved(d);
    if (rc)
        return rc;
    spin_lock(&vpci_lock);
    pci_scan_all(function_found, &rc);
    vpci_flush_needed = false;
    spin_unlock(&vpci_lock);
    pr_info("PCI: %u functions given to dom0\n", vpci.nr);
    return rc ? rc : emul_port_register(d, PCI_PORT_ADDRESS, 8, port_access, NULL);
}
