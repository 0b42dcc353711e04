/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The scheduler: per-CPU run queues ordered by virtual run time (weighted), wake-up preemption, caps, hard
 * and soft affinity, idle CPUs pull work. Shown to tools as credit2. Locks: runq->lock; v->processor changes
 * only under the lock of the queue it leaves, while not running.
 */
#pragma once

#include "bh/timer.h"

struct cpu;
struct domain;
struct vcpu;

#define SCHED_DEFAULT_WEIGHT 256u
#define SCHED_SLICE_NS       10000000ul
#define SCHED_CAP_PERIOD_NS  50000000ul

struct sched_node {                /* in struct vcpu */
    struct vcpu *next;             /* run queue */
    uint64_t vruntime;             /* ns at weight 256 */
    uint64_t run_since;            /* ns, when running */
    uint64_t cap_used, cap_period; /* ns used in the current period, its start */
    struct timer unpark;
    bool queued, parked;
};

struct runq {
    spinlock_t lock;
    struct cpu *cpu;
    struct vcpu *head; /* lowest vruntime first */
    unsigned nr_queued;
    uint64_t min_vruntime;
    struct timer slice;
};

int sched_cpu_init(struct cpu *c);
void sched_vcpu_init(struct vcpu *v);
void sched_vcpu_destroy(struct vcpu *v);
/* Account the time of the one that ran, choose the next. NULL: idle. Called by the CPU loop. */
struct vcpu *sched_pick(void);
/* Something the vCPU waits for came: make it runnable if it blocked. Any context. */
void vcpu_wake(struct vcpu *v);
/* The vCPU has something new to look at before it runs guest code: wake it or interrupt it. */
void vcpu_kick(struct vcpu *v);
/* Its run state may have changed (pause, unpause, shutdown, affinity). */
void sched_vcpu_recheck(struct vcpu *v);
/* Wait until it runs on no CPU (after its pause count went up). Not for the caller's own vCPU. */
void sched_vcpu_sync(struct vcpu *v);
void sched_yield_current(void);
/* Its registers are saved: other CPUs may run it now. */
void sched_vcpu_left(struct vcpu *v);
/* Lock the queue that it belongs to: the vCPU cannot move or change state, which is published under it. */
struct runq *sched_vcpu_lock(struct vcpu *v);
