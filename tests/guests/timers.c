/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The PV clock, timers, run state, sleeping and waking. */
#include "guest.h"

#define LONG (10000 * MS) /* a busy host stops the whole machine for a while */

static shared_info_t *s;
static uint32_t port;

static uint64_t clock_now(void)
{
    volatile struct vcpu_time_info *t = &s->vcpu_info[0].time;
    uint64_t delta, ns;
    uint32_t version;

    do {
        version = t->version;
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        delta = rdtsc() - t->tsc_timestamp;
        delta = t->tsc_shift < 0 ? delta >> -t->tsc_shift : delta << t->tsc_shift;
        ns = t->system_time + (uint64_t)((unsigned __int128)delta * t->tsc_to_system_mul >> 32);
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
    } while (version & 1 || version != t->version);
    return ns;
}

static bool take(void)
{
    uint64_t bit = 1ul << port % 64;

    s->vcpu_info[0].evtchn_pending_sel = 0;
    return __atomic_fetch_and(&s->evtchn_pending[port / 64], ~bit, __ATOMIC_SEQ_CST) & bit;
}

/* Sleep by HLT until an upcall comes. */
static void sleep_until_upcall(void)
{
    unsigned before = upcalls;

    while (upcalls == before)
        __asm__ volatile("sti; hlt; cli" ::: "memory");
}

static void test_clock(void)
{
    uint64_t a = clock_now(), b, last = a;
    bool monotonic = true;

    for (unsigned i = 0; i < 20000; i++) {
        b = clock_now();
        monotonic &= b >= last;
        last = b;
    }
    check(a > 0 && monotonic, "the clock does not go back");
    check(last > a, "but on: %lu ns", last - a);
    check(s->wc_sec > 1500000000u && !(s->wc_version & 1), "the wall clock is set: %u", s->wc_sec);
    check(s->wc_nsec < 1000000000u, "its nanoseconds");
}

static long single(uint64_t when, uint32_t flags)
{
    struct vcpu_set_singleshot_timer t = {.timeout_abs_ns = when, .flags = flags};

    return vcpuop(set_singleshot_timer, 0, &t);
}

static void test_single(void)
{
    uint64_t start = clock_now(), took;

    expect(single(start + 3 * MS, 0), 0, "a timer in 3 ms");
    sleep_until_upcall();
    took = clock_now() - start;
    check(take() && took >= 3 * MS && took < LONG, "fires after about that: %lu ns", took);
    expect(single(1, 0), 0, "a timer of the past");
    interrupts_window();
    check(take(), "fires at once");
    expect(single(1, VCPU_SSHOTTMR_future), -XEN_ETIME, "one of the past that must be of the future");
    check(!take(), "does not fire");
    expect(single(clock_now() + 100 * MS, 0), 0, "a timer in 100 ms");
    expect(vcpuop(stop_singleshot_timer, 0, 0), 0, "is stopped");
    for (uint64_t end = clock_now() + 110 * MS; clock_now() < end;)
        interrupts_window();
    check(!take(), "and does not fire");
    start = clock_now();
    expect(HYPERCALL(set_timer_op, start + 2 * MS, 0, 0), 0, "set_timer_op");
    sleep_until_upcall();
    took = clock_now() - start;
    check(take() && took >= 2 * MS && took < LONG, "fires: %lu ns", took);
    expect(single(~0ull, 0), 0, "a timer at the end of time");
    expect(HYPERCALL(set_timer_op, 0, 0, 0), 0, "and off");
    expect(vcpuop(set_singleshot_timer, 3, 0), -XEN_ENOENT, "timer of no vCPU");
}

static void test_periodic(void)
{
    struct vcpu_set_periodic_timer p = {.period_ns = 2 * MS};
    uint64_t start = clock_now();
    unsigned n = 0;

    expect(vcpuop(set_periodic_timer, 0, &p), 0, "every 2 ms");
    while (n < 10 && clock_now() - start < LONG) {
        interrupts_window();
        n += take();
    }
    check(n == 10 && clock_now() - start >= 18 * MS, "comes ten times, not sooner than in 18 ms");
    expect(vcpuop(stop_periodic_timer, 0, 0), 0, "stop");
    take();
    for (uint64_t end = clock_now() + 6 * MS; clock_now() < end;)
        interrupts_window();
    check(!take(), "it stopped");
    p.period_ns = 1000;
    expect(vcpuop(set_periodic_timer, 0, &p), -XEN_EINVAL, "every microsecond is refused");
}

static void test_runstate(void)
{
    static struct vcpu_runstate_info area __attribute__((aligned(64)));
    static vcpu_time_info_t own;
    struct vcpu_register_time_memory_area clock = {.addr.v = &own};
    struct vcpu_register_runstate_memory_area r = {.addr.v = &area};
    struct vcpu_runstate_info a, b;
    uint64_t sum = 0, blocked = 0, t, around;

    expect(vcpuop(register_vcpu_time_memory_area, 0, &clock), 0, "clock area");
    check(own.tsc_to_system_mul && !(own.version & 1) && own.flags & XEN_PVCLOCK_TSC_STABLE_BIT,
          "it is a clock that user space may read");
    clock.addr.p = 0;
    expect(vcpuop(register_vcpu_time_memory_area, 0, &clock), 0, "it is taken back");
    expect(vcpuop(register_runstate_memory_area, 0, &r), 0, "run-state area");
    /* a busy host may let the 4 ms pass before the vCPU sleeps: then once more */
    for (unsigned tries = 0; tries < 8 && blocked < 3 * MS; tries++) {
        around = clock_now();
        vcpuop(get_runstate_info, 0, &a);
        t = clock_now();
        single(t + 4 * MS, 0);
        sleep_until_upcall();
        take();
        t = clock_now() - t;
        vcpuop(get_runstate_info, 0, &b);
        around = clock_now() - around;
        blocked = b.time[RUNSTATE_blocked] - a.time[RUNSTATE_blocked];
    }
    for (unsigned i = 0; i < 4; i++)
        sum += b.time[i] - a.time[i];
    check(b.state == RUNSTATE_running && area.state == RUNSTATE_running, "the state is running");
    check(blocked >= 3 * MS, "sleep counts as blocked");
    check(sum > t - MS && sum < around + MS, "the times add up: %lu of %lu ns", sum, t);
    check(area.time[RUNSTATE_blocked] >= b.time[RUNSTATE_blocked] - MS, "the area is kept up to date");
}

static void test_block_and_poll(void)
{
    uint64_t t = clock_now();
    struct sched_poll p = {.nr_ports = 1, .timeout = t + 2 * MS};

    set_xen_guest_handle(p.ports, &port);
    expect(sched(poll, &p), 0, "poll until a time");
    check(clock_now() - t >= 2 * MS, "waited");
    t = clock_now();
    single(t + 2 * MS, 0);
    p.timeout = 0;
    expect(sched(poll, &p), 0, "poll until an event");
    check(take() && clock_now() - t >= 2 * MS, "it came");
    interrupts_window();
    p.nr_ports = 129;
    expect(sched(poll, &p), -XEN_EINVAL, "poll of 129 ports");
    p.nr_ports = 1;
    p.ports.p = (evtchn_port_t *)BAD_POINTER;
    expect(sched(poll, &p), -XEN_EFAULT, "poll of a list that is not there");
    t = clock_now();
    single(t + 2 * MS, 0);
    expect(sched(block, 0), 0, "block");
    check(clock_now() - t >= 2 * MS, "until the timer");
    interrupts_window();
    check(take(), "it came");
}

static void test_nmi(void)
{
    unsigned before = nmis;

    expect(vcpuop(send_nmi, 0, 0), 0, "an NMI to oneself");
    for (unsigned i = 0; i < 1000 && nmis == before; i++)
        HYPERCALL(sched_op, SCHEDOP_yield, 0, 0);
    check(nmis == before + 1, "comes once");
}

void guest_main(void)
{
    struct evtchn_bind_virq b = {.virq = VIRQ_TIMER};

    s = shared_info_map();
    expect(callback_vector_set(2ul << 56 | UPCALL_VECTOR), 0, "callback by vector");
    expect(evtchn(bind_virq, &b), 0, "the timer's port");
    port = b.port;
    interrupts_window();
    test_clock();
    test_single();
    test_periodic();
    test_runstate();
    test_block_and_poll();
    test_nmi();
}
