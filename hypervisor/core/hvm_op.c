/* SPDX-License-Identifier: GPL-2.0-or-later */
/* HVMOP_*: parameters of PVH domains and event delivery. */
#include "bh/domain.h"
#include "bh/guest_access.h"
#include "bh/hypercall.h"
#include "bh/lib.h"

/* The guest itself may set these; the toolstack all of them, once where it says so. */
static bool guest_may_set(uint32_t index)
{
    return index == HVM_PARAM_CALLBACK_IRQ || index == HVM_PARAM_VM86_TSS ||
           index == HVM_PARAM_VM86_TSS_SIZED || index == HVM_PARAM_ACPI_IOPORTS_LOCATION ||
           index == HVM_PARAM_CONSOLE_EVTCHN || index == HVM_PARAM_STORE_EVTCHN;
}

/* CALLBACK_IRQ: bits 56-63 the kind; 2: a vector of every vCPU. 0 with a small number only says
 * "enlightened". */
static long set_callback(struct domain *d, uint64_t val)
{
    uint8_t vector = (uint8_t)val;

    switch (val >> 56) {
    case HVM_PARAM_CALLBACK_TYPE_VECTOR:
        if (vector < 16)
            return -XEN_EINVAL;
        d->callback_vector = vector;
        break;
    default:
        d->callback_vector = 0;
    }
    for (unsigned i = 0; i < d->max_vcpus; i++)
        if (d->vcpu[i] && d->vcpu[i]->info->evtchn_upcall_pending)
            vcpu_kick(d->vcpu[i]);
    return 0;
}

static long param_op(struct vcpu *v, uint64_t gva, bool set)
{
    struct xen_hvm_param p;
    struct domain *d;
    long rc = 0;

    if (copy_from_guest(v, &p, gva, sizeof(p)))
        return -XEN_EFAULT;
    if (p.index >= NR_HVM_PARAMS)
        return -XEN_EINVAL;
    d = domain_get(p.domid == DOMID_SELF ? v->domain->id : p.domid);
    if (!d)
        return -XEN_ESRCH;
    if (!priv_allows(v->domain, d, PRIV_SELF_OR_CONTROL) ||
        (set && d == v->domain && !d->privileged && !guest_may_set(p.index))) {
        rc = -XEN_EPERM;
    } else if (set) {
        d->hvm_params[p.index] = p.value;
        if (p.index == HVM_PARAM_CALLBACK_IRQ)
            rc = set_callback(d, p.value);
    } else {
        p.value = d->hvm_params[p.index];
    }
    domain_put(d);
    return !rc && !set && copy_to_guest(v, gva, &p, sizeof(p)) ? -XEN_EFAULT : rc;
}

static long set_upcall_vector(struct vcpu *v, uint64_t gva)
{
    struct xen_hvm_evtchn_upcall_vector u;
    struct vcpu *target;

    if (copy_from_guest(v, &u, gva, sizeof(u)))
        return -XEN_EFAULT;
    target = domain_vcpu(v->domain, u.vcpu);
    if (!target)
        return -XEN_ENOENT;
    if (u.vector < 16)
        return -XEN_EINVAL;
    target->upcall_vector = u.vector;
    if (target->info->evtchn_upcall_pending)
        vlapic_set_irq(target, u.vector, false);
    return 0;
}

HYPERCALL(hvm_op)
{
    switch (args->a[0]) {
    case HVMOP_set_param:
        return param_op(v, args->a[1], true);
    case HVMOP_get_param:
        return param_op(v, args->a[1], false);
    case HVMOP_pagetable_dying:
        return -XEN_EINVAL;
    case HVMOP_set_evtchn_upcall_vector:
        return set_upcall_vector(v, args->a[1]);
    default:
        return -XEN_ENOSYS;
    }
}
