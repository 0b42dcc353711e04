/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Delivery of interrupts to a guest's emulated local APICs, as interrupt sources (vIO-APIC, MSI) see it. */
#pragma once

#include "bh/types.h"

struct domain;

enum { APIC_DM_FIXED, APIC_DM_LOWEST, APIC_DM_NMI = 4, APIC_DM_INIT, APIC_DM_SIPI };

/* Deliver as an I/O APIC or MSI message would: destination (xAPIC 8-bit or x2APIC 32-bit id), logical or
 * physical, delivery mode, vector, level. Any context in which no lock at or below `sched` is held.
 * Returns the number of vCPUs reached. */
unsigned vlapic_deliver(struct domain *d, uint32_t dest, bool logical, uint8_t mode, uint8_t vector,
                        bool level);

/* Called by the vLAPIC when a guest ends a level interrupt (EOI broadcast): pvh/vioapic.c implements it. */
void vioapic_eoi(struct domain *d, uint8_t vector);
