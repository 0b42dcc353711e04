/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Event channels: ports of a domain, 2-level or FIFO delivery, closing and binding rules (event_channel.h of
 * the public ABI). Locks: a port's state changes under its domain's event_lock; a change of both ends of an
 * interdomain channel takes both, lower domain address first.
 */
#pragma once

#include "bh/spinlock.h"
#include "bh/xen.h"

struct domain;
struct vcpu;

#define EVTCHN_PER_PAGE 128u
#define EVTCHN_MAX      65536u
#define EVTCHN_2L_MAX   4096u

enum evtchn_state { EVT_FREE, EVT_UNBOUND, EVT_INTERDOMAIN, EVT_VIRQ, EVT_IPI };

struct evtchn {
    uint8_t state, priority, last_priority;
    uint8_t virq;
    uint16_t vcpu, last_vcpu; /* to notify; whose FIFO queue holds it */
    uint16_t remote_domid;    /* unbound and interdomain */
    uint16_t early_pending;   /* FIFO: sent before its word existed */
    uint32_t remote_port;
    struct domain *remote; /* interdomain */
    uint64_t spare;
}; /* 32 bytes */

struct fifo_queue {
    spinlock_t lock;
    uint32_t tail;
};
struct fifo_vcpu {
    struct evtchn_fifo_control_block *control; /* NULL: none */
    mfn_t control_mfn;
    struct fifo_queue queue[EVTCHN_FIFO_MAX_QUEUES];
};
struct fifo_domain {
    event_word_t *page[EVTCHN_FIFO_MAX_QUEUES * 8]; /* 128 pages of 1024 words */
    mfn_t page_mfn[EVTCHN_FIFO_MAX_QUEUES * 8];
    unsigned nr_pages;
};

struct evtchn_domain {
    spinlock_t lock;
    struct evtchn **page; /* array of EVTCHN_MAX / EVTCHN_PER_PAGE pointers, one frame */
    uint32_t nr_ports;    /* upper bound of allocated pages, in ports */
    uint32_t max_port;    /* highest allowed */
    uint32_t nr_used, lowest_free;
    uint32_t next_close;      /* where closing all of them goes on */
    struct fifo_domain *fifo; /* NULL: 2-level */
};

int event_domain_init(struct domain *d);
/* Close some (the domain is dying, its vCPUs do not run). True: none is left. */
bool event_domain_destroy(struct domain *d);
void event_domain_free(struct domain *d);
/* The hypervisor signals a virtual interrupt: per vCPU, or the one domain that bound a global one. */
void event_vcpu_virq(struct vcpu *v, unsigned virq);
void event_global_virq(unsigned virq);
/* Is there an unmasked pending event for SCHEDOP_poll's port? -XEN_EINVAL for a bad port. */
int event_port_pending(struct domain *d, uint32_t port);
/* Raise the upcall flag of a vCPU and get it delivered. */
void vcpu_mark_upcall(struct vcpu *v);

/* 2-level and FIFO delivery (core/event_2l.c, core/event_fifo.c). All with evtchn state stable. */
void event_set_pending(struct domain *d, struct evtchn *e, uint32_t port);
struct evtchn *event_port(struct domain *d, uint32_t port);

void event_2l_set_pending(struct domain *d, struct evtchn *e, uint32_t port);
void event_2l_clear_pending(struct domain *d, uint32_t port);
void event_2l_unmask(struct domain *d, struct evtchn *e, uint32_t port);
bool event_2l_is_pending(struct domain *d, uint32_t port);

void event_fifo_set_pending(struct domain *d, struct evtchn *e, uint32_t port);
void event_fifo_clear_pending(struct domain *d, uint32_t port);
void event_fifo_unmask(struct domain *d, struct evtchn *e, uint32_t port);
bool event_fifo_is_pending(struct domain *d, uint32_t port);
/* EVTCHNOP_init_control and EVTCHNOP_expand_array */
long event_fifo_init_control(struct vcpu *caller, void *arg);
long event_fifo_expand(struct vcpu *v, void *arg);
/* Back to 2-level delivery; all ports are closed. -XEN_EAGAIN: one is not. */
int event_fifo_destroy(struct domain *d);
