/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ports and their bindings; see event.h for the locks. Delivery is in event_2l.c and event_fifo.c. */
#include "bh/domain.h"
#include "bh/lib.h"

/* These go to vCPU 0 of dom0: nobody else may bind them. */
static bool virq_is_global(unsigned virq)
{
    return virq != VIRQ_TIMER && virq != VIRQ_DEBUG && virq != VIRQ_XENOPROF && virq != VIRQ_XENPMU;
}

struct evtchn *event_port(struct domain *d, uint32_t port)
{
    struct evtchn_domain *e = &d->evtchn;

    if (port >= e->nr_ports)
        return NULL;
    return &e->page[port / EVTCHN_PER_PAGE][port % EVTCHN_PER_PAGE];
}

int event_domain_init(struct domain *d)
{
    d->evtchn.page = page_va_alloc(0, PAGE_ZERO);
    d->evtchn.lowest_free = 1;
    return d->evtchn.page ? 0 : -XEN_ENOMEM;
}

void event_domain_free(struct domain *d)
{
    struct evtchn_domain *e = &d->evtchn;

    if (!e->page)
        return;
    for (unsigned i = 0; i < e->nr_ports / EVTCHN_PER_PAGE; i++)
        page_free(va_to_mfn(e->page[i]), 0);
    page_free(va_to_mfn(e->page), 0);
    e->page = NULL;
}

static uint32_t port_limit(const struct domain *d)
{
    return MIN(d->evtchn.max_port, d->evtchn.fifo ? EVTCHN_MAX - 1 : EVTCHN_2L_MAX - 1);
}

/* A free port, with the domain's lock held. Negative errno. */
static int port_alloc(struct domain *d)
{
    struct evtchn_domain *e = &d->evtchn;
    uint32_t limit = port_limit(d);

    if (d->dying)
        return -XEN_EINVAL;
    for (uint32_t p = e->lowest_free; p <= limit; p++) {
        if (p >= e->nr_ports) {
            void *frame = page_va_alloc(0, PAGE_ZERO);

            if (!frame)
                return -XEN_ENOMEM;
            e->page[e->nr_ports / EVTCHN_PER_PAGE] = frame;
            __atomic_store_n(&e->nr_ports, e->nr_ports + EVTCHN_PER_PAGE, __ATOMIC_RELEASE);
        }
        if (event_port(d, p)->state == EVT_FREE) {
            e->lowest_free = p + 1;
            e->nr_used++;
            return (int)p;
        }
    }
    return -XEN_ENOSPC;
}

/* Put what is bound into a free port, which is told in *port; the domain's lock is held. */
static long port_open(struct domain *d, struct evtchn bound, evtchn_port_t *port)
{
    int p = port_alloc(d);

    if (p < 0)
        return p;
    *port = (evtchn_port_t)p;
    bound.priority = bound.last_priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
    *event_port(d, *port) = bound;
    return 0;
}

static void port_release(struct domain *d, uint32_t port)
{
    struct evtchn *c = event_port(d, port);

    c->state = EVT_FREE;
    c->remote = NULL;
    c->vcpu = 0;
    d->evtchn.nr_used--;
    d->evtchn.lowest_free = MIN(d->evtchn.lowest_free, port);
    if (d->evtchn.fifo)
        event_fifo_clear_pending(d, port);
    else
        event_2l_clear_pending(d, port);
}

void event_set_pending(struct domain *d, struct evtchn *c, uint32_t port)
{
    if (d->evtchn.fifo)
        event_fifo_set_pending(d, c, port);
    else
        event_2l_set_pending(d, c, port);
    if (likely(!d->nr_polling))
        return;
    for_each_vcpu (d, v) /* SCHEDOP_poll */
        if (v->polling && (!v->poll_port || v->poll_port == port))
            vcpu_wake(v);
}

/* b may be a itself, or NULL. */
static void lock_two(struct domain *a, struct domain *b)
{
    if (b && b < a)
        spin_lock(&b->evtchn.lock);
    spin_lock(&a->evtchn.lock);
    if (b > a)
        spin_lock(&b->evtchn.lock);
}

static void unlock_two(struct domain *a, struct domain *b)
{
    spin_unlock(&a->evtchn.lock);
    if (b && a != b)
        spin_unlock(&b->evtchn.lock);
}

static uint16_t real_domid(const struct vcpu *v, uint16_t id)
{
    return id == DOMID_SELF ? v->domain->id : id;
}

static long alloc_unbound(struct vcpu *v, void *arg)
{
    struct evtchn_alloc_unbound *a = arg;
    struct evtchn bound = {.state = EVT_UNBOUND, .remote_domid = real_domid(v, a->remote_dom)};
    long rc;
    domain_ref struct domain *d = domain_target(v, a->dom, PRIV_SELF_OR_CONTROL, &rc);

    if (!d)
        return rc;
    spin_guard(&d->evtchn.lock);
    return port_open(d, bound, &a->port);
}

static long connect(struct domain *ld, struct domain *rd, struct evtchn_bind_interdomain *a)
{
    struct evtchn *remote = event_port(rd, a->remote_port);
    struct evtchn bound = {
        .state = EVT_INTERDOMAIN, .remote = rd, .remote_domid = rd->id, .remote_port = a->remote_port};
    long rc;

    if (!remote || remote->state != EVT_UNBOUND || remote->remote_domid != ld->id || rd->dying)
        return -XEN_EINVAL;
    rc = port_open(ld, bound, &a->local_port);
    if (rc)
        return rc;
    remote->remote = ld;
    remote->remote_port = a->local_port;
    remote->state = EVT_INTERDOMAIN;
    /* whatever the other side sent before is not lost */
    event_set_pending(ld, event_port(ld, a->local_port), a->local_port);
    return 0;
}

static long bind_interdomain(struct vcpu *v, void *arg)
{
    struct evtchn_bind_interdomain *a = arg;
    domain_ref struct domain *rd = domain_get(real_domid(v, a->remote_dom));
    long rc;

    if (!rd)
        return -XEN_ESRCH;
    lock_two(v->domain, rd);
    rc = connect(v->domain, rd, a);
    unlock_two(v->domain, rd);
    return rc;
}

static long bind_virq(struct vcpu *v, void *arg)
{
    struct evtchn_bind_virq *a = arg;
    struct domain *d = v->domain;
    struct vcpu *target = domain_vcpu(d, a->vcpu);
    struct evtchn bound = {.state = EVT_VIRQ, .virq = (uint8_t)a->virq, .vcpu = (uint16_t)a->vcpu};
    long rc;

    if (a->virq >= NR_VIRQ || (virq_is_global(a->virq) && a->vcpu))
        return -XEN_EINVAL;
    if (!target)
        return -XEN_ENOENT;
    if (virq_is_global(a->virq) && d != dom0)
        return -XEN_EPERM;
    spin_guard(&d->evtchn.lock);
    if (target->virq_port[a->virq])
        return -XEN_EEXIST;
    rc = port_open(d, bound, &a->port);
    if (!rc)
        target->virq_port[a->virq] = a->port;
    return rc;
}

static long bind_ipi(struct vcpu *v, void *arg)
{
    struct evtchn_bind_ipi *a = arg;

    if (!domain_vcpu(v->domain, a->vcpu))
        return -XEN_ENOENT;
    spin_guard(&v->domain->evtchn.lock);
    return port_open(v->domain, (struct evtchn){.state = EVT_IPI, .vcpu = (uint16_t)a->vcpu}, &a->port);
}

/* Both ends of an interdomain port are locked, rd is the other; a guest that closes its port is not told. */
static long close_locked(struct domain *d, uint32_t port, struct domain *rd, bool guest)
{
    struct evtchn *c = event_port(d, port), *r;

    if (!c || !port || c->state == EVT_FREE)
        return -XEN_EINVAL;
    if (c->state == EVT_VIRQ)
        for_each_vcpu (d, v)
            if (v->virq_port[c->virq] == port)
                v->virq_port[c->virq] = 0;
    if (rd && (rd != d || c->remote_port != port)) {
        r = event_port(rd, c->remote_port);
        r->state = EVT_UNBOUND;
        r->remote = NULL;
        r->remote_domid = d->id;
        if (!guest || d->dying)
            event_set_pending(rd, r, c->remote_port);
    }
    port_release(d, port);
    return 0;
}

/* The other end of an interdomain port may change until both locks are held: look, lock, look again. */
static long close_port(struct domain *d, uint32_t port, bool guest)
{
    domain_ref struct domain *rd = NULL;
    long rc;

    for (;;) {
        const struct evtchn *c;
        const struct domain *now;
        uint16_t remote_id;

        lock_two(d, rd);
        c = event_port(d, port);
        now = c && c->state == EVT_INTERDOMAIN ? c->remote : NULL;
        if (now == rd)
            break;
        remote_id = c->remote_domid;
        unlock_two(d, rd);
        if (rd)
            domain_put(rd);
        rd = now ? domain_get(remote_id) : NULL;
    }
    rc = close_locked(d, port, rd, guest);
    unlock_two(d, rd);
    return rc;
}

static long event_close(struct vcpu *v, void *arg)
{
    return close_port(v->domain, ((struct evtchn_close *)arg)->port, true);
}

static long event_send(struct vcpu *v, void *arg)
{
    uint32_t port = ((struct evtchn_send *)arg)->port;
    struct domain *d = v->domain;
    struct evtchn *c;

    spin_guard(&d->evtchn.lock);
    c = event_port(d, port);
    switch (c ? c->state : EVT_FREE) {
    case EVT_INTERDOMAIN:
        event_set_pending(c->remote, event_port(c->remote, c->remote_port), c->remote_port);
        return 0;
    case EVT_IPI:
        event_set_pending(d, c, port);
        return 0;
    case EVT_UNBOUND:
        return 0; /* nobody listens: silently dropped */
    default:
        return -XEN_EINVAL;
    }
}

static long event_status(struct vcpu *v, void *arg)
{
    static const uint32_t status[] = {[EVT_FREE] = EVTCHNSTAT_closed,
                                      [EVT_UNBOUND] = EVTCHNSTAT_unbound,
                                      [EVT_INTERDOMAIN] = EVTCHNSTAT_interdomain,
                                      [EVT_VIRQ] = EVTCHNSTAT_virq,
                                      [EVT_IPI] = EVTCHNSTAT_ipi};
    struct evtchn_status *a = arg;
    const struct evtchn *c;
    long rc;
    domain_ref struct domain *d = domain_target(v, a->dom, PRIV_SELF_OR_CONTROL, &rc);

    if (!d)
        return rc;
    spin_guard(&d->evtchn.lock);
    c = event_port(d, a->port);
    if (!c)
        return -XEN_EINVAL;
    a->status = status[c->state];
    a->vcpu = c->vcpu;
    if (c->state == EVT_UNBOUND) {
        a->u.unbound.dom = c->remote_domid;
    } else if (c->state == EVT_INTERDOMAIN) {
        a->u.interdomain.dom = c->remote_domid;
        a->u.interdomain.port = c->remote_port;
    } else if (c->state == EVT_VIRQ) {
        a->u.virq = c->virq;
    }
    return 0;
}

static long bind_vcpu(struct vcpu *v, void *arg)
{
    const struct evtchn_bind_vcpu *a = arg;
    struct domain *d = v->domain;
    struct evtchn *c;

    if (!domain_vcpu(d, a->vcpu))
        return -XEN_ENOENT;
    spin_guard(&d->evtchn.lock);
    c = event_port(d, a->port);
    if (!c || c->state == EVT_FREE || c->state == EVT_IPI ||
        (c->state == EVT_VIRQ && !virq_is_global(c->virq)))
        return -XEN_EINVAL;
    c->vcpu = (uint16_t)a->vcpu;
    return 0;
}

static long event_unmask(struct vcpu *v, void *arg)
{
    uint32_t port = ((struct evtchn_unmask *)arg)->port;
    struct domain *d = v->domain;
    struct evtchn *c;

    spin_guard(&d->evtchn.lock);
    c = event_port(d, port);
    if (!c || c->state == EVT_FREE)
        return -XEN_EINVAL;
    if (d->evtchn.fifo)
        event_fifo_unmask(d, c, port);
    else
        event_2l_unmask(d, c, port);
    return 0;
}

#define CLOSE_ROUND 1024u /* ports looked at before other work gets its turn */

/* False: there is more to do. */
static bool close_some(struct domain *d)
{
    struct evtchn_domain *e = &d->evtchn;
    uint32_t p = e->next_close, end = MIN(p + CLOSE_ROUND, e->nr_ports);

    for (; p < end && e->nr_used; p++)
        if (event_port(d, p)->state != EVT_FREE)
            close_port(d, p, false);
    e->next_close = p < e->nr_ports && e->nr_used ? p : 0;
    return !e->next_close;
}

static long event_reset(struct vcpu *v, void *arg)
{
    long rc;
    domain_ref struct domain *d =
        domain_target(v, ((struct evtchn_reset *)arg)->dom, PRIV_SELF_OR_CONTROL, &rc);

    return !d ? rc : close_some(d) ? event_fifo_destroy(d) : -XEN_ERESTART;
}

static long set_priority(struct vcpu *v, void *arg)
{
    const struct evtchn_set_priority *a = arg;
    struct domain *d = v->domain;
    struct evtchn *c;

    spin_guard(&d->evtchn.lock);
    c = event_port(d, a->port);
    if (!d->evtchn.fifo)
        return -XEN_ENOSYS;
    if (!c || a->priority > EVTCHN_FIFO_PRIORITY_MIN)
        return -XEN_EINVAL;
    c->priority = (uint8_t)a->priority; /* takes effect at the next enqueue */
    return 0;
}

static const struct subop ops[] = {
    [EVTCHNOP_bind_interdomain] = {bind_interdomain, sizeof(struct evtchn_bind_interdomain), true},
    [EVTCHNOP_bind_virq] = {bind_virq, sizeof(struct evtchn_bind_virq), true},
    [EVTCHNOP_close] = {event_close, sizeof(struct evtchn_close), false},
    [EVTCHNOP_send] = {event_send, sizeof(struct evtchn_send), false},
    [EVTCHNOP_status] = {event_status, sizeof(struct evtchn_status), true},
    [EVTCHNOP_alloc_unbound] = {alloc_unbound, sizeof(struct evtchn_alloc_unbound), true},
    [EVTCHNOP_bind_ipi] = {bind_ipi, sizeof(struct evtchn_bind_ipi), true},
    [EVTCHNOP_bind_vcpu] = {bind_vcpu, sizeof(struct evtchn_bind_vcpu), false},
    [EVTCHNOP_unmask] = {event_unmask, sizeof(struct evtchn_unmask), false},
    [EVTCHNOP_reset] = {event_reset, sizeof(struct evtchn_reset), false},
    [EVTCHNOP_init_control] = {event_fifo_init_control, sizeof(struct evtchn_init_control), true},
    [EVTCHNOP_expand_array] = {event_fifo_expand, sizeof(struct evtchn_expand_array), false},
    [EVTCHNOP_set_priority] = {set_priority, sizeof(struct evtchn_set_priority), false},
};

HYPERCALL(event_channel_op)
{
    return subop_call(v, v, ops, ARRAY_SIZE(ops), args->a[0], args->a[1]);
}

void event_vcpu_virq(struct vcpu *v, unsigned virq)
{
    struct domain *d = v->domain;
    uint32_t port;

    spin_guard(&d->evtchn.lock);
    port = v->virq_port[virq];
    if (port)
        event_set_pending(d, event_port(d, port), port);
}

void event_global_virq(unsigned virq)
{
    if (dom0 && domain_vcpu(dom0, 0))
        event_vcpu_virq(dom0->vcpu[0], virq);
}

int event_port_pending(struct domain *d, uint32_t port)
{
    spin_guard(&d->evtchn.lock); /* a reset by another vCPU frees the FIFO pages */
    if (port >= d->evtchn.nr_ports)
        return -XEN_EINVAL;
    return d->evtchn.fifo ? event_fifo_is_pending(d, port) : event_2l_is_pending(d, port);
}

bool event_domain_destroy(struct domain *d)
{
    return close_some(d) && !event_fifo_destroy(d);
}
