/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Life and death of domains. domlist_lock guards the list (id order) and reference counts' last drop; a
 * domain is freed when it is dead, owns no frame any more and nobody holds a reference.
 */
#include "bh/domain.h"
#include "bh/boot.h"
#include "bh/exit.h"
#include "bh/lib.h"
#include "bh/p2m_int.h"
#include "bh/page.h"
#include "bh/shutdown.h"

/* Frames of second-stage tables that a domain may use until the toolstack says how many (paging mempool). */
#define DEFAULT_P2M_NODES 1024u

#define RELINQUISH_ROUND 8192u /* frames of a dying domain given back before other work gets its turn */

struct domain *domain_list, *dom0;
spinlock_t domlist_lock;
static uint16_t next_id = 1;

struct domain *domain_get_next(uint16_t id)
{
    struct domain *d;

    spin_guard(&domlist_lock);
    for (d = domain_list; d && d->id < id; d = d->next)
        ;
    if (d)
        d->refs++;
    return d;
}

struct domain *domain_get(uint16_t id)
{
    struct domain *d = domain_get_next(id);

    if (d && d->id != id) {
        domain_put(d);
        return NULL;
    }
    return d;
}

static void domain_free(struct domain *d)
{
    if (d->vcpu)
        for_each_vcpu (d, v)
            vcpu_destroy(v);
    for (unsigned i = 0; i < ARRAY_SIZE(d->watchdog); i++)
        timer_kill(&d->watchdog[i]);
    kfree(d->vcpu, d->max_vcpus * sizeof(d->vcpu[0]));
    event_domain_free(d);
    grant_domain_free(d);
    p2m_destroy(d);
    emul_domain_free(d);
    if (d->shared_info)
        page_put(va_to_mfn(d->shared_info)); /* dom0 may still have it mapped */
    kfree(d->e820, d->nr_e820 * sizeof(struct e820_entry));
    kfree(d, sizeof(*d));
}

/* With domlist_lock held: take a finished domain off the list. */
static bool domain_unlink_if_done(struct domain *d)
{
    struct domain **p = &domain_list;

    if (d->refs || d->dying != DOMAIN_DEAD || __atomic_load_n(&d->tot_pages, __ATOMIC_SEQ_CST))
        return false;
    while (*p && *p != d)
        p = &(*p)->next;
    if (!*p)
        return false; /* never listed: creation failed */
    *p = d->next;
    for (struct domain *e = domain_list; e; e = e->next)
        if (e->target == d->id) /* the id's next owner is somebody else */
            e->target = DOMID_INVALID;
    return true;
}

void domain_put(struct domain *d)
{
    bool done;

    spin_lock(&domlist_lock);
    d->refs--;
    done = domain_unlink_if_done(d);
    spin_unlock(&domlist_lock);
    if (done) {
        domain_free(d);
        event_global_virq(VIRQ_DOM_EXC);
    }
}

void domain_uncharge(uint16_t id, uint64_t n)
{
    domain_ref struct domain *d = domain_get(id);

    if (d)
        __atomic_sub_fetch(&d->tot_pages, n, __ATOMIC_SEQ_CST);
}

struct domain *domain_next(struct domain *d)
{
    struct domain *next = domain_get_next(d ? (uint16_t)(d->id + 1) : 0);

    if (d)
        domain_put(d);
    return next;
}

struct domain *domain_target(const struct vcpu *caller, uint16_t id, enum priv p, long *rc)
{
    struct domain *d = domain_get(id == DOMID_SELF ? caller->domain->id : id);
    bool allowed = d && priv_allows(caller->domain, d, p);

    *rc = !d ? -XEN_ESRCH : allowed ? 0 : -XEN_EPERM;
    if (d && !allowed)
        domain_put(d);
    return allowed ? d : NULL;
}

/* Into the list under the id, or DOMID_INVALID: the next one that is free. False: taken. */
static bool link_domain(struct domain *d, uint16_t id)
{
    unsigned tries = id == DOMID_INVALID ? DOMID_FIRST_RESERVED : 1;

    spin_guard(&domlist_lock);
    while (tries-- > 0) {
        struct domain **p = &domain_list;

        d->id = id;
        if (id == DOMID_INVALID) {
            d->id = next_id;
            next_id = next_id + 1 == DOMID_FIRST_RESERVED ? 1 : (uint16_t)(next_id + 1);
        }
        while (*p && (*p)->id < d->id)
            p = &(*p)->next;
        if (!*p || (*p)->id != d->id) {
            d->next = *p;
            *p = d;
            return true;
        }
    }
    return false;
}

static int domain_parts(struct domain *d, const struct xen_domctl_createdomain *c)
{
    int rc;

    d->shared_info = page_va_alloc(0, PAGE_ZERO);
    d->cpuid = cpuid_default;
    d->max_vcpus = c->max_vcpus;
    d->vcpu = kzalloc(c->max_vcpus * sizeof(d->vcpu[0]));
    if (!d->shared_info || !d->vcpu)
        return -XEN_ENOMEM;
    /* negative: as many as there can be */
    d->evtchn.max_port = MIN(c->max_evtchn_port, EVTCHN_MAX - 1);
    grant_domain_init(d, (uint32_t)c->max_grant_frames, (uint32_t)c->max_maptrack_frames);
    rc = p2m_init(d);
    rc = rc ? rc : event_domain_init(d);
    return rc ? rc : emul_domain_init(d);
}

struct domain *domain_create(uint16_t id, const struct xen_domctl_createdomain *config, int *err)
{
    struct domain *d;

    *err = -XEN_EINVAL;
    if (!config->max_vcpus || config->max_vcpus > MAX_VCPUS ||
        config->max_grant_frames > (int)GRANT_MAX_FRAMES * 1024)
        return NULL;
    *err = -XEN_ENOMEM;
    d = kzalloc(sizeof(*d));
    if (!d)
        return NULL;
    d->p2m_root = INVALID_MFN;
    d->p2m_limit = id ? DEFAULT_P2M_NODES : ~0ull;
    d->shutdown_code = SHUTDOWN_CODE_NONE;
    d->target = DOMID_INVALID;
    d->weight = SCHED_DEFAULT_WEIGHT;
    d->ssidref = config->ssidref;
    d->refs = 1;
    d->pause_count = 1;
    memcpy(d->handle, config->handle, sizeof(d->handle));
    if (id == 0)
        d->privileged = d->hardware = true;
    *err = domain_parts(d, config);
    if (!*err && !link_domain(d, id))
        *err = -XEN_EEXIST;
    if (*err) {
        domain_free(d);
        return NULL;
    }
    domain_update_wallclock(d);
    return d;
}

static void recheck_all(struct domain *d)
{
    for_each_vcpu (d, v)
        sched_vcpu_recheck(v);
}

void domain_pause(struct domain *d)
{
    __atomic_add_fetch(&d->pause_count, 1, __ATOMIC_SEQ_CST);
    recheck_all(d);
    for_each_vcpu (d, v)
        if (v != current_vcpu())
            sched_vcpu_sync(v);
}

void domain_unpause(struct domain *d)
{
    if (__atomic_sub_fetch(&d->pause_count, 1, __ATOMIC_SEQ_CST))
        return;
    recheck_all(d);
}

void domain_shutdown(struct domain *d, uint8_t reason)
{
    if (d->hardware)
        hwdom_shutdown(reason);
    spin_lock(&d->lock);
    if (!d->shutting_down) {
        if (d->shutdown_code == SHUTDOWN_CODE_NONE)
            d->shutdown_code = reason;
        d->shutting_down = d->shut_down = true;
    }
    spin_unlock(&d->lock);
    recheck_all(d);
    event_global_virq(VIRQ_DOM_EXC);
}

void domain_resume(struct domain *d)
{
    domain_pause(d);
    spin_lock(&d->lock);
    d->shutting_down = d->shut_down = false;
    d->shutdown_code = SHUTDOWN_CODE_NONE;
    spin_unlock(&d->lock);
    domain_unpause(d);
}

void domain_crash(struct domain *d, const char *why)
{
    struct vcpu *v = current_vcpu();

    pr_warn("d%u crashed: %s\n", d->id, why);
    if (v && v->domain == d)
        pr_warn("d%uv%u at %016lx rflags %lx cr3 %lx rax %lx rbx %lx rcx %lx rdx %lx rsi %lx rdi %lx\n",
                d->id, v->id, virt->rip(v), virt->rflags(v), virt->cr3(v), v->regs.rax, v->regs.rbx,
                v->regs.rcx, v->regs.rdx, v->regs.rsi, v->regs.rdi);
    domain_shutdown(d, SHUTDOWN_crash);
}

/* Empty entries of a dying domain's p2m and drop what they referred to. True: none is left. */
static bool relinquish_some(struct domain *d)
{
    unsigned done = 0;
    gfn_t g = gfn(0);
    struct p2m_leaf l;

    spin_guard(&d->p2m_lock);
    p2m_flush_locked(d);
    while (done < RELINQUISH_ROUND && p2m_next_locked(d, &g, &l))
        if (!p2m_clear_locked(d, l.g, l.order)) {
            if (l.type != P2M_MMIO)
                page_put_block(l.m, l.order); /* no vCPU runs and no TLB holds it: no deferring */
            done += 1u << MIN(l.order, 9u);
        }
    d->deferred->pending = false;
    return done < RELINQUISH_ROUND;
}

int domain_kill(struct domain *d)
{
    if (d->dying == DOMAIN_ALIVE) {
        domain_pause(d);
        d->dying = DOMAIN_DYING;
        for_each_vcpu (d, v) {
            timer_stop(&v->singleshot);
            timer_stop(&v->periodic);
            timer_stop(&v->poll_timer);
            timer_stop(&v->lapic.timer);
        }
        for (unsigned i = 0; i < ARRAY_SIZE(d->watchdog); i++)
            timer_stop(&d->watchdog[i]);
    }
    if (d->dying == DOMAIN_DEAD)
        return 0;
    if (!event_domain_destroy(d))
        return -XEN_ERESTART;
    vcpu_areas_release(d); /* no sender reaches them any more */
    if (!grant_domain_destroy(d) || !relinquish_some(d))
        return -XEN_ERESTART;
    d->dying = DOMAIN_DEAD;
    event_global_virq(VIRQ_DOM_EXC);
    return 0;
}
