/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bh/topology.h"
#include "bh/cpu.h"
#include "bh/lib.h"
#include "bh/msr.h"
#include "bh/page.h"

#define LEAF_TOPOLOGY     0xbu
#define LEAF_AMD_SIZES    0x80000008u
#define LEAF_AMD_TOPOLOGY 0x8000001eu
#define TOPOEXT           BIT(22) /* 0x80000001 ecx */

unsigned topology_nodes = 1;
static unsigned nr_memory;
static struct acpi_memory memory[ACPI_MAX_MEMORY];
static uint8_t cpu_node[MAX_CPUS];

unsigned topology_thread_bits(void)
{
    unsigned threads;

    if (cpu_features.amd && cpu_features.max_ext_leaf >= LEAF_AMD_TOPOLOGY &&
        cpuid(0x80000001, 0).c & TOPOEXT) {
        threads = (cpuid(LEAF_AMD_TOPOLOGY, 0).b >> 8 & 0xff) + 1;
        return threads > 1 ? 32u - (unsigned)__builtin_clz(threads - 1) : 0;
    }
    return cpu_features.max_leaf >= LEAF_TOPOLOGY ? cpuid(LEAF_TOPOLOGY, 0).a & 31 : 0;
}

unsigned topology_socket_bits(void)
{
    if (cpu_features.max_leaf >= LEAF_TOPOLOGY && cpuid(LEAF_TOPOLOGY, 1).b)
        return cpuid(LEAF_TOPOLOGY, 1).a & 31;
    return cpu_features.amd && cpu_features.max_ext_leaf >= LEAF_AMD_SIZES
               ? cpuid(LEAF_AMD_SIZES, 0).c >> 12 & 15
               : 8;
}

struct cpu_place topology_cpu(unsigned cpu)
{
    uint32_t id = cpus[cpu]->apic_id;
    unsigned socket_bits = topology_socket_bits();

    return (struct cpu_place){(id & (uint32_t)(BIT(socket_bits) - 1)) >> topology_thread_bits(),
                              id >> socket_bits, cpu_node[cpu]};
}

void topology_memory(unsigned node, uint64_t *total, uint64_t *free)
{
    *total = nr_memory ? 0 : page_counts.total << PAGE_SHIFT;
    *free = nr_memory ? 0 : page_counts.free << PAGE_SHIFT;
    for (unsigned i = 0; i < nr_memory; i++)
        if (memory[i].node == node) {
            *total += memory[i].end - memory[i].start;
            *free += page_count_free_in(memory[i].start >> PAGE_SHIFT, memory[i].end >> PAGE_SHIFT)
                     << PAGE_SHIFT;
        }
}

static unsigned count_cpus(unsigned node)
{
    unsigned n = 0;

    for (unsigned i = 0; i < nr_cpus; i++)
        n += cpu_node[i] == node;
    return n;
}

void topology_init(const struct acpi_info *acpi)
{
    uint64_t total, free;

    if (acpi->nr_nodes < 2)
        return;
    topology_nodes = acpi->nr_nodes;
    nr_memory = acpi->nr_memory;
    memcpy(memory, acpi->memory, sizeof(memory));
    for (unsigned i = 0; i < nr_cpus; i++)
        for (unsigned j = 0; j < acpi->nr_cpus; j++)
            if (acpi->apic_id[j] == cpus[i]->apic_id)
                cpu_node[i] = acpi->cpu_node[j];
    for (unsigned n = 0; n < topology_nodes; n++) {
        topology_memory(n, &total, &free);
        pr_info("node %u (proximity domain %u): %u CPUs, %lu MiB\n", n, acpi->proximity[n], count_cpus(n),
                total >> 20);
    }
}
