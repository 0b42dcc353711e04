/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI configuration space access and enumeration. Lock: pci_lock around the 0xcf8/0xcfc pair, innermost but
 * for the console's.
 */
#include "bh/pci.h"
#include "bh/lib.h"
#include "bh/mm.h"
#include "bh/p2m.h"
#include "bh/pio.h"
#include "bh/spinlock.h"

#define BUS_BYTES      (1u << 20)
#define MAX_MAPPED_BUS 128u /* MiB of address space for MMCFG */
#define MAX_CAPS       48u
#define MAX_EXT_CAPS   960u

struct mmcfg {
    struct acpi_mcfg_segment acpi;
    volatile uint8_t **bus; /* 256 pointers, NULL: not mapped */
};

static struct mmcfg mmcfg[ACPI_MAX_MCFG];
static unsigned nr_mmcfg, nr_mapped;
static spinlock_t pci_lock;

void pci_init(const struct acpi_info *acpi)
{
    if (nr_mmcfg)
        return;
    for (unsigned i = 0; i < acpi->nr_mcfg && i < ACPI_MAX_MCFG; i++) {
        struct mmcfg *m = &mmcfg[nr_mmcfg];

        m->acpi = acpi->mcfg[i];
        p2m_deny((m->acpi.address + m->acpi.bus_start * BUS_BYTES) >> PAGE_SHIFT,
                 (m->acpi.address + (m->acpi.bus_end + 1ul) * BUS_BYTES) >> PAGE_SHIFT);
        m->bus = kzalloc(256 * sizeof(*m->bus));
        if (m->bus)
            nr_mmcfg++;
    }
}

const struct acpi_mcfg_segment *pci_mcfg(unsigned i)
{
    return i < nr_mmcfg ? &mmcfg[i].acpi : NULL;
}

static struct mmcfg *mmcfg_find(uint16_t segment, uint8_t bus)
{
    for (unsigned i = 0; i < nr_mmcfg; i++)
        if (mmcfg[i].acpi.segment == segment && bus >= mmcfg[i].acpi.bus_start &&
            bus <= mmcfg[i].acpi.bus_end)
            return &mmcfg[i];
    return NULL;
}

/* The table's address is that of bus 0, whatever the first bus is. Called at boot and, under the vPCI lock,
 * when dom0 numbers a bus. */
void pci_map_bus(uint16_t segment, uint8_t bus)
{
    struct mmcfg *m = mmcfg_find(segment, bus);

    if (!m || m->bus[bus] || nr_mapped >= MAX_MAPPED_BUS)
        return;
    m->bus[bus] = map_mmio(m->acpi.address + (paddr_t)bus * BUS_BYTES, BUS_BYTES);
    nr_mapped++;
}

static volatile uint8_t *mmcfg_register(struct pci_sbdf dev, unsigned reg)
{
    struct mmcfg *m = mmcfg_find(dev.segment, dev.bus);

    if (!m || !m->bus[dev.bus] || reg >= PCI_CFG_SPACE_EXP_SIZE)
        return NULL;
    return m->bus[dev.bus] + ((unsigned)dev.devfn << 12) + reg;
}

static bool by_port(struct pci_sbdf dev, unsigned reg)
{
    return dev.segment == 0 && reg < PCI_CFG_SPACE_SIZE;
}

static uint16_t port_select(struct pci_sbdf dev, unsigned reg)
{
    outl(PCI_PORT_ADDRESS, 0x80000000u | ((uint32_t)pci_bdf(dev) << 8) | (reg & 0xfcu));
    return (uint16_t)(PCI_PORT_DATA + (reg & 3));
}

static bool access_valid(unsigned reg, unsigned size)
{
    return (size == 1 || size == 2 || size == 4) && (reg & 3) + size <= 4 && reg < PCI_CFG_SPACE_EXP_SIZE;
}

uint64_t mmio_read_size(const volatile void *p, unsigned size)
{
    if (size == 8)
        return mmio_read64(p);
    if (size == 4)
        return mmio_read32(p);
    return size == 2 ? *(const volatile uint16_t *)p : *(const volatile uint8_t *)p;
}

void mmio_write_size(volatile void *p, unsigned size, uint64_t val)
{
    if (size == 8)
        mmio_write64(p, val);
    else if (size == 4)
        mmio_write32(p, (uint32_t)val);
    else if (size == 2)
        *(volatile uint16_t *)p = (uint16_t)val;
    else
        *(volatile uint8_t *)p = (uint8_t)val;
}

uint32_t pci_read(struct pci_sbdf dev, unsigned reg, unsigned size)
{
    volatile uint8_t *p;

    if (!access_valid(reg, size))
        return ~0u;
    if (by_port(dev, reg)) {
        spin_guard(&pci_lock);
        return in_size(port_select(dev, reg), size);
    }
    p = mmcfg_register(dev, reg);
    return (uint32_t)(p ? mmio_read_size(p, size) : size_mask(size));
}

void pci_write(struct pci_sbdf dev, unsigned reg, unsigned size, uint32_t val)
{
    volatile uint8_t *p;

    if (!access_valid(reg, size))
        return;
    if (by_port(dev, reg)) {
        spin_guard(&pci_lock);
        out_size(port_select(dev, reg), size, val);
        return;
    }
    p = mmcfg_register(dev, reg);
    if (p)
        mmio_write_size(p, size, val);
}

bool pci_present(struct pci_sbdf dev)
{
    uint32_t id = pci_read(dev, PCI_VENDOR_ID, 4);

    return (uint16_t)id != 0xffff && id != 0;
}

unsigned pci_find_capability(struct pci_sbdf dev, uint8_t id)
{
    unsigned pos;

    if (!(pci_read(dev, PCI_STATUS, 2) & PCI_STATUS_CAP_LIST))
        return 0;
    pos = pci_read(dev, PCI_CAPABILITY_LIST, 1) & 0xfc;
    for (unsigned n = 0; pos >= 0x40 && n < MAX_CAPS; n++) {
        uint32_t header = pci_read(dev, pos, 2);

        if ((header & 0xff) == id)
            return pos;
        pos = (header >> 8) & 0xfc;
    }
    return 0;
}

unsigned pci_find_ext_capability(struct pci_sbdf dev, uint16_t id)
{
    unsigned pos = PCI_CFG_SPACE_SIZE;

    for (unsigned n = 0; pos >= PCI_CFG_SPACE_SIZE && n < MAX_EXT_CAPS; n++) {
        uint32_t header = pci_read(dev, pos, 4);

        if (header == 0 || header == ~0u)
            return 0;
        if (PCI_EXT_CAP_ID(header) == id)
            return pos;
        pos = PCI_EXT_CAP_NEXT(header);
    }
    return 0;
}

void pci_scan_bus(uint16_t segment, uint8_t bus, pci_found_fn found, void *arg)
{
    for (unsigned slot = 0; slot < 32; slot++) {
        struct pci_sbdf dev = pci_sbdf(segment, bus, (uint8_t)(slot << 3));
        unsigned nr;

        if (!pci_present(dev))
            continue;
        nr = pci_read(dev, PCI_HEADER_TYPE, 1) & PCI_MULTIFUNCTION ? 8 : 1;
        for (unsigned fn = 0; fn < nr; fn++) {
            dev.devfn = (uint8_t)((slot << 3) | fn);
            if (fn == 0 || pci_present(dev)) {
                pci_map_bus(segment, bus);
                found(dev, arg);
            }
        }
    }
}

/* Every bus number is tried: host bridges beyond the first are named only in the DSDT, which is AML. The
 * buses of further segments answer only where MMCFG is mapped. */
void pci_scan_all(pci_found_fn found, void *arg)
{
    for (unsigned bus = 0; bus < 256; bus++)
        pci_scan_bus(0, (uint8_t)bus, found, arg);
    for (unsigned i = 0; i < nr_mmcfg; i++) {
        const struct acpi_mcfg_segment *a = &mmcfg[i].acpi;

        for (unsigned bus = a->bus_start; a->segment && bus <= a->bus_end; bus++) {
            pci_map_bus(a->segment, (uint8_t)bus);
            pci_scan_bus(a->segment, (uint8_t)bus, found, arg);
        }
    }
}
