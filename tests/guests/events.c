/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Event channels: every state of a port, both delivery methods, limits, and calls that must be refused. */
#include "guest.h"

static shared_info_t *s;

static uint32_t alloc(void)
{
    struct evtchn_alloc_unbound a = {.dom = DOMID_SELF, .remote_dom = DOMID_SELF};

    return evtchn(alloc_unbound, &a) ? 0 : a.port;
}

static long bind_virq(uint32_t virq, uint32_t vcpu, uint32_t *port)
{
    struct evtchn_bind_virq b = {.virq = virq, .vcpu = vcpu};
    long rc = evtchn(bind_virq, &b);

    *port = b.port;
    return rc;
}

static long bind_ipi(uint32_t vcpu, uint32_t *port)
{
    struct evtchn_bind_ipi b = {.vcpu = vcpu};
    long rc = evtchn(bind_ipi, &b);

    *port = b.port;
    return rc;
}

static long send(uint32_t port)
{
    return evtchn(send, &(struct evtchn_send){.port = port});
}

static long close(uint32_t port)
{
    return evtchn(close, &(struct evtchn_close){.port = port});
}

static long unmask(uint32_t port)
{
    return evtchn(unmask, &(struct evtchn_unmask){.port = port});
}

static uint32_t status(uint32_t port)
{
    struct evtchn_status st = {.dom = DOMID_SELF, .port = port};

    return evtchn(status, &st) ? 99 : st.status;
}

static bool pending(uint32_t port)
{
    return s->evtchn_pending[port / 64] >> (port % 64) & 1;
}

static void clear(uint32_t port)
{
    __atomic_fetch_and(&s->evtchn_pending[port / 64], ~(1ul << port % 64), __ATOMIC_SEQ_CST);
    __atomic_store_n(&s->vcpu_info[0].evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);
}

static void mask(uint32_t port)
{
    __atomic_fetch_or(&s->evtchn_mask[port / 64], 1ul << port % 64, __ATOMIC_SEQ_CST);
}

/* Interrupts in once; how many upcalls came. */
static unsigned upcalls_now(void)
{
    unsigned before = upcalls;

    interrupts_window();
    return upcalls - before;
}

static void test_ipi(void)
{
    uint32_t port;

    expect(bind_ipi(0, &port), 0, "bind_ipi");
    check(status(port) == EVTCHNSTAT_ipi, "its status");
    upcalls_now();
    expect(send(port), 0, "send to it");
    check(pending(port) && s->vcpu_info[0].evtchn_upcall_pending, "the port is pending, an upcall too");
    check(upcalls_now() == 1, "one upcall came");
    clear(port);
    check(upcalls_now() == 0, "and no second one");
    mask(port);
    expect(send(port), 0, "send while masked");
    check(pending(port) && upcalls_now() == 0, "pending, but no upcall");
    expect(unmask(port), 0, "unmask");
    check(upcalls_now() == 1, "now the upcall comes");
    clear(port);
    expect(close(port), 0, "close");
    expect(close(port), -XEN_EINVAL, "close twice");
    expect(send(port), -XEN_EINVAL, "send to a closed port");
    check(status(port) == EVTCHNSTAT_closed, "a closed port's status");
    expect(bind_ipi(7, &port), -XEN_ENOENT, "bind_ipi to a vCPU that is not there");
}

static void test_interdomain(void)
{
    uint32_t a = alloc(), b;
    struct evtchn_bind_interdomain bi = {.remote_dom = DOMID_SELF, .remote_port = a};

    check(a != 0 && status(a) == EVTCHNSTAT_unbound, "alloc_unbound to oneself");
    expect(send(a), 0, "send to an unbound port is dropped");
    check(!pending(a), "nothing is pending");
    expect(evtchn(bind_interdomain, &bi), 0, "bind_interdomain");
    b = bi.local_port;
    check(b && b != a && status(a) == EVTCHNSTAT_interdomain && status(b) == EVTCHNSTAT_interdomain,
          "both ends are bound");
    clear(a), clear(b);
    upcalls_now();
    expect(send(a), 0, "send from one end");
    check(pending(b) && !pending(a) && upcalls_now() == 1, "arrives at the other");
    clear(b);
    expect(evtchn(bind_interdomain, &bi), -XEN_EINVAL, "a bound port cannot be bound again");
    expect(close(b), 0, "close one end");
    check(status(a) == EVTCHNSTAT_unbound, "the other is unbound again");
    bi.local_port = 0;
    expect(evtchn(bind_interdomain, &bi), 0, "and can be bound once more");
    expect(close(a), 0, "close that end");
    check(status(bi.local_port) == EVTCHNSTAT_unbound, "the peer is unbound");
    expect(close(bi.local_port), 0, "close the peer");
    bi = (struct evtchn_bind_interdomain){.remote_dom = 77, .remote_port = 1};
    expect(evtchn(bind_interdomain, &bi), -XEN_ESRCH, "bind to no domain");
    bi = (struct evtchn_bind_interdomain){.remote_dom = DOMID_SELF, .remote_port = 3000};
    expect(evtchn(bind_interdomain, &bi), -XEN_EINVAL, "bind to a port that was never there");
    expect(evtchn(alloc_unbound, &((struct evtchn_alloc_unbound){.dom = 77, .remote_dom = 0})), -XEN_ESRCH,
           "alloc_unbound for no domain");
}

static void test_virq(void)
{
    uint32_t port, other;

    expect(bind_virq(VIRQ_TIMER, 0, &port), 0, "bind the timer");
    check(status(port) == EVTCHNSTAT_virq, "its status");
    expect(bind_virq(VIRQ_TIMER, 0, &other), -XEN_EEXIST, "bind it twice");
    expect(send(port), -XEN_EINVAL, "a VIRQ cannot be sent");
    expect(bind_virq(NR_VIRQS, 0, &other), -XEN_EINVAL, "no such VIRQ");
    expect(bind_virq(0xffffffff, 0, &other), -XEN_EINVAL, "no such VIRQ, far out");
    expect(bind_virq(VIRQ_TIMER, 5, &other), -XEN_ENOENT, "VIRQ of no vCPU");
    expect(bind_virq(VIRQ_CONSOLE, 1, &other), -XEN_EINVAL, "a global VIRQ stands on vCPU 0");
    expect(evtchn(bind_vcpu, &((struct evtchn_bind_vcpu){.port = port, .vcpu = 0})), -XEN_EINVAL,
           "the timer's port does not move");
    upcalls_now();
    expect(HYPERCALL(set_timer_op, 1, 0, 0), 0, "a timer of the past");
    for (unsigned i = 0; i < 1000 && !pending(port); i++)
        interrupts_window();
    check(pending(port), "fires at once");
    clear(port);
    interrupts_window();
    expect(close(port), 0, "close it");
    expect(bind_virq(VIRQ_TIMER, 0, &port), 0, "bind it again");
    expect(close(port), 0, "and close");
}

static void test_limits(void)
{
    struct evtchn_status st = {.dom = 77, .port = 1};
    unsigned n = 0;
    uint32_t port;

    expect(send(0), -XEN_EINVAL, "port 0 is nobody's: send");
    expect(close(0), -XEN_EINVAL, "port 0: close");
    expect(send(4095), -XEN_EINVAL, "a port that never was");
    expect(send(0xffffffff), -XEN_EINVAL, "port ~0");
    expect(close(0x80000000), -XEN_EINVAL, "port 2^31");
    expect(unmask(0xfffffff0), -XEN_EINVAL, "unmask far out");
    expect(evtchn(status, &st), -XEN_ESRCH, "status in no domain");
    expect(evtchn(bind_vcpu, &((struct evtchn_bind_vcpu){.port = 5000, .vcpu = 0})), -XEN_EINVAL,
           "bind_vcpu of no port");
    expect(evtchn(bind_vcpu, &((struct evtchn_bind_vcpu){.port = 1, .vcpu = 9})), -XEN_ENOENT,
           "bind_vcpu to no vCPU");
    while (bind_ipi(0, &port) == 0)
        n++;
    check(n >= 1000 && n < 4096, "ports end at %u", n);
    expect(bind_ipi(0, &port), -XEN_ENOSPC, "then there is no space");
    expect(evtchn(reset, &((struct evtchn_reset){.dom = DOMID_SELF})), 0, "reset closes all");
    expect(bind_ipi(0, &port), 0, "and there is space again");
    expect(close(port), 0, "close");
    expect(evtchn(reset, &((struct evtchn_reset){.dom = 77})), -XEN_ESRCH, "reset of no domain");
}

/* FIFO: control block, event array, queues by priority. */
static struct evtchn_fifo_control_block control __attribute__((aligned(4096)));
static event_word_t words[1024] __attribute__((aligned(4096)));

static long init_control(uint64_t gfn, uint32_t offset, uint32_t vcpu)
{
    struct evtchn_init_control c = {.control_gfn = gfn, .offset = offset, .vcpu = vcpu};

    return evtchn(init_control, &c);
}

/* Take the head of a queue as Linux does; 0: empty. */
static uint32_t fifo_take(unsigned priority)
{
    uint32_t port = control.head[priority];
    event_word_t w;

    if (!port)
        return 0;
    w = __atomic_and_fetch(&words[port], ~(1u << EVTCHN_FIFO_LINKED | ((1u << EVTCHN_FIFO_LINK_BITS) - 1)),
                           __ATOMIC_SEQ_CST);
    (void)w;
    __atomic_and_fetch(&words[port], ~(1u << EVTCHN_FIFO_PENDING), __ATOMIC_SEQ_CST);
    return port;
}

static void test_fifo_refusals(void)
{
    expect(evtchn(set_priority, &((struct evtchn_set_priority){.port = 1, .priority = 0})), -XEN_ENOSYS,
           "FIFO: no priorities before it is on");
    expect(evtchn(expand_array, &((struct evtchn_expand_array){.array_gfn = (uint64_t)words >> 12})),
           -XEN_EOPNOTSUPP, "FIFO: no array before it is on");
    expect(init_control(EMPTY_GFN + 0x100, 0, 0), -XEN_EINVAL, "FIFO: control block where nothing is");
    expect(init_control((uint64_t)&control >> 12, 4, 0), -XEN_EINVAL, "FIFO: unaligned control block");
    expect(init_control((uint64_t)&control >> 12, 4096 - 8, 0), -XEN_EINVAL,
           "FIFO: control block past the page");
    expect(init_control((uint64_t)&control >> 12, 0, 9), -XEN_ENOENT, "FIFO: control block of no vCPU");
}

static void test_fifo(void)
{
    uint32_t a, b, c;

    expect(init_control((uint64_t)&control >> 12, (uint32_t)((uint64_t)&control & 4095), 0), 0, "FIFO: on");
    expect(evtchn(expand_array, &((struct evtchn_expand_array){.array_gfn = EMPTY_GFN + 0x100})), -XEN_EINVAL,
           "FIFO: array where nothing is");
    expect(evtchn(expand_array, &((struct evtchn_expand_array){.array_gfn = (uint64_t)words >> 12})), 0,
           "FIFO: array");
    expect(bind_ipi(0, &a), 0, "FIFO: port a"), expect(bind_ipi(0, &b), 0, "FIFO: port b");
    expect(bind_ipi(0, &c), 0, "FIFO: port c");
    expect(evtchn(set_priority, &((struct evtchn_set_priority){.port = c, .priority = 16})), -XEN_EINVAL,
           "FIFO: priority 16");
    expect(evtchn(set_priority, &((struct evtchn_set_priority){.port = c, .priority = 2})), 0,
           "FIFO: priority 2");
    __atomic_store_n(&s->vcpu_info[0].evtchn_upcall_pending, 0, __ATOMIC_SEQ_CST);
    upcalls_now();
    expect(send(a), 0, "FIFO: send a"), expect(send(b), 0, "FIFO: send b"),
        expect(send(c), 0, "FIFO: send c");
    check(upcalls_now() == 1, "FIFO: one upcall for three events");
    check(control.ready == (1u << EVTCHN_FIFO_PRIORITY_DEFAULT | 1u << 2), "FIFO: two queues are ready");
    check(control.head[2] == c && control.head[EVTCHN_FIFO_PRIORITY_DEFAULT] == a, "FIFO: heads");
    check((words[a] & ((1u << EVTCHN_FIFO_LINK_BITS) - 1)) == b, "FIFO: a is linked to b");
    check(fifo_take(2) == c, "FIFO: c is taken");
    send(c);
    check(words[c] >> EVTCHN_FIFO_PENDING & 1 && words[c] >> EVTCHN_FIFO_LINKED & 1,
          "FIFO: c is pending and linked again");
    words[b] |= 1u << EVTCHN_FIFO_MASKED;
    expect(unmask(b), 0, "FIFO: unmask");
    check(!(words[b] >> EVTCHN_FIFO_MASKED & 1), "FIFO: the mask bit is gone");
    expect(evtchn(reset, &((struct evtchn_reset){.dom = DOMID_SELF})), 0,
           "FIFO: reset goes back to two levels");
    expect(bind_ipi(0, &a), 0, "a port after it");
    clear(a);
    expect(send(a), 0, "send");
    check(pending(a), "is seen in the bitmap");
    expect(close(a), 0, "close");
}

/* A guest that scribbles over its queue hurts nobody but itself. */
static void test_fifo_hostile(void)
{
    uint32_t port[8];

    if (init_control((uint64_t)&control >> 12, (uint32_t)((uint64_t)&control & 4095), 0) ||
        evtchn(expand_array, &((struct evtchn_expand_array){.array_gfn = (uint64_t)words >> 12}))) {
        check(false, "FIFO: on again");
        return;
    }
    for (unsigned i = 0; i < 8; i++)
        bind_ipi(0, &port[i]);
    for (unsigned round = 0; round < 2000; round++) {
        words[port[random64() % 8]] = (event_word_t)random64();
        control.head[random64() % 16] = (uint32_t)random64();
        control.ready = (uint32_t)random64();
        send(port[random64() % 8]);
        unmask(port[random64() % 8]);
    }
    interrupts_window();
    check(true, "FIFO: scribbled words and heads are survived");
    expect(evtchn(reset, &((struct evtchn_reset){.dom = DOMID_SELF})), 0, "FIFO: off");
}

void guest_main(void)
{
    uint32_t port;

    s = shared_info_map();
    check(s != NULL, "shared info at an empty frame");
    expect(callback_vector_set(2ul << 56 | UPCALL_VECTOR), 0, "callback by vector");
    test_ipi();
    test_interdomain();
    test_virq();
    test_limits();
    test_fifo_refusals();
    test_fifo();
    test_fifo_hostile();
    expect(bind_ipi(0, &port), 0, "two levels work after all that");
    expect(close(port), 0, "close");
}
