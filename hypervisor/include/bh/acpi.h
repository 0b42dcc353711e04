/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ACPI as the hypervisor needs it (acpi specification 6.5): find and check tables, and decode the ones
 * that describe CPUs, interrupt controllers, PCI configuration space, timers and IOMMUs into plain structs.
 * Pure logic over a mapping callback: also built for host tests and the fuzzer.
 */
#pragma once

#include "bh/types.h"

#define ACPI_MAX_CPUS     4095
#define ACPI_MAX_IOAPICS  32
#define ACPI_MAX_ISO      32
#define ACPI_MAX_MCFG     16
#define ACPI_MAX_TABLES   64
#define ACPI_MAX_NODES    64
#define ACPI_MAX_MEMORY   256
#define ACPI_RSDP_SIZE_V1 20 /* what its first checksum covers */

struct acpi_sdt_header {
    char signature[4];
    uint32_t length;
    uint8_t revision, checksum;
    char oem_id[6], oem_table_id[8];
    uint32_t oem_revision, creator_id, creator_revision;
} __packed_struct;

struct acpi_ioapic {
    uint8_t id;
    uint32_t address, gsi_base;
};
struct acpi_iso { /* interrupt source override */
    uint8_t bus_irq;
    uint32_t gsi;
    uint16_t flags; /* bits 0-1 polarity, 2-3 trigger (MPS INTI flags) */
};
struct acpi_mcfg_segment {
    paddr_t address;
    uint16_t segment;
    uint8_t bus_start, bus_end;
};
struct acpi_memory { /* of a node, bytes, end exclusive */
    paddr_t start, end;
    uint8_t node;
};
struct acpi_gas {                         /* generic address structure */
    uint8_t space, width, offset, access; /* space: 0 memory, 1 I/O */
    uint64_t address;
} __packed_struct;

struct acpi_info {
    unsigned nr_tables;
    struct {
        char signature[4];
        paddr_t address;
        uint32_t length;
    } table[ACPI_MAX_TABLES]; /* every table of XSDT/RSDT whose header and checksum are good, in order */
    unsigned nr_cpus;         /* enabled ones; entry 0 need not be the boot CPU */
    uint32_t apic_id[ACPI_MAX_CPUS];
    /* SRAT: nodes are its proximity domains in the order of their first mention. 0 nodes: no such table */
    unsigned nr_nodes, nr_memory;
    uint32_t proximity[ACPI_MAX_NODES];
    uint8_t cpu_node[ACPI_MAX_CPUS]; /* of apic_id[] */
    struct acpi_memory memory[ACPI_MAX_MEMORY];
    unsigned nr_ioapics, nr_isos, nr_mcfg;
    struct acpi_ioapic ioapic[ACPI_MAX_IOAPICS];
    struct acpi_iso iso[ACPI_MAX_ISO];
    struct acpi_mcfg_segment mcfg[ACPI_MAX_MCFG];
    paddr_t lapic_address;
    /* FADT */
    struct acpi_gas pm_timer, reset_reg;
    uint8_t reset_value;
    bool reset_supported, pm_timer_32bit;
    paddr_t hpet_address; /* 0: none */
};

typedef const void *(*acpi_map_fn)(paddr_t pa, size_t len); /* NULL when the range cannot be read */

/* rsdp: its physical address, or 0 and rsdp_copy/len from the boot loader. 0 or -XEN_EINVAL with *why set. */
int acpi_parse(acpi_map_fn map, paddr_t rsdp, const void *rsdp_copy, size_t len, struct acpi_info *out,
               const char **why);
/* The byte that is missing for a sum of 0. */
uint8_t acpi_checksum(const void *bytes, size_t len);
/* The BIOS search for the RSDP (EBDA, 0xe0000-0xfffff). 0: not found. */
paddr_t acpi_find_rsdp(acpi_map_fn map);
/* Index into table[] of the nth table with that signature, or -1. */
int acpi_find_table(const struct acpi_info *info, const char signature[4], unsigned nth);
