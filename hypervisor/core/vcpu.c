/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Virtual CPUs: creation, reset, start-up IPIs, halting, PV timers, clock and run-state areas in guest
 * memory. */
#include "bh/domain.h"
#include "bh/exit.h"
#include "bh/lib.h"
#include "bh/msr.h"
#include "bh/page.h"
#include "bh/time.h"

#define XSAVE_BYTES (cpu_features.xsave_size + 64ul)

static vcpu_info_t *default_info(struct vcpu *v)
{
    return v->id < XEN_LEGACY_MAX_VCPUS ? (vcpu_info_t *)&v->domain->shared_info->vcpu_info[v->id]
                                        : &v->spare;
}

static void poll_timeout(void *arg)
{
    vcpu_wake(arg);
}

static void singleshot_fired(void *arg)
{
    event_vcpu_virq(arg, VIRQ_TIMER);
}

static void periodic_fired(void *arg)
{
    struct vcpu *v = arg;

    event_vcpu_virq(v, VIRQ_TIMER);
    timer_set(&this_cpu()->timers, &v->periodic,
              MAX(v->periodic.expires + v->periodic_ns, now_ns() + 100 * US));
}

static void vcpu_free(struct vcpu *v)
{
    kfree(v->xsave, XSAVE_BYTES);
    kfree(v, sizeof(*v));
}

static int vcpu_create(struct domain *d)
{
    uint32_t id = d->nr_vcpus;
    struct vcpu *v = kzalloc(sizeof(*v));

    if (!v)
        return -XEN_ENOMEM;
    v->domain = d;
    v->id = id;
    v->info = default_info(v);
    v->run.state = RUNSTATE_offline;
    v->run.state_entry_time = now_ns();
    v->xcr0 = 1;
    v->mtrr_def_type = 0xc06; /* write back, enabled */
    v->xsave = kzalloc(XSAVE_BYTES);
    if (!v->xsave || virt->vcpu_init(v)) {
        vcpu_free(v);
        return -XEN_ENOMEM;
    }
    vcpu_fpu_reset(v);
    vlapic_init(v);
    v->singleshot = (struct timer){.fn = singleshot_fired, .arg = v};
    v->periodic = (struct timer){.fn = periodic_fired, .arg = v};
    v->poll_timer = (struct timer){.fn = poll_timeout, .arg = v};
    sched_vcpu_init(v);
    vcpu_init_reset(v);
    v->down = id != 0;
    vcpu_update_time_info(v);
    d->vcpu[id] = v;
    d->nr_vcpus++;
    return 0;
}

void vcpu_destroy(struct vcpu *v)
{
    sched_vcpu_destroy(v);
    timer_kill(&v->lapic.timer);
    timer_kill(&v->singleshot);
    timer_kill(&v->periodic);
    timer_kill(&v->poll_timer);
    virt->vcpu_destroy(v);
    vcpu_free(v);
}

int domain_set_max_vcpus(struct domain *d, uint32_t max)
{
    int rc = max > d->max_vcpus ? -XEN_EINVAL : 0;

    while (!rc && d->nr_vcpus < max)
        rc = vcpu_create(d);
    return rc;
}

/* XSAVE legacy region after FNINIT (SDM vol. 1 §13.4): control word, MXCSR; components in their initial
 * state. */
void vcpu_fpu_reset(struct vcpu *v)
{
    uint8_t *x = v->xsave;
    uint16_t fcw = 0x37f;
    uint32_t mxcsr = 0x1f80;

    memset(x, 0, cpu_features.xsave_size);
    memcpy(x, &fcw, sizeof(fcw));
    memcpy(x + 24, &mxcsr, sizeof(mxcsr));
}

/* State after INIT (APM vol. 2 §14.1.3): real mode at the reset vector, waiting for a start-up IPI. */
void vcpu_init_reset(struct vcpu *v)
{
    struct cpu_state s = {0};

    v->down = true;
    for (unsigned i = 0; i < NR_SEGS; i++)
        s.seg[i] = (struct segment){0, 0x093, 0xffff, 0};
    s.seg[SEG_CS] = (struct segment){0xf000, 0x09b, 0xffff, 0xffff0000};
    s.seg[SEG_LDTR].attr = 0x082;
    s.seg[SEG_TR].attr = 0x08b;
    s.cr0 = 0x60000010;
    s.dr6 = 0xffff0ff0;
    s.dr7 = 0x400;
    s.rflags = 2;
    s.rip = 0xfff0;
    s.pat = 0x0007040600070406ull;
    virt->set_state(v, &s);
    memset(&v->regs, 0, sizeof(v->regs));
    v->regs.rdx = 0xf00;
    v->nmi_pending = false;
    vlapic_reset(v);
}

void vcpu_init_ipi(struct vcpu *v)
{
    {
        spin_guard(&v->domain->lock);
        if (v->down) /* it waits for a start-up IPI already */
            return;
        v->sipi_pending = 0;
        v->init_pending = true;
    }
    vcpu_wake(v);
    sched_vcpu_recheck(v);
}

/* What starts it is noted; its own CPU changes its registers, since a vCPU that goes down may still run. */
void vcpu_sipi(struct vcpu *v, uint8_t vector)
{
    {
        spin_guard(&v->domain->lock);
        if (v->down || v->init_pending)
            v->sipi_pending = 0x100 | vector;
        if (!v->down)
            return;
        v->init_pending = true;
        v->blocked = false;
        __atomic_store_n(&v->down, false, __ATOMIC_SEQ_CST);
    }
    sched_vcpu_recheck(v);
}

void vcpu_init_finish(struct vcpu *v)
{
    struct cpu_state s;
    uint8_t vector;

    spin_guard(&v->domain->lock);
    v->init_pending = false;
    vcpu_init_reset(v);
    if (!v->sipi_pending)
        return;
    vector = (uint8_t)v->sipi_pending;
    v->sipi_pending = 0;
    virt->get_state(v, &s);
    s.seg[SEG_CS].selector = (uint16_t)(vector << 8);
    s.seg[SEG_CS].base = (uint64_t)vector << 12;
    s.rip = 0;
    virt->set_state(v, &s);
    v->down = false;
}

bool vcpu_has_event(struct vcpu *v)
{
    if (v->nmi_pending || vlapic_pending(v) >= 0)
        return true;
    return v->info->evtchn_upcall_pending && v->domain->callback_vector && !v->upcall_vector;
}

static bool all_down(const struct domain *d)
{
    for_each_vcpu (d, v)
        if (!v->down)
            return false;
    return true;
}

/* A halt that only NMI, INIT or start-up IPI can end: the vCPU is offline. A domain without any vCPU left has
 * switched itself off: PVH kernels have no other way to say so. */
void vcpu_go_down(struct vcpu *v)
{
    v->down = true;
    if (all_down(v->domain))
        domain_shutdown(v->domain, SHUTDOWN_poweroff);
}

void vcpu_block(struct vcpu *v)
{
    __atomic_store_n(&v->blocked, true, __ATOMIC_SEQ_CST);
    if (vcpu_has_event(v))
        v->blocked = false;
}

void vcpu_halt(struct vcpu *v)
{
    if (!(virt->rflags(v) & X86_EFLAGS_IF) && !v->nmi_pending) {
        vcpu_go_down(v);
        return;
    }
    vcpu_block(v);
}

/* version is odd while the fields change (struct vcpu_time_info). They never do after boot: time is linear.
 */
static void time_publish(const struct vcpu *v, vcpu_time_info_t *t)
{
    if (!t)
        return;
    t->version |= 1;
    __atomic_thread_fence(__ATOMIC_RELEASE);
    t->tsc_timestamp = boot_tsc + v->tsc_offset;
    t->system_time = 0;
    t->tsc_to_system_mul = tsc_to_ns_mul;
    t->tsc_shift = tsc_shift;
    t->flags = XEN_PVCLOCK_TSC_STABLE_BIT;
    __atomic_thread_fence(__ATOMIC_RELEASE);
    t->version++;
}

void vcpu_update_time_info(struct vcpu *v)
{
    struct runq *q = sched_vcpu_lock(v); /* the guest's own copy may be moved meanwhile */

    time_publish(v, &v->info->time);
    time_publish(v, v->time.va);
    spin_unlock(&q->lock);
}

void domain_update_wallclock(struct domain *d)
{
    shared_info_t *s = d->shared_info;
    uint64_t base = wallclock_ns + (uint64_t)(int64_t)(int32_t)d->time_offset_seconds * 1000000000ul;

    s->wc_version |= 1;
    __atomic_thread_fence(__ATOMIC_RELEASE);
    s->wc_sec = (uint32_t)(base / 1000000000ull);
    s->wc_sec_hi = (uint32_t)(base / 1000000000ull >> 32);
    s->wc_nsec = (uint32_t)(base % 1000000000ull);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    s->wc_version++;
}

/* The guest's copy of the run state; with the update flag the guest can tell a torn read. */
static void runstate_publish(struct vcpu *v)
{
    struct vcpu_runstate_info *g = v->runstate.va;
    bool flag = v->domain->vm_assist & BIT(VMASST_TYPE_runstate_update_flag);

    if (!g)
        return;
    if (flag) {
        __atomic_store_n(&g->state_entry_time, v->run.state_entry_time | XEN_RUNSTATE_UPDATE,
                         __ATOMIC_RELEASE);
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
    }
    g->state = v->run.state;
    memcpy(g->time, v->run.time, sizeof(g->time));
    __atomic_thread_fence(__ATOMIC_RELEASE);
    __atomic_store_n(&g->state_entry_time, v->run.state_entry_time, __ATOMIC_RELEASE);
}

void vcpu_runstate_change(struct vcpu *v, int state, uint64_t now)
{
    if (v->run.state == state)
        return;
    v->run.time[v->run.state] += now - v->run.state_entry_time;
    v->run.state_entry_time = now;
    v->run.state = state;
    runstate_publish(v);
}

int vcpu_set_area(struct vcpu *v, struct guest_area *area, size_t size, uint64_t gva)
{
    struct guest_area new = {NULL, INVALID_MFN}, old;
    struct runq *q;
    gpaddr_t gpa;

    if (gva) {
        if ((gva & ~PAGE_MASK) + size > PAGE_SIZE || gva & 7 ||
            guest_walk(current_vcpu(), gva, true, &gpa)) /* the pointer is the caller's */
            return -XEN_EFAULT;
        new.va = guest_frame_get(v->domain, gfn_of(gpa), &new.mfn);
        if (!new.va)
            return -XEN_EFAULT;
        new.va = (char *)new.va + (gpa & ~PAGE_MASK);
    }
    q = sched_vcpu_lock(v); /* other vCPUs may register it, too, and its own CPU may be publishing */
    old = *area;
    *area = new;
    runstate_publish(v);
    time_publish(v, v->time.va);
    spin_unlock(&q->lock);
    if (old.va)
        page_put(old.mfn);
    return 0;
}

int vcpu_set_info_area(struct vcpu *v, uint64_t g, uint32_t offset)
{
    vcpu_info_t *new;
    mfn_t m;
    char *p;

    if (offset > PAGE_SIZE - sizeof(vcpu_info_t) || offset & 7)
        return -XEN_EINVAL;
    p = guest_frame_get(v->domain, gfn(g), &m);
    if (!p)
        return -XEN_EINVAL;
    spin_guard(&v->domain->lock); /* several vCPUs may register this one's at once */
    if (v->info_mfn.n) {
        page_put(m);
        return -XEN_EINVAL; /* once only */
    }
    new = (vcpu_info_t *)(void *)(p + offset);
    memcpy(new, v->info, sizeof(*new));
    v->info_mfn = m;
    v->info = new;
    vcpu_update_time_info(v);
    /* events may have come to the old place: look at everything once */
    new->evtchn_pending_sel = ~0ul;
    new->evtchn_upcall_pending = 1;
    return 0;
}

void vcpu_areas_release(struct domain *d)
{
    for_each_vcpu (d, v) {
        (void)vcpu_set_area(v, &v->runstate, 0, 0);
        (void)vcpu_set_area(v, &v->time, 0, 0);
        v->info = default_info(v);
        if (v->info_mfn.n)
            page_put(v->info_mfn);
        v->info_mfn = (mfn_t){0};
    }
}
