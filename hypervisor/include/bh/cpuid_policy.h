/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a domain sees by CPUID: a table of leaves made from what this machine has, masked to what the
 * hypervisor supports, changed by DOMCTL_set_cpu_policy; the hypervisor's own leaves (0x40000000…) are
 * computed.
 */
#pragma once

#include "bh/msr.h"
#include "bh/types.h"
#include "bh/xen.h"

#define CPUID_BASIC 0x21u /* leaves 0 to 0x20 */
#define CPUID_EXT   0x22u /* 0x80000000 to 0x80000021 */
#define CPUID_SUB4  5u
#define CPUID_SUB7  3u
#define CPUID_SUBD  10u
#define CPUID_SUB1D 5u

struct domain;
struct vcpu;

struct cpuid_policy {
    struct cpuid_regs basic[CPUID_BASIC], ext[CPUID_EXT];
    struct cpuid_regs leaf4[CPUID_SUB4], leaf7[CPUID_SUB7], leafd[CPUID_SUBD], ext1d[CPUID_SUB1D];
};

extern struct cpuid_policy cpuid_host, cpuid_default; /* constant once cpuid_policy_init() made them */
void cpuid_policy_init(void);
void cpuid_guest(struct vcpu *v, uint32_t leaf, uint32_t sub, struct cpuid_regs *out);
/* As the toolstack wants it: at most `max` leaves. Returns how many there are. */
uint32_t cpuid_policy_export(const struct cpuid_policy *p, xen_cpuid_leaf_t *out, uint32_t max);
/* Apply a leaf from the toolstack, clipped to what the host default allows. False: not a leaf that can be
 * set. */
bool cpuid_policy_set(struct cpuid_policy *p, const xen_cpuid_leaf_t *l);
/* Make dependent bits consistent after a change. */
void cpuid_policy_finish(struct cpuid_policy *p);
/* What XSETBV accepts of this guest: x87 always, AVX not without SSE, AVX-512 whole and not without AVX. */
static inline bool cpuid_xcr0_valid(const struct cpuid_policy *p, uint64_t xcr0)
{
    uint64_t avx512 = xcr0 & 0xe0;

    return xcr0 & 1 && !(xcr0 & ~(uint64_t)p->leafd[0].a) && (!(xcr0 & 4) || xcr0 & 2) &&
           (!avx512 || (avx512 == 0xe0 && xcr0 & 4));
}
