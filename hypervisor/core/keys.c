/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Debug keys: `xl debug-keys h` lists them. */
#include "bh/domain.h"
#include "bh/keys.h"
#include "bh/lib.h"
#include "bh/page.h"
#include "bh/shutdown.h"
#include "bh/time.h"

static void key_help(void);

#ifdef BH_FAULT_INJECTION
static int64_t fail_number;

/* `xl debug-keys 12f`: the twelfth allocation from now fails. */
static void key_fail(void)
{
    page_fail_after = fail_number - 1;
    fail_number = 0;
}

static void key_fail_state(void)
{
    printk(LOG_ERR, "allocations before the failure: %ld\n", page_fail_after);
    page_fail_after = -1;
}
#endif

static void key_memory(void)
{
    printk(LOG_ERR, "memory: %lu pages, %lu free (%lu of them to be scrubbed), %lu bytes of objects in %lu\n",
           page_counts.total, page_counts.free, page_counts.dirty, heap_counts.bytes, heap_counts.frames);
}

static void key_domains(void)
{
    for_each_domain (d) {
        int timers = 0;

        for_each_vcpu (d, v)
            timers += (v->singleshot.queue != NULL) + (v->periodic.queue != NULL) +
                      (v->poll_timer.queue != NULL) + (v->lapic.timer.queue != NULL);
        printk(
            LOG_ERR,
            "d%u: refs %d pages %lu/%lu p2m-nodes %lu tables %u foreign %lu ports %u grant-maps %u timers %d "
            "vcpus %u dying %u\n",
            d->id, d->refs, d->tot_pages, d->max_pages, d->p2m_nodes,
            grant_count_frames(d) + 1 + d->evtchn.nr_ports / EVTCHN_PER_PAGE, d->foreign_maps,
            d->evtchn.nr_used, d->grant.nr_maps, timers, d->nr_vcpus, d->dying);
    }
}

static void key_registers(void)
{
    for_each_domain (d)
        for_each_vcpu (d, v)
            printk(LOG_ERR, "d%uv%u: cpu %u %s%s%s pause %d rip %lx exits %lu cpu-time %lu ms vruntime %lu\n",
                   d->id, v->id, v->processor->id, v->running ? "running " : "", v->blocked ? "blocked " : "",
                   v->down ? "down " : "", v->pause_count + d->pause_count, virt->rip(v), v->exits,
                   v->cpu_time_ns / MS, v->sched.vruntime);
}

static void key_ports(void)
{
    static const char *const states[] = {"free", "unbound", "interdomain", "virq", "ipi"};

    for_each_domain (d)
        for (uint32_t p = 1; p < d->evtchn.nr_ports; p++) {
            const struct evtchn *e = event_port(d, p);

            if (e->state != EVT_FREE)
                printk(LOG_ERR, "d%u port %u: %s vcpu %u remote d%u port %u virq %u pending %d\n", d->id, p,
                       states[e->state], e->vcpu, e->remote_domid, e->remote_port, e->virq,
                       event_port_pending(d, p));
        }
}

static void key_cpus(void)
{
    for (unsigned i = 0; i < nr_cpus; i++)
        printk(LOG_ERR, "CPU%u: APIC id %u, idle %lu ms, %lu vCPU switches, %u queued\n", i, cpus[i]->apic_id,
               cpus[i]->idle_ns / MS, cpus[i]->vcpu_switches, cpus[i]->runq->nr_queued);
}

static const struct {
    char key;
    void (*fn)(void);
    const char *what;
} keys[] = {
    {'h', key_help, "this list"},
    {'m', key_memory, "memory"},
    {'q', key_domains, "domains and what they hold"},
    {'d', key_registers, "virtual CPUs"},
    {'e', key_ports, "event channels"},
    {'r', key_cpus, "physical CPUs and run queues"},
    {'R', machine_reboot, "reboot at once"},
#ifdef BH_FAULT_INJECTION
    {'f', key_fail, "the allocation of the number before this key fails"},
    {'F', key_fail_state, "how many before it fails, -1 when it has; no more failures"},
#endif
};

static void key_help(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(keys); i++)
        printk(LOG_ERR, "key '%c': %s\n", keys[i].key, keys[i].what);
}

void key_press(char key)
{
#ifdef BH_FAULT_INJECTION
    if (key >= '0' && key <= '9') {
        fail_number = fail_number * 10 + key - '0';
        return;
    }
#endif
    for (unsigned i = 0; i < ARRAY_SIZE(keys); i++)
        if (keys[i].key == key) {
            keys[i].fn();
            return;
        }
    printk(LOG_ERR, "key '%c' does nothing; 'h' lists the keys\n", key);
}
