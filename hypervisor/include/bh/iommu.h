/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DMA and interrupt remapping, AMD-Vi or VT-d, chosen by ACPI table (IVRS, DMAR). The IOMMU walks a domain's
 * p2m itself: the tree's entries carry the bits that it needs.
 */
#pragma once

#include "bh/acpi.h"
#include "bh/types.h"

struct domain;

struct pci_sbdf {
    uint16_t segment;
    uint8_t bus, devfn;
};

struct iommu_driver;

struct iommu_region { /* memory that firmware uses with devices (IVMD, RMRR): bytes, end exclusive */
    uint64_t start, end;
};

/* Largest page order that the IOMMU can walk (ORDER_1G where there is none or no limit): a limit on the
 * leaves of the p2m. Final after iommu_init(). */
extern unsigned iommu_max_order;

/* Chosen driver, or NULL: no IOMMU (then dom0 is mapped one to one). */
extern const struct iommu_driver *iommu;
/* It remaps interrupts, too. */
extern bool iommu_remaps;
/* Extra bits of the p2m's entries: of a leaf, by writable, and of a node that points to tables of a level
 * (1-3). */
extern uint64_t iommu_leaf_bits[2], iommu_node_bits[4];

/* Find, check and switch on the machine's IOMMU; all DMA is blocked afterwards until devices are assigned.
 * `allow` is iommu=. Returns with `iommu` NULL when there is none. */
void iommu_init(const struct acpi_info *acpi, bool allow);
/* After every CPU table is final and dom0's p2m is built: translation on. */
void iommu_enable(void);
/* Identity-map the memory that firmware reserved for devices (IVMD, RMRR) where d's p2m holds nothing. */
int iommu_map_reserved(struct domain *d);
/* The function belongs to an IOMMU: its configuration is read-only for dom0. */
bool iommu_owns_function(struct pci_sbdf dev);

/* Give the device to the domain that has all devices. Flushes. 0 or -XEN_E…; -XEN_ENODEV: no IOMMU serves it.
 */
int iommu_assign(struct pci_sbdf dev, struct domain *d);
/* Forget all translations, wait for completion. */
void iommu_flush(void);
/*
 * Interrupt remapping: rewrite the message or redirection entry of a physical vector, which on entry has the
 * compatible form for APIC id and vector. index: handle kept by the caller (-1 first), freed by
 * iommu_unmap_irq(). Returns 0 or -XEN_E…; leaves the message unchanged when there is no remapping.
 */
int iommu_map_msi(struct pci_sbdf source, uint32_t apic_id, uint8_t vector, int *index, uint64_t *addr,
                  uint32_t *data);
int iommu_map_ioapic(uint8_t ioapic_id, uint32_t apic_id, uint8_t vector, bool level, int *index,
                     uint64_t *redirection);
void iommu_unmap_irq(struct pci_sbdf source, int index);
/* Reserve `nr` (a power of two, at most 32) neighbouring aligned handles of a multi-message MSI. Returns the
 * first, to be given to iommu_map_msi() one by one, or -XEN_E…. The device gets the first one's message. */
int iommu_reserve_irqs(struct pci_sbdf source, unsigned nr);
