/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dispatch of hypercalls by table, multicalls, and the one place that decides who may act on whom. */
#include "bh/domain.h"
#include "bh/lib.h"

static const hypercall_fn table[] = {
    [__HYPERVISOR_platform_op] = do_platform_op,
    [__HYPERVISOR_memory_op] = do_memory_op,
    [__HYPERVISOR_multicall] = do_multicall,
    [__HYPERVISOR_set_timer_op] = do_set_timer_op,
    [__HYPERVISOR_xen_version] = do_xen_version,
    [__HYPERVISOR_console_io] = do_console_io,
    [__HYPERVISOR_grant_table_op] = do_grant_table_op,
    [__HYPERVISOR_vm_assist] = do_vm_assist,
    [__HYPERVISOR_vcpu_op] = do_vcpu_op,
    [__HYPERVISOR_sched_op] = do_sched_op,
    [__HYPERVISOR_event_channel_op] = do_event_channel_op,
    [__HYPERVISOR_physdev_op] = do_physdev_op,
    [__HYPERVISOR_hvm_op] = do_hvm_op,
    [__HYPERVISOR_sysctl] = do_sysctl,
    [__HYPERVISOR_domctl] = do_domctl,
};

bool priv_allows(const struct domain *caller, const struct domain *target, enum priv p)
{
    switch (p) {
    case PRIV_SELF_OR_CONTROL:
        if (caller == target)
            return true;
        /* fall through */
    case PRIV_CONTROL:
        return caller->privileged || (target && target != caller && caller->target == target->id);
    case PRIV_HWDOM:
        return caller->hardware;
    }
    return false;
}

/* One call by number. */
static long hypercall_call(struct vcpu *v, uint64_t nr, struct hypercall_args *args)
{
    if (unlikely(nr >= ARRAY_SIZE(table) || !table[nr]))
        return -XEN_ENOSYS;
    return table[nr](v, args);
}

bool hypercall_dispatch(struct vcpu *v)
{
    struct guest_regs *r = &v->regs;
    struct hypercall_args *args = &v->args;
    long rc;

    *args = (struct hypercall_args){{r->rdi, r->rsi, r->rdx, r->r10, r->r8}};
    rc = hypercall_call(v, r->rax, args);
    if (likely(rc != -XEN_ERESTART)) {
        r->rax = (uint64_t)rc;
        return true;
    }
    r->rdi = args->a[0];
    r->rsi = args->a[1];
    r->rdx = args->a[2];
    r->r10 = args->a[3];
    r->r8 = args->a[4];
    return false;
}

#define MULTICALL_ROUND 32u /* entries before interrupts and other vCPUs get their turn */

/* Entries one after the other; progress is kept in the count and pointer of the outer call. */
HYPERCALL(multicall)
{
    unsigned done = 0;
    multicall_entry_t e;

    while (args->a[1]) {
        uint64_t gva = args->a[0];
        struct hypercall_args in;
        long rc;

        if (copy_from_guest(v, &e, gva, sizeof(e)))
            return -XEN_EFAULT;
        in = (struct hypercall_args){{e.args[0], e.args[1], e.args[2], e.args[3], e.args[4]}};
        rc = e.op == __HYPERVISOR_multicall ? -XEN_EINVAL : hypercall_call(v, e.op, &in);
        if (rc == -XEN_ERESTART) { /* rewrite the entry and come again */
            memcpy(e.args, in.a, sizeof(in.a));
            if (copy_to_guest(v, gva, &e, sizeof(e)))
                return -XEN_EFAULT;
            return -XEN_ERESTART;
        }
        e.result = (xen_ulong_t)rc;
        if (copy_to_guest(v, gva + offsetof(multicall_entry_t, result), &e.result, sizeof(e.result)))
            return -XEN_EFAULT;
        args->a[0] += sizeof(e);
        args->a[1]--;
        if (args->a[1] && (++done >= MULTICALL_ROUND || this_cpu()->work))
            return -XEN_ERESTART;
    }
    return 0;
}
