/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Boot order (arch/x86/setup.c) and what its steps share. */
#pragma once

#include "bh/acpi.h"
#include "bh/boot.h"
#include "bh/types.h"

#define LOW_1M 0x100000ull /* below it stand firmware and what real mode needs */

struct cpu;
struct domain;

extern struct boot_info boot_info;
extern struct acpi_info acpi_info;
extern char saved_cmdline[];

struct cpu *cpu_alloc(uint32_t apic_id);
void smp_start_all(const struct acpi_info *acpi, paddr_t trampoline_pa, uint64_t boot_root);
/* Started CPUs wait here until dom0 is built. */
void setup_ap_wait(void);

/* pvh/dom0_build.c: make dom0 from the modules. 0 or an error with *why naming what to do. */
int dom0_build(const struct boot_info *bi, const char **why);
