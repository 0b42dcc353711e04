/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hypervisor's own page tables: W^X image, NX direct map of RAM, device window, guarded stacks. */
#pragma once

#include "bh/boot.h"

/* Build the final tables (nodes from `early`, a bump allocator of zeroed frames) and switch to them. */
void paging_init(const struct boot_info *bi);
void paging_set_early(paddr_t (*early)(void));
paddr_t paging_root(void);
/* More of physical memory into the direct map (ACPI tables in reserved memory), read-only. */
void directmap_add(paddr_t pa, size_t len);
/* A stack of CPU_STACK_SIZE with an unmapped page below it. Returns its top. */
uint64_t stack_alloc(void);
/* Unmap boot-only code and data and give its frames to the heap. */
void paging_free_init(void);
