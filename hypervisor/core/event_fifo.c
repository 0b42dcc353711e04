/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * FIFO delivery (event_channel.h of the public ABI, FIFO section): a word per port in guest frames, and per
 * vCPU and priority a queue that is linked through the words. The guest is hostile: every link read back is
 * only compared, never followed. A queue's lock guards its tail; the domain's event lock guards arrays and
 * control blocks.
 */
#include "bh/domain.h"
#include "bh/event.h"
#include "bh/guest_access.h"
#include "bh/lib.h"

#define WORD(bit)      (1u << (bit))
#define PENDING        WORD(EVTCHN_FIFO_PENDING)
#define MASKED         WORD(EVTCHN_FIFO_MASKED)
#define LINKED         WORD(EVTCHN_FIFO_LINKED)
#define BUSY           WORD(EVTCHN_FIFO_BUSY)
#define WORDS_PER_PAGE 1024u
#define LINK_TRIES     4u

static event_word_t *word_of(struct domain *d, uint32_t port)
{
    const struct fifo_domain *f = d->evtchn.fifo;
    uint32_t page = port / WORDS_PER_PAGE;

    return f && page < f->nr_pages ? &f->page[page][port % WORDS_PER_PAGE] : NULL;
}

/* Link `port` behind the word of the queue's tail. False: the guest consumed the tail already. */
static bool link_behind(event_word_t *tail, uint32_t port)
{
    event_word_t old = __atomic_load_n(tail, __ATOMIC_ACQUIRE);

    for (unsigned i = 0; i < LINK_TRIES; i++) {
        event_word_t new = (old & ~(BUSY | EVTCHN_FIFO_LINK_MASK)) | port;

        if (!(old & LINKED))
            return false;
        if (__atomic_compare_exchange_n(tail, &old, new, false, __ATOMIC_SEQ_CST, __ATOMIC_ACQUIRE))
            return true;
        /* the guest changes the word: BUSY asks it to hold still */
        old = __atomic_or_fetch(tail, BUSY, __ATOMIC_SEQ_CST);
    }
    __atomic_and_fetch(tail, ~BUSY,
                       __ATOMIC_SEQ_CST); /* a guest that ignores BUSY loses its own event order */
    return false;
}

static struct fifo_queue *queue_of(struct domain *d, unsigned vcpu, unsigned priority)
{
    struct vcpu *v = domain_vcpu(d, vcpu);

    return v && v->fifo ? &v->fifo->queue[priority] : NULL;
}

/* Append to the queue of the port's vCPU and priority unless it is linked somewhere. A sender of another
 * domain does not hold this domain's lock: binding and priority may change meanwhile and are read once. */
static void enqueue(struct domain *d, struct evtchn *e, event_word_t *w, uint32_t port)
{
    uint16_t vcpu = __atomic_load_n(&e->vcpu, __ATOMIC_RELAXED);
    uint8_t priority = __atomic_load_n(&e->priority, __ATOMIC_RELAXED);
    struct fifo_queue *old = queue_of(d, e->last_vcpu, e->last_priority), *q = queue_of(d, vcpu, priority);
    struct vcpu *v = domain_vcpu(d, vcpu);
    bool linked = false;

    if (!q)
        return;
    if (old && old != q) { /* it moved: it is no longer the old queue's tail */
        spin_lock(&old->lock);
        if (__atomic_load_n(w, __ATOMIC_ACQUIRE) & LINKED) {
            spin_unlock(&old->lock);
            return; /* still in the old queue: delivered from there */
        }
        if (old->tail == port)
            old->tail = 0;
        spin_unlock(&old->lock);
    }
    spin_lock(&q->lock);
    if (__atomic_fetch_or(w, LINKED, __ATOMIC_SEQ_CST) & LINKED) {
        spin_unlock(&q->lock);
        return;
    }
    e->last_vcpu = vcpu;
    e->last_priority = priority;
    __atomic_and_fetch(w, ~(event_word_t)EVTCHN_FIFO_LINK_MASK, __ATOMIC_SEQ_CST); /* end of the queue */
    if (q->tail && q->tail != port) {
        event_word_t *tail = word_of(d, q->tail);

        linked = tail && link_behind(tail, port);
    }
    if (!linked)
        __atomic_store_n(&v->fifo->control->head[priority], port, __ATOMIC_SEQ_CST);
    q->tail = port;
    spin_unlock(&q->lock);
    if (!linked &&
        !(__atomic_fetch_or(&v->fifo->control->ready, 1u << priority, __ATOMIC_SEQ_CST) & 1u << priority))
        vcpu_mark_upcall(v);
}

void event_fifo_set_pending(struct domain *d, struct evtchn *e, uint32_t port)
{
    event_word_t *w = word_of(d, port);

    if (!w) {
        e->early_pending = 1;
        return;
    }
    __atomic_fetch_or(w, PENDING, __ATOMIC_SEQ_CST);
    if (!(__atomic_load_n(w, __ATOMIC_SEQ_CST) & (MASKED | LINKED)))
        enqueue(d, e, w, port);
}

void event_fifo_clear_pending(struct domain *d, uint32_t port)
{
    event_word_t *w = word_of(d, port);

    if (w)
        __atomic_and_fetch(w, ~PENDING, __ATOMIC_SEQ_CST);
}

void event_fifo_unmask(struct domain *d, struct evtchn *e, uint32_t port)
{
    event_word_t *w = word_of(d, port);

    if (w && __atomic_and_fetch(w, ~MASKED, __ATOMIC_SEQ_CST) & PENDING)
        event_fifo_set_pending(d, e, port);
}

bool event_fifo_is_pending(struct domain *d, uint32_t port)
{
    event_word_t *w = word_of(d, port);

    return w && __atomic_load_n(w, __ATOMIC_SEQ_CST) & PENDING;
}

bool event_fifo_is_masked(struct domain *d, uint32_t port)
{
    event_word_t *w = word_of(d, port);

    return !w || __atomic_load_n(w, __ATOMIC_SEQ_CST) & MASKED;
}

int event_fifo_set_priority(struct domain *d, struct evtchn *e, uint32_t priority)
{
    if (priority > EVTCHN_FIFO_PRIORITY_MIN)
        return -XEN_EINVAL;
    e->priority = (uint8_t)priority; /* takes effect at the next enqueue */
    return 0;
}

/* What was pending in the 2-level bitmap is pending again once its word exists. */
static void carry_over(struct domain *d)
{
    for (uint32_t p = 1; p < d->evtchn.nr_ports; p++)
        if (event_port(d, p)->state != EVT_FREE && event_2l_is_pending(d, p))
            event_port(d, p)->early_pending = 1;
}

int event_fifo_init_control(struct vcpu *caller, struct evtchn_init_control *a)
{
    struct domain *d = caller->domain;
    struct vcpu *v = domain_vcpu(d, a->vcpu);
    struct fifo_vcpu *f;
    mfn_t m;
    char *p;
    int rc = 0;

    a->link_bits = EVTCHN_FIFO_LINK_BITS;
    if (!v)
        return -XEN_ENOENT;
    if (a->offset & 7 || a->offset > PAGE_SIZE - sizeof(struct evtchn_fifo_control_block))
        return -XEN_EINVAL;
    f = kzalloc(sizeof(*f));
    p = f ? guest_frame_get(d, gfn(a->control_gfn), &m) : NULL;
    if (!p) {
        kfree(f, sizeof(*f));
        return f ? -XEN_EINVAL : -XEN_ENOMEM;
    }
    f->control_mfn = m;
    f->control = (struct evtchn_fifo_control_block *)(void *)(p + a->offset);
    spin_lock(&d->evtchn.lock);
    if (v->fifo) {
        rc = -XEN_EINVAL;
    } else if (!d->evtchn.fifo) {
        struct fifo_domain *fd = kzalloc(sizeof(*fd));

        if (fd) {
            carry_over(d);
            d->evtchn.fifo = fd;
        } else {
            rc = -XEN_ENOMEM;
        }
    }
    if (!rc)
        v->fifo = f;
    spin_unlock(&d->evtchn.lock);
    if (rc) {
        guest_frame_put(m);
        kfree(f, sizeof(*f));
    }
    return rc;
}

int event_fifo_expand(struct domain *d, uint64_t array_gfn)
{
    struct fifo_domain *f;
    mfn_t m;
    void *p = guest_frame_get(d, gfn(array_gfn), &m);
    int rc = 0;

    if (!p)
        return -XEN_EINVAL;
    spin_lock(&d->evtchn.lock);
    f = d->evtchn.fifo;
    if (!f) {
        rc = -XEN_EOPNOTSUPP;
    } else if (f->nr_pages == ARRAY_SIZE(f->page)) {
        rc = -XEN_ENOSPC;
    } else {
        uint32_t first = f->nr_pages * WORDS_PER_PAGE;

        f->page[f->nr_pages] = p;
        f->page_mfn[f->nr_pages] = m;
        __atomic_store_n(&f->nr_pages, f->nr_pages + 1, __ATOMIC_RELEASE);
        for (uint32_t port = first; port < first + WORDS_PER_PAGE && port < d->evtchn.nr_ports; port++) {
            struct evtchn *e = event_port(d, port);

            if (e->early_pending && e->state != EVT_FREE)
                event_fifo_set_pending(d, e, port);
            e->early_pending = 0;
        }
    }
    spin_unlock(&d->evtchn.lock);
    if (rc)
        guest_frame_put(m);
    return rc;
}

int event_fifo_destroy(struct domain *d)
{
    struct fifo_domain *f;

    spin_lock(&d->evtchn.lock);
    if (d->evtchn.nr_used) { /* a vCPU made a port meanwhile: its sender may be using the queues */
        spin_unlock(&d->evtchn.lock);
        return -XEN_EAGAIN;
    }
    f = d->evtchn.fifo;
    d->evtchn.fifo = NULL;
    for (unsigned i = 0; i < d->max_vcpus; i++) {
        struct vcpu *v = d->vcpu[i];

        if (!v || !v->fifo)
            continue;
        guest_frame_put(v->fifo->control_mfn);
        kfree(v->fifo, sizeof(*v->fifo));
        v->fifo = NULL;
    }
    for (unsigned i = 0; f && i < f->nr_pages; i++)
        guest_frame_put(f->page_mfn[i]);
    spin_unlock(&d->evtchn.lock);
    kfree(f, sizeof(*f));
    return 0;
}
