/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Model test of event channels: three domains with four ports each; every sequence of operations up to a
 * depth, from the empty machine and from one with channels already bound. After each step both ends of a
 * channel must agree, free ports be empty, counts be exact; after each new state everything is destroyed and
 * all memory must be back.
 */
#include "hvtest.h"
#include "host_hypervisor.h"

#define DOMS  3u
#define PORTS 4u
#define FIRST 1u /* domain id of the first; domain 1 is the privileged one */

static struct domain *dom[DOMS]; /* NULL: killed */
static uint64_t free_at_start;
static struct host_seen *seen;
static struct host_snapshot *snap[16];
static unsigned max_depth;
static uint64_t nr_steps, nr_changed;

static bool fifo; /* the domains use FIFO delivery: control block in frame 0, event words in frame 1 */

static void use_fifo(struct domain *d)
{
    struct evtchn_init_control control = {.control_gfn = 0};
    struct evtchn_expand_array words = {.array_gfn = 1};

    assert_int_equal(host_event_op(d, EVTCHNOP_init_control, &control), 0);
    assert_int_equal(host_event_op(d, EVTCHNOP_init_control, &control), -XEN_EINVAL);
    assert_int_equal(host_event_op(d, EVTCHNOP_expand_array, &words), 0);
}

static bool is_pending(struct domain *d, uint32_t port)
{
    return d->evtchn.fifo ? event_fifo_is_pending(d, port) : event_2l_is_pending(d, port);
}

static void fresh(void)
{
    host_machine(72, 1);
    free_at_start = page_counts.free;
    for (unsigned i = 0; i < DOMS; i++) {
        dom[i] = host_domain((uint16_t)(FIRST + i), 2, PORTS);
        if (fifo)
            use_fifo(dom[i]);
    }
    dom[0]->privileged = true;
}

static void find_domains(void)
{
    for (unsigned i = 0; i < DOMS; i++)
        dom[i] = host_domain_find((uint16_t)(FIRST + i));
}

static uint64_t state_digest(void)
{
    uint64_t h = 0;

    for (unsigned i = 0; i < DOMS; i++) {
        h = host_digest(h, dom[i] ? dom[i]->evtchn.nr_used | (dom[i]->evtchn.fifo ? 64 : 0) : 99);
        for (uint32_t p = 1; dom[i] && p <= PORTS; p++) {
            const struct evtchn *e = event_port(dom[i], p);

            h = host_digest(h, !e || e->state == EVT_FREE
                                   ? 0
                                   : e->state | (uint64_t)e->remote_domid << 8 |
                                         (uint64_t)(e->state == EVT_INTERDOMAIN ? e->remote_port : 0) << 32);
            h = host_digest(h, is_pending(dom[i], p));
        }
    }
    return h;
}

static void check_channel(struct domain *d, uint32_t port, const struct evtchn *e)
{
    const struct evtchn *r;

    assert_non_null(e->remote);
    assert_int_equal(e->remote->id, e->remote_domid);
    assert_ptr_equal(e->remote, host_domain_find(e->remote_domid));
    assert_int_equal(e->remote->dying, DOMAIN_ALIVE);
    r = event_port(e->remote, e->remote_port);
    assert_non_null(r);
    assert_int_equal(r->state, EVT_INTERDOMAIN);
    assert_ptr_equal(r->remote, d);
    assert_int_equal(r->remote_port, port);
    assert_int_equal(r->remote_domid, d->id);
}

static void check_invariants(void)
{
    for (unsigned i = 0; i < DOMS; i++) {
        struct domain *d = dom[i];
        unsigned used = 0, lowest = PORTS + 1;

        if (!d)
            continue;
        assert_int_equal(d->refs, 1);
        assert_false(spin_is_locked(&d->evtchn.lock));
        for (uint32_t p = 0; p < d->evtchn.nr_ports; p++) {
            const struct evtchn *e = event_port(d, p);

            if (e->state == EVT_FREE) {
                assert_null(e->remote);
                assert_false(is_pending(d, p));
                if (p)
                    lowest = MIN(lowest, p);
                continue;
            }
            assert_in_range(p, 1, PORTS);
            used++;
            if (e->state == EVT_INTERDOMAIN)
                check_channel(d, p, e);
            else
                assert_null(e->remote);
        }
        assert_int_equal(d->evtchn.nr_used, used);
        assert_true(d->evtchn.lowest_free <= lowest);
    }
}

/* ---- operations: each knows what it must return from the state before it ---- */

static unsigned count_free_ports(const struct domain *d)
{
    return PORTS - d->evtchn.nr_used;
}

static void op_alloc_unbound(unsigned self, unsigned x, unsigned y)
{
    struct evtchn_alloc_unbound a = {.dom = (domid_t)(FIRST + x), .remote_dom = (domid_t)(FIRST + y)};
    long want = !dom[x]                     ? -XEN_ESRCH
                : self != x && self         ? -XEN_EPERM
                : !count_free_ports(dom[x]) ? -XEN_ENOSPC
                                            : 0;

    assert_int_equal(host_event_op(dom[self], EVTCHNOP_alloc_unbound, &a), want);
    if (!want) {
        assert_int_equal(event_port(dom[x], a.port)->state, EVT_UNBOUND);
        assert_int_equal(event_port(dom[x], a.port)->remote_domid, FIRST + y);
    }
}

static void op_bind(unsigned self, unsigned x, unsigned port)
{
    struct evtchn_bind_interdomain a = {.remote_dom = (domid_t)(FIRST + x), .remote_port = port};
    const struct evtchn *r = dom[x] ? event_port(dom[x], port) : NULL;
    bool right = r && r->state == EVT_UNBOUND && r->remote_domid == FIRST + self;
    long want = !dom[x] ? -XEN_ESRCH : !right ? -XEN_EINVAL : !count_free_ports(dom[self]) ? -XEN_ENOSPC : 0;

    assert_int_equal(host_event_op(dom[self], EVTCHNOP_bind_interdomain, &a), want);
    if (!want) {
        check_channel(dom[self], a.local_port, event_port(dom[self], a.local_port));
        assert_true(is_pending(dom[self], a.local_port));
    }
}

static void op_send(unsigned self, unsigned x, unsigned port)
{
    struct evtchn_send a = {.port = port};
    const struct evtchn *e = event_port(dom[self], port);
    bool bound = e && e->state == EVT_INTERDOMAIN;
    long want = bound || (e && e->state == EVT_UNBOUND) ? 0 : -XEN_EINVAL;
    uint64_t before = state_digest();

    (void)x;
    assert_int_equal(host_event_op(dom[self], EVTCHNOP_send, &a), want);
    if (bound)
        assert_true(is_pending(e->remote, e->remote_port));
    else
        assert_int_equal(state_digest(), before);
}

static void op_close(unsigned self, unsigned x, unsigned port)
{
    struct evtchn_close a = {.port = port};
    const struct evtchn *e = event_port(dom[self], port);
    long want = e && port && e->state != EVT_FREE ? 0 : -XEN_EINVAL;
    struct evtchn old = e ? *e : (struct evtchn){0};

    (void)x;
    assert_int_equal(host_event_op(dom[self], EVTCHNOP_close, &a), want);
    if (want)
        return;
    assert_int_equal(event_port(dom[self], port)->state, EVT_FREE);
    if (old.state == EVT_INTERDOMAIN) {
        const struct evtchn *r = event_port(old.remote, old.remote_port);

        assert_int_equal(r->state, EVT_UNBOUND);
        assert_int_equal(r->remote_domid, FIRST + self);
    }
}

static void op_reset(unsigned self, unsigned x, unsigned y)
{
    struct evtchn_reset a = {.dom = (domid_t)(FIRST + x)};
    long want = !dom[x] ? -XEN_ESRCH : self != x && self ? -XEN_EPERM : 0;

    (void)y;
    assert_int_equal(host_event_op(dom[self], EVTCHNOP_reset, &a), want);
    if (!want)
        assert_int_equal(dom[x]->evtchn.nr_used, 0);
}

static void op_kill(unsigned self, unsigned x, unsigned y)
{
    (void)x, (void)y;
    host_domain_kill(dom[self]);
    find_domains();
    assert_null(dom[self]); /* nobody holds its memory */
}

/* The guest looked at its port. */
static void op_consume(unsigned self, unsigned x, unsigned port)
{
    (void)x;
    if (dom[self]->evtchn.fifo)
        event_fifo_clear_pending(dom[self], port);
    else
        event_2l_clear_pending(dom[self], port);
}

static const struct {
    const char *name;
    void (*fn)(unsigned self, unsigned x, unsigned y);
    unsigned nr_x, first_y, nr_y;
} ops[] = {
    {"alloc_unbound", op_alloc_unbound, DOMS, 0, DOMS},
    {"bind_interdomain", op_bind, DOMS, 0, PORTS + 2}, /* port 0 and one too high as well */
    {"send", op_send, 1, 0, PORTS + 2},
    {"close", op_close, 1, 0, PORTS + 2},
    {"reset", op_reset, DOMS, 0, 1},
    {"kill", op_kill, 1, 0, 1},
    {"consume", op_consume, 1, 1, PORTS},
};

static void all_must_end(void)
{
    for (unsigned i = 0; i < DOMS; i++)
        if (dom[i])
            host_domain_kill(dom[i]);
    assert_null(domain_list);
    assert_int_equal(page_counts.free, free_at_start);
}

static void explore(unsigned depth)
{
    uint64_t here = state_digest();

    if (!snap[depth])
        snap[depth] = host_snapshot_new();
    host_snapshot_save(snap[depth]);
    for (unsigned o = 0; o < ARRAY_SIZE(ops); o++)
        for (unsigned self = 0; self < DOMS; self++)
            for (unsigned i = 0; i < ops[o].nr_x * ops[o].nr_y && dom[self]; i++) {
                uint64_t now;

                ops[o].fn(self, i / ops[o].nr_y, ops[o].first_y + i % ops[o].nr_y);
                nr_steps++;
                now = state_digest();
                if (now == here)
                    continue;
                nr_changed++;
                check_invariants();
                if (host_seen_add(seen, now, depth + 1)) {
                    if (depth + 1 < max_depth)
                        explore(depth + 1);
                    else
                        all_must_end();
                }
                host_snapshot_restore(snap[depth]);
                find_domains();
            }
    /* this state, too, must end well */
    all_must_end();
    host_snapshot_restore(snap[depth]);
    find_domains();
}

static void run(unsigned depth, const char *from)
{
    seen = host_seen_new();
    max_depth = depth;
    nr_steps = nr_changed = 0;
    explore(0);
    print_message("%s, depth %u: %llu operations, %llu of them changed something, %llu states\n", from, depth,
                  (unsigned long long)nr_steps, (unsigned long long)nr_changed,
                  (unsigned long long)host_seen_count(seen));
    for (unsigned i = 0; i < ARRAY_SIZE(snap); i++) {
        host_snapshot_free(snap[i]);
        snap[i] = NULL;
    }
    host_seen_free(seen);
}

static void test_from_nothing(void **state)
{
    (void)state;
    fresh();
    run(5, "empty machine");
}

static void test_fifo(void **state)
{
    (void)state;
    fifo = true;
    fresh();
    for (unsigned i = 0; i < DOMS; i++)
        assert_int_equal(page_refs(p2m_lookup(dom[i], gfn(1), NULL, NULL)), 2);
    run(4, "empty machine, FIFO");
    fifo = false;
}

/* Channels between all three and one to itself, some ports unbound, one domain without a free port. */
static void test_from_bound(void **state)
{
    static const struct {
        unsigned listener, caller;
    } pair[] = {{0, 1}, {1, 2}, {2, 0}, {1, 1}};

    (void)state;
    fresh();
    for (unsigned i = 0; i < ARRAY_SIZE(pair); i++) {
        struct evtchn_alloc_unbound a = {.dom = DOMID_SELF, .remote_dom = (domid_t)(FIRST + pair[i].caller)};
        struct evtchn_bind_interdomain b = {.remote_dom = (domid_t)(FIRST + pair[i].listener)};

        assert_int_equal(host_event_op(dom[pair[i].listener], EVTCHNOP_alloc_unbound, &a), 0);
        b.remote_port = a.port;
        assert_int_equal(host_event_op(dom[pair[i].caller], EVTCHNOP_bind_interdomain, &b), 0);
    }
    assert_int_equal(count_free_ports(dom[1]), 0);
    check_invariants();
    run(3, "bound machine");
}

static void test_bad_calls(void **state)
{
    struct evtchn_send a = {.port = 0xffffffff};
    struct evtchn_status s = {.dom = DOMID_SELF, .port = 1};
    struct evtchn_alloc_unbound u = {.dom = DOMID_SELF, .remote_dom = DOMID_SELF};
    struct evtchn_reset gone = {.dom = 77};

    (void)state;
    fresh();
    assert_int_equal(host_event_op(dom[1], 4711, &a), -XEN_ENOSYS);
    assert_int_equal(host_event_op(dom[1], EVTCHNOP_send, NULL), -XEN_EFAULT);
    assert_int_equal(host_event_op(dom[1], EVTCHNOP_send, &a), -XEN_EINVAL);
    assert_int_equal(host_event_op(dom[1], EVTCHNOP_reset, &gone), -XEN_ESRCH);
    assert_int_equal(host_event_op(dom[1], EVTCHNOP_alloc_unbound, &u), 0);
    assert_int_equal(host_event_op(dom[1], EVTCHNOP_status, &s), 0);
    assert_int_equal(s.status, EVTCHNSTAT_unbound);
    assert_int_equal(s.u.unbound.dom, FIRST + 1);
    s.dom = FIRST;
    assert_int_equal(host_event_op(dom[1], EVTCHNOP_status, &s), -XEN_EPERM);
    all_must_end();
}

static void test_virq_ipi(void **state)
{
    struct evtchn_bind_virq timer = {.virq = VIRQ_TIMER}, none = {.virq = NR_VIRQ};
    struct evtchn_bind_virq global = {.virq = VIRQ_DOM_EXC}, other = {.virq = VIRQ_TIMER, .vcpu = 1};
    struct evtchn_bind_ipi ipi = {.vcpu = 0}, no_ipi = {.vcpu = 7};
    struct evtchn_close c;
    struct evtchn_send s;

    (void)state;
    fresh();
    dom0 = dom[0];
    assert_int_equal(host_event_op(dom[1], EVTCHNOP_bind_virq, &none), -XEN_EINVAL);
    assert_int_equal(host_event_op(dom[1], EVTCHNOP_bind_virq, &global), -XEN_EPERM);
    assert_int_equal(host_event_op(dom[1], EVTCHNOP_bind_virq, &other), -XEN_ENOENT);
    assert_int_equal(host_event_op(dom[1], EVTCHNOP_bind_virq, &timer), 0);
    assert_int_equal(host_event_op(dom[1], EVTCHNOP_bind_virq, &timer), -XEN_EEXIST);
    event_vcpu_virq(dom[1]->vcpu[0], VIRQ_TIMER);
    assert_int_equal(event_port_pending(dom[1], timer.port), 1);
    assert_false(dom[1]->vcpu[0]->blocked); /* woken */
    c.port = timer.port;
    assert_int_equal(host_event_op(dom[1], EVTCHNOP_close, &c), 0);
    assert_int_equal(dom[1]->vcpu[0]->virq_port[VIRQ_TIMER], 0);
    event_vcpu_virq(dom[1]->vcpu[0], VIRQ_TIMER);
    assert_int_equal(event_port_pending(dom[1], timer.port), 0);
    assert_int_equal(host_event_op(dom[1], EVTCHNOP_bind_ipi, &no_ipi), -XEN_ENOENT);
    assert_int_equal(host_event_op(dom[1], EVTCHNOP_bind_ipi, &ipi), 0);
    s.port = ipi.port;
    assert_int_equal(host_event_op(dom[1], EVTCHNOP_send, &s), 0);
    assert_int_equal(event_port_pending(dom[1], ipi.port), 1);
    assert_int_equal(host_event_op(dom[0], EVTCHNOP_bind_virq, &global), 0);
    host_domain_kill(dom[2]);
    assert_int_equal(event_port_pending(dom[0], global.port), 1);
    find_domains();
    dom0 = NULL;
    all_must_end();
}

/* A masked port is not announced until it is unmasked; the selector and the upcall flag follow. */
static void test_mask(void **state)
{
    struct evtchn_bind_ipi ipi = {.vcpu = 0};
    struct evtchn_send s;
    struct evtchn_unmask u;
    vcpu_info_t *info;

    (void)state;
    fresh();
    info = dom[1]->vcpu[0]->info;
    assert_int_equal(host_event_op(dom[1], EVTCHNOP_bind_ipi, &ipi), 0);
    s.port = u.port = ipi.port;
    dom[1]->shared_info->evtchn_mask[0] = BIT(ipi.port);
    assert_int_equal(host_event_op(dom[1], EVTCHNOP_send, &s), 0);
    assert_int_equal(info->evtchn_upcall_pending, 0);
    assert_true(dom[1]->vcpu[0]->blocked);
    assert_int_equal(host_event_op(dom[1], EVTCHNOP_unmask, &u), 0);
    assert_int_equal(info->evtchn_upcall_pending, 1);
    assert_int_equal(info->evtchn_pending_sel, 1);
    assert_false(dom[1]->vcpu[0]->blocked);
    all_must_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_from_nothing), cmocka_unit_test(test_from_bound), cmocka_unit_test(test_fifo),
        cmocka_unit_test(test_bad_calls),    cmocka_unit_test(test_virq_ipi),   cmocka_unit_test(test_mask),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
