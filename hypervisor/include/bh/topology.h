/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where CPUs and memory are: threads, cores and sockets by APIC id, nodes by ACPI's SRAT. Told to the
 * toolstack. */
#pragma once

#include "bh/acpi.h"

struct cpu_place {
    uint32_t core, socket, node; /* core: number in its socket */
};

/* After the CPUs were started: note and print the nodes. */
void topology_init(const struct acpi_info *acpi);
/* Bits of an APIC id that number a core's threads, and those that number all of a socket's. */
unsigned topology_thread_bits(void);
unsigned topology_socket_bits(void);
struct cpu_place topology_cpu(unsigned cpu);
extern unsigned topology_nodes; /* 1 without an SRAT */
/* Bytes of a node. */
void topology_memory(unsigned node, uint64_t *total, uint64_t *free);
