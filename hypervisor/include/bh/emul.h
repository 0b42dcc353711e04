/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Trapped guest accesses: ranges of guest physical memory and of I/O ports with handlers (pvh/emul.c keeps
 * the tables, decodes the instruction and applies the result). Only dom0 has handlers beside the local
 * APIC's.
 */
#pragma once

#include "bh/types.h"

struct domain;
struct vcpu;

/* `val` holds `size` bytes (1, 2, 4, 8; ports 1, 2, 4), zero-extended; reads find all-ones there and fill it.
 * No failure: what makes no sense is left alone. Called without locks. */
typedef void (*emul_fn)(struct vcpu *v, void *arg, uint64_t offset, unsigned size, bool write, uint64_t *val);

/* [start, start + size) of guest physical space; must not be mapped in the p2m. 0, -XEN_ENOSPC, -XEN_EEXIST
 * on overlap. */
int emul_mmio_register(struct domain *d, gpaddr_t start, uint64_t size, emul_fn fn, void *arg);
void emul_mmio_unregister(struct domain *d, gpaddr_t start);
/* Ports, all of which the hardware domain reaches directly until they are registered. The offset given to the
 * handler counts from `first`. */
int emul_port_register(struct domain *d, uint16_t first, uint32_t count, emul_fn fn, void *arg);
