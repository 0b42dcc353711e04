/* SPDX-License-Identifier: GPL-2.0-or-later */
/* 2-level delivery: a bit in shared_info, a selector bit in the vCPU's info, the upcall flag. */
#include "bh/domain.h"

static bool test_and_set(volatile xen_ulong_t *words, uint32_t n)
{
    uint64_t bit = BIT(n % 64);

    return __atomic_fetch_or(&words[n / 64], bit, __ATOMIC_SEQ_CST) & bit;
}

static bool test_and_clear(volatile xen_ulong_t *words, uint32_t n)
{
    uint64_t bit = BIT(n % 64);

    return __atomic_fetch_and(&words[n / 64], ~bit, __ATOMIC_SEQ_CST) & bit;
}

static bool test(const volatile xen_ulong_t *words, uint32_t n)
{
    return __atomic_load_n(&words[n / 64], __ATOMIC_SEQ_CST) >> (n % 64) & 1;
}

void vcpu_mark_upcall(struct vcpu *v)
{
    if (!__atomic_exchange_n(&v->info->evtchn_upcall_pending, 1, __ATOMIC_SEQ_CST)) {
        if (v->upcall_vector)
            vlapic_set_irq(v, v->upcall_vector, false);
        else
            vcpu_kick(v);
    } else if (v->blocked) {
        vcpu_kick(v);
    }
}

static void notify(struct domain *d, const struct evtchn *e, uint32_t port)
{
    struct vcpu *v = domain_vcpu(d, e->vcpu);

    if (v && !test_and_set(&v->info->evtchn_pending_sel, port / 64))
        vcpu_mark_upcall(v);
}

void event_2l_set_pending(struct domain *d, struct evtchn *e, uint32_t port)
{
    shared_info_t *s = d->shared_info;

    if (port < EVTCHN_2L_MAX && !test_and_set(s->evtchn_pending, port) && !test(s->evtchn_mask, port))
        notify(d, e, port);
}

void event_2l_clear_pending(struct domain *d, uint32_t port)
{
    if (port < EVTCHN_2L_MAX)
        test_and_clear(d->shared_info->evtchn_pending, port);
}

void event_2l_unmask(struct domain *d, struct evtchn *e, uint32_t port)
{
    shared_info_t *s = d->shared_info;

    if (port < EVTCHN_2L_MAX && test_and_clear(s->evtchn_mask, port) && test(s->evtchn_pending, port))
        notify(d, e, port);
}

bool event_2l_is_pending(struct domain *d, uint32_t port)
{
    return port < EVTCHN_2L_MAX && test(d->shared_info->evtchn_pending, port);
}
