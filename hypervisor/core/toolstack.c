/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See toolstack.h. */
#include "toolstack.h"
#include "bh/time.h"

#define BITMAP_ZERO_MAX 512u /* bytes */

int bitmap_from_guest(struct vcpu *v, const struct xenctl_bitmap *b, uint64_t mask[CPU_MASK_WORDS],
                      unsigned nr)
{
    uint32_t bits = MIN(b->nr_bits, nr);

    memset(mask, 0, CPU_MASK_WORDS * sizeof(mask[0]));
    if (copy_from_guest(v, mask, HANDLE(b->bitmap), (bits + 7) / 8))
        return -XEN_EFAULT;
    if (bits & 63)
        mask[bits / 64] &= BIT(bits & 63) - 1;
    return 0;
}

int bitmap_to_guest(struct vcpu *v, const struct xenctl_bitmap *b, const uint64_t mask[CPU_MASK_WORDS],
                    unsigned nr)
{
    uint8_t out[BITMAP_ZERO_MAX] = {0};
    uint32_t bytes = MIN(b->nr_bits / 8 + (b->nr_bits % 8 != 0), BITMAP_ZERO_MAX);

    for (uint32_t i = 0; i < MIN(nr, b->nr_bits); i++)
        if (mask[i / 64] >> (i % 64) & 1)
            out[i / 8] |= (uint8_t)(1u << i % 8);
    return copy_to_guest(v, HANDLE(b->bitmap), out, bytes) ? -XEN_EFAULT : 0;
}

uint64_t vcpu_running_ns(const struct vcpu *v, uint64_t now)
{
    uint64_t since = v->run.state_entry_time, ns = v->run.time[RUNSTATE_running];

    return v->run.state == RUNSTATE_running && now > since ? ns + (now - since) : ns;
}

static uint32_t run_flags(struct domain *d, struct xen_domctl_getdomaininfo *info)
{
    uint32_t flags = XEN_DOMINF_blocked;
    uint64_t now = now_ns();

    info->max_vcpu_id = XEN_INVALID_MAX_VCPU_ID;
    for_each_vcpu (d, v) {
        info->cpu_time += vcpu_running_ns(v, now);
        info->max_vcpu_id = v->id;
        if (v->down)
            continue;
        info->nr_online_vcpus++;
        if (!v->blocked)
            flags &= ~XEN_DOMINF_blocked;
        if (v->running)
            flags |= XEN_DOMINF_running;
    }
    return info->nr_online_vcpus ? flags : 0;
}

void domain_info(struct domain *d, struct xen_domctl_getdomaininfo *info)
{
    *info = (struct xen_domctl_getdomaininfo){.domain = d->id};
    info->flags = run_flags(d, info) | XEN_DOMINF_hvm_guest | XEN_DOMINF_hap;
    if (d->dying == DOMAIN_DEAD)
        info->flags |= XEN_DOMINF_dying;
    if (d->shut_down)
        info->flags |= XEN_DOMINF_shutdown | (uint32_t)d->shutdown_code << XEN_DOMINF_shutdownshift;
    if (d->tool_pauses)
        info->flags |= XEN_DOMINF_paused;
    if (d->xenstore)
        info->flags |= XEN_DOMINF_xs_domain;
    info->tot_pages = d->tot_pages;
    info->max_pages = d->max_pages;
    info->shared_info_frame = INVALID_FRAME;
    info->ssidref = d->ssidref;
    memcpy(info->handle, d->handle, sizeof(info->handle));
    info->gpaddr_bits = (uint8_t)MIN(cpu_features.phys_bits, 48u);
    info->arch_config.emulation_flags =
        XEN_X86_EMU_LAPIC | (d->hardware ? XEN_X86_EMU_IOAPIC | XEN_X86_EMU_VPCI : 0u);
}

static long leaves_to_guest(struct vcpu *v, const struct cpuid_policy *p, uint32_t *nr, uint64_t gva)
{
    scratch(leaves, POLICY_MAX_LEAVES * sizeof(xen_cpuid_leaf_t));
    uint32_t room = *nr;

    *nr = POLICY_MAX_LEAVES;
    if (!gva)
        return 0;
    if (!leaves.p)
        return -XEN_ENOMEM;
    *nr = cpuid_policy_export(p, leaves.p, POLICY_MAX_LEAVES);
    if (copy_to_guest(v, gva, leaves.p, MIN(*nr, room) * sizeof(xen_cpuid_leaf_t)))
        return -XEN_EFAULT;
    return *nr > room ? -XEN_ENOBUFS : 0;
}

/* PLATFORM_INFO and ARCH_CAPABILITIES: both show nothing. */
static long msrs_to_guest(struct vcpu *v, uint32_t *nr, uint64_t gva)
{
    static const xen_msr_entry_t msrs[POLICY_MAX_MSRS] = {{.idx = 0xce}, {.idx = MSR_ARCH_CAPS}};
    uint32_t room = *nr;

    *nr = POLICY_MAX_MSRS;
    if (!gva)
        return 0;
    if (room < POLICY_MAX_MSRS)
        return -XEN_ENOBUFS;
    return copy_to_guest(v, gva, msrs, sizeof(msrs)) ? -XEN_EFAULT : 0;
}

long policy_to_guest(struct vcpu *v, const struct cpuid_policy *p, uint32_t *nr_leaves, uint64_t leaves,
                     uint32_t *nr_msrs, uint64_t msrs)
{
    long rc = leaves_to_guest(v, p, nr_leaves, leaves);

    return rc ? rc : msrs_to_guest(v, nr_msrs, msrs);
}
