/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ports and their bindings; see event.h for the locks. Delivery is in event_2l.c and event_fifo.c. */
#include "bh/domain.h"
#include "bh/event.h"
#include "bh/guest_access.h"
#include "bh/hypercall.h"
#include "bh/lib.h"

/* The domain that a global VIRQ goes to is whoever bound it; all are dom0's unless it gave them away. */
static struct domain *global_virq_owner(void)
{
    return dom0;
}

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
            *event_port(d, p) = (struct evtchn){.priority = EVTCHN_FIFO_PRIORITY_DEFAULT,
                                                .last_priority = EVTCHN_FIFO_PRIORITY_DEFAULT};
            return (int)p;
        }
    }
    return -XEN_ENOSPC;
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
    struct vcpu *v;

    if (d->evtchn.fifo)
        event_fifo_set_pending(d, c, port);
    else
        event_2l_set_pending(d, c, port);
    if (likely(!d->nr_polling))
        return;
    for (unsigned i = 0; i < d->max_vcpus; i++) { /* SCHEDOP_poll */
        v = d->vcpu[i];
        if (v && v->polling && (!v->poll_port || v->poll_port == port))
            vcpu_wake(v);
    }
}

static void lock_two(struct domain *a, struct domain *b)
{
    if (a == b) {
        spin_lock(&a->evtchn.lock);
        return;
    }
    spin_lock(a < b ? &a->evtchn.lock : &b->evtchn.lock);
    spin_lock(a < b ? &b->evtchn.lock : &a->evtchn.lock);
}

static void unlock_two(struct domain *a, struct domain *b)
{
    spin_unlock(&a->evtchn.lock);
    if (a != b)
        spin_unlock(&b->evtchn.lock);
}

static uint16_t real_domid(const struct vcpu *v, uint16_t id)
{
    return id == DOMID_SELF ? v->domain->id : id;
}

static long alloc_unbound(struct vcpu *v, struct evtchn_alloc_unbound *a)
{
    struct domain *d = domain_get(real_domid(v, a->dom));
    int port;

    if (!d)
        return -XEN_ESRCH;
    if (d != v->domain && !priv_allows(v->domain, d, PRIV_CONTROL)) {
        domain_put(d);
        return -XEN_EPERM;
    }
    spin_lock(&d->evtchn.lock);
    port = port_alloc(d);
    if (port >= 0) {
        struct evtchn *c = event_port(d, (uint32_t)port);

        c->remote_domid = real_domid(v, a->remote_dom);
        c->state = EVT_UNBOUND;
        a->port = (evtchn_port_t)port;
    }
    spin_unlock(&d->evtchn.lock);
    domain_put(d);
    return port < 0 ? port : 0;
}

static long bind_interdomain(struct vcpu *v, struct evtchn_bind_interdomain *a)
{
    struct domain *ld = v->domain, *rd = domain_get(real_domid(v, a->remote_dom));
    struct evtchn *rc;
    long rcode = -XEN_EINVAL;
    int port;

    if (!rd)
        return -XEN_ESRCH;
    lock_two(ld, rd);
    rc = event_port(rd, a->remote_port);
    if (rc && rc->state == EVT_UNBOUND && rc->remote_domid == ld->id && !rd->dying) {
        port = port_alloc(ld);
        rcode = port < 0 ? port : 0;
        if (port >= 0) {
            struct evtchn *lc = event_port(ld, (uint32_t)port);

            rc = event_port(rd, a->remote_port);
            *lc = (struct evtchn){.state = EVT_INTERDOMAIN,
                                  .remote = rd,
                                  .remote_domid = rd->id,
                                  .remote_port = a->remote_port,
                                  .priority = EVTCHN_FIFO_PRIORITY_DEFAULT,
                                  .last_priority = EVTCHN_FIFO_PRIORITY_DEFAULT};
            rc->remote = ld;
            rc->remote_port = (uint32_t)port;
            rc->state = EVT_INTERDOMAIN;
            a->local_port = (evtchn_port_t)port;
            event_set_pending(ld, lc, (uint32_t)port); /* whatever the other side sent before is not lost */
        }
    }
    unlock_two(ld, rd);
    domain_put(rd);
    return rcode;
}

static long bind_virq(struct vcpu *v, struct evtchn_bind_virq *a)
{
    struct domain *d = v->domain;
    struct vcpu *target = domain_vcpu(d, a->vcpu);
    long rc = 0;
    int port;

    if (a->virq >= NR_VIRQ || (virq_is_global(a->virq) && a->vcpu))
        return -XEN_EINVAL;
    if (!target)
        return -XEN_ENOENT;
    if (virq_is_global(a->virq) && d != global_virq_owner())
        return -XEN_EPERM;
    spin_lock(&d->evtchn.lock);
    if (target->virq_port[a->virq]) {
        rc = -XEN_EEXIST;
    } else if ((port = port_alloc(d)) < 0) {
        rc = port;
    } else {
        struct evtchn *c = event_port(d, (uint32_t)port);

        c->virq = (uint8_t)a->virq;
        c->vcpu = (uint16_t)a->vcpu;
        c->state = EVT_VIRQ;
        target->virq_port[a->virq] = (uint32_t)port;
        a->port = (evtchn_port_t)port;
    }
    spin_unlock(&d->evtchn.lock);
    return rc;
}

static long bind_ipi(struct vcpu *v, struct evtchn_bind_ipi *a)
{
    struct domain *d = v->domain;
    int port;

    if (!domain_vcpu(d, a->vcpu))
        return -XEN_ENOENT;
    spin_lock(&d->evtchn.lock);
    port = port_alloc(d);
    if (port >= 0) {
        struct evtchn *c = event_port(d, (uint32_t)port);

        c->vcpu = (uint16_t)a->vcpu;
        c->state = EVT_IPI;
        a->port = (evtchn_port_t)port;
    }
    spin_unlock(&d->evtchn.lock);
    return port < 0 ? port : 0;
}

/* The other end of an interdomain port may change until both locks are held: look, lock, look again. */
static long close_port(struct domain *d, uint32_t port, bool guest)
{
    struct domain *rd = NULL;
    struct evtchn *c;
    long rc = 0;

    for (;;) {
        struct domain *now;
        uint16_t remote_id = DOMID_INVALID;

        if (rd)
            lock_two(d, rd);
        else
            spin_lock(&d->evtchn.lock);
        c = event_port(d, port);
        now = c && c->state == EVT_INTERDOMAIN ? c->remote : NULL;
        if (now == rd)
            break;
        if (now)
            remote_id = c->remote_domid;
        if (rd) {
            unlock_two(d, rd);
            domain_put(rd);
        } else {
            spin_unlock(&d->evtchn.lock);
        }
        rd = now ? domain_get(remote_id) : NULL;
    }
    if (!c || !port || c->state == EVT_FREE || c->state == EVT_RESERVED) {
        rc = -XEN_EINVAL;
    } else {
        if (c->state == EVT_VIRQ)
            for (unsigned i = 0; i < d->max_vcpus; i++)
                if (d->vcpu[i] && d->vcpu[i]->virq_port[c->virq] == port)
                    d->vcpu[i]->virq_port[c->virq] = 0;
        if (rd) {
            struct evtchn *r = event_port(rd, c->remote_port);

            if (rd == d && c->remote_port == port)
                ;
            else {
                r->state = EVT_UNBOUND;
                r->remote = NULL;
                r->remote_domid = d->id;
                if (!guest || d->dying)
                    event_set_pending(rd, r, c->remote_port);
            }
        }
        port_release(d, port);
    }
    if (rd) {
        unlock_two(d, rd);
        domain_put(rd);
    } else {
        spin_unlock(&d->evtchn.lock);
    }
    return rc;
}

static long event_send(struct domain *d, uint32_t port)
{
    struct evtchn *c;
    long rc = 0;

    spin_lock(&d->evtchn.lock);
    c = event_port(d, port);
    switch (c ? c->state : EVT_FREE) {
    case EVT_INTERDOMAIN:
        event_set_pending(c->remote, event_port(c->remote, c->remote_port), c->remote_port);
        break;
    case EVT_IPI:
        event_set_pending(d, c, port);
        break;
    case EVT_UNBOUND:
        break; /* nobody listens: silently dropped */
    default:
        rc = -XEN_EINVAL;
    }
    spin_unlock(&d->evtchn.lock);
    return rc;
}

static long event_status(struct vcpu *v, struct evtchn_status *a)
{
    static const uint32_t status[] = {
        [EVT_FREE] = EVTCHNSTAT_closed,     [EVT_RESERVED] = EVTCHNSTAT_closed,
        [EVT_UNBOUND] = EVTCHNSTAT_unbound, [EVT_INTERDOMAIN] = EVTCHNSTAT_interdomain,
        [EVT_PIRQ] = EVTCHNSTAT_pirq,       [EVT_VIRQ] = EVTCHNSTAT_virq,
        [EVT_IPI] = EVTCHNSTAT_ipi};
    struct domain *d = domain_get(real_domid(v, a->dom));
    const struct evtchn *c;
    long rc = 0;

    if (!d)
        return -XEN_ESRCH;
    spin_lock(&d->evtchn.lock);
    c = event_port(d, a->port);
    if (d != v->domain && !priv_allows(v->domain, d, PRIV_CONTROL)) {
        rc = -XEN_EPERM;
    } else if (!c) {
        rc = -XEN_EINVAL;
    } else {
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
    }
    spin_unlock(&d->evtchn.lock);
    domain_put(d);
    return rc;
}

static long bind_vcpu(struct vcpu *v, const struct evtchn_bind_vcpu *a)
{
    struct domain *d = v->domain;
    struct evtchn *c;
    long rc = 0;

    if (!domain_vcpu(d, a->vcpu))
        return -XEN_ENOENT;
    spin_lock(&d->evtchn.lock);
    c = event_port(d, a->port);
    if (!c)
        rc = -XEN_EINVAL;
    else if (c->state == EVT_UNBOUND || c->state == EVT_INTERDOMAIN || c->state == EVT_PIRQ ||
             (c->state == EVT_VIRQ && virq_is_global(c->virq)))
        c->vcpu = (uint16_t)a->vcpu;
    else
        rc = -XEN_EINVAL;
    spin_unlock(&d->evtchn.lock);
    return rc;
}

static long event_unmask(struct domain *d, uint32_t port)
{
    struct evtchn *c;
    long rc = 0;

    spin_lock(&d->evtchn.lock);
    c = event_port(d, port);
    if (!c || c->state == EVT_FREE)
        rc = -XEN_EINVAL;
    else if (d->evtchn.fifo)
        event_fifo_unmask(d, c, port);
    else
        event_2l_unmask(d, c, port);
    spin_unlock(&d->evtchn.lock);
    return rc;
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

static long event_reset(struct vcpu *v, uint16_t dom)
{
    struct domain *d = domain_get(real_domid(v, dom));
    long rc;

    if (!d)
        return -XEN_ESRCH;
    if (d != v->domain && !priv_allows(v->domain, d, PRIV_CONTROL)) {
        domain_put(d);
        return -XEN_EPERM;
    }
    rc = close_some(d) ? event_fifo_destroy(d) : -XEN_ERESTART;
    domain_put(d);
    return rc;
}

static long set_priority(struct domain *d, const struct evtchn_set_priority *a)
{
    struct evtchn *c;
    long rc;

    spin_lock(&d->evtchn.lock);
    c = event_port(d, a->port);
    rc = !d->evtchn.fifo ? -XEN_ENOSYS : !c ? -XEN_EINVAL : event_fifo_set_priority(d, c, a->priority);
    spin_unlock(&d->evtchn.lock);
    return rc;
}

union evtchn_args {
    struct evtchn_alloc_unbound alloc_unbound;
    struct evtchn_bind_interdomain bind_interdomain;
    struct evtchn_bind_virq bind_virq;
    struct evtchn_bind_ipi bind_ipi;
    struct evtchn_close close;
    struct evtchn_send send;
    struct evtchn_status status;
    struct evtchn_bind_vcpu bind_vcpu;
    struct evtchn_unmask unmask;
    struct evtchn_reset reset;
    struct evtchn_init_control init_control;
    struct evtchn_expand_array expand_array;
    struct evtchn_set_priority set_priority;
};

static long op_alloc_unbound(struct vcpu *v, union evtchn_args *a)
{
    return alloc_unbound(v, &a->alloc_unbound);
}
static long op_bind_interdomain(struct vcpu *v, union evtchn_args *a)
{
    return bind_interdomain(v, &a->bind_interdomain);
}
static long op_bind_virq(struct vcpu *v, union evtchn_args *a)
{
    return bind_virq(v, &a->bind_virq);
}
static long op_bind_ipi(struct vcpu *v, union evtchn_args *a)
{
    return bind_ipi(v, &a->bind_ipi);
}
static long op_close(struct vcpu *v, union evtchn_args *a)
{
    return close_port(v->domain, a->close.port, true);
}
static long op_send(struct vcpu *v, union evtchn_args *a)
{
    return event_send(v->domain, a->send.port);
}
static long op_status(struct vcpu *v, union evtchn_args *a)
{
    return event_status(v, &a->status);
}
static long op_bind_vcpu(struct vcpu *v, union evtchn_args *a)
{
    return bind_vcpu(v, &a->bind_vcpu);
}
static long op_unmask(struct vcpu *v, union evtchn_args *a)
{
    return event_unmask(v->domain, a->unmask.port);
}
static long op_reset(struct vcpu *v, union evtchn_args *a)
{
    return event_reset(v, a->reset.dom);
}
static long op_init_control(struct vcpu *v, union evtchn_args *a)
{
    return event_fifo_init_control(v, &a->init_control);
}
static long op_expand(struct vcpu *v, union evtchn_args *a)
{
    return event_fifo_expand(v->domain, a->expand_array.array_gfn);
}
static long op_set_priority(struct vcpu *v, union evtchn_args *a)
{
    return set_priority(v->domain, &a->set_priority);
}

static const struct {
    long (*fn)(struct vcpu *v, union evtchn_args *a);
    uint8_t size;
    bool copy_back;
} ops[] = {
    [EVTCHNOP_bind_interdomain] = {op_bind_interdomain, sizeof(struct evtchn_bind_interdomain), true},
    [EVTCHNOP_bind_virq] = {op_bind_virq, sizeof(struct evtchn_bind_virq), true},
    [EVTCHNOP_close] = {op_close, sizeof(struct evtchn_close), false},
    [EVTCHNOP_send] = {op_send, sizeof(struct evtchn_send), false},
    [EVTCHNOP_status] = {op_status, sizeof(struct evtchn_status), true},
    [EVTCHNOP_alloc_unbound] = {op_alloc_unbound, sizeof(struct evtchn_alloc_unbound), true},
    [EVTCHNOP_bind_ipi] = {op_bind_ipi, sizeof(struct evtchn_bind_ipi), true},
    [EVTCHNOP_bind_vcpu] = {op_bind_vcpu, sizeof(struct evtchn_bind_vcpu), false},
    [EVTCHNOP_unmask] = {op_unmask, sizeof(struct evtchn_unmask), false},
    [EVTCHNOP_reset] = {op_reset, sizeof(struct evtchn_reset), false},
    [EVTCHNOP_init_control] = {op_init_control, sizeof(struct evtchn_init_control), true},
    [EVTCHNOP_expand_array] = {op_expand, sizeof(struct evtchn_expand_array), false},
    [EVTCHNOP_set_priority] = {op_set_priority, sizeof(struct evtchn_set_priority), false},
};

HYPERCALL(event_channel_op)
{
    union evtchn_args a;
    uint64_t cmd = args->a[0];
    long rc;

    if (cmd >= ARRAY_SIZE(ops) || !ops[cmd].fn)
        return -XEN_ENOSYS;
    if (copy_from_guest(v, &a, args->a[1], ops[cmd].size))
        return -XEN_EFAULT;
    rc = ops[cmd].fn(v, &a);
    if (!rc && ops[cmd].copy_back && copy_to_guest(v, args->a[1], &a, ops[cmd].size))
        return -XEN_EFAULT;
    return rc;
}

void event_vcpu_virq(struct vcpu *v, unsigned virq)
{
    struct domain *d = v->domain;
    uint32_t port;

    spin_lock(&d->evtchn.lock);
    port = v->virq_port[virq];
    if (port)
        event_set_pending(d, event_port(d, port), port);
    spin_unlock(&d->evtchn.lock);
}

void event_global_virq(unsigned virq)
{
    struct domain *d = global_virq_owner();

    if (d && domain_vcpu(d, 0))
        event_vcpu_virq(d->vcpu[0], virq);
}

int event_port_pending(struct domain *d, uint32_t port)
{
    int rc;

    spin_lock(&d->evtchn.lock); /* a reset by another vCPU frees the FIFO pages */
    if (port >= d->evtchn.nr_ports)
        rc = -XEN_EINVAL;
    else
        rc = d->evtchn.fifo ? event_fifo_is_pending(d, port) : event_2l_is_pending(d, port);
    spin_unlock(&d->evtchn.lock);
    return rc;
}

unsigned event_count_used(const struct domain *d)
{
    return d->evtchn.nr_used;
}

unsigned event_count_frames(const struct domain *d)
{
    return 1 + d->evtchn.nr_ports / EVTCHN_PER_PAGE;
}

bool event_domain_destroy(struct domain *d)
{
    return close_some(d) && !event_fifo_destroy(d);
}
