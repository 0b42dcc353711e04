/* SPDX-License-Identifier: GPL-2.0-or-later */
/* DOMCTL operations on virtual CPUs: number, affinity, scheduling parameters, triggers, TSC. */
#include "toolstack.h"
#include "bh/time.h"

DOMCTL(max_vcpus)
{
    uint32_t max = c->op->u.max_vcpus.max;

    return max == c->d->max_vcpus ? domain_set_max_vcpus(c->d, max) : -XEN_EINVAL;
}

DOMCTL(setvcpuaffinity)
{
    struct xen_domctl_vcpuaffinity *a = &c->op->u.vcpuaffinity;
    uint64_t hard[CPU_MASK_WORDS], soft[CPU_MASK_WORDS], any = 0;
    bool set_hard = a->flags & XEN_VCPUAFFINITY_HARD, set_soft = a->flags & XEN_VCPUAFFINITY_SOFT;
    struct vcpu *v = c->vcpu;

    if (!set_hard && !set_soft)
        return -XEN_EINVAL;
    if ((set_hard && bitmap_from_guest(c->v, &a->cpumap_hard, hard, nr_cpus)) ||
        (set_soft && bitmap_from_guest(c->v, &a->cpumap_soft, soft, nr_cpus)))
        return -XEN_EFAULT;
    for (unsigned i = 0; i < CPU_MASK_WORDS; i++)
        any |= set_hard ? hard[i] : 1;
    if (!any)
        return -XEN_EINVAL;
    if (set_hard)
        memcpy(v->hard_affinity, hard, sizeof(hard));
    if (set_soft)
        memcpy(v->soft_affinity, soft, sizeof(soft));
    sched_vcpu_recheck(v);
    if (set_hard && bitmap_to_guest(c->v, &a->cpumap_hard, hard, nr_cpus))
        return -XEN_EFAULT;
    for (unsigned i = 0; set_soft && i < CPU_MASK_WORDS; i++)
        soft[i] &= v->hard_affinity[i]; /* the effective one */
    return set_soft ? bitmap_to_guest(c->v, &a->cpumap_soft, soft, nr_cpus) : 0;
}

DOMCTL(getvcpuaffinity)
{
    struct xen_domctl_vcpuaffinity *a = &c->op->u.vcpuaffinity;
    int rc = a->flags & (XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT) ? 0 : -XEN_EINVAL;

    if (!rc && a->flags & XEN_VCPUAFFINITY_HARD)
        rc = bitmap_to_guest(c->v, &a->cpumap_hard, c->vcpu->hard_affinity, nr_cpus);
    if (!rc && a->flags & XEN_VCPUAFFINITY_SOFT)
        rc = bitmap_to_guest(c->v, &a->cpumap_soft, c->vcpu->soft_affinity, nr_cpus);
    return rc;
}

/* There is one node. */
DOMCTL(setnodeaffinity)
{
    uint64_t mask[CPU_MASK_WORDS];

    if (bitmap_from_guest(c->v, &c->op->u.nodeaffinity.nodemap, mask, MAX_CPUS))
        return -XEN_EFAULT;
    return mask[0] & 1 ? 0 : -XEN_EINVAL;
}

DOMCTL(getnodeaffinity)
{
    static const uint64_t mask[CPU_MASK_WORDS] = {1};

    return bitmap_to_guest(c->v, &c->op->u.nodeaffinity.nodemap, mask, 1);
}

DOMCTL(getvcpuinfo)
{
    struct xen_domctl_getvcpuinfo *i = &c->op->u.getvcpuinfo;
    const struct vcpu *v = c->vcpu;

    i->online = !v->down;
    i->blocked = v->blocked;
    i->running = v->running;
    i->cpu_time = vcpu_running_ns(v, now_ns());
    i->cpu = v->processor->id;
    return 0;
}

DOMCTL(scheduler_op)
{
    struct xen_domctl_scheduler_op *s = &c->op->u.scheduler_op;

    if (s->sched_id != XEN_SCHEDULER_CREDIT2)
        return -XEN_EINVAL;
    switch (s->cmd) {
    case XEN_DOMCTL_SCHEDOP_putinfo:
        if (s->u.credit2.weight)
            c->d->weight = s->u.credit2.weight;
        if (s->u.credit2.cap != 0xffff)
            c->d->cap = s->u.credit2.cap;
        return 0;
    case XEN_DOMCTL_SCHEDOP_getinfo:
        s->u.credit2.weight = c->d->weight;
        s->u.credit2.cap = c->d->cap;
        return 0;
    case XEN_DOMCTL_SCHEDOP_putvcpuinfo:
    case XEN_DOMCTL_SCHEDOP_getvcpuinfo:
        return -XEN_EOPNOTSUPP;
    default:
        return -XEN_EINVAL;
    }
}

/* A PVH guest has no ACPI buttons; NMI is what there is. */
DOMCTL(sendtrigger)
{
    const struct xen_domctl_sendtrigger *t = &c->op->u.sendtrigger;
    struct vcpu *v = domain_vcpu(c->d, t->vcpu);

    if (!v)
        return -XEN_ESRCH;
    if (t->trigger == XEN_DOMCTL_SENDTRIGGER_NMI) {
        v->nmi_pending = true;
        vcpu_kick(v);
        return 0;
    }
    /* a PVH domain has no ACPI buttons: pressed without effect, as on Xen */
    return t->trigger == XEN_DOMCTL_SENDTRIGGER_POWER || t->trigger == XEN_DOMCTL_SENDTRIGGER_SLEEP
               ? 0
               : -XEN_ENOSYS;
}

enum { TSC_DEFAULT, TSC_ALWAYS_EMULATE, TSC_NEVER_EMULATE };

/* RDTSC is never trapped. A guest restored on a machine of another frequency has its PV clock. */
DOMCTL(settscinfo)
{
    const struct xen_domctl_tsc_info *t = &c->op->u.tsc_info;

    if (t->tsc_mode != TSC_DEFAULT && t->tsc_mode != TSC_NEVER_EMULATE)
        return -XEN_EINVAL;
    c->d->tsc_mode = t->tsc_mode;
    c->d->tsc_incarnation = t->incarnation;
    return 0;
}

DOMCTL(gettscinfo)
{
    c->op->u.tsc_info = (struct xen_domctl_tsc_info){.tsc_mode = c->d->tsc_mode,
                                                     .gtsc_khz = (uint32_t)tsc_khz,
                                                     .incarnation = c->d->tsc_incarnation,
                                                     .elapsed_nsec = now_ns()};
    return 0;
}
