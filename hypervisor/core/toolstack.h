/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What DOMCTL and SYSCTL share: handles and bitmaps of the caller, descriptions of domains and CPU policies.
 * Private to core/domctl*.c and core/sysctl*.c.
 */
#pragma once

#include "bh/domain.h"
#include "bh/lib.h"

/* Address in a guest handle; 0: a null handle, which many operations take as "tell me the size". */
#define HANDLE(h) ((uint64_t)(uintptr_t)(h).p)

#define CPU_MASK_WORDS (MAX_CPUS / 64)

/* One DOMCTL: the structure was copied in once; its table says which return
 * data in it; a handler that does so after an error as well sets copyback. */
struct domctl_call {
    struct vcpu *v;    /* the caller */
    struct domain *d;  /* the target, referenced; NULL for operations without one */
    struct vcpu *vcpu; /* of the target, where the operation names one */
    struct xen_domctl *op;
    bool copyback;
};
typedef long (*domctl_fn)(struct domctl_call *c);

/* Bitmap of nr bits, MAX_CPUS at most; what the caller gives less is zero, what it gives more is ignored. */
int bitmap_from_guest(struct vcpu *v, const struct xenctl_bitmap *b, uint64_t mask[CPU_MASK_WORDS],
                      unsigned nr);
/* The first nr bits; the rest of the caller's bitmap (up to 4096 bits) is zeroed. */
int bitmap_to_guest(struct vcpu *v, const struct xenctl_bitmap *b, const uint64_t mask[CPU_MASK_WORDS],
                    unsigned nr);

uint64_t vcpu_running_ns(const struct vcpu *v, uint64_t now);
void domain_info(struct domain *d, struct xen_domctl_getdomaininfo *info);

/* A policy into the caller's arrays of leaves and MSRs, as both get_cpu_policy operations do. Null handles
 * ask for the largest numbers. -XEN_ENOBUFS when an array is too small. */
long policy_to_guest(struct vcpu *v, const struct cpuid_policy *p, uint32_t *nr_leaves, uint64_t leaves,
                     uint32_t *nr_msrs, uint64_t msrs);
#define POLICY_MAX_LEAVES 120u
#define POLICY_MAX_MSRS   2u

#define DOMCTL(name) long domctl_##name(struct domctl_call *c)
/* core/domctl_vcpu.c */
DOMCTL(max_vcpus);
DOMCTL(setvcpuaffinity);
DOMCTL(getvcpuaffinity);
DOMCTL(setnodeaffinity);
DOMCTL(getnodeaffinity);
DOMCTL(getvcpuinfo);
DOMCTL(scheduler_op);
DOMCTL(sendtrigger);
DOMCTL(settscinfo);
DOMCTL(gettscinfo);
/* core/domctl_mem.c */
DOMCTL(max_mem);
DOMCTL(get_paging_mempool_size);
DOMCTL(set_paging_mempool_size);
DOMCTL(getpageframeinfo3);
DOMCTL(shadow_op);
DOMCTL(hypercall_init);
/* core/domctl_policy.c */
DOMCTL(get_cpu_policy);
DOMCTL(set_cpu_policy);
/* core/domctl_hvm.c */
DOMCTL(gethvmcontext);
DOMCTL(gethvmcontext_partial);
DOMCTL(sethvmcontext);
DOMCTL(getvcpucontext);
DOMCTL(setvcpucontext);
