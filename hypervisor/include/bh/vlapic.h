/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Emulated local APIC of a vCPU, xAPIC page and x2APIC registers (APM vol. 2 chapter 16). Pure state plus
 * calls. */
#pragma once

#include "bh/lapic.h"
#include "bh/timer.h"
#include "bh/types.h"

struct domain;
struct vcpu;

struct vlapic {
    uint64_t base_msr;
    uint32_t reg[APIC_NR_REGS] __aligned_to(8); /* APIC_… */
    uint64_t timer_start;
    bool tick_waits; /* the periodic timer stands still until its interrupt is taken, or unmasked */
    struct timer timer;
};

void vlapic_init(struct vcpu *v);
void vlapic_reset(struct vcpu *v);
/* MSR 0x800-0x83f. False: #GP. */
bool vlapic_msr_read(struct vcpu *v, uint32_t msr, uint64_t *val);
bool vlapic_msr_write(struct vcpu *v, uint32_t msr, uint64_t val);
bool vlapic_base_write(struct vcpu *v, uint64_t val);
/* The xAPIC page at 0xfee00000 (emul handler). */
void vlapic_mmio(struct vcpu *v, void *arg, uint64_t offset, unsigned size, bool write, uint64_t *val);
/* Put a fixed interrupt into the IRR and kick. False: it was requested already, or the APIC is off. */
bool vlapic_set_irq(struct vcpu *v, uint8_t vector, bool level);
/* Bits that a register can hold: written by the guest, in a saved local APIC. Vectors below 16 do not exist.
 */
static inline uint32_t vlapic_reg_bits(unsigned reg)
{
    static const uint32_t bits[APIC_NR_REGS] = {
        [APIC_TPR] = 0xff,
        [APIC_LDR] = 0xff000000,
        [APIC_DFR] = ~0u,
        [APIC_SVR] = 0x3ff,
        [APIC_ISR... APIC_ESR - 1] = ~0u,
        [APIC_ICR... APIC_ICR_HIGH] = ~0u,
        [APIC_LVT... APIC_LVT_LAST] = 0x3b7ff,
        [APIC_TIMER_INIT] = ~0u,
        [APIC_TIMER_DIVIDE] = 0xb,
    };
    bool vectors = reg >= APIC_ISR && reg < APIC_ESR && !(reg & 7);

    return vectors ? 0xffff0000 : bits[reg];
}
/* Nothing is requested: the usual case, quick to tell. */
static inline bool vlapic_irr_empty(const struct vlapic *a)
{
    const uint64_t *w = (const uint64_t *)(const void *)&a->reg[APIC_IRR];

    return !(w[0] | w[1] | w[2] | w[3]);
}
/* Highest deliverable vector (above PPR), or -1. */
int vlapic_pending(struct vcpu *v);
/* The CPU took the vector: IRR to ISR. */
void vlapic_ack(struct vcpu *v, uint8_t vector);
/* Load the timer of a saved local APIC; armed: it has not expired, and begins a full period now. */
void vlapic_timer_restore(struct vcpu *v, uint32_t count, bool armed);
uint32_t vlapic_id(const struct vcpu *v);

/* Delivery as interrupt sources (vIO-APIC, MSI) see it. */
enum { APIC_DM_FIXED, APIC_DM_LOWEST, APIC_DM_NMI = 4, APIC_DM_INIT, APIC_DM_SIPI };

/* Deliver as an I/O APIC or MSI message would: destination (xAPIC 8-bit or x2APIC 32-bit id), logical or
 * physical, delivery mode, vector, level. Any context in which no lock at or below `sched` is held.
 * Returns the number of vCPUs reached. */
unsigned vlapic_deliver(struct domain *d, uint32_t dest, bool logical, uint8_t mode, uint8_t vector,
                        bool level);

/* Called by the vLAPIC when a guest ends a level interrupt (EOI broadcast): pvh/vioapic.c implements it. */
void vioapic_eoi(struct domain *d, uint8_t vector);
