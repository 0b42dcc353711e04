/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Domains and their virtual CPUs. A domain is found by id in a list; lookups take a reference. A dying domain
 * stays in the list until its last frame and reference are gone. With this header come those of a domain's
 * parts and of hypercalls.
 */
#pragma once

#include "bh/cpu.h"
#include "bh/cpuid_policy.h"
#include "bh/event.h"
#include "bh/grant.h"
#include "bh/hypercall.h"
#include "bh/logdirty.h"
#include "bh/mm.h"
#include "bh/p2m.h"
#include "bh/sched.h"
#include "bh/virt.h"
#include "bh/vlapic.h"

#define MAX_VCPUS 128u
#define NR_VIRQ   24u

struct vmcb;
struct emul_domain;

/* Where the guest's copy of a structure lies: a referenced frame mapped through the direct map. */
struct guest_area {
    void *va; /* NULL: not registered */
    mfn_t mfn;
};

/* Where a guest frame was last found, for reads without locks (core/guest_access.c). */
struct known_frame {
    uint64_t page; /* guest address and known_tag of then; 0: nothing */
    const char *va;
};

struct vcpu {
    struct guest_regs regs;
    uint64_t vmcb_pa; /* place known to vmrun.S */
    struct domain *domain;
    uint32_t id;
    /* run state; see vcpu_runnable() */
    volatile bool blocked, down, running, polling;
    volatile int32_t pause_count;
    uint32_t poll_port; /* 0: any of several */
    struct cpu *processor;
    struct sched_node sched;
    /* cpu masks, one bit a physical CPU */
    uint64_t hard_affinity[4], soft_affinity[4];

    vcpu_info_t *info; /* never NULL: the domain's shared_info, a dummy, or the registered place */
    mfn_t info_mfn;    /* referenced frame of a registered place */
    vcpu_info_t spare; /* of vCPUs 32 and up, until they register their own */
    struct guest_area runstate, time; /* changed by vcpu_set_area() */
    struct vcpu_runstate_info run;
    uint64_t periodic_ns;
    struct timer singleshot, periodic, poll_timer;
    uint32_t virq_port[NR_VIRQ];
    struct fifo_vcpu fifo;

    struct vlapic lapic;
    uint8_t upcall_vector; /* per-vCPU LAPIC vector, 0: the domain's callback */
    bool nmi_pending;
    volatile bool init_pending;     /* reset before running again; under the domain's lock, as the next one */
    volatile uint16_t sipi_pending; /* 0x100 | vector of the start-up IPI that goes with it, 0: stay down */

    /* back end */
    struct vmcb *vmcb;
    uint64_t tlb_generation; /* of the domain, when last entered */
    uint64_t asid_generation;
    void *xsave;
    uint64_t xcr0;
    uint64_t tsc_aux, tsc_offset;
    uint64_t dr[4];
    bool dr_used;
    struct cpu *last_cpu, *last_loaded;
    uint64_t mtrr_def_type, mtrr_fixed[11], mtrr_var[16];
    uint64_t exits, cpu_time_ns;
    uint64_t known_generation, known_tag;
    bool reads_locked; /* it holds its domain's p2m_lock to read */
    struct known_frame known[32];
    struct hypercall_args args; /* of the hypercall being executed */
};

#define SHUTDOWN_CODE_NONE 0xffu

enum domain_dying { DOMAIN_ALIVE, DOMAIN_DYING, DOMAIN_DEAD };

struct domain {
    uint16_t id;
    bool privileged, hardware, direct_mapped; /* dom0; owns the machine's devices; gfn == mfn */
    uint16_t target; /* domain that this one may control (stub domains), DOMID_INVALID */
    volatile uint8_t dying;
    volatile bool shutting_down, shut_down;
    bool started, xenstore; /* was unpaused once: its CPU policy is fixed; runs xenstored */
    uint8_t shutdown_code;  /* SHUTDOWN_CODE_NONE until the guest or its end says one */
    int32_t refs;
    struct domain *next; /* list in id order */
    spinlock_t lock;
    uint32_t max_vcpus, nr_vcpus;
    struct vcpu **vcpu;
    int32_t pause_count, tool_pauses;
    volatile int32_t nr_polling; /* vCPUs inside SCHEDOP_poll */
    uint64_t tot_pages, max_pages;
    uint8_t handle[16];
    uint32_t ssidref;
    uint16_t weight, cap;

    /* p2m */
    spinlock_t p2m_lock;
    mfn_t p2m_root;
    uint64_t p2m_nodes, p2m_limit; /* frames of the tree; allowance (paging mempool) */
    volatile uint64_t tlb_generation;
    uint64_t p2m_generation;       /* counts mappings that went away; before their frames are reused */
    struct p2m_deferred *deferred; /* references to drop at the next flush */
    uint64_t top_ram;              /* highest frame that ever was RAM */
    uint64_t foreign_maps;
    struct logdirty logdirty;

    shared_info_t *shared_info;
    uint64_t hvm_params[HVM_NR_PARAMS];
    uint8_t callback_vector;
    struct evtchn_domain evtchn;
    struct grant_domain grant;
    struct cpuid_policy cpuid;
    struct emul_domain *emul;
    struct e820_entry *e820; /* for XENMEM_memory_map */
    uint32_t nr_e820;
    uint32_t time_offset_seconds, tsc_mode, tsc_incarnation;
    uint64_t vm_assist;
    struct timer watchdog[2];
};

extern struct domain *dom0;

/* config of DOMCTL_createdomain; id DOMID_INVALID: choose. NULL with *err set. */
struct domain *domain_create(uint16_t id, const struct xen_domctl_createdomain *config, int *err);
void vcpu_destroy(struct vcpu *v);
int domain_set_max_vcpus(struct domain *d, uint32_t max);
/* Reference to a domain that is not dead; NULL. */
struct domain *domain_get(uint16_t id);
/* The first with id >= the given one. */
struct domain *domain_get_next(uint16_t id);
/* The one that `caller` names (DOMID_SELF is itself), if it may do `p` to it; NULL with -XEN_ESRCH or
 * -XEN_EPERM. */
struct domain *domain_target(const struct vcpu *caller, uint16_t id, enum priv p, long *rc);
void domain_put(struct domain *d);
/* A variable whose reference ends with the block: `domain_ref struct domain *d = domain_get(id);` */
#define domain_ref __attribute__((cleanup(domain_ref_end)))
static inline void domain_ref_end(struct domain **d)
{
    if (*d)
        domain_put(*d);
}
/* The last reference to n frames of a domain went away. */
void domain_uncharge(uint16_t id, uint64_t n);
void domain_pause(struct domain *d); /* counted; waits until no vCPU runs (but the caller's) */
void domain_unpause(struct domain *d);
void domain_shutdown(struct domain *d, uint8_t reason);
void domain_resume(struct domain *d);
void domain_crash(struct domain *d, const char *why);
/* Work on a domain's death until done. 0 or -XEN_ERESTART when time is up. */
int domain_kill(struct domain *d);
/* The next in the list, in exchange for the reference to d (NULL: the first). */
struct domain *domain_next(struct domain *d);
#define for_each_domain(d) for (struct domain *d = domain_next(NULL); d; d = domain_next(d)) /* no break */

bool vcpu_runnable(const struct vcpu *v);
/* Something to deliver: an unmasked event or interrupt (interrupt flag not looked at). */
bool vcpu_has_event(struct vcpu *v);
/* Reset to the state after INIT; SIPI starts it at vector << 12. */
void vcpu_init_reset(struct vcpu *v);
/* INIT and start-up IPIs from another vCPU. They never wait: the target resets itself before it runs again,
 * by vcpu_init_finish() on its own CPU, instead of being run. */
void vcpu_init_ipi(struct vcpu *v);
void vcpu_init_finish(struct vcpu *v);
/* Offline until NMI, INIT, start-up IPI or VCPUOP_up. The last one of a domain powers it off. */
void vcpu_go_down(struct vcpu *v);
void vcpu_block(struct vcpu *v); /* until an event; not if there is one */
void vcpu_sipi(struct vcpu *v, uint8_t vector);
void vcpu_fpu_reset(struct vcpu *v);
/* VCPUOP_register_*: the guest names the place of a shared structure. 0 or -XEN_E… */
/* v->runstate or v->time, of `size` bytes, into the caller's memory; gva 0: nowhere. */
int vcpu_set_area(struct vcpu *v, struct guest_area *area, size_t size, uint64_t gva);
int vcpu_set_info_area(struct vcpu *v, uint64_t gfn, uint32_t offset);
/* Leave SCHEDOP_poll (the vCPU runs again). */
void vcpu_poll_end(struct vcpu *v);
void vcpu_runstate_change(struct vcpu *v, int state, uint64_t now);
void vcpu_update_time_info(struct vcpu *v);
/* Drop the frames that hold registered areas of all vCPUs (domain is dying or reset). */
void vcpu_areas_release(struct domain *d);
void domain_update_wallclock(struct domain *d);

extern struct domain *domain_list;
extern spinlock_t domlist_lock;

static inline struct vcpu *current_vcpu(void)
{
    return this_cpu()->current;
}
static inline struct vcpu *domain_vcpu(const struct domain *d, uint32_t id)
{
    return id < d->max_vcpus ? d->vcpu[id] : NULL;
}
/* They are made in the order of their ids, so that the first hole is the end. */
#define for_each_vcpu(d, v)                                                                                  \
    for (struct vcpu * v, **at = (d)->vcpu; at < (d)->vcpu + (d)->max_vcpus && (v = *at); at++)
