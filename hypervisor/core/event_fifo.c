/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * FIFO delivery (event_channel.h of the public ABI, FIFO section): a word per port in guest frames, and per
 * vCPU and priority a queue that is linked through the words. The guest is hostile: every link read back is
 * only compared, never followed. A queue's lock guards its tail; the domain's event lock guards arrays and
 * control blocks.
 */
#include "bh/domain.h"
#include "bh/lib.h"
#include "bh/page.h"

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

    return v && v->fifo.control ? &v->fifo.queue[priority] : NULL;
}

/* The port's old queue, when it moved: false while it is linked there, from where it is delivered; else it is
 * no longer that queue's tail. */
static bool leave_queue(struct fifo_queue *old, const event_word_t *w, uint32_t port)
{
    spin_guard(&old->lock);
    if (__atomic_load_n(w, __ATOMIC_ACQUIRE) & LINKED)
        return false;
    if (old->tail == port)
        old->tail = 0;
    return true;
}

/* Append to the queue of the port's vCPU and priority unless it is linked somewhere. A sender of another
 * domain does not hold this domain's lock: binding and priority may change meanwhile and are read once. */
static void enqueue(struct domain *d, struct evtchn *e, event_word_t *w, uint32_t port)
{
    uint16_t vcpu = __atomic_load_n(&e->vcpu, __ATOMIC_RELAXED);
    uint8_t priority = __atomic_load_n(&e->priority, __ATOMIC_RELAXED);
    struct fifo_queue *old = queue_of(d, e->last_vcpu, e->last_priority), *q = queue_of(d, vcpu, priority);
    struct vcpu *v = domain_vcpu(d, vcpu);
    event_word_t *tail;

    if (!q || (old && old != q && !leave_queue(old, w, port)))
        return;
    {
        spin_guard(&q->lock);
        if (__atomic_fetch_or(w, LINKED, __ATOMIC_SEQ_CST) & LINKED)
            return;
        e->last_vcpu = vcpu;
        e->last_priority = priority;
        __atomic_and_fetch(w, ~(event_word_t)EVTCHN_FIFO_LINK_MASK, __ATOMIC_SEQ_CST); /* end of the queue */
        tail = q->tail && q->tail != port ? word_of(d, q->tail) : NULL;
        q->tail = port;
        if (tail && link_behind(tail, port))
            return;
        __atomic_store_n(&v->fifo.control->head[priority], port, __ATOMIC_SEQ_CST);
    }
    if (!(__atomic_fetch_or(&v->fifo.control->ready, 1u << priority, __ATOMIC_SEQ_CST) & 1u << priority))
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

/* What was pending in the 2-level bitmap is pending again once its word exists. */
static void carry_over(struct domain *d)
{
    for (uint32_t p = 1; p < d->evtchn.nr_ports; p++)
        if (event_port(d, p)->state != EVT_FREE && event_2l_is_pending(d, p))
            event_port(d, p)->early_pending = 1;
}

/* From its first vCPU on the domain has FIFO delivery. */
static int control_set(struct domain *d, struct vcpu *v, void *control, mfn_t m)
{
    spin_guard(&d->evtchn.lock);
    if (v->fifo.control)
        return -XEN_EINVAL;
    if (!d->evtchn.fifo) {
        struct fifo_domain *fd = kzalloc(sizeof(*fd));

        if (!fd)
            return -XEN_ENOMEM;
        carry_over(d);
        d->evtchn.fifo = fd;
    }
    v->fifo.control_mfn = m;
    __atomic_store_n(&v->fifo.control, control, __ATOMIC_RELEASE); /* senders of other domains look at it */
    return 0;
}

long event_fifo_init_control(struct vcpu *caller, void *arg)
{
    struct evtchn_init_control *a = arg;
    struct domain *d = caller->domain;
    struct vcpu *v = domain_vcpu(d, a->vcpu);
    char *frame;
    mfn_t m;
    int rc;

    a->link_bits = EVTCHN_FIFO_LINK_BITS;
    if (!v)
        return -XEN_ENOENT;
    if (a->offset & 7 || a->offset > PAGE_SIZE - sizeof(struct evtchn_fifo_control_block))
        return -XEN_EINVAL;
    frame = guest_frame_get(d, gfn(a->control_gfn), &m);
    if (!frame)
        return -XEN_EINVAL;
    rc = control_set(d, v, frame + a->offset, m);
    if (rc)
        page_put(m);
    return rc;
}

static int array_add(struct domain *d, void *frame, mfn_t m)
{
    struct fifo_domain *f;
    uint32_t first;

    spin_guard(&d->evtchn.lock);
    f = d->evtchn.fifo;
    if (!f)
        return -XEN_EOPNOTSUPP;
    if (f->nr_pages == ARRAY_SIZE(f->page))
        return -XEN_ENOSPC;
    first = f->nr_pages * WORDS_PER_PAGE;
    f->page[f->nr_pages] = frame;
    f->page_mfn[f->nr_pages] = m;
    __atomic_store_n(&f->nr_pages, f->nr_pages + 1, __ATOMIC_RELEASE);
    for (uint32_t port = first; port < first + WORDS_PER_PAGE && port < d->evtchn.nr_ports; port++) {
        struct evtchn *e = event_port(d, port);

        if (e->early_pending && e->state != EVT_FREE)
            event_fifo_set_pending(d, e, port);
        e->early_pending = 0;
    }
    return 0;
}

long event_fifo_expand(struct vcpu *v, void *arg)
{
    mfn_t m;
    void *frame = guest_frame_get(v->domain, gfn(((struct evtchn_expand_array *)arg)->array_gfn), &m);
    int rc = frame ? array_add(v->domain, frame, m) : -XEN_EINVAL;

    if (rc && frame)
        page_put(m);
    return rc;
}

int event_fifo_destroy(struct domain *d)
{
    struct fifo_domain *f;

    spin_guard(&d->evtchn.lock);
    if (d->evtchn.nr_used)
        return -XEN_EAGAIN; /* a vCPU made a port meanwhile: its sender may be using the queues */
    f = d->evtchn.fifo;
    d->evtchn.fifo = NULL;
    for_each_vcpu (d, v)
        if (v->fifo.control) {
            page_put(v->fifo.control_mfn);
            v->fifo = (struct fifo_vcpu){.control = NULL};
        }
    for (unsigned i = 0; f && i < f->nr_pages; i++)
        page_put(f->page_mfn[i]);
    kfree(f, sizeof(*f));
    return 0;
}
