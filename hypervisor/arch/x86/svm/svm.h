/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared inside the SVM back end. */
#pragma once

#include "bh/domain.h"
#include "bh/msr.h"
#include "bh/vmcb.h"

/* Features by CPUID 0x8000000a:EDX; all optional. */
struct svm_features {
    bool nrip, flush_by_asid, decode_assist;
    uint32_t nr_asids;
};
extern struct svm_features svm_features;

/* vmrun.S: guest entries and exits for ever, with this between an exit (of v, NULL: none) and the next entry.
 */
_Noreturn void svm_loop(void);
struct vcpu *svm_turn(struct vcpu *v);
/* exits.c: what the guest stopped for. */
void svm_handle_exit(struct vcpu *v);
/* Step over an instruction of known length (without prefixes) when the CPU does not tell the next rip. */
static inline void svm_skip(struct vcpu *v, unsigned length)
{
    struct vmcb *b = v->vmcb;

    b->rip = svm_features.nrip && b->nrip ? b->nrip : b->rip + length;
    b->interrupt_shadow = 0;
}
static inline bool svm_is_long_mode(const struct vmcb *b) /* 64-bit code segment */
{
    return b->efer & EFER_LMA && b->seg[SEG_CS].attr & BIT(9);
}
/* msrpm.c: bitmap of MSRs that guests may touch without an exit. */
paddr_t svm_msrpm_pa(void);
void svm_msrpm_init(void);
