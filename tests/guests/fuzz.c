/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hypercalls by chance: any number, any operation, structures that look right in some fields and wrong in
 * others. seed=N repeats a run, calls=N is its length. The hypervisor must answer each call; what it answers
 * is counted. It runs as dom0 and as a hostile domU. Left out is only what ends the run by design: shutting
 * oneself down, sleeping without end, rebooting the machine by a debug key, loading other registers into
 * oneself.
 */
#include "guest.h"

#define PLAY      (EMPTY_GFN + 0x1000) /* frames the fuzzer may put anything at */
#define SACRIFICE 0x2000ul             /* RAM of its own that it may lose */

static uint64_t words[4096] __attribute__((aligned(4096)));
static unsigned answers[256], good;

static uint64_t pick(const uint64_t *list, unsigned n)
{
    return list[random64() % n];
}

static uint64_t any_gfn(void)
{
    static const uint64_t odd[] = {0, ~0ull, 1ull << 36, 1ull << 40, 0xfee00, 0xfec00, 0xb0000, 0xfed90};

    switch (random64() % 4) {
    case 0:
        return PLAY + random64() % 64;
    case 1:
        return SACRIFICE + random64() % 1024;
    case 2:
        return EMPTY_GFN + random64() % 4;
    default:
        return pick(odd, ARRAY_SIZE(odd));
    }
}

static uint64_t number(void)
{
    static const uint64_t odd[] = {0,      1,          2,          3,          0x7ff0, 0x7ff1,    0x7fff,
                                   0xffff, 0x7fffffff, 0x80000000, 0xffffffff, ~0ull,  1ull << 63};

    switch (random64() % 6) {
    case 0:
        return random64() % 8;
    case 1:
        return random64() % 100;
    case 2:
        return any_gfn();
    case 3:
        return random64() >> random64() % 64;
    default:
        return pick(odd, ARRAY_SIZE(odd));
    }
}

/* Never the number of a frame that the program itself stands in: the hypervisor may be told to write there.
 */
static uint64_t any_number(void)
{
    uint64_t v = number();

    return v >= 0xff0 && v < SACRIFICE ? v + SACRIFICE : v;
}

static uint64_t any_pointer(void)
{
    static const uint64_t odd[] = {0,     BAD_POINTER, NON_CANONICAL, ~0ull,
                                   ~7ull, 0xfee00000,  0xfffffff8,    0x7ffffffffff8};
    uint64_t r = random64();

    if (r % 8 == 0)
        return pick(odd, ARRAY_SIZE(odd));
    if (r % 8 == 1) /* across a page's end */
        return (uint64_t)words + 4096 - r / 8 % 64;
    return (uint64_t)words + r / 8 % 64 * 8;
}

static void fill(void)
{
    for (unsigned i = 0; i < 128; i++)
        words[i] = random64() % 3 ? any_number() : any_pointer();
}

/* The structure at the front of `words`, with its version and command most often as they should be. */
static uint64_t tool_call(uint32_t version, unsigned commands)
{
    uint32_t *w = (uint32_t *)words;

    fill();
    if (random64() % 16)
        w[1] = version;
    w[0] = (uint32_t)(random64() % commands);
    return (uint64_t)words;
}

static long fuzz_domctl(void)
{
    uint64_t p = tool_call(XEN_DOMCTL_INTERFACE_VERSION, 90);
    struct xen_domctl *d = (struct xen_domctl *)words;

    d->domain = (domid_t)(random64() % 2 ? random64() % 6 : any_number());
    if (d->domain == 0 || d->domain == DOMID_SELF) /* not: its own registers, affinity to nothing, memory */
        if (d->cmd != XEN_DOMCTL_getdomaininfo && d->cmd != XEN_DOMCTL_getvcpuinfo &&
            d->cmd != XEN_DOMCTL_gethvmcontext && d->cmd != XEN_DOMCTL_createdomain &&
            d->cmd != XEN_DOMCTL_getvcpuaffinity)
            d->domain = 3;
    return HYPERCALL(domctl, p, 0, 0);
}

static long fuzz_sysctl(void)
{
    uint64_t p = tool_call(XEN_SYSCTL_INTERFACE_VERSION, 32);

    if (((struct xen_sysctl *)words)->cmd == XEN_SYSCTL_debug_keys)
        return 0;
    return HYPERCALL(sysctl, p, 0, 0);
}

static long fuzz_memory(void)
{
    static const uint64_t ops[] = {
        XENMEM_populate_physmap,     XENMEM_decrease_reservation, XENMEM_add_to_physmap,
        XENMEM_add_to_physmap_batch, XENMEM_remove_from_physmap,  XENMEM_memory_map,
        XENMEM_set_memory_map,       XENMEM_acquire_resource,     XENMEM_maximum_gpfn,
        XENMEM_set_pod_target,       XENMEM_claim_pages,          XENMEM_exchange,
        XENMEM_current_reservation};
    uint64_t op = random64() % 4 ? pick(ops, ARRAY_SIZE(ops)) : random64() % 64;
    struct xen_memory_reservation *r = (void *)words;
    struct xen_add_to_physmap *a = (void *)words;
    uint16_t dom = (uint16_t)(random64() % 3 ? DOMID_SELF : any_number());

    fill();
    if (op == XENMEM_populate_physmap || op == XENMEM_decrease_reservation ||
        op == XENMEM_increase_reservation) {
        *r = (struct xen_memory_reservation){.nr_extents = random64() % 8 ? random64() % 40 : any_number(),
                                             .extent_order = (unsigned)(random64() % 12),
                                             .domid = dom};
        r->extent_start.p = (xen_pfn_t *)(words + 512);
        if (r->nr_extents > 64 || r->extent_order > 9)
            r->extent_order = 0;
        for (unsigned i = 0; i < 512; i++) /* lists end before they reach anything of ours */
            words[512 + i] = any_gfn();
        for (unsigned i = 0; i < 64; i++)
            if (words[512 + i] < SACRIFICE)
                words[512 + i] = SACRIFICE + i;
        words[512 + 64] = ~0ull;
    } else if (op == XENMEM_add_to_physmap) {
        *a = (struct xen_add_to_physmap){
            .domid = dom, .space = (unsigned)(random64() % 6), .idx = any_gfn(), .gpfn = any_gfn()};
        if (a->gpfn < SACRIFICE)
            a->gpfn = PLAY;
    } else if (op == XENMEM_remove_from_physmap) {
        *(struct xen_remove_from_physmap *)(void *)words =
            (struct xen_remove_from_physmap){.domid = dom, .gpfn = PLAY + random64() % 64};
    } else if (op == XENMEM_exchange || op == XENMEM_add_to_physmap_batch || op == XENMEM_acquire_resource) {
        for (unsigned i = 0; i < 512; i++)
            words[512 + i] = PLAY + random64() % 64;
        for (unsigned i = 0; i < 16; i++)
            if (random64() % 2)
                words[i] = (uint64_t)(words + 512);
        if (op == XENMEM_add_to_physmap_batch) /* its errors are written as far as its size says */
            ((struct xen_add_to_physmap_batch *)(void *)words)->size %= 512;
    }
    return HYPERCALL(memory_op, op, words, 0);
}

static long fuzz_grant(void)
{
    unsigned n = (unsigned)(random64() % 5), op = (unsigned)(random64() % 14);

    fill();
    for (unsigned i = 0; i < n && op <= GNTTABOP_unmap_grant_ref; i++) {
        struct gnttab_map_grant_ref *m = (struct gnttab_map_grant_ref *)(void *)words + i;
        struct gnttab_unmap_grant_ref *u = (struct gnttab_unmap_grant_ref *)(void *)words + i;

        if (op == GNTTABOP_map_grant_ref)
            *m =
                (struct gnttab_map_grant_ref){.host_addr = (PLAY + random64() % 64) << 12,
                                              .flags = (uint32_t)(random64() % 4 ? 2 : any_number()),
                                              .ref = (uint32_t)(random64() % 40),
                                              .dom = (domid_t)(random64() % 2 ? DOMID_SELF : random64() % 4)};
        else
            *u = (struct gnttab_unmap_grant_ref){.host_addr = (PLAY + random64() % 64) << 12,
                                                 .handle = (uint32_t)(random64() % 16)};
    }
    if (op == GNTTABOP_copy) /* what a copy may write to */
        for (unsigned i = 0; i < 5; i++) {
            struct gnttab_copy *c = (struct gnttab_copy *)(void *)words + i;

            c->dest.domid = DOMID_SELF;
            c->dest.u.gmfn = SACRIFICE + random64() % 64;
            c->flags &= (uint16_t)~GNTCOPY_dest_gref;
        }
    return HYPERCALL(grant_table_op, op, random64() % 16 ? (uint64_t)words : any_pointer(),
                     random64() % 8 ? n : any_number() % 64);
}

static long fuzz_event(void)
{
    fill();
    if (random64() % 2) /* small ports and domains are the ones that exist */
        for (unsigned i = 0; i < 8; i++)
            ((uint32_t *)words)[i] = (uint32_t)(random64() % 2 ? random64() % 64 : DOMID_SELF);
    return HYPERCALL(event_channel_op, random64() % 15, random64() % 16 ? (uint64_t)words : any_pointer(), 0);
}

static long fuzz_sched(void)
{
    static const uint64_t ops[] = {
        SCHEDOP_yield, SCHEDOP_poll, SCHEDOP_watchdog, SCHEDOP_shutdown_code, 8, 77};
    uint64_t op = pick(ops, ARRAY_SIZE(ops));
    struct sched_poll *p = (void *)words;

    fill();
    if (op == SCHEDOP_poll) {
        p->timeout = 1 + random64() % 1000;
        return HYPERCALL(sched_op, op, words, 0);
    }
    if (op == SCHEDOP_watchdog) { /* stopping and wrong ones: a started one would end the run */
        *(struct sched_watchdog *)(void *)words =
            (struct sched_watchdog){.id = (uint32_t)(random64() % 5 + 1), .timeout = 0};
        return HYPERCALL(sched_op, op, words, 0);
    }
    return HYPERCALL(sched_op, op, op == 8 ? BAD_POINTER : any_pointer(), 0);
}

static long fuzz_vcpu(void)
{
    struct vcpu_register_vcpu_info *v = (void *)words;
    uint64_t op = random64() % 16;

    fill();
    if (op == VCPUOP_down || op == VCPUOP_initialise)
        return HYPERCALL(vcpu_op, op, 1 + random64() % 8, any_pointer());
    if (op == VCPUOP_register_vcpu_info) {
        v->mfn = any_gfn();
        return HYPERCALL(vcpu_op, op, random64() % 2, words);
    }
    if (op == VCPUOP_register_runstate_memory_area) {
        words[0] = random64() % 2 ? SACRIFICE * PAGE_SIZE + random64() % 8192 : BAD_POINTER;
        return HYPERCALL(vcpu_op, op, random64() % 2, words);
    }
    if (op == VCPUOP_set_periodic_timer)
        words[0] = random64() % 2 ? 1000000000 : random64() % 1000;
    return HYPERCALL(vcpu_op, op, random64() % 4 ? 0 : any_number(),
                     op == VCPUOP_get_runstate_info ? (uint64_t)words : any_pointer());
}

static long fuzz_hvm(void)
{
    struct xen_hvm_param *p = (void *)words;

    fill();
    if (random64() % 2)
        *p = (struct xen_hvm_param){.domid = (domid_t)(random64() % 2 ? DOMID_SELF : any_number()),
                                    .index = (uint32_t)(random64() % 50),
                                    .value = any_number()};
    return HYPERCALL(hvm_op, random64() % 30, random64() % 16 ? (uint64_t)words : any_pointer(), 0);
}

static long fuzz_multicall(void)
{
    multicall_entry_t *e = (void *)words;
    static const uint64_t calls[] = {__HYPERVISOR_xen_version, __HYPERVISOR_event_channel_op,
                                     __HYPERVISOR_vcpu_op,     __HYPERVISOR_multicall,
                                     __HYPERVISOR_vm_assist,   99};
    unsigned n = (unsigned)(random64() % 6);

    fill();
    for (unsigned i = 0; i < n; i++) {
        e[i].op = pick(calls, ARRAY_SIZE(calls));
        if (e[i].op == __HYPERVISOR_vcpu_op)
            e[i].args[0] = VCPUOP_is_up;
        else if (e[i].op == __HYPERVISOR_xen_version)
            e[i].args[1] = (uint64_t)(words + 2048);
        else
            e[i].args[1] = BAD_POINTER;
    }
    return HYPERCALL(multicall, random64() % 8 ? (uint64_t)words : BAD_POINTER, n, 0);
}

static long fuzz_machine(void)
{
    uint32_t *w = (uint32_t *)words;

    fill();
    switch (random64() % 4) {
    case 0:
        w[1] = XENPF_INTERFACE_VERSION;
        w[0] = (uint32_t)(random64() % 66);
        if (w[0] == XENPF_enter_acpi_sleep || w[0] == XENPF_cpu_offline)
            return 0;
        return HYPERCALL(platform_op, words, 0, 0);
    case 1: /* devices that are not there: what is there stays dom0's */
        w[0] = (uint32_t)any_number() | 0x00ff0000;
        return HYPERCALL(physdev_op, random64() % 40, words, 0);
    case 2:
        return HYPERCALL(vm_assist, any_number(), any_number(), 0);
    default:
        return HYPERCALL(console_io, 1 + random64() % 4, random64() % 64, any_pointer());
    }
}

/* Numbers that are not in the list above, and xen_version with its many outputs. */
static long fuzz_number(void)
{
    static const uint64_t safe[] = {0,  1,  2,  3,  4,  5,  6,  8,  9,  10,  11,    14,
                                    16, 19, 22, 23, 25, 26, 27, 28, 30, 31,  37,    38,
                                    39, 40, 41, 42, 48, 49, 50, 55, 60, 100, ~0ull, 1ull << 32};

    fill();
    if (random64() % 2)
        return HYPERCALL(xen_version, random64() % 12,
                         random64() % 4 ? (uint64_t)(words + 2048) : any_pointer() & ~0xfffull, 0);
    return HYPERCALL5(pick(safe, ARRAY_SIZE(safe)), any_number(), any_pointer(), any_number(), any_number(),
                      any_pointer());
}

static long (*const kinds[])(void) = {fuzz_domctl, fuzz_sysctl,    fuzz_memory,  fuzz_memory, fuzz_grant,
                                      fuzz_grant,  fuzz_event,     fuzz_event,   fuzz_sched,  fuzz_vcpu,
                                      fuzz_hvm,    fuzz_multicall, fuzz_machine, fuzz_number};

static void show_answers(void)
{
    print("# fuzz: %u calls succeeded;", good);
    for (unsigned i = 1; i < ARRAY_SIZE(answers); i++)
        if (answers[i])
            print(" errno %u: %u", i, answers[i]);
    print("\n");
}

void guest_main(void)
{
    uint64_t calls = word_number("calls", 20000), seed = random_seed;
    bool sane = true;

    print("# fuzz: seed=%lu calls=%lu\n", seed, calls);
    for (uint64_t i = 0; i < calls && sane; i++) {
        unsigned kind = (unsigned)(random64() % ARRAY_SIZE(kinds));
        long rc = kinds[kind]();

        if (rc >= 0)
            good++;
        else if (rc > -256)
            answers[-rc]++;
        else
            sane = rc == -XEN_ENOSYS; /* no errno: an internal value got out */
        if (!sane)
            print("# fuzz: call %lu of kind %u answered %ld\n", i, kind, rc);
    }
    show_answers();
    check(sane, "every answer is a result or an errno");
    expect(HYPERCALL(xen_version, XENVER_version, 0, 0), 0x40011, "the hypervisor still answers");
}
