/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every hypercall that dom0 may make, with input that is right, wrong, and hostile: the errno is Xen's. */
#include "guest.h"

#define GOOD ((unsigned long)buffer)
#define CALL(name, a, b, c, want)                                                                            \
    {                                                                                                        \
#name " " #a " " #b, __HYPERVISOR_##name,                                                            \
            {(unsigned long)(a), (unsigned long)(b), (unsigned long)(c) }, want                              \
    }

static char buffer[8192] __attribute__((aligned(4096)));

/* Calls whose arguments say it all. `buffer` is zeroed before each. */
static const struct {
    const char *what;
    unsigned long nr, arg[3];
    long want;
} calls[] = {
    CALL(xen_version, XENVER_version, 0, 0, 0x40011),
    CALL(xen_version, XENVER_extraversion, GOOD, 0, 0),
    CALL(xen_version, XENVER_extraversion, BAD_POINTER, 0, -XEN_EFAULT),
    CALL(xen_version, XENVER_extraversion, NON_CANONICAL, 0, -XEN_EFAULT),
    CALL(xen_version, XENVER_extraversion, ~0ul, 0, -XEN_EFAULT),
    CALL(xen_version, XENVER_compile_info, GOOD, 0, 0),
    CALL(xen_version, XENVER_compile_info, BAD_POINTER, 0, -XEN_EFAULT),
    CALL(xen_version, XENVER_capabilities, GOOD, 0, 0),
    CALL(xen_version, XENVER_capabilities, BAD_POINTER, 0, -XEN_EFAULT),
    CALL(xen_version, XENVER_changeset, GOOD, 0, 0),
    CALL(xen_version, XENVER_platform_parameters, GOOD, 0, 0),
    CALL(xen_version, XENVER_get_features, GOOD, 0, 0),
    CALL(xen_version, XENVER_get_features, BAD_POINTER, 0, -XEN_EFAULT),
    CALL(xen_version, XENVER_pagesize, 0, 0, 4096),
    CALL(xen_version, XENVER_pagesize, 1, 0, -XEN_EINVAL),
    CALL(xen_version, XENVER_guest_handle, GOOD, 0, 0),
    CALL(xen_version, XENVER_commandline, GOOD, 0, 0),
    CALL(xen_version, 8000, GOOD, 0, -XEN_ENOSYS),
    CALL(console_io, 77, 1, GOOD, -XEN_ENOSYS),
    CALL(console_io, CONSOLEIO_write, 0, BAD_POINTER, 0),
    CALL(console_io, CONSOLEIO_write, 1, BAD_POINTER, -XEN_EFAULT),
    CALL(console_io, CONSOLEIO_read, 16, GOOD, 0),
    CALL(sched_op, SCHEDOP_yield, 0, 0, 0),
    CALL(sched_op, 77, GOOD, 0, -XEN_ENOSYS),
    CALL(sched_op, SCHEDOP_shutdown, BAD_POINTER, 0, -XEN_EFAULT),
    CALL(sched_op, SCHEDOP_poll, BAD_POINTER, 0, -XEN_EFAULT),
    CALL(sched_op, SCHEDOP_watchdog, BAD_POINTER, 0, -XEN_EFAULT),
    CALL(sched_op, SCHEDOP_remote_shutdown, BAD_POINTER, 0, -XEN_EFAULT),
    CALL(vm_assist, VMASST_CMD_enable, VMASST_TYPE_runstate_update_flag, 0, 0),
    CALL(vm_assist, VMASST_CMD_disable, VMASST_TYPE_runstate_update_flag, 0, 0),
    CALL(vm_assist, VMASST_CMD_enable, 63, 0, -XEN_EINVAL),
    CALL(vm_assist, VMASST_CMD_enable, 1ul << 40, 0, -XEN_EINVAL),
    CALL(vm_assist, 9, VMASST_TYPE_runstate_update_flag, 0, -XEN_ENOSYS),
    CALL(vcpu_op, VCPUOP_is_up, 0, 0, 1),
    CALL(vcpu_op, VCPUOP_is_up, 1, 0, -XEN_ENOENT),
    CALL(vcpu_op, VCPUOP_is_up, 0xfffffffful, 0, -XEN_ENOENT),
    CALL(vcpu_op, 77, 0, GOOD, -XEN_ENOSYS),
    CALL(vcpu_op, VCPUOP_register_vcpu_info, 0, BAD_POINTER, -XEN_EFAULT),
    CALL(vcpu_op, VCPUOP_register_runstate_memory_area, 0, BAD_POINTER, -XEN_EFAULT),
    CALL(vcpu_op, VCPUOP_get_runstate_info, 0, GOOD, 0),
    CALL(vcpu_op, VCPUOP_get_runstate_info, 0, BAD_POINTER, -XEN_EFAULT),
    CALL(vcpu_op, VCPUOP_set_singleshot_timer, 0, BAD_POINTER, -XEN_EFAULT),
    CALL(vcpu_op, VCPUOP_stop_singleshot_timer, 0, 0, 0),
    CALL(vcpu_op, VCPUOP_stop_periodic_timer, 0, 0, 0),
    CALL(vcpu_op, VCPUOP_set_periodic_timer, 0, GOOD, -XEN_EINVAL),
    CALL(vcpu_op, VCPUOP_set_periodic_timer, 0, BAD_POINTER, -XEN_EFAULT),
    CALL(set_timer_op, 0, 0, 0, 0),
    CALL(hvm_op, 77, GOOD, 0, -XEN_ENOSYS),
    CALL(hvm_op, HVMOP_get_param, BAD_POINTER, 0, -XEN_EFAULT),
    CALL(hvm_op, HVMOP_set_param, NON_CANONICAL, 0, -XEN_EFAULT),
    CALL(hvm_op, HVMOP_set_evtchn_upcall_vector, BAD_POINTER, 0, -XEN_EFAULT),
    CALL(hvm_op, HVMOP_set_evtchn_upcall_vector, GOOD, 0, -XEN_EINVAL), /* vector 0 */
    CALL(event_channel_op, 77, GOOD, 0, -XEN_ENOSYS),
    CALL(event_channel_op, EVTCHNOP_alloc_unbound, BAD_POINTER, 0, -XEN_EFAULT),
    CALL(event_channel_op, EVTCHNOP_send, NON_CANONICAL, 0, -XEN_EFAULT),
    CALL(event_channel_op, EVTCHNOP_status, BAD_POINTER, 0, -XEN_EFAULT),
    CALL(grant_table_op, 77, GOOD, 1, -XEN_ENOSYS),
    CALL(grant_table_op, GNTTABOP_query_size, BAD_POINTER, 1, -XEN_EFAULT),
    CALL(grant_table_op, GNTTABOP_query_size, GOOD, 2, -XEN_EINVAL),
    CALL(grant_table_op, GNTTABOP_map_grant_ref, GOOD, 0, 0),
    CALL(grant_table_op, GNTTABOP_map_grant_ref, BAD_POINTER, 1, -XEN_EFAULT),
    CALL(grant_table_op, GNTTABOP_unmap_grant_ref, BAD_POINTER, 1, -XEN_EFAULT),
    CALL(grant_table_op, GNTTABOP_copy, BAD_POINTER, 1, -XEN_EFAULT),
    CALL(grant_table_op, GNTTABOP_set_version, GOOD, 1, -XEN_EINVAL),
    CALL(memory_op, 55, GOOD, 0, -XEN_ENOSYS),
    CALL(memory_op, XENMEM_memory_map, BAD_POINTER, 0, -XEN_EFAULT),
    CALL(memory_op, XENMEM_add_to_physmap, BAD_POINTER, 0, -XEN_EFAULT),
    CALL(memory_op, XENMEM_add_to_physmap_batch, BAD_POINTER, 0, -XEN_EFAULT),
    CALL(memory_op, XENMEM_remove_from_physmap, BAD_POINTER, 0, -XEN_EFAULT),
    CALL(memory_op, XENMEM_acquire_resource, BAD_POINTER, 0, -XEN_EFAULT),
    CALL(memory_op, XENMEM_current_reservation, BAD_POINTER, 0, -XEN_EFAULT),
    CALL(memory_op, XENMEM_set_pod_target, BAD_POINTER, 0, -XEN_EFAULT),
    CALL(multicall, BAD_POINTER, 0, 0, 0),
    CALL(multicall, BAD_POINTER, 1, 0, -XEN_EFAULT),
    CALL(platform_op, GOOD, 0, 0, -XEN_EACCES),
    CALL(platform_op, BAD_POINTER, 0, 0, -XEN_EFAULT),
    CALL(sysctl, GOOD, 0, 0, -XEN_EACCES),
    CALL(sysctl, BAD_POINTER, 0, 0, -XEN_EFAULT),
    CALL(domctl, GOOD, 0, 0, -XEN_EACCES),
    CALL(domctl, BAD_POINTER, 0, 0, -XEN_EFAULT),
    CALL(domctl, NON_CANONICAL, 0, 0, -XEN_EFAULT),
    CALL(physdev_op, 77, GOOD, 0, -XEN_ENOSYS),
    CALL(physdev_op, PHYSDEVOP_pci_device_add, BAD_POINTER, 0, -XEN_EFAULT),
};

static void test_table(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(calls); i++) {
        memset(buffer, 0, sizeof(buffer));
        expect(HYPERCALL5(calls[i].nr, calls[i].arg[0], calls[i].arg[1], calls[i].arg[2], 0, 0),
               calls[i].want, calls[i].what);
    }
}

/* Numbers without a call for PVH guests: PV's, unassigned ones, the last of the table and far beyond. */
static void test_unknown(void)
{
    static const unsigned long numbers[] = {0,  1,  3,  14, 16,   23,         30,  47,
                                            55, 56, 63, 64, 1000, 0x7fffffff, ~0ul};

    for (unsigned i = 0; i < ARRAY_SIZE(numbers); i++) {
        long rc = HYPERCALL5(numbers[i], GOOD, 0, 0, 0, 0);

        check(rc == -XEN_ENOSYS, "hypercall %lx is unknown", numbers[i]);
        if (rc != -XEN_ENOSYS)
            print("# got %ld\n", rc);
    }
    expect(in_user_mode(__HYPERVISOR_xen_version), -XEN_EPERM, "a hypercall from ring 3 is refused");
}

static void test_registers(void)
{
    unsigned long a = XENVER_version, b = 2, c = 3, nr = __HYPERVISOR_xen_version;
    register unsigned long d __asm__("r10") = 4;
    register unsigned long e __asm__("r8") = 5;

    __asm__ volatile("vmmcall" : "+a"(nr), "+D"(a), "+S"(b), "+d"(c), "+r"(d), "+r"(e)::"memory");
    check(nr == 0x40011 && a == 0 && b == 2 && c == 3 && d == 4 && e == 5, "a hypercall changes RAX alone");
}

static void test_version(void)
{
    struct xen_feature_info f = {.submap_idx = 0};
    char caps[1024];

    expect(HYPERCALL(xen_version, XENVER_get_features, &f, 0), 0, "features");
    check(f.submap & 1u << XENFEAT_auto_translated_physmap && f.submap & 1u << XENFEAT_hvm_callback_vector &&
              f.submap & 1u << XENFEAT_dom0,
          "features say auto-translated, callback vector, dom0: %x", f.submap);
    f.submap_idx = 9;
    expect(HYPERCALL(xen_version, XENVER_get_features, &f, 0), -XEN_EINVAL, "no such feature word");
    expect(HYPERCALL(xen_version, XENVER_capabilities, caps, 0), 0, "capabilities");
    check(memcmp(caps, "hvm-3.0", 7) == 0 || memcmp(caps, "xen-3.0", 7) == 0, "capabilities are Xen's words");
}

static void test_pointer_edges(void)
{
    struct xen_feature_info *f = (struct xen_feature_info *)(buffer + 4092);

    f->submap_idx = 0;
    expect(HYPERCALL(xen_version, XENVER_get_features, f, 0), 0, "a structure across two pages");
    expect(HYPERCALL(xen_version, XENVER_get_features, 0xfffffffcul, 0), -XEN_EFAULT,
           "a structure that runs out of the mapped memory");
    expect(HYPERCALL(xen_version, XENVER_get_features, EMPTY_GFN * PAGE_SIZE + 0x1000000, 0), -XEN_EFAULT,
           "a mapped address without memory behind it");
    expect(HYPERCALL(xen_version, XENVER_get_features, 0xfee00000ul, 0), -XEN_EFAULT,
           "the local APIC is no buffer");
    expect(HYPERCALL(xen_version, XENVER_get_features, 0x7ffffffffffeul, 0), -XEN_EFAULT,
           "the canonical hole's edge");
}

static void test_multicall(void)
{
    static multicall_entry_t e[3];

    e[0] = (multicall_entry_t){.op = __HYPERVISOR_xen_version, .args = {XENVER_version}};
    e[1] = (multicall_entry_t){.op = 77777};
    e[2] = (multicall_entry_t){.op = __HYPERVISOR_multicall, .args = {(unsigned long)e, 1}};
    expect(HYPERCALL(multicall, e, 3, 0), 0, "multicall of three");
    expect((long)e[0].result, 0x40011, "multicall: first result");
    expect((long)e[1].result, -XEN_ENOSYS, "multicall: unknown call");
    expect((long)e[2].result, -XEN_EINVAL, "multicall: not in itself");
}

static long domctl(uint32_t cmd, uint16_t dom, uint32_t version, struct xen_domctl *d)
{
    *d = (struct xen_domctl){.cmd = cmd, .interface_version = version, .domain = dom};
    return HYPERCALL(domctl, d, 0, 0);
}

static void test_toolstack(void)
{
    static struct xen_domctl d;
    static struct xen_sysctl s;
    static struct xen_platform_op p;

    expect(domctl(XEN_DOMCTL_getdomaininfo, 0, XEN_DOMCTL_INTERFACE_VERSION, &d), 0, "getdomaininfo");
    check(d.domain == 0 && d.u.getdomaininfo.nr_online_vcpus == 1 &&
              d.u.getdomaininfo.flags & XEN_DOMINF_hvm_guest,
          "getdomaininfo tells of dom0: %u vCPUs, flags %x", d.u.getdomaininfo.nr_online_vcpus,
          d.u.getdomaininfo.flags);
    expect(domctl(XEN_DOMCTL_getdomaininfo, 1, XEN_DOMCTL_INTERFACE_VERSION, &d), -XEN_ESRCH,
           "no second domain");
    expect(domctl(XEN_DOMCTL_getdomaininfo, 0, 0x14, &d), -XEN_EACCES, "domctl of another version");
    expect(domctl(XEN_DOMCTL_pausedomain, 77, XEN_DOMCTL_INTERFACE_VERSION, &d), -XEN_ESRCH,
           "pause of no domain");
    expect(domctl(XEN_DOMCTL_pausedomain, 0, XEN_DOMCTL_INTERFACE_VERSION, &d), -XEN_EINVAL,
           "pause of oneself");
    expect(domctl(XEN_DOMCTL_destroydomain, 0, XEN_DOMCTL_INTERFACE_VERSION, &d), -XEN_EINVAL,
           "destruction of dom0");
    expect(domctl(9999, 0, XEN_DOMCTL_INTERFACE_VERSION, &d), -XEN_ENOSYS, "unknown domctl");
    s = (struct xen_sysctl){.cmd = 9999, .interface_version = XEN_SYSCTL_INTERFACE_VERSION};
    expect(HYPERCALL(sysctl, &s, 0, 0), -XEN_ENOSYS, "unknown sysctl");
    s = (struct xen_sysctl){.cmd = XEN_SYSCTL_physinfo, .interface_version = XEN_SYSCTL_INTERFACE_VERSION};
    expect(HYPERCALL(sysctl, &s, 0, 0), 0, "physinfo");
    check(s.u.physinfo.nr_cpus >= 1 && s.u.physinfo.total_pages > s.u.physinfo.free_pages &&
              s.u.physinfo.cpu_khz,
          "physinfo: %u CPUs, %lu pages, %lu free", s.u.physinfo.nr_cpus, s.u.physinfo.total_pages,
          s.u.physinfo.free_pages);
    p = (struct xen_platform_op){.cmd = 9999, .interface_version = XENPF_INTERFACE_VERSION};
    expect(HYPERCALL(platform_op, &p, 0, 0), -XEN_ENOSYS, "unknown platform op");
    p = (struct xen_platform_op){.cmd = XENPF_get_cpuinfo, .interface_version = XENPF_INTERFACE_VERSION};
    expect(HYPERCALL(platform_op, &p, 0, 0), 0, "get_cpuinfo");
    check(p.u.pcpu_info.flags & XEN_PCPU_FLAGS_ONLINE, "CPU 0 is online");
}

#define NODES 8
#define CPUS  16

/* On one node as on several: the nodes have memory, distances are those of a machine, CPUs lie on them. */
static void test_topology(void)
{
    static struct xen_sysctl s;
    static xen_sysctl_meminfo_t mem[NODES];
    static uint32_t distance[NODES * NODES];
    static xen_sysctl_cputopo_t cpu[CPUS];
    uint64_t total = 0, free = 0, bad = 0;
    uint32_t nodes;

    s = (struct xen_sysctl){.cmd = XEN_SYSCTL_numainfo, .interface_version = XEN_SYSCTL_INTERFACE_VERSION};
    expect(HYPERCALL(sysctl, &s, 0, 0), 0, "numainfo without arrays");
    nodes = s.u.numainfo.num_nodes;
    check(nodes >= 1 && nodes <= NODES, "%u nodes", nodes);
    s.u.numainfo.num_nodes = NODES;
    set_xen_guest_handle(s.u.numainfo.meminfo, mem);
    set_xen_guest_handle(s.u.numainfo.distance, distance);
    expect(HYPERCALL(sysctl, &s, 0, 0), 0, "numainfo");
    for (uint32_t i = 0; i < nodes; i++) {
        total += mem[i].memsize;
        free += mem[i].memfree;
        for (uint32_t j = 0; j < nodes; j++)
            bad += i == j ? distance[i * nodes + j] != 10 : distance[i * nodes + j] <= 10;
    }
    check(total > free && free && !bad, "%lu bytes on them, %lu free, %lu strange distances", total, free,
          bad);
    s = (struct xen_sysctl){.cmd = XEN_SYSCTL_cputopoinfo, .interface_version = XEN_SYSCTL_INTERFACE_VERSION};
    s.u.cputopoinfo.num_cpus = CPUS;
    set_xen_guest_handle(s.u.cputopoinfo.cputopo, cpu);
    expect(HYPERCALL(sysctl, &s, 0, 0), 0, "cputopoinfo");
    for (uint32_t i = 0; i < s.u.cputopoinfo.num_cpus; i++)
        bad += cpu[i].node >= nodes;
    check(!bad && cpu[s.u.cputopoinfo.num_cpus - 1].node == nodes - 1, "the last CPU is on the last node");
}

static void test_hvm_params(void)
{
    struct xen_hvm_param p = {.domid = DOMID_SELF, .index = HVM_NR_PARAMS};
    struct xen_hvm_evtchn_upcall_vector u = {.vcpu = 9, .vector = 0x40};

    expect(hvm(get_param, &p), -XEN_EINVAL, "parameter beyond the last");
    p = (struct xen_hvm_param){.domid = 77, .index = HVM_PARAM_STORE_PFN};
    expect(hvm(get_param, &p), -XEN_ESRCH, "parameter of no domain");
    p = (struct xen_hvm_param){.domid = DOMID_SELF, .index = HVM_PARAM_CALLBACK_IRQ, .value = 1};
    expect(hvm(set_param, &p), 0, "callback: enlightened");
    expect(hvm(set_evtchn_upcall_vector, &u), -XEN_ENOENT, "upcall vector of no vCPU");
}

static void test_watchdog(void)
{
    struct sched_watchdog w = {.id = 3};

    expect(sched(watchdog, &w), -XEN_EINVAL, "watchdog that does not exist");
    w = (struct sched_watchdog){.id = 2, .timeout = 10};
    expect(sched(watchdog, &w), -XEN_EINVAL, "watchdog that was not started");
    w = (struct sched_watchdog){.id = 0, .timeout = 60};
    expect(sched(watchdog, &w), 1, "first watchdog");
    expect(sched(watchdog, &w), 2, "second watchdog");
    expect((int)sched(watchdog, &w), -XEN_ENOSPC, "no third watchdog");
    for (w = (struct sched_watchdog){.id = 1}; w.id <= 2; w.id++)
        expect(sched(watchdog, &w), 0, "watchdog off");
}

void guest_main(void)
{
    test_table();
    test_unknown();
    test_registers();
    test_version();
    test_pointer_edges();
    test_multicall();
    test_toolstack();
    test_topology();
    test_hvm_params();
    test_watchdog();
}
