/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine's IO-APICs (82093AA data sheet; ICH/PCH data sheets for the EOI register). They stand
 * in MADT order. One lock inside the driver covers the index/data register pairs.
 */
#pragma once

#include "bh/acpi.h"
#include "bh/types.h"

/* Register offsets and indices, for the real and the virtual ones */
#define IOAPIC_REG_SELECT 0x00u
#define IOAPIC_REG_WINDOW 0x10u
#define IOAPIC_REG_EOI    0x40u /* version 0x20 and later */
#define IOAPIC_IDX_ID     0x00u
#define IOAPIC_IDX_VER    0x01u
#define IOAPIC_IDX_ARB    0x02u
#define IOAPIC_IDX_RTE    0x10u /* two 32-bit registers for each pin */
#define IOAPIC_MAX_PINS   120u

/* Redirection table entry */
#define RTE_VECTOR_MASK 0xffull
#define RTE_MODE(e)     ((uint8_t)(((e) >> 8) & 7))
#define RTE_LOGICAL     BIT(11)
#define RTE_PENDING     BIT(12)
#define RTE_ACTIVE_LOW  BIT(13)
#define RTE_REMOTE_IRR  BIT(14)
#define RTE_LEVEL       BIT(15)
#define RTE_MASKED      BIT(16)
#define RTE_DEST_SHIFT  56

/* What the driver found, and its own: registers, and the entries as last written. */
struct ioapic {
    paddr_t address;
    uint32_t gsi_base;
    unsigned nr_pins;
    uint8_t id, version;
    volatile uint8_t *regs;
    uint64_t *rte;
};
extern struct ioapic ioapics[ACPI_MAX_IOAPICS];
extern unsigned nr_ioapics;

/* Point a pin at a vector of the hypervisor, by way of the IOMMU where that remaps interrupts. flags:
 * RTE_LEVEL, RTE_ACTIVE_LOW, RTE_MASKED; index: the IOMMU's handle, -1 first. 0 or -XEN_E… */
int ioapic_bind(struct ioapic *io, unsigned pin, uint8_t vector, uint64_t flags, int *index);
/* Set or clear the mask bit of an entry written before. */
void ioapic_set_mask(struct ioapic *io, unsigned pin, bool masked);
/* End a level interrupt at the IO-APIC whatever vector its entry holds (remapped entries hold an index). */
void ioapic_end_level(struct ioapic *io, unsigned pin);
