/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The run queues: fairness by weight, wake-up preemption, caps, pinning, pausing, stealing; a random walk
 * with invariants. */
#include "hvtest.h"
#include "host_hypervisor.h"

#define NR   4u
#define MSEC 1000000ull

static struct domain *dom[NR];
static struct vcpu *vc[NR];

static void machine(unsigned nr)
{
    host_machine(128, nr);
    for (unsigned i = 0; i < NR; i++) {
        dom[i] = host_domain((uint16_t)(i + 1), 0, 4);
        vc[i] = dom[i]->vcpu[0];
    }
}

/* What the CPU loop does: pick, and save the one that left. */
static struct vcpu *switch_now(void)
{
    struct cpu *c = this_cpu();
    struct vcpu *prev = c->current, *next;

    c->work &= ~(uint32_t)WORK_RESCHED;
    next = sched_pick();
    if (prev && prev != next)
        sched_vcpu_left(prev);
    return next;
}

static void check_queue(void)
{
    struct runq *q = this_cpu()->runq;
    uint64_t last = 0;
    unsigned n = 0;

    for (struct vcpu *v = q->head; v; v = v->sched.next, n++) {
        assert_true(v->sched.queued);
        assert_false(v->running);
        assert_true(v->sched.vruntime >= last);
        assert_true(vcpu_runnable(v));
        last = v->sched.vruntime;
    }
    assert_int_equal(n, q->nr_queued);
    assert_false(spin_is_locked(&q->lock));
    for (unsigned i = 0; i < NR; i++) {
        assert_int_equal(vc[i]->running, this_cpu()->current == vc[i]);
        if (vcpu_runnable(vc[i]))
            assert_true(vc[i]->running || vc[i]->sched.queued);
    }
}

/* Let time pass in small steps; timers fire, the CPU switches when told. */
static void pass(uint64_t ns)
{
    for (uint64_t end = host_now + ns; host_now < end; host_now += MSEC / 4) {
        timer_run(&this_cpu()->timers, host_now);
        if (this_cpu()->work & WORK_RESCHED)
            switch_now();
        check_queue();
    }
}

static void test_weights(void **state)
{
    uint64_t total = 0;

    (void)state;
    machine(1);
    for (unsigned i = 0; i < 3; i++) {
        dom[i]->weight = (uint16_t)(SCHED_DEFAULT_WEIGHT << i);
        vcpu_wake(vc[i]);
    }
    switch_now();
    pass(7000 * MSEC);
    switch_now();
    for (unsigned i = 0; i < 3; i++)
        total += vc[i]->cpu_time_ns;
    assert_in_range(total, 6990 * MSEC, 7010 * MSEC);
    for (unsigned i = 0; i < 3; i++) /* 1 : 2 : 4 */
        assert_in_range(vc[i]->cpu_time_ns, (1000ull << i) * MSEC * 95 / 100,
                        (1000ull << i) * MSEC * 105 / 100);
}

/* A sleeper runs at once against one that computes, again and again, but cannot save up for a monopoly. */
static void test_wake_up(void **state)
{
    uint64_t hog;

    (void)state;
    machine(1);
    vcpu_wake(vc[0]);
    switch_now();
    pass(100 * MSEC);
    for (unsigned i = 0; i < 50; i++) {
        vcpu_wake(vc[1]);
        assert_true(this_cpu()->work & WORK_RESCHED);
        assert_ptr_equal(switch_now(), vc[1]);
        host_now += MSEC / 10;
        vc[1]->blocked = true;
        assert_ptr_equal(switch_now(), vc[0]);
        pass(5 * MSEC);
    }
    host_now += 10000 * MSEC; /* slept for long */
    switch_now();
    hog = vc[0]->cpu_time_ns;
    vcpu_wake(vc[1]);
    switch_now();
    pass(100 * MSEC);
    switch_now();
    assert_in_range(vc[0]->cpu_time_ns - hog, 40 * MSEC, 60 * MSEC);
}

static void test_cap(void **state)
{
    (void)state;
    machine(1);
    dom[0]->cap = 20;
    vcpu_wake(vc[0]);
    switch_now();
    pass(5000 * MSEC); /* alone on the CPU */
    assert_in_range(vc[0]->cpu_time_ns, 900 * MSEC, 1150 * MSEC);
}

static void test_pause(void **state)
{
    (void)state;
    machine(1);
    vcpu_wake(vc[0]);
    vcpu_wake(vc[1]);
    assert_non_null(switch_now());
    for (unsigned i = 0; i < 2; i++) {
        dom[i]->pause_count++;
        sched_vcpu_recheck(vc[i]);
    }
    assert_null(switch_now());
    check_queue();
    assert_int_equal(this_cpu()->runq->nr_queued, 0);
    vcpu_wake(vc[1]); /* not blocked: nothing */
    assert_null(switch_now());
    domain_unpause(dom[1]);
    assert_ptr_equal(switch_now(), vc[1]);
    sched_yield_current(); /* nobody else: goes on */
    assert_ptr_equal(switch_now(), vc[1]);
    domain_unpause(dom[0]);
    sched_yield_current();
    assert_ptr_equal(switch_now(), vc[0]);
}

/* Woken on a busy CPU it goes to an idle one that it may use; pinned, it stays. */
static void test_affinity(void **state)
{
    (void)state;
    machine(3);
    for (unsigned i = 0; i < NR; i++)
        vc[i]->processor = cpus[0];
    vcpu_wake(vc[0]);
    assert_ptr_equal(switch_now(), vc[0]);
    vcpu_wake(vc[1]);
    assert_ptr_not_equal(vc[1]->processor, cpus[0]);
    assert_true(vc[1]->processor->work & WORK_RESCHED);
    vc[2]->hard_affinity[0] = 1;
    vcpu_wake(vc[2]);
    assert_ptr_equal(vc[2]->processor, cpus[0]);
    vc[3]->soft_affinity[0] = 4;
    vcpu_wake(vc[3]);
    assert_ptr_equal(vc[3]->processor, cpus[2]);
}

/* An idle CPU takes what waits elsewhere, unless it may not. */
static void test_steal(void **state)
{
    (void)state;
    machine(2);
    for (unsigned i = 0; i < 2; i++) {
        vc[i]->processor = cpus[1];
        vc[i]->hard_affinity[0] = 2;
        vcpu_wake(vc[i]);
    }
    assert_int_equal(cpus[1]->runq->nr_queued, 2);
    assert_null(switch_now()); /* CPU 0: pinned elsewhere */
    vc[1]->hard_affinity[0] = 3;
    assert_ptr_equal(switch_now(), vc[1]);
    assert_ptr_equal(vc[1]->processor, cpus[0]);
    assert_int_equal(cpus[1]->runq->nr_queued, 1);
}

static void test_random(void **state)
{
    uint64_t seed = 5;

    (void)state;
    machine(1);
    dom[2]->cap = 30;
    dom[3]->weight = 1000;
    for (unsigned n = 0; n < 30000; n++) {
        struct vcpu *v;

        seed = seed * 6364136223846793005ull + 1442695040888963407ull;
        v = vc[(seed >> 33) % NR];
        switch ((seed >> 50) % 6) {
        case 0:
        case 1:
            vcpu_wake(v);
            break;
        case 2:
            if (v == this_cpu()->current) {
                v->blocked = true;
                switch_now();
            }
            break;
        case 3:
            __atomic_add_fetch(&v->pause_count, v->pause_count ? -1 : 1, __ATOMIC_SEQ_CST);
            sched_vcpu_recheck(v);
            if (v == this_cpu()->current)
                switch_now();
            break;
        case 4:
            sched_yield_current();
            break;
        default:
            pass((seed >> 40) % (5 * MSEC));
        }
        if (this_cpu()->work & WORK_RESCHED)
            switch_now();
        check_queue();
    }
    for (unsigned i = 0; i < NR; i++)
        if (vc[i] != this_cpu()->current)
            sched_vcpu_destroy(vc[i]);
    assert_int_equal(this_cpu()->runq->nr_queued, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_weights), cmocka_unit_test(test_wake_up),  cmocka_unit_test(test_cap),
        cmocka_unit_test(test_pause),   cmocka_unit_test(test_affinity), cmocka_unit_test(test_steal),
        cmocka_unit_test(test_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
