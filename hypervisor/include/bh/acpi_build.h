/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ACPI tables that dom0 gets in place of the host's: RSDP (revision 2), MADT and XSDT in one buffer. The XSDT
 * lists the new MADT and those host tables that a PVH dom0 may see; what it does not list (HPET, IVRS, DMAR,
 * SRAT …) is hidden.
 */
#pragma once

#include "bh/acpi.h"

/* Upper bound of the bytes that acpi_build() uses. */
static inline size_t acpi_build_max_size(unsigned nr_vcpus)
{
    return 64 + 48 + 16 * (ACPI_MAX_IOAPICS + ACPI_MAX_ISO + (size_t)nr_vcpus) + 40 +
           8 * (ACPI_MAX_TABLES + 1);
}

/*
 * buf: zeroed memory of `size` bytes that dom0 will see at guest physical `address` (8-byte aligned). The
 * RSDP lies at its start. Local APIC of vCPU i: uid i, APIC id 2 * i. Returns the bytes used, or -XEN_ENOSPC.
 */
int64_t acpi_build(const struct acpi_info *host, unsigned nr_vcpus, gpaddr_t address, void *buf, size_t size);
