/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Physical interrupts: vectors of the hypervisor's CPUs and what handles them. Handlers run at the interrupt
 * window of the CPU loop, with no lock held, on the CPU that took the vector.
 */
#pragma once

#include "bh/types.h"

typedef void (*irq_handler_t)(uint8_t vector, void *arg);

#define VECTOR_DYNAMIC_FIRST 0x30
#define VECTOR_DYNAMIC_LAST  0xdf /* 0xf0 and up: timer, IPIs, spurious, error */

/* A free vector on every CPU (one table for all CPUs), bound to the handler. Returns the vector or
 * -XEN_ENOSPC. The local APIC's EOI is sent before the handler runs for edge sources; handlers of level
 * sources mask theirs. */
int irq_vector_alloc(irq_handler_t handler, void *arg);
void irq_vector_free(uint8_t vector);

/* Local APIC id that physical interrupts of a device are sent to (the boot CPU unless a vCPU's CPU is
 * better). */
uint32_t irq_default_apic_id(void);
