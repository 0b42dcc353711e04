/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Choice of the CPU back end, and each CPU's main loop. */
#include "bh/domain.h"
#include "bh/lib.h"
#include "bh/page.h"
#include "bh/time.h"

const struct virt_ops *virt;

void virt_init(void)
{
    if (!cpu_features.amd)
        panic("this CPU has no hardware virtualisation that Bulkhead supports (AMD SVM with nested paging)");
    virt = &svm_ops;
}

void virt_cpu_init(struct cpu *c)
{
    if (virt->cpu_init(c))
        panic("CPU%u: hardware virtualisation cannot be switched on", c->id);
}

/* True: choose again who runs. */
static bool do_work(struct cpu *c)
{
    uint32_t work;

    if (likely(!c->work))
        return false;
    work = __atomic_exchange_n(&c->work, 0, __ATOMIC_SEQ_CST);
    if (work & WORK_TIMER) {
        timer_run(&c->timers, now_ns());
        time_program();
    }
    return work & WORK_RESCHED || c->work & WORK_RESCHED;
}

/* Nothing to run: clean memory, then sleep until an interrupt. */
static void idle(struct cpu *c)
{
    uint64_t since = now_ns();

    while (!__atomic_load_n(&c->work, __ATOMIC_SEQ_CST)) {
        if (page_scrub_some())
            __asm__ volatile("sti; nop; cli" ::: "memory");
        else
            __asm__ volatile("sti; hlt; cli" ::: "memory");
    }
    c->idle_ns += now_ns() - since;
}

/* The registers that guest entry does not switch: saved when a vCPU leaves the CPU, loaded only if another
 * one's (or an older copy) are there. Until they are saved, `running` keeps other CPUs from taking the vCPU.
 */
static void switch_from(struct vcpu *prev)
{
    virt->switch_state(prev, false);
    sched_vcpu_left(prev);
}

/* Another domain comes: nothing that the last one trained or left in the core's buffers remains. */
static void flush_for_domain(void)
{
    static const uint16_t data_selector = HOST_DS;

    if (cpu_features.ibpb)
        wrmsr(MSR_PRED_CMD, 1);
    if (cpu_features.verw)
        __asm__ volatile("verw %0" ::"m"(data_selector) : "cc");
}

static void switch_to(struct cpu *c, struct vcpu *v)
{
    if (c->last == v && v->last_loaded == c)
        return;
    if (!c->last || c->last_domain != v->domain->id)
        flush_for_domain();
    virt->switch_state(v, true);
    v->last_loaded = c;
    c->last = v;
    c->last_domain = v->domain->id;
    c->vcpu_switches++;
}

struct vcpu *cpu_next_vcpu(void)
{
    struct cpu *c = this_cpu();

    for (;;) {
        struct vcpu *prev = c->current, *v = prev;

        if (do_work(c) || !prev || !vcpu_runnable(prev))
            v = sched_pick();
        if (prev && prev != v)
            switch_from(prev);
        if (!v) {
            idle(c);
            continue;
        }
        if (prev != v)
            switch_to(c, v);
        if (unlikely(v->polling))
            vcpu_poll_end(v);
        if (likely(!v->init_pending))
            return v;
        vcpu_init_finish(v);
    }
}

_Noreturn void cpu_loop(void)
{
    virt->loop();
    __builtin_unreachable();
}
