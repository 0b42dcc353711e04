/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hardware domain's (dom0's) platform: IO-APICs, PCI configuration space with MSI/MSI-X, legacy ports. */
#pragma once

#include "bh/acpi.h"
#include "bh/types.h"

struct domain;

/* drivers/ioapic.c: the machine's IO-APICs, all pins masked. */
void ioapic_init(const struct acpi_info *acpi);
/* pvh/vioapic.c: one virtual IO-APIC per host IO-APIC at the same address; unmasking a pin binds the host's.
 */
int vioapic_init(struct domain *d);
/* pvh/vpci.c: enumerate the machine's functions, assign them to d, trap 0xcf8/0xcfc and MMCFG. */
int vpci_init(struct domain *d, const struct acpi_info *acpi);
/* PHYSDEVOP_pci_device_add / remove / pci_mmcfg_reserved from dom0. 0 or -XEN_E… */
int vpci_device_add(struct domain *d, uint16_t segment, uint8_t bus, uint8_t devfn);
int vpci_device_remove(struct domain *d, uint16_t segment, uint8_t bus, uint8_t devfn);
int vpci_mmcfg_reserved(struct domain *d, uint64_t address, uint16_t segment, uint8_t start_bus,
                        uint8_t end_bus);
/* pvh/legacy.c: PIC, PIT, RTC, PM timer, HPET, hidden UART: see docs/hypervisor.md. */
int legacy_init(struct domain *d, const struct acpi_info *acpi);
