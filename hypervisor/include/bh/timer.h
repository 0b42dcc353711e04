/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One-shot timers in nanoseconds of system time (time since boot), on per-CPU queues: an intrusive pairing
 * heap, so no allocation and O(log n) removal. Pure logic; core/time.c programs the hardware.
 */
#pragma once

#include "bh/spinlock.h"

struct cpu;
struct timer {
    uint64_t expires;      /* ns */
    void (*fn)(void *arg); /* called without locks on the queue's CPU, interrupts off */
    void *arg;
    struct timer *child, *next, *prev; /* prev: left sibling or parent */
    struct timer_queue *queue;         /* NULL: not pending */
    struct timer_queue *ran;           /* whose CPU called fn last */
    spinlock_t lock;                   /* one timer_set() at a time; outside the queue's lock */
};
struct timer_queue {
    spinlock_t lock;
    struct timer *root;
    struct timer *running; /* whose callback is being called */
    struct cpu *cpu;
};

/* Arm (or move) a timer on a CPU's queue. Any CPU, also while the callback arms it again on another. */
void timer_set(struct timer_queue *q, struct timer *t, uint64_t expires);
/* Disarm; a callback that already began on another CPU may still run. */
void timer_stop(struct timer *t);
/* Disarm for good, before the timer's memory goes: waits until no CPU is in the callback. Not from callbacks.
 */
void timer_kill(struct timer *t);
/* Earliest expiry of a queue, or UINT64_MAX. */
uint64_t timer_next(struct timer_queue *q);
/* Run everything that expired by `now`. */
void timer_run(struct timer_queue *q, uint64_t now);
