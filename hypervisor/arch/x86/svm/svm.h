/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared inside the SVM back end. */
#ifndef BH_SVM_H
#define BH_SVM_H

#include "bh/domain.h"
#include "bh/vmcb.h"

/* Features by CPUID 0x8000000a:EDX; all optional. */
struct svm_features {
    bool nrip, decode_assist, flush_by_asid, clean_bits, pause_filter;
    uint32_t nr_asids;
};
extern struct svm_features svm_features;

void svm_vmrun(struct guest_regs *regs, uint64_t vmcb_pa, uint64_t host_vmcb_pa);
/* exits.c: what the guest stopped for. */
void svm_handle_exit(struct vcpu *v);
/* Step over an instruction of known length (without prefixes) when the CPU does not tell the next rip. */
void svm_skip(struct vcpu *v, unsigned length);
/* msr.c: bitmap of MSRs that guests may touch without an exit. */
paddr_t svm_msrpm_pa(void);
void svm_msrpm_init(void);
void svm_exit_msr(struct vcpu *v);
paddr_t svm_iopm_pa(const struct domain *d);

#endif
