/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pairing heap of timers; see timer.h. */
#include "bh/lib.h"
#include "bh/time.h"
#include "bh/timer.h"

static struct timer *meld(struct timer *a, struct timer *b)
{
    if (!a || !b)
        return a ? a : b;
    if (b->expires < a->expires) {
        struct timer *t = a;

        a = b;
        b = t;
    }
    b->prev = a;
    b->next = a->child;
    if (a->child)
        a->child->prev = b;
    a->child = b;
    return a;
}

/* Pair up a list of siblings from left to right, then meld the pairs from right to left. */
static struct timer *merge_pairs(struct timer *list)
{
    struct timer *pairs = NULL, *merged = NULL;

    while (list) {
        struct timer *a = list, *b = a->next;

        list = b ? b->next : NULL;
        a->next = a->prev = NULL;
        if (b)
            b->next = b->prev = NULL;
        a = meld(a, b);
        a->next = pairs;
        pairs = a;
    }
    while (pairs) {
        struct timer *n = pairs->next;

        pairs->next = NULL;
        merged = meld(merged, pairs);
        pairs = n;
    }
    if (merged)
        merged->prev = merged->next = NULL;
    return merged;
}

static void heap_remove(struct timer_queue *q, struct timer *t)
{
    struct timer *rest = merge_pairs(t->child);

    if (t == q->root) {
        q->root = rest;
    } else {
        if (t->prev->child == t)
            t->prev->child = t->next;
        else
            t->prev->next = t->next;
        if (t->next)
            t->next->prev = t->prev;
        q->root = meld(q->root, rest);
    }
    t->child = t->next = t->prev = NULL;
    t->queue = NULL;
}

void timer_stop(struct timer *t)
{
    struct timer_queue *q;

    while ((q = __atomic_load_n(&t->queue, __ATOMIC_ACQUIRE)) != NULL) {
        spin_guard(&q->lock);
        if (t->queue == q) {
            heap_remove(q, t);
            return;
        }
    }
}

void timer_set(struct timer_queue *q, struct timer *t, uint64_t expires)
{
    bool first;

    spin_lock(&t->lock);
    if (__atomic_load_n(&t->queue, __ATOMIC_ACQUIRE) != q)
        timer_stop(t);
    spin_lock(&q->lock);
    if (t->queue) /* only holders of t->lock arm it: it is this one */
        heap_remove(q, t);
    t->expires = expires;
    t->queue = q;
    q->root = meld(q->root, t);
    first = q->root == t;
    spin_unlock(&q->lock);
    spin_unlock(&t->lock);
    if (first)
        time_queue_changed(q);
}

void timer_kill(struct timer *t)
{
    do {
        struct timer_queue *q;

        timer_stop(t);
        q = __atomic_load_n(&t->ran, __ATOMIC_SEQ_CST);
        while (q && __atomic_load_n(&q->running, __ATOMIC_SEQ_CST) == t)
            __builtin_ia32_pause();
    } while (__atomic_load_n(&t->queue, __ATOMIC_SEQ_CST)); /* the callback armed it again */
}

uint64_t timer_next(struct timer_queue *q)
{
    spin_guard(&q->lock);
    return q->root ? q->root->expires : UINT64_MAX;
}

/* Take the first that expired off the queue; NULL: none has. */
static struct timer *take_expired(struct timer_queue *q, uint64_t now)
{
    struct timer *t;

    spin_guard(&q->lock);
    t = q->root;
    if (!t || t->expires > now)
        return NULL;
    t->ran = q;
    __atomic_store_n(&q->running, t, __ATOMIC_SEQ_CST);
    heap_remove(q, t);
    return t;
}

void timer_run(struct timer_queue *q, uint64_t now)
{
    struct timer *t;

    while ((t = take_expired(q, now)) != NULL) {
        t->fn(t->arg);
        __atomic_store_n(&q->running, NULL, __ATOMIC_SEQ_CST);
    }
}
