/* SPDX-License-Identifier: GPL-2.0-or-later */
/* HVMOP_*: parameters of PVH domains and event delivery. */
#include "bh/domain.h"
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
    bool vector = val >> 56 == HVM_PARAM_CALLBACK_TYPE_VECTOR;

    if (vector && (uint8_t)val < 16)
        return -XEN_EINVAL;
    d->callback_vector = vector ? (uint8_t)val : 0;
    for_each_vcpu (d, v)
        if (v->info->evtchn_upcall_pending)
            vcpu_kick(v);
    return 0;
}

static long param_op(struct vcpu *v, struct xen_hvm_param *p, bool set)
{
    long rc;
    domain_ref struct domain *d = NULL;

    if (p->index >= HVM_NR_PARAMS)
        return -XEN_EINVAL;
    d = domain_target(v, p->domid, PRIV_SELF_OR_CONTROL, &rc);
    if (!d)
        return rc;
    if (!set) {
        p->value = d->hvm_params[p->index];
        return 0;
    }
    if (d == v->domain && !d->privileged && !guest_may_set(p->index))
        return -XEN_EPERM;
    d->hvm_params[p->index] = p->value;
    return p->index == HVM_PARAM_CALLBACK_IRQ ? set_callback(d, p->value) : 0;
}

static long set_param(struct vcpu *v, void *arg)
{
    return param_op(v, arg, true);
}

static long get_param(struct vcpu *v, void *arg)
{
    return param_op(v, arg, false);
}

static long set_upcall_vector(struct vcpu *v, void *arg)
{
    const struct xen_hvm_evtchn_upcall_vector *u = arg;
    struct vcpu *target = domain_vcpu(v->domain, u->vcpu);

    if (!target)
        return -XEN_ENOENT;
    if (u->vector < 16)
        return -XEN_EINVAL;
    target->upcall_vector = u->vector;
    if (target->info->evtchn_upcall_pending)
        vlapic_set_irq(target, u->vector, false);
    return 0;
}

static const struct subop ops[] = {
    [HVMOP_set_param] = {set_param, sizeof(struct xen_hvm_param), false},
    [HVMOP_get_param] = {get_param, sizeof(struct xen_hvm_param), true},
    [HVMOP_set_evtchn_upcall_vector] = {set_upcall_vector, sizeof(struct xen_hvm_evtchn_upcall_vector),
                                        false},
};

HYPERCALL(hvm_op)
{
    if (args->a[0] == HVMOP_pagetable_dying)
        return -XEN_EINVAL;
    return subop_call(v, v, ops, ARRAY_SIZE(ops), args->a[0], args->a[1]);
}
