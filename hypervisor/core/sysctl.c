/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SYSCTL: the toolstack's questions about the machine (sysctl.h of the public ABI). All are for privileged
 * domains. One table, one lock taken by trying only.
 */
#include "toolstack.h"
#include "bh/console.h"
#include "bh/iommu.h"
#include "bh/keys.h"
#include "bh/page.h"
#include "bh/time.h"
#include "bh/topology.h"

_Static_assert(XEN_SYSCTL_INTERFACE_VERSION == 0x15, "sysctl interface of Xen 4.17");

#define NR_FEATURE_WORDS 19u
#define NEAR             10u /* distances of nodes, without a SLIT */
#define FAR              20u
#define SCHED_RATELIMIT  1000u
#define MAX_DEBUG_KEYS   64u
#define MAX_PCI_TOPOLOGY 4096u

/* Copied in once; every operation's structure is copied back after success or when `copyback` is set. */
struct sysctl_call {
    struct vcpu *v;
    struct xen_sysctl *op;
    bool copyback; /* also after an error */
};
typedef long (*sysctl_fn)(struct sysctl_call *c);
#define SYSCTL(name) static long sysctl_##name(struct sysctl_call *c)

static spinlock_t sysctl_lock;

SYSCTL(readconsole)
{
    struct xen_sysctl_readconsole *r = &c->op->u.readconsole;
    uint32_t index = r->incremental ? r->index : 0, size = MIN(r->count, CONSOLE_RING_SIZE);
    const char *piece;

    for (r->count = 0; r->count < size;) {
        uint32_t n = (uint32_t)MIN(console_ring_piece(&index, &piece), (size_t)(size - r->count));

        if (!n)
            break;
        if (copy_to_guest(c->v, HANDLE(r->buffer) + r->count, piece, n))
            return -XEN_EFAULT;
        r->count += n;
        index += n;
    }
    r->index = index;
    if (r->clear)
        console_ring_clear();
    return 0;
}

/* Words of a featureset (arch-x86/cpufeatureset.h). */
static void featureset(const struct cpuid_policy *p, uint32_t f[NR_FEATURE_WORDS])
{
    memset(f, 0, NR_FEATURE_WORDS * sizeof(f[0]));
    f[0] = p->basic[1].d;
    f[1] = p->basic[1].c;
    f[2] = p->ext[1].d;
    f[3] = p->ext[1].c;
    f[4] = p->leafd[1].a;
    f[5] = p->leaf7[0].b;
    f[6] = p->leaf7[0].c;
    f[7] = p->ext[7].d;
    f[8] = p->ext[8].b;
    f[9] = p->leaf7[0].d;
    f[10] = p->leaf7[1].a;
    f[11] = p->ext[0x21].a;
    f[12] = p->leaf7[1].b;
    f[13] = p->leaf7[2].d;
    f[14] = p->leaf7[1].c;
    f[15] = p->leaf7[1].d;
    f[18] = p->ext[0x21].c;
}

SYSCTL(physinfo)
{
    struct xen_sysctl_physinfo *p = &c->op->u.physinfo;
    uint32_t f[NR_FEATURE_WORDS], socket = 1, core = 1; /* CPUs that share those of the first */
    struct cpu_place first = topology_cpu(0);

    for (uint32_t i = 1; i < nr_cpus; i++) {
        struct cpu_place place = topology_cpu(i);

        socket += place.socket == first.socket;
        core += place.socket == first.socket && place.core == first.core;
    }
    *p = (struct xen_sysctl_physinfo){.threads_per_core = core,
                                      .cores_per_socket = socket / core,
                                      .nr_cpus = nr_cpus,
                                      .max_cpu_id = nr_cpus - 1,
                                      .nr_nodes = topology_nodes,
                                      .cpu_khz = (uint32_t)tsc_khz,
                                      .total_pages = page_counts.total,
                                      .free_pages = page_counts.free,
                                      .scrub_pages = page_counts.dirty,
                                      .max_mfn = max_page - 1};
    p->capabilities = XEN_SYSCTL_PHYSCAP_hvm | XEN_SYSCTL_PHYSCAP_hap | XEN_SYSCTL_PHYSCAP_gnttab_v1 |
                      (iommu ? XEN_SYSCTL_PHYSCAP_directio : 0);
    featureset(&cpuid_host, f);
    memcpy(p->hw_cap, f, sizeof(p->hw_cap));
    return 0;
}

SYSCTL(sched_id)
{
    c->op->u.sched_id.sched_id = XEN_SCHEDULER_CREDIT2;
    return 0;
}

SYSCTL(getdomaininfolist)
{
    struct xen_sysctl_getdomaininfolist *l = &c->op->u.getdomaininfolist;
    uint32_t id = l->first_domain, n = 0;

    while (n < l->max_domains && id < DOMID_FIRST_RESERVED) {
        domain_ref struct domain *d = domain_get_next((uint16_t)id);
        struct xen_domctl_getdomaininfo info;

        if (!d)
            break;
        domain_info(d, &info);
        id = d->id + 1u;
        if (copy_to_guest(c->v, HANDLE(l->buffer) + n * sizeof(info), &info, sizeof(info)))
            return -XEN_EFAULT;
        n++;
    }
    l->num_domains = n;
    return 0;
}

SYSCTL(debug_keys)
{
    const struct xen_sysctl_debug_keys *k = &c->op->u.debug_keys;

    for (uint32_t i = 0; i < MIN(k->nr_keys, MAX_DEBUG_KEYS); i++) {
        char key;

        if (copy_from_guest(c->v, &key, HANDLE(k->keys) + i, sizeof(key)))
            return -XEN_EFAULT;
        key_press(key);
    }
    return 0;
}

SYSCTL(getcpuinfo)
{
    struct xen_sysctl_getcpuinfo *g = &c->op->u.getcpuinfo;
    uint32_t n = MIN(g->max_cpus, nr_cpus);

    for (uint32_t i = 0; i < n; i++) {
        xen_sysctl_cpuinfo_t info = {.idletime = cpus[i]->idle_ns};

        if (copy_to_guest(c->v, HANDLE(g->info) + i * sizeof(info), &info, sizeof(info)))
            return -XEN_EFAULT;
    }
    g->nr_cpus = n;
    return 0;
}

SYSCTL(availheap)
{
    c->op->u.availheap.avail_bytes = page_counts.free << PAGE_SHIFT;
    return 0;
}

SYSCTL(cputopoinfo)
{
    struct xen_sysctl_cputopoinfo *t = &c->op->u.cputopoinfo;
    uint32_t n = MIN(t->num_cpus, nr_cpus);

    for (uint32_t i = 0; HANDLE(t->cputopo) && i < n; i++) {
        struct cpu_place place = topology_cpu(i);
        xen_sysctl_cputopo_t cpu = {place.core, place.socket, place.node};

        if (copy_to_guest(c->v, HANDLE(t->cputopo) + i * sizeof(cpu), &cpu, sizeof(cpu)))
            return -XEN_EFAULT;
    }
    t->num_cpus = nr_cpus;
    return 0;
}

SYSCTL(numainfo)
{
    struct xen_sysctl_numainfo *t = &c->op->u.numainfo;
    uint32_t nodes = topology_nodes, n = MIN(t->num_nodes, nodes);

    for (uint32_t i = 0; i < n; i++) {
        xen_sysctl_meminfo_t mem;
        uint32_t distance[ACPI_MAX_NODES];

        topology_memory(i, &mem.memsize, &mem.memfree);
        for (uint32_t j = 0; j < n; j++)
            distance[j] = i == j ? NEAR : FAR;
        if (HANDLE(t->meminfo) &&
            copy_to_guest(c->v, HANDLE(t->meminfo) + i * sizeof(mem), &mem, sizeof(mem)))
            return -XEN_EFAULT;
        if (HANDLE(t->distance) && copy_to_guest(c->v, HANDLE(t->distance) + i * nodes * sizeof(distance[0]),
                                                 distance, n * sizeof(distance[0])))
            return -XEN_EFAULT;
    }
    t->num_nodes = nodes;
    return 0;
}

/* Which node a device is near only the DSDT knows, if there is more than one. */
SYSCTL(pcitopoinfo)
{
    struct xen_sysctl_pcitopoinfo *t = &c->op->u.pcitopoinfo;
    const uint32_t node = topology_nodes > 1 ? XEN_INVALID_NODE_ID : 0;

    if (!HANDLE(t->devs) || !HANDLE(t->nodes) || t->num_devs > MAX_PCI_TOPOLOGY)
        return -XEN_EINVAL;
    for (uint32_t i = 0; i < t->num_devs; i++)
        if (copy_to_guest(c->v, HANDLE(t->nodes) + i * sizeof(node), &node, sizeof(node)))
            return -XEN_EFAULT;
    return 0;
}

/* One pool that holds everything. */
SYSCTL(cpupool_op)
{
    struct xen_sysctl_cpupool_op *p = &c->op->u.cpupool_op;
    static const uint64_t all[CPU_MASK_WORDS] = {[0 ... CPU_MASK_WORDS - 1] = ~0ull};

    switch (p->op) {
    case XEN_SYSCTL_CPUPOOL_OP_INFO:
        if (p->cpupool_id)
            return -XEN_ENOENT;
        p->sched_id = XEN_SCHEDULER_CREDIT2;
        p->n_dom = 0;
        for_each_domain (d)
            p->n_dom++;
        return bitmap_to_guest(c->v, &p->cpumap, all, nr_cpus);
    case XEN_SYSCTL_CPUPOOL_OP_FREEINFO:
        return bitmap_to_guest(c->v, &p->cpumap, all, 0);
    case XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN:
        return p->cpupool_id ? -XEN_ENOENT : 0;
    case XEN_SYSCTL_CPUPOOL_OP_CREATE:
    case XEN_SYSCTL_CPUPOOL_OP_DESTROY:
    case XEN_SYSCTL_CPUPOOL_OP_ADDCPU:
    case XEN_SYSCTL_CPUPOOL_OP_RMCPU:
        return -XEN_EOPNOTSUPP;
    default:
        return -XEN_ENOSYS;
    }
}

SYSCTL(scheduler_op)
{
    struct xen_sysctl_scheduler_op *s = &c->op->u.scheduler_op;

    if (s->cpupool_id)
        return -XEN_ESRCH;
    if (s->sched_id != XEN_SCHEDULER_CREDIT2)
        return -XEN_EINVAL;
    if (s->cmd != XEN_SYSCTL_SCHEDOP_getinfo)
        return -XEN_EOPNOTSUPP;
    s->u.sched_credit2.ratelimit_us = SCHED_RATELIMIT;
    return 0;
}

SYSCTL(get_cpu_levelling_caps)
{
    c->op->u.cpu_levelling_caps.caps = 0;
    return 0;
}

/* By XEN_SYSCTL_cpu_policy_* or XEN_SYSCTL_cpu_featureset_*; NULL: PV, which there is not. */
static const struct cpuid_policy *policy_by_index(uint32_t index, bool host, bool hvm, long *rc)
{
    *rc = index > XEN_SYSCTL_cpu_policy_hvm_default ? -XEN_EINVAL : host || hvm ? 0 : -XEN_EOPNOTSUPP;
    return *rc ? NULL : host ? &cpuid_host : &cpuid_default;
}

SYSCTL(get_cpu_featureset)
{
    struct xen_sysctl_cpu_featureset *f = &c->op->u.cpu_featureset;
    uint32_t words[NR_FEATURE_WORDS], n = MIN(f->nr_features, NR_FEATURE_WORDS);
    bool small = HANDLE(f->features) && f->nr_features < NR_FEATURE_WORDS;
    const struct cpuid_policy *p;
    long rc;

    p = policy_by_index(
        f->index, f->index <= XEN_SYSCTL_cpu_featureset_host,
        f->index == XEN_SYSCTL_cpu_featureset_hvm || f->index == XEN_SYSCTL_cpu_featureset_hvm_max, &rc);
    if (!p)
        return rc;
    featureset(p, words);
    if (HANDLE(f->features) && copy_to_guest(c->v, HANDLE(f->features), words, n * sizeof(words[0])))
        return -XEN_EFAULT;
    f->nr_features = NR_FEATURE_WORDS;
    c->copyback = true;
    return small ? -XEN_ENOBUFS : 0;
}

SYSCTL(get_cpu_policy)
{
    struct xen_sysctl_cpu_policy *p = &c->op->u.cpu_policy;
    const struct cpuid_policy *policy;
    long rc;

    if (p->_rsvd)
        return -XEN_EINVAL;
    policy = policy_by_index(
        p->index, p->index <= XEN_SYSCTL_cpu_policy_host,
        p->index == XEN_SYSCTL_cpu_policy_hvm_max || p->index == XEN_SYSCTL_cpu_policy_hvm_default, &rc);
    if (!policy)
        return rc;
    c->copyback = true;
    return policy_to_guest(c->v, policy, &p->nr_leaves, HANDLE(p->leaves), &p->nr_msrs, HANDLE(p->msrs));
}

/* No power management by the hypervisor: what xenpm and libxl take for an answer. */
SYSCTL(get_pmstat)
{
    return -XEN_ENODEV;
}

SYSCTL(pm_op)
{
    return -XEN_ENODEV;
}

#define OP(name) [XEN_SYSCTL_##name] = sysctl_##name
static const sysctl_fn table[] = {
    OP(readconsole),        OP(physinfo),       OP(sched_id),
    OP(getdomaininfolist),  OP(debug_keys),     OP(getcpuinfo),
    OP(availheap),          OP(get_pmstat),     OP(pm_op),
    OP(cputopoinfo),        OP(numainfo),       OP(cpupool_op),
    OP(scheduler_op),       OP(pcitopoinfo),    OP(get_cpu_levelling_caps),
    OP(get_cpu_featureset), OP(get_cpu_policy),
};

HYPERCALL(sysctl)
{
    struct xen_sysctl op;
    struct sysctl_call c = {.v = v, .op = &op};
    long rc;

    if (copy_from_guest(v, &op, args->a[0], sizeof(op)))
        return -XEN_EFAULT;
    if (op.interface_version != XEN_SYSCTL_INTERFACE_VERSION)
        return -XEN_EACCES;
    if (!priv_allows(v->domain, NULL, PRIV_CONTROL))
        return -XEN_EPERM;
    if (op.cmd >= ARRAY_SIZE(table) || !table[op.cmd])
        return -XEN_ENOSYS;
    p2m_flush(v->domain); /* frames whose last mapping the toolstack gave up count as free */
    if (!spin_trylock(&sysctl_lock))
        return -XEN_ERESTART;
    rc = table[op.cmd](&c);
    spin_unlock(&sysctl_lock);
    if ((!rc || c.copyback) && copy_to_guest(v, args->a[0], &op, sizeof(op)))
        return -XEN_EFAULT;
    return rc;
}
