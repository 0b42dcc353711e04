/* SPDX-License-Identifier: GPL-2.0-or-later */
/* DOMCTL get_cpu_policy and set_cpu_policy: what a domain sees by CPUID, before it first runs. */
#include "toolstack.h"

DOMCTL(get_cpu_policy)
{
    struct xen_domctl_cpu_policy *p = &c->op->u.cpu_policy;

    c->copyback = true;
    return policy_to_guest(c->v, &c->d->cpuid, &p->nr_leaves, HANDLE(p->leaves), &p->nr_msrs,
                           HANDLE(p->msrs));
}

static long apply_leaves(struct vcpu *v, struct xen_domctl_cpu_policy *p, struct cpuid_policy *policy)
{
    for (uint32_t i = 0; i < p->nr_leaves; i++) {
        xen_cpuid_leaf_t untrusted_leaf;

        if (copy_from_guest(v, &untrusted_leaf, HANDLE(p->leaves) + i * sizeof(untrusted_leaf),
                            sizeof(untrusted_leaf)))
            return -XEN_EFAULT;
        if (!cpuid_policy_set(policy, &untrusted_leaf)) {
            p->err_leaf = untrusted_leaf.leaf;
            p->err_subleaf = untrusted_leaf.subleaf;
            return -XEN_ERANGE;
        }
    }
    return 0;
}

/* The two MSRs show nothing to any guest: their values are checked for form and not used. */
static long check_msrs(struct vcpu *v, struct xen_domctl_cpu_policy *p)
{
    for (uint32_t i = 0; i < p->nr_msrs; i++) {
        xen_msr_entry_t untrusted_msr;

        if (copy_from_guest(v, &untrusted_msr, HANDLE(p->msrs) + i * sizeof(untrusted_msr),
                            sizeof(untrusted_msr)))
            return -XEN_EFAULT;
        if (untrusted_msr.flags || (untrusted_msr.idx != 0xce && untrusted_msr.idx != MSR_ARCH_CAPS)) {
            p->err_msr = untrusted_msr.idx;
            return -XEN_EINVAL;
        }
    }
    return 0;
}

DOMCTL(set_cpu_policy)
{
    struct xen_domctl_cpu_policy *p = &c->op->u.cpu_policy;
    long rc;
    scratch(policy, sizeof(c->d->cpuid));

    if (c->d->started)
        return -XEN_EEXIST;
    if (p->nr_leaves > POLICY_MAX_LEAVES || p->nr_msrs > POLICY_MAX_MSRS)
        return -XEN_E2BIG;
    if (!policy.p)
        return -XEN_ENOMEM;
    memcpy(policy.p, &c->d->cpuid, policy.size);
    p->err_leaf = p->err_subleaf = p->err_msr = ~0u;
    c->copyback = true;
    rc = apply_leaves(c->v, p, policy.p);
    rc = rc ? rc : check_msrs(c->v, p);
    if (rc)
        return rc;
    cpuid_policy_finish(policy.p);
    memcpy(&c->d->cpuid, policy.p, policy.size);
    return 0;
}
