/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See sched.h. A vCPU's vruntime grows with the time it ran, divided by its domain's weight. The queue's head
 * has the smallest. A waking vCPU starts near the queue's minimum, so it preempts whatever computes.
 */
#include "bh/domain.h"
#include "bh/lib.h"
#include "bh/time.h"

#define WAKE_CREDIT_NS 1000000ull /* how far before the minimum a sleeper may wake */

static bool mask_test(const uint64_t *mask, unsigned n)
{
    return mask[n / 64] >> (n % 64) & 1;
}

bool vcpu_runnable(const struct vcpu *v)
{
    const struct domain *d = v->domain;

    return !v->blocked && !v->down && !v->pause_count && !d->pause_count && !d->shutting_down &&
           !v->sched.parked;
}

static void queue_remove(struct runq *q, struct vcpu *v)
{
    struct vcpu **p = &q->head;

    while (*p != v)
        p = &(*p)->sched.next;
    *p = v->sched.next;
    v->sched.queued = false;
    q->nr_queued--;
}

/* Behind all that have run as little. */
static void queue_insert(struct runq *q, struct vcpu *v)
{
    struct vcpu **p = &q->head;

    while (*p && (*p)->sched.vruntime <= v->sched.vruntime)
        p = &(*p)->sched.next;
    v->sched.next = *p;
    *p = v;
    v->sched.queued = true;
    q->nr_queued++;
}

struct runq *sched_vcpu_lock(struct vcpu *v)
{
    for (;;) {
        struct cpu *c = __atomic_load_n(&v->processor, __ATOMIC_ACQUIRE);

        spin_lock(&c->runq->lock);
        if (v->processor == c)
            return c->runq;
        spin_unlock(&c->runq->lock);
    }
}

static bool cpu_idle(const struct cpu *c)
{
    return !c->current && !c->runq->head;
}

/* How good a place a CPU is for a vCPU that wakes: idle, better by soft affinity, or by the length of its
 * queue. */
static unsigned rank(const struct vcpu *v, const struct cpu *c)
{
    if (!mask_test(v->hard_affinity, c->id))
        return ~0u;
    return cpu_idle(c) ? !mask_test(v->soft_affinity, c->id) : 2 + c->runq->nr_queued;
}

/* The CPU with the lowest rank, its last one before others. */
static struct cpu *choose_cpu(struct vcpu *v)
{
    struct cpu *best = v->processor;
    unsigned lowest = rank(v, best);

    for (unsigned i = 0; i < nr_cpus && lowest; i++) {
        unsigned r = rank(v, cpus[i]);

        if (r < lowest) {
            best = cpus[i];
            lowest = r;
        }
    }
    return best;
}

static uint64_t weighted(const struct vcpu *v, uint64_t ns)
{
    return ns * SCHED_DEFAULT_WEIGHT / MAX(v->domain->weight, 1);
}

static void slice_over(void *arg)
{
    struct runq *q = arg;

    __atomic_fetch_or(&q->cpu->work, WORK_RESCHED, __ATOMIC_SEQ_CST);
}

/* Put a runnable, unqueued vCPU on a queue whose lock is held; tell the CPU if it should switch. */
static void enqueue(struct runq *q, struct vcpu *v)
{
    struct vcpu *running = q->cpu->current;

    if (v->sched.vruntime + WAKE_CREDIT_NS < q->min_vruntime)
        v->sched.vruntime = q->min_vruntime - WAKE_CREDIT_NS;
    queue_insert(q, v);
    if (!running ||
        (q->head == v && v->sched.vruntime < running->sched.vruntime +
                                                 weighted(running, now_ns() - running->sched.run_since)))
        cpu_kick(q->cpu, WORK_RESCHED);
    else if (!q->slice.queue) /* there is competition now: end the running slice in time */
        timer_set(&q->cpu->timers, &q->slice, running->sched.run_since + SCHED_SLICE_NS);
}

static bool waits_for_queue(const struct vcpu *v)
{
    return !v->sched.queued && !v->running && vcpu_runnable(v);
}

/* Put it on a queue if it is to run; q is locked, and unlocked here. */
static void wake_locked(struct runq *q, struct vcpu *v)
{
    struct cpu *c = waits_for_queue(v) ? choose_cpu(v) : q->cpu;

    if (c != q->cpu) {
        v->sched.vruntime = 0; /* meaningless on another queue; enqueue() lifts it to that queue's minimum */
        __atomic_store_n(&v->processor, c, __ATOMIC_RELEASE);
        spin_unlock(&q->lock);
        q = sched_vcpu_lock(v);
    }
    if (waits_for_queue(v)) {
        vcpu_runstate_change(v, RUNSTATE_runnable, now_ns());
        enqueue(q, v);
    }
    spin_unlock(&q->lock);
}

void sched_vcpu_recheck(struct vcpu *v)
{
    struct runq *q = sched_vcpu_lock(v);

    if (v->sched.queued && (!vcpu_runnable(v) || !mask_test(v->hard_affinity, q->cpu->id)))
        queue_remove(q, v);
    if (v->running)
        cpu_kick(q->cpu, WORK_RESCHED);
    wake_locked(q, v);
}

void vcpu_wake(struct vcpu *v)
{
    if (!__atomic_exchange_n(&v->blocked, false, __ATOMIC_SEQ_CST))
        return;
    wake_locked(sched_vcpu_lock(v), v);
}

void vcpu_kick(struct vcpu *v)
{
    struct cpu *c;

    if (v->blocked) {
        vcpu_wake(v);
        return;
    }
    c = v->processor;
    if (c != this_cpu() && c->current == v && __atomic_load_n(&c->in_guest, __ATOMIC_SEQ_CST))
        cpu_kick(c, WORK_KICK);
}

/* Charge the time that the running vCPU used; park it when its domain's cap is used up. */
static void account(struct vcpu *v, uint64_t now)
{
    struct sched_node *n = &v->sched;
    uint64_t used = now - n->run_since;

    n->run_since = now;
    n->vruntime += weighted(v, used);
    v->cpu_time_ns += used;
    if (!v->domain->cap)
        return;
    if (now - n->cap_period >= SCHED_CAP_PERIOD_NS) {
        n->cap_period = now;
        n->cap_used = 0;
    }
    n->cap_used += used;
    if (n->cap_used * 100 >= (uint64_t)v->domain->cap * SCHED_CAP_PERIOD_NS) {
        n->parked = true;
        timer_set(&this_cpu()->timers, &n->unpark, n->cap_period + SCHED_CAP_PERIOD_NS);
    }
}

static void unpark(void *arg)
{
    struct vcpu *v = arg;

    v->sched.parked = false;
    v->sched.cap_used = 0;
    v->sched.cap_period = now_ns();
    sched_vcpu_recheck(v);
}

/* Take the first vCPU of the busiest other queue that may run here. */
static struct vcpu *steal(struct cpu *me)
{
    for (unsigned i = 0; i < nr_cpus; i++) {
        struct runq *q = cpus[i]->runq;

        if (cpus[i] == me || !q || !q->nr_queued || !spin_trylock(&q->lock))
            continue;
        for (struct vcpu *v = q->head; v; v = v->sched.next)
            if (!v->running && mask_test(v->hard_affinity, me->id)) {
                queue_remove(q, v);
                v->sched.vruntime = 0;
                v->running = true; /* nobody else may take it now */
                __atomic_store_n(&v->processor, me, __ATOMIC_RELEASE);
                spin_unlock(&q->lock);
                return v;
            }
        spin_unlock(&q->lock);
    }
    return NULL;
}

static void start(struct cpu *c, struct vcpu *v, uint64_t now)
{
    struct runq *q = c->runq;
    uint64_t slice = SCHED_SLICE_NS;

    v->sched.run_since = now;
    q->min_vruntime = MAX(q->min_vruntime, v->sched.vruntime);
    vcpu_runstate_change(v, RUNSTATE_running, now);
    if (v->domain->cap)
        slice = MIN(slice, MAX((uint64_t)v->domain->cap * SCHED_CAP_PERIOD_NS / 100, 1 * MS));
    if (q->head || v->domain->cap)
        timer_set(&c->timers, &q->slice, now + slice);
    else
        timer_stop(&q->slice);
}

/* The running vCPU stays when nothing better waits. */
static bool keep_running(struct runq *q, struct vcpu *prev)
{
    return prev && vcpu_runnable(prev) && mask_test(prev->hard_affinity, q->cpu->id) &&
           (!q->head || prev->sched.vruntime <= q->head->sched.vruntime);
}

struct vcpu *sched_pick(void)
{
    struct cpu *c = this_cpu();
    struct runq *q = c->runq;
    struct vcpu *prev = c->current, *next;
    uint64_t now = now_ns();

    spin_lock(&q->lock);
    if (prev)
        account(prev, now);
    if (keep_running(q, prev)) {
        next = prev;
    } else {
        next = q->head;
        if (next) {
            queue_remove(q, next);
            while (next != prev && __atomic_load_n(&next->running, __ATOMIC_ACQUIRE))
                __builtin_ia32_pause(); /* its last CPU is still saving its registers */
            next->running = true;
        }
    }
    if (prev && prev != next) {
        bool more = vcpu_runnable(prev);

        vcpu_runstate_change(prev,
                             more            ? RUNSTATE_runnable
                             : prev->blocked ? RUNSTATE_blocked
                                             : RUNSTATE_offline,
                             now);
        if (more && mask_test(prev->hard_affinity, c->id))
            queue_insert(q, prev);
    }
    __atomic_store_n(&c->current, next, __ATOMIC_SEQ_CST);
    if (next)
        start(c, next, now);
    spin_unlock(&q->lock);
    if (!next && (next = steal(c)) != NULL) {
        spin_lock(&q->lock);
        next->sched.vruntime = MAX(next->sched.vruntime, q->min_vruntime);
        __atomic_store_n(&c->current, next, __ATOMIC_SEQ_CST);
        start(c, next, now);
        spin_unlock(&q->lock);
    }
    return next;
}

void sched_vcpu_left(struct vcpu *v)
{
    struct runq *q = sched_vcpu_lock(v); /* its destruction takes the lock, too: v exists until we let go */

    __atomic_store_n(&v->running, false, __ATOMIC_SEQ_CST);
    wake_locked(q, v); /* woken, or its affinity changed, while it was leaving */
}

void sched_yield_current(void)
{
    struct cpu *c = this_cpu();

    if (c->runq->head && c->current) {
        c->current->sched.vruntime = MAX(c->current->sched.vruntime, c->runq->head->sched.vruntime + 1);
        __atomic_fetch_or(&c->work, WORK_RESCHED, __ATOMIC_SEQ_CST);
    }
}

void sched_vcpu_sync(struct vcpu *v)
{
    while (__atomic_load_n(&v->running, __ATOMIC_ACQUIRE)) {
        cpu_kick(v->processor, WORK_RESCHED);
        __builtin_ia32_pause();
    }
}

int sched_cpu_init(struct cpu *c)
{
    struct runq *q = kzalloc(sizeof(*q));

    if (!q)
        return -XEN_ENOMEM;
    q->cpu = c;
    q->slice.fn = slice_over;
    q->slice.arg = q;
    q->min_vruntime = WAKE_CREDIT_NS;
    c->runq = q;
    return 0;
}

void sched_vcpu_init(struct vcpu *v)
{
    v->processor = cpus[(v->domain->id + v->id) % nr_cpus];
    for (unsigned i = 0; i < ARRAY_SIZE(v->hard_affinity); i++)
        v->hard_affinity[i] = v->soft_affinity[i] = ~0ull;
    v->sched.unpark.fn = unpark;
    v->sched.unpark.arg = v;
}

void sched_vcpu_destroy(struct vcpu *v)
{
    struct runq *q = sched_vcpu_lock(v);

    if (v->sched.queued)
        queue_remove(q, v);
    spin_unlock(&q->lock);
    timer_kill(&v->sched.unpark);
    for (unsigned i = 0; i < nr_cpus; i++)
        if (cpus[i]->last == v)
            cpus[i]->last = NULL;
}
