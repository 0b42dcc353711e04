/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The registers of local APICs, and the machine's own (xAPIC or x2APIC). */
#pragma once

#include "bh/types.h"

enum { VECTOR_SPURIOUS = 0xff, VECTOR_ERROR = 0xfe, VECTOR_TIMER = 0xfd, VECTOR_KICK = 0xfc };

/* Registers by number: 32 bits at 16 times that in the page, MSR 0x800 and up. */
enum {
    APIC_ID = 0x02,
    APIC_VERSION = 0x03,
    APIC_TPR = 0x08,
    APIC_APR = 0x09,
    APIC_PPR = 0x0a,
    APIC_EOI = 0x0b,
    APIC_LDR = 0x0d,
    APIC_DFR = 0x0e,
    APIC_SVR = 0x0f,
    APIC_ISR = 0x10, /* eight, as TMR and IRR */
    APIC_TMR = 0x18,
    APIC_IRR = 0x20,
    APIC_ESR = 0x28,
    APIC_ICR = 0x30,
    APIC_ICR_HIGH = 0x31,
    APIC_LVT = 0x32, /* timer, thermal, performance, lint0, lint1, error */
    APIC_LINT0 = 0x35,
    APIC_LINT1 = 0x36,
    APIC_LVT_LAST = 0x37,
    APIC_TIMER_INIT = 0x38,
    APIC_TIMER_CURRENT = 0x39,
    APIC_TIMER_DIVIDE = 0x3e,
    APIC_SELF_IPI = 0x3f,
    APIC_NR_REGS = 0x40
};

void lapic_init(paddr_t base, bool first); /* this CPU's */
uint32_t lapic_id(void);
void lapic_eoi(void);
void lapic_ipi(uint32_t apic_id, uint32_t icr_low);
void lapic_timer_set(uint32_t count); /* one-shot, bus clock / 16; 0 stops */
void lapic_timer_calibrate(void);
uint64_t lapic_ns_to_count(uint64_t ns);
