/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SCHEDOP_*, VCPUOP_* and the timer call: what a guest asks for its own vCPUs. */
#include "bh/domain.h"
#include "bh/lib.h"
#include "bh/time.h"

#define POLL_MAX_PORTS 128u

static void poll_begin(struct vcpu *v)
{
    vcpu_poll_end(v); /* the last one ended without leaving the CPU */
    v->polling = true;
    __atomic_add_fetch(&v->domain->nr_polling, 1, __ATOMIC_SEQ_CST);
    v->blocked = true;
}

void vcpu_poll_end(struct vcpu *v)
{
    if (!v->polling)
        return;
    v->polling = false;
    __atomic_sub_fetch(&v->domain->nr_polling, 1, __ATOMIC_SEQ_CST);
    timer_stop(&v->poll_timer);
}

/* Is one of the ports pending? Tells the last that was looked at; -XEN_E… */
static int any_pending(struct vcpu *v, const struct sched_poll *p, evtchn_port_t *port)
{
    int rc = 0;

    for (unsigned i = 0; i < p->nr_ports && !rc; i++) {
        rc = copy_from_guest(v, port, (uint64_t)(uintptr_t)p->ports.p + i * sizeof(*port), sizeof(*port));
        rc = rc ? rc : event_port_pending(v->domain, *port);
    }
    return rc;
}

/* Sleep until one of the ports is pending or the time comes; the result is the same. */
static long poll(struct vcpu *v, void *arg)
{
    const struct sched_poll *p = arg;
    evtchn_port_t port = 0;
    int ready;

    if (p->nr_ports > POLL_MAX_PORTS)
        return -XEN_EINVAL;
    v->poll_port = 0;
    poll_begin(v);
    ready = any_pending(v, p, &port);
    if (ready || (p->timeout && p->timeout <= now_ns())) {
        v->blocked = false;
        vcpu_poll_end(v);
        return MIN(ready, 0);
    }
    if (p->nr_ports == 1)
        v->poll_port = port;
    if (p->timeout)
        timer_set(&this_cpu()->timers, &v->poll_timer, p->timeout);
    /* an event that came before `polling` was seen by others is seen by us now */
    if (any_pending(v, p, &port))
        v->blocked = false;
    return 0;
}

static void watchdog_fired(void *arg)
{
    domain_shutdown(arg, SHUTDOWN_watchdog);
}

static long watchdog(struct vcpu *v, void *arg)
{
    const struct sched_watchdog *w = arg;
    struct domain *d = v->domain;
    uint64_t end = now_ns() + w->timeout * 1000ull * MS;
    struct timer *t;
    uint32_t i = 0;

    if (w->id > ARRAY_SIZE(d->watchdog))
        return -XEN_EINVAL;
    spin_guard(&d->lock); /* of two vCPUs only one gets the free timer */
    if (w->id) {
        t = &d->watchdog[w->id - 1];
        if (!t->queue)
            return -XEN_EINVAL;
        if (w->timeout)
            timer_set(&this_cpu()->timers, t, end);
        else
            timer_stop(t);
        return 0;
    }
    if (!w->timeout)
        return -XEN_EINVAL;
    while (i < ARRAY_SIZE(d->watchdog) && d->watchdog[i].queue)
        i++;
    if (i == ARRAY_SIZE(d->watchdog))
        return -XEN_ENOSPC;
    d->watchdog[i] = (struct timer){.fn = watchdog_fired, .arg = d};
    timer_set(&this_cpu()->timers, &d->watchdog[i], end);
    return i + 1;
}

static long yield(struct vcpu *v, void *arg)
{
    sched_yield_current();
    return 0;
}

static long block(struct vcpu *v, void *arg)
{
    v->info->evtchn_upcall_mask = 0;
    vcpu_block(v);
    return 0;
}

static long shutdown(struct vcpu *v, void *arg)
{
    domain_shutdown(v->domain, (uint8_t)((struct sched_shutdown *)arg)->reason);
    return 0;
}

static long shutdown_code(struct vcpu *v, void *arg)
{
    if (v->domain->shutdown_code == SHUTDOWN_CODE_NONE)
        v->domain->shutdown_code = (uint8_t)((struct sched_shutdown *)arg)->reason;
    return 0;
}

static long remote_shutdown(struct vcpu *v, void *arg)
{
    const struct sched_remote_shutdown *r = arg;
    long rc;
    domain_ref struct domain *d = domain_target(v, r->domain_id, PRIV_CONTROL, &rc);

    if (d)
        domain_shutdown(d, (uint8_t)r->reason);
    return rc;
}

static const struct subop sched_ops[] = {
    [SCHEDOP_yield] = {yield, 0, false},
    [SCHEDOP_block] = {block, 0, false},
    [SCHEDOP_shutdown] = {shutdown, sizeof(struct sched_shutdown), false},
    [SCHEDOP_poll] = {poll, sizeof(struct sched_poll), false},
    [SCHEDOP_remote_shutdown] = {remote_shutdown, sizeof(struct sched_remote_shutdown), false},
    [SCHEDOP_shutdown_code] = {shutdown_code, sizeof(struct sched_shutdown), false},
    [SCHEDOP_watchdog] = {watchdog, sizeof(struct sched_watchdog), false},
};

HYPERCALL(sched_op)
{
    return subop_call(v, v, sched_ops, ARRAY_SIZE(sched_ops), args->a[0], args->a[1]);
}

/* VIRQ_TIMER at a time, or now if it is over. */
static long singleshot_set(struct vcpu *v, uint64_t when)
{
    if (when <= now_ns())
        event_vcpu_virq(v, VIRQ_TIMER);
    else
        timer_set(&this_cpu()->timers, &v->singleshot, when);
    return 0;
}

HYPERCALL(set_timer_op)
{
    if (args->a[0])
        return singleshot_set(v, args->a[0]);
    timer_stop(&v->singleshot);
    return 0;
}

static long set_singleshot(struct vcpu *v, struct vcpu *target, uint64_t arg)
{
    struct vcpu_set_singleshot_timer t;

    if (target != v)
        return -XEN_EINVAL;
    if (copy_from_guest(v, &t, arg, sizeof(t)))
        return -XEN_EFAULT;
    if (t.flags & VCPU_SSHOTTMR_future && t.timeout_abs_ns <= now_ns())
        return -XEN_ETIME;
    return singleshot_set(v, t.timeout_abs_ns);
}

static long set_periodic(struct vcpu *target, struct vcpu *v, uint64_t arg)
{
    struct vcpu_set_periodic_timer t;

    if (copy_from_guest(v, &t, arg, sizeof(t)))
        return -XEN_EFAULT;
    if (t.period_ns < 1 * MS || t.period_ns > ~0ull >> 8)
        return -XEN_EINVAL;
    target->periodic_ns = t.period_ns;
    timer_set(&this_cpu()->timers, &target->periodic, now_ns() + t.period_ns);
    return 0;
}

static long get_runstate(struct vcpu *v, struct vcpu *target, uint64_t arg)
{
    struct vcpu_runstate_info r = target->run;
    uint64_t now = now_ns();

    r.time[r.state] += now - r.state_entry_time;
    return copy_to_guest(v, arg, &r, sizeof(r)) ? -XEN_EFAULT : 0;
}

HYPERCALL(vcpu_op)
{
    struct vcpu *target = domain_vcpu(v->domain, (uint32_t)args->a[1]);
    union {
        struct vcpu_register_vcpu_info info;
        struct vcpu_register_runstate_memory_area area;
        struct vcpu_register_time_memory_area time;
        struct vcpu_get_physid physid;
    } u;

    if (args->a[1] >= MAX_VCPUS || !target)
        return -XEN_ENOENT;
    switch (args->a[0]) {
    case VCPUOP_is_up:
        return !target->down;
    case VCPUOP_initialise: /* PVH vCPUs start by INIT and SIPI */
        return -XEN_EOPNOTSUPP;
    case VCPUOP_down: /* and stop by HLT; Linux holds the others still by this when it is restored */
        vcpu_go_down(target);
        sched_vcpu_recheck(target);
        return 0;
    case VCPUOP_up:
        __atomic_store_n(&target->down, false, __ATOMIC_SEQ_CST);
        sched_vcpu_recheck(target);
        return 0;
    case VCPUOP_register_vcpu_info:
        if (copy_from_guest(v, &u.info, args->a[2], sizeof(u.info)))
            return -XEN_EFAULT;
        return vcpu_set_info_area(target, u.info.mfn, u.info.offset);
    case VCPUOP_register_runstate_memory_area:
        if (copy_from_guest(v, &u.area, args->a[2], sizeof(u.area)))
            return -XEN_EFAULT;
        return vcpu_set_area(target, &target->runstate, sizeof(struct vcpu_runstate_info), u.area.addr.p);
    case VCPUOP_register_vcpu_time_memory_area: /* for clocks that Linux reads in user space */
        if (copy_from_guest(v, &u.time, args->a[2], sizeof(u.time)))
            return -XEN_EFAULT;
        return vcpu_set_area(target, &target->time, sizeof(vcpu_time_info_t), u.time.addr.p);
    case VCPUOP_get_runstate_info:
        return get_runstate(v, target, args->a[2]);
    case VCPUOP_set_periodic_timer:
        return set_periodic(target, v, args->a[2]);
    case VCPUOP_stop_periodic_timer:
        timer_stop(&target->periodic);
        return 0;
    case VCPUOP_set_singleshot_timer:
        return set_singleshot(v, target, args->a[2]);
    case VCPUOP_stop_singleshot_timer:
        timer_stop(&target->singleshot);
        return 0;
    case VCPUOP_send_nmi:
        target->nmi_pending = true;
        vcpu_kick(target);
        return 0;
    default:
        return -XEN_ENOSYS;
    }
}

HYPERCALL(vm_assist)
{
    uint64_t type = args->a[1];

    if (type != VMASST_TYPE_runstate_update_flag)
        return -XEN_EINVAL;
    if (args->a[0] == VMASST_CMD_enable)
        v->domain->vm_assist |= BIT(type);
    else if (args->a[0] == VMASST_CMD_disable)
        v->domain->vm_assist &= ~BIT(type);
    else
        return -XEN_ENOSYS;
    return 0;
}
