/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The DMAR table (Intel VT-d specification, ch. 8) as plain structs. Pure: any bytes are safe.
 */
#pragma once

#include "bh/iommu.h"
#include "bh/types.h"

#define DMAR_MAX_UNITS   32
#define DMAR_MAX_SCOPES  256
#define DMAR_MAX_REGIONS 32
#define DMAR_MAX_PATH    8

enum { DMAR_ENDPOINT = 1, DMAR_BRIDGE, DMAR_IOAPIC };

struct dmar_scope {
    uint8_t unit, type, enumeration, bus; /* IO-APIC id or HPET number; where the path starts */
    uint8_t path_len;
    uint8_t path[DMAR_MAX_PATH]; /* devfn of each hop */
};
struct dmar_unit {
    paddr_t base;
    uint16_t segment;
    bool include_all;
};

struct dmar {
    bool intr_remap, x2apic_opt_out;
    unsigned nr_units, nr_scopes, nr_regions;
    struct dmar_unit unit[DMAR_MAX_UNITS];
    struct dmar_scope scope[DMAR_MAX_SCOPES];
    struct iommu_region region[DMAR_MAX_REGIONS];
};

/* Decode `len` bytes of the table. 0, or -XEN_EINVAL with *why set. */
int dmar_parse(const uint8_t *table, size_t len, struct dmar *out, const char **why);
