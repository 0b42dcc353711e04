/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See host_hypervisor.h. Modules whose static state belongs to a snapshot are included as source. */
#include "host_hypervisor.h"
#include <stdlib.h>
#include <sys/mman.h>
#include "../../../hypervisor/mm/page_alloc.c"
#include "../../../hypervisor/mm/heap.c"
#include "../../../hypervisor/core/domain.c"
#include "bh/guest_access.h"
#include "bh/iommu.h"
#include "bh/lapic.h"
#include "bh/time.h"

#define ARENA_ALIGN (1ull << 21)

struct cpu host_test_cpu;
static struct cpu more_cpus[8];
struct cpu *cpus[MAX_CPUS] = {&host_test_cpu};
unsigned nr_cpus = 1;
struct cpu_features cpu_features = {.gb_pages = true};
uint64_t iommu_leaf_bits[2], iommu_node_bits[4];
void iommu_flush(void) {}
unsigned iommu_max_order = ORDER_1G;
uint64_t host_now, host_cr4;
unsigned host_kicks, host_level_eoi;
uint64_t tsc_khz = 1000000, boot_tsc;
uint32_t tsc_to_ns_mul = 0x80000000u;
int8_t tsc_shift = 1;
static void *arena;
static size_t arena_size, arena_mapped;

/* ---- hardware and the rest of the hypervisor ---- */

paddr_t va_to_pa(const void *va)
{
    return (uintptr_t)va - DIRECTMAP_BASE;
}
uint64_t now_ns(void)
{
    return host_now;
}
void time_queue_changed(struct timer_queue *q)
{
    (void)q;
}
void cpu_kick(struct cpu *c, uint32_t work)
{
    host_kicks++;
    c->work |= work;
}
void lapic_ipi(uint32_t apic_id, uint32_t vector)
{
    (void)apic_id, (void)vector;
}
void hwdom_shutdown(uint8_t reason)
{
    panic("dom0 shut down: %u", reason);
}
void domain_update_wallclock(struct domain *d)
{
    (void)d;
}
int emul_domain_init(struct domain *d)
{
    (void)d;
    return 0;
}
void emul_domain_free(struct domain *d)
{
    (void)d;
}
void vioapic_eoi(struct domain *d, uint8_t vector)
{
    (void)d, (void)vector;
    host_level_eoi++;
}
void vcpu_init_ipi(struct vcpu *v)
{
    v->init_pending = true;
}
void vcpu_sipi(struct vcpu *v, uint8_t vector)
{
    v->sipi_pending = 0x100 | vector;
}
void vcpu_areas_release(struct domain *d)
{
    (void)d;
}
void vcpu_runstate_change(struct vcpu *v, int state, uint64_t now)
{
    (void)now;
    v->run.state = state;
}

void vcpu_destroy(struct vcpu *v)
{
    sched_vcpu_destroy(v);
    timer_kill(&v->lapic.timer);
    kfree(v, sizeof(*v));
}
static uint64_t guest_cr4(struct vcpu *v)
{
    (void)v;
    return host_cr4;
}
static uint64_t guest_zero(struct vcpu *v)
{
    (void)v;
    return 0;
}
static const struct virt_ops host_virt_ops = {
    .name = "host",
    .cr4 = guest_cr4,
    .cr3 = guest_zero,
    .rip = guest_zero,
    .rflags = guest_zero,
};
const struct virt_ops *virt = &host_virt_ops;

/* As core/hypercall.c has it. */
bool priv_allows(const struct domain *caller, const struct domain *target, enum priv p)
{
    return (p == PRIV_SELF_OR_CONTROL && caller == target) ||
           (p == PRIV_HWDOM ? caller->hardware : caller->privileged);
}

int copy_from_guest(struct vcpu *v, void *dst, uint64_t gva, size_t size)
{
    (void)v;
    if (!gva)
        return -XEN_EFAULT;
    memcpy(dst, (const void *)(uintptr_t)gva, size);
    return 0;
}
int copy_to_guest(struct vcpu *v, uint64_t gva, const void *src, size_t size)
{
    (void)v;
    if (!gva)
        return -XEN_EFAULT;
    memcpy((void *)(uintptr_t)gva, src, size);
    return 0;
}
void *guest_frame_get(struct domain *d, gfn_t g, mfn_t *m)
{
    enum p2m_type t;

    *m = p2m_get_ram(d, g, true, &t);
    if (mfn_valid_value(*m) && t != P2M_RAM) {
        page_put(*m);
        return NULL;
    }
    return mfn_valid_value(*m) ? mfn_to_va(*m) : NULL;
}
unsigned page_refs(mfn_t m)
{
    const struct page *pg = mfn_page(m);

    return pg && pg->owner != OWNER_FREE ? pg->info : 0;
}
int p2m_clear(struct domain *d, gfn_t g, unsigned order)
{
    spin_guard(&d->p2m_lock);
    return p2m_clear_locked(d, g, order);
}

/* ---- the machine ---- */

static void *aligned_map(size_t size)
{
    char *p = mmap(NULL, size + ARENA_ALIGN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED)
        abort();
    return (void *)ROUND_UP((uintptr_t)p, ARENA_ALIGN);
}

void host_machine(uint64_t frames, unsigned nr)
{
    size_t table = page_table_size(frames);

    if (frames * PAGE_SIZE > arena_mapped) {
        arena_mapped = frames * PAGE_SIZE;
        arena = aligned_map(arena_mapped);
    }
    arena_size = frames * PAGE_SIZE;
    memset(arena, 0, arena_size);
    host_directmap_base = (uintptr_t)arena;
    memset(partial, 0, sizeof(partial));
    page_counts = (struct page_counts){0};
    heap_counts = (struct heap_counts){0};
    page_fail_after = -1;
    page_init(arena, frames);
    page_add_ram(table, arena_size, false);
    domain_list = dom0 = NULL;
    next_id = 1;
    host_now = 1000000000;
    host_kicks = host_level_eoi = 0;
    nr_cpus = nr;
    for (unsigned i = 0; i < nr; i++) {
        struct cpu *c = i ? &more_cpus[i - 1] : &host_test_cpu;

        memset(c, 0, sizeof(*c));
        cpus[i] = c;
        c->self = c;
        c->id = c->apic_id = i;
        c->online = true;
        c->timers.cpu = c;
        if (sched_cpu_init(c))
            abort();
    }
}

static struct vcpu *vcpu_new(struct domain *d)
{
    struct vcpu *v = kzalloc(sizeof(*v));

    if (!v)
        abort();
    v->domain = d;
    v->info = (vcpu_info_t *)&d->shared_info->vcpu_info[0];
    v->blocked = true;
    v->upcall_vector = 0;
    d->vcpu[0] = v;
    d->nr_vcpus = 1;
    sched_vcpu_init(v);
    vlapic_init(v);
    return v;
}

struct domain *host_domain(uint16_t id, unsigned ram, unsigned max_port)
{
    struct xen_domctl_createdomain config = {
        .max_vcpus = 1, .max_evtchn_port = max_port, .max_grant_frames = 1, .max_maptrack_frames = 1};
    int rc;
    struct domain *d = domain_create(id, &config, &rc);

    if (!d)
        abort();
    d->hardware = false;
    d->max_pages = ram;
    vcpu_new(d);
    d->pause_count = 0;
    for (unsigned g = 0; g < ram; g++) {
        mfn_t m = page_alloc_domain(d, 0, 0);

        if (!mfn_valid_value(m) || p2m_set(d, gfn(g), m, 0, P2M_RAM))
            abort();
    }
    return d;
}

void host_domain_kill(struct domain *d)
{
    while (domain_kill(d) == -XEN_ERESTART)
        ;
    domain_put(d); /* the reference of its creation, as DOMCTL_destroydomain drops it */
}

struct domain *host_domain_find(uint16_t id)
{
    struct domain *d = domain_list;

    while (d && d->id != id)
        d = d->next;
    return d;
}

long host_event_op(struct domain *d, unsigned cmd, void *arg)
{
    struct hypercall_args a = {{cmd, (uintptr_t)arg}};

    return do_event_channel_op(d->vcpu[0], &a);
}

long host_grant_op(struct domain *d, unsigned cmd, void *arg, unsigned count)
{
    struct hypercall_args a = {{cmd, (uintptr_t)arg, count}};

    return do_grant_table_op(d->vcpu[0], &a);
}

/* ---- snapshots ---- */

#define STATE(X)                                                                                             \
    X(lists)                                                                                                 \
    X(page_counts)                                                                                           \
    X(partial) X(heap_counts) X(domain_list) X(dom0) X(next_id) X(host_test_cpu) X(more_cpus) X(host_now)
#define MEMBER(v) __typeof__(v) v;
#define SAVE(v)   memcpy(&s->v, &v, sizeof(v));
#define LOAD(v)   memcpy(&v, &s->v, sizeof(v));

struct host_snapshot {
    STATE(MEMBER)
    char memory[];
};

struct host_snapshot *host_snapshot_new(void)
{
    return malloc(sizeof(struct host_snapshot) + arena_size);
}

void host_snapshot_save(struct host_snapshot *s)
{
    STATE(SAVE)
    memcpy(s->memory, arena, arena_size);
}

void host_snapshot_restore(const struct host_snapshot *s)
{
    STATE(LOAD)
    memcpy(arena, s->memory, arena_size);
}

void host_snapshot_free(struct host_snapshot *s)
{
    free(s);
}

/* ---- states seen ---- */

#define SEEN_SIZE (1u << 22)
struct host_seen {
    uint64_t count;
    struct {
        uint64_t digest;
        uint32_t depth;
    } slot[SEEN_SIZE];
};

struct host_seen *host_seen_new(void)
{
    return calloc(1, sizeof(struct host_seen));
}

bool host_seen_add(struct host_seen *s, uint64_t digest, unsigned depth)
{
    uint32_t i;

    digest |= 1; /* 0: empty */
    for (i = (uint32_t)(digest >> 20) % SEEN_SIZE; s->slot[i].digest; i = (i + 1) % SEEN_SIZE)
        if (s->slot[i].digest == digest) {
            bool nearer = depth < s->slot[i].depth;

            s->slot[i].depth = MIN(depth, s->slot[i].depth);
            return nearer;
        }
    if (++s->count > SEEN_SIZE / 2)
        abort();
    s->slot[i].digest = digest;
    s->slot[i].depth = depth;
    return true;
}

uint64_t host_seen_count(const struct host_seen *s)
{
    return s->count;
}

void host_seen_free(struct host_seen *s)
{
    free(s);
}

uint64_t host_digest(uint64_t digest, uint64_t value)
{
    digest = (digest ^ value) * 0x9e3779b97f4a7c15ull;
    return digest ^ digest >> 29;
}
