/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI configuration space of the machine (PCI Local Bus 3.0, PCI Express base specification ch. 7): the
 * first 256 bytes of segment 0 by ports 0xcf8/0xcfc, all else by MMCFG. One lock for the port pair.
 */
#pragma once

#include "bh/acpi.h"
#include "bh/iommu.h"
#include "bh/types.h"
#include <linux/pci_regs.h>

#define PCI_PORT_ADDRESS  0xcf8
#define PCI_PORT_DATA     0xcfc
#define PCI_MULTIFUNCTION 0x80u /* in the header type */

static inline struct pci_sbdf pci_sbdf(uint16_t segment, uint8_t bus, uint8_t devfn)
{
    return (struct pci_sbdf){segment, bus, devfn};
}
static inline bool pci_same(struct pci_sbdf a, struct pci_sbdf b)
{
    return a.segment == b.segment && a.bus == b.bus && a.devfn == b.devfn;
}
static inline uint16_t pci_bdf(struct pci_sbdf a)
{
    return (uint16_t)((a.bus << 8) | a.devfn);
}
#define PCI_FMT         "%04x:%02x:%02x.%u"
#define PCI_ARGS(sbdf_) (sbdf_).segment, (sbdf_).bus, (sbdf_).devfn >> 3, (sbdf_).devfn & 7u

/* Device registers by access size: 1, 2, 4 or 8 bytes, naturally aligned. */
uint64_t mmio_read_size(const volatile void *p, unsigned size);
void mmio_write_size(volatile void *p, unsigned size, uint64_t val);

/* Take note of the MMCFG ranges; more calls change nothing. */
void pci_init(const struct acpi_info *acpi);
/* One of the MMCFG ranges, NULL past the last one. */
const struct acpi_mcfg_segment *pci_mcfg(unsigned i);
/* Read or write 1, 2 or 4 bytes that do not cross a dword. Unreachable space reads all-ones. */
uint32_t pci_read(struct pci_sbdf dev, unsigned reg, unsigned size);
void pci_write(struct pci_sbdf dev, unsigned reg, unsigned size, uint32_t val);
/* Make bytes 0x100 and up of this bus's functions reachable, if MMCFG covers it. */
void pci_map_bus(uint16_t segment, uint8_t bus);
bool pci_present(struct pci_sbdf dev);
/* Offset of a capability in the first 256 bytes, or in the extended list; 0: none. Loops end. */
unsigned pci_find_capability(struct pci_sbdf dev, uint8_t id);
unsigned pci_find_ext_capability(struct pci_sbdf dev, uint16_t id);
/* Call `found` for each function of the bus, and for each function of the machine. */
typedef void (*pci_found_fn)(struct pci_sbdf dev, void *arg);
void pci_scan_bus(uint16_t segment, uint8_t bus, pci_found_fn found, void *arg);
void pci_scan_all(pci_found_fn found, void *arg);
