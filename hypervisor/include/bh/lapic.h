/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine's own local APICs (xAPIC or x2APIC). */
#pragma once

#include "bh/types.h"

enum { VECTOR_SPURIOUS = 0xff, VECTOR_ERROR = 0xfe, VECTOR_TIMER = 0xfd, VECTOR_KICK = 0xfc };

void lapic_init(paddr_t base, bool first); /* this CPU's */
uint32_t lapic_id(void);
void lapic_eoi(void);
void lapic_ipi(uint32_t apic_id, uint32_t icr_low);
void lapic_timer_set(uint32_t count); /* one-shot, bus clock / 16; 0 stops */
void lapic_timer_calibrate(void);
uint64_t lapic_ns_to_count(uint64_t ns);
