/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DOMCTL: the toolstack's operations on domains (domctl.h of the public ABI). One table says which handler an
 * operation has and who may call it. The structure is copied in once and back where the operation returns
 * data. domctl_lock is taken by trying only: whoever finds it taken comes again, so a holder may wait for
 * vCPUs of other domains to leave their CPUs.
 */
#include "toolstack.h"

_Static_assert(XEN_DOMCTL_INTERFACE_VERSION == 0x15, "domctl interface of Xen 4.17");

#define MAX_TOOL_PAUSES 255

static spinlock_t domctl_lock;

static int createdomain_check(const struct xen_domctl_createdomain *c)
{
    const uint32_t need = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap;
    const uint32_t allowed = need | XEN_DOMCTL_CDF_oos_off | XEN_DOMCTL_CDF_xs_domain;

    if ((c->flags & need) != need || c->flags & ~allowed || c->iommu_opts || c->vmtrace_size ||
        c->cpupool_id || c->grant_opts != XEN_DOMCTL_GRANT_version(1) ||
        c->arch.emulation_flags != XEN_X86_EMU_LAPIC || c->arch.misc_flags & ~XEN_X86_MSR_RELAXED)
        return -XEN_EINVAL;
    return 0;
}

static DOMCTL(createdomain)
{
    const struct xen_domctl_createdomain *config = &c->op->u.createdomain;
    uint16_t id = c->op->domain;
    struct domain *d;
    int err = createdomain_check(config);

    if (err)
        return err;
    d = domain_create(id && id < DOMID_FIRST_RESERVED ? id : DOMID_INVALID, config, &err);
    if (!d)
        return err;
    d->xenstore = config->flags & XEN_DOMCTL_CDF_xs_domain;
    d->tool_pauses = 1; /* the pause it was created with belongs to the toolstack */
    c->op->domain = d->id;
    domain_put(d);
    return 0;
}

static DOMCTL(destroydomain)
{
    return c->d->hardware ? -XEN_EINVAL : domain_kill(c->d);
}

static DOMCTL(pausedomain)
{
    struct domain *d = c->d;

    if (d->tool_pauses >= MAX_TOOL_PAUSES)
        return -XEN_EOVERFLOW;
    d->tool_pauses++;
    domain_pause(d);
    return 0;
}

static DOMCTL(unpausedomain)
{
    struct domain *d = c->d;

    if (d->tool_pauses <= 0)
        return -XEN_EINVAL;
    d->tool_pauses--;
    if (!d->tool_pauses)
        d->started = true;
    domain_unpause(d);
    return 0;
}

/* The domain asked for or the next higher one: tools compare the id that comes back. */
static DOMCTL(getdomaininfo)
{
    domain_ref struct domain *d = domain_get_next(c->op->domain);

    if (!d)
        return -XEN_ESRCH;
    domain_info(d, &c->op->u.getdomaininfo);
    c->op->domain = d->id;
    return 0;
}

static DOMCTL(resumedomain)
{
    domain_resume(c->d);
    return 0;
}

static DOMCTL(setdomainhandle)
{
    memcpy(c->d->handle, c->op->u.setdomainhandle.handle, sizeof(c->d->handle));
    return 0;
}

static DOMCTL(settimeoffset)
{
    int64_t seconds = c->op->u.settimeoffset.time_offset_seconds;

    if (seconds != (int32_t)seconds)
        return -XEN_EINVAL;
    c->d->time_offset_seconds = (uint32_t)(int32_t)seconds;
    domain_update_wallclock(c->d);
    return 0;
}

static DOMCTL(set_target)
{
    domain_ref struct domain *target = domain_get(c->op->u.set_target.target);

    if (c->d->target != DOMID_INVALID)
        return -XEN_EINVAL;
    if (!target)
        return -XEN_ESRCH;
    if (target == c->d || target->hardware)
        return -XEN_EINVAL;
    c->d->target = target->id;
    return 0;
}

static DOMCTL(get_address_size)
{
    c->op->u.address_size.size = 64;
    return 0;
}

/* No domain but dom0 ever has access to devices: taking it away works, giving it does not. */
static DOMCTL(irq_permission)
{
    return c->op->u.irq_permission.allow_access ? -XEN_ENOSYS : 0;
}

static DOMCTL(iomem_permission)
{
    return c->op->u.iomem_permission.allow_access ? -XEN_ENOSYS : 0;
}

static DOMCTL(ioport_permission)
{
    return c->op->u.ioport_permission.allow_access ? -XEN_ENOSYS : 0;
}

static DOMCTL(setvnumainfo)
{
    return -XEN_EOPNOTSUPP;
}

/* What an operation needs, and whether it returns data when it succeeds. All are for privileged domains; some
 * also for the one that runs xenstored. */
enum {
    NO_TARGET = 1,
    ALIVE = 2,
    XENSTORE_TOO = 4,
    COPYBACK = 8,
    OTHER = 16,  /* not the caller's own domain */
    PAUSED = 32, /* nor may it run meanwhile */
    VCPU = 64,   /* the first field names one of its vCPUs */
};

#define OP(name, flags) [XEN_DOMCTL_##name] = {domctl_##name, flags}
static const struct {
    domctl_fn fn;
    uint8_t flags;
} table[] = {
    OP(createdomain, NO_TARGET | COPYBACK),
    OP(destroydomain, OTHER),
    OP(pausedomain, OTHER),
    OP(unpausedomain, 0),
    OP(getdomaininfo, NO_TARGET | XENSTORE_TOO | COPYBACK),
    OP(setvcpuaffinity, VCPU),
    OP(shadow_op, ALIVE | COPYBACK | OTHER),
    OP(max_mem, 0),
    OP(setvcpucontext, ALIVE | OTHER | PAUSED | VCPU),
    OP(getvcpucontext, ALIVE | OTHER | PAUSED | VCPU),
    OP(getvcpuinfo, COPYBACK | VCPU),
    OP(max_vcpus, ALIVE | OTHER),
    OP(scheduler_op, COPYBACK),
    OP(setdomainhandle, 0),
    OP(irq_permission, 0),
    OP(iomem_permission, 0),
    OP(ioport_permission, 0),
    OP(hypercall_init, ALIVE),
    OP(settimeoffset, ALIVE),
    OP(getvcpuaffinity, VCPU),
    OP(resumedomain, ALIVE | OTHER),
    OP(sendtrigger, ALIVE),
    OP(gethvmcontext, ALIVE | COPYBACK | OTHER | PAUSED),
    OP(sethvmcontext, ALIVE | OTHER | PAUSED),
    OP(get_address_size, COPYBACK),
    OP(set_target, ALIVE),
    OP(gethvmcontext_partial, ALIVE | COPYBACK | OTHER | PAUSED),
    OP(gettscinfo, COPYBACK),
    OP(settscinfo, ALIVE | OTHER),
    OP(getpageframeinfo3, ALIVE),
    OP(setnodeaffinity, 0),
    OP(getnodeaffinity, 0),
    OP(setvnumainfo, 0),
    OP(get_cpu_policy, 0),
    OP(set_cpu_policy, ALIVE | OTHER),
    OP(get_paging_mempool_size, COPYBACK),
    OP(set_paging_mempool_size, ALIVE),
};

static long domctl_locked(struct domctl_call *c, uint32_t cmd)
{
    uint8_t flags = table[cmd].flags;
    domain_ref struct domain *d = NULL;
    long rc;

    if (flags & NO_TARGET)
        return table[cmd].fn(c);
    d = c->d = domain_get(c->op->domain);
    if (!d)
        return -XEN_ESRCH;
    if ((flags & ALIVE && d->dying) || (flags & OTHER && d == c->v->domain))
        return -XEN_EINVAL;
    if (flags & VCPU) {
        uint32_t id = c->op->u.getvcpuinfo.vcpu;

        c->vcpu = domain_vcpu(d, id);
        if (!c->vcpu) /* beyond the domain's limit, or not made yet: as Xen tells them apart */
            return id >= d->max_vcpus ? -XEN_EINVAL : -XEN_ESRCH;
    }
    if (flags & PAUSED)
        domain_pause(d);
    rc = table[cmd].fn(c);
    if (flags & PAUSED)
        domain_unpause(d);
    return rc;
}

HYPERCALL(domctl)
{
    struct xen_domctl op;
    struct domctl_call c = {.v = v, .op = &op};
    bool known;
    long rc;

    if (copy_from_guest(v, &op, args->a[0], sizeof(op)))
        return -XEN_EFAULT;
    if (op.interface_version != XEN_DOMCTL_INTERFACE_VERSION)
        return -XEN_EACCES;
    known = op.cmd < ARRAY_SIZE(table) && table[op.cmd].fn;
    if (!priv_allows(v->domain, NULL, PRIV_CONTROL) &&
        !(known && table[op.cmd].flags & XENSTORE_TOO && v->domain->xenstore))
        return -XEN_EPERM;
    if (!known)
        return -XEN_ENOSYS;
    p2m_flush(v->domain); /* what the toolstack unmapped keeps no dead domain's frames: numbers are exact */
    if (!spin_trylock(&domctl_lock))
        return -XEN_ERESTART;
    rc = domctl_locked(&c, op.cmd);
    spin_unlock(&domctl_lock);
    if ((c.copyback || (!rc && table[op.cmd].flags & COPYBACK)) &&
        copy_to_guest(v, args->a[0], &op, sizeof(op)))
        return -XEN_EFAULT;
    return rc;
}
