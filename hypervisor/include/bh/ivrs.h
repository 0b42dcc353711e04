/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The IVRS table (AMD I/O Virtualization Technology specification, ch. 5) as plain structs. Pure: any bytes
 * are safe.
 */
#pragma once

#include "bh/iommu.h"
#include "bh/types.h"

#define IVRS_MAX_UNITS    16
#define IVRS_MAX_RANGES   1024
#define IVRS_MAX_SPECIALS 64
#define IVRS_MAX_REGIONS  32
#define IVRS_NO_ALIAS     0x10000u

/* Bits of ivrs_unit.flags (IVHD flags, types 10h/11h/40h) */
enum { IVHD_HT_TUN = 1, IVHD_PASS_PW = 2, IVHD_RES_PASS_PW = 4, IVHD_ISOC = 8, IVHD_COHERENT = 32 };
/* Variety of a special device */
enum { IVHD_IOAPIC = 1, IVHD_HPET = 2 };

struct ivrs_unit { /* one IOMMU */
    paddr_t base;
    uint16_t segment, devid;
    uint8_t type, flags;
    uint16_t last_devid; /* highest device id that its ranges name */
};
struct ivrs_range { /* devices first..last (bus << 8 | devfn) of a unit */
    uint32_t alias; /* they send requests as this device, IVRS_NO_ALIAS: as themselves */
    uint16_t first, last;
    uint8_t unit, settings; /* DTE setting: bits of the device table entry's interrupt passes */
};
struct ivrs_special {
    uint16_t devid;
    uint8_t unit, variety, handle; /* IO-APIC: handle is its APIC id; HPET: its number */
};

struct ivrs {
    unsigned nr_units, nr_ranges, nr_specials, nr_regions;
    struct ivrs_unit unit[IVRS_MAX_UNITS];
    struct ivrs_range range[IVRS_MAX_RANGES];
    struct ivrs_special special[IVRS_MAX_SPECIALS];
    struct iommu_region region[IVRS_MAX_REGIONS];
};

/* Decode `len` bytes of the table. 0, or -XEN_EINVAL with *why set. */
int ivrs_parse(const uint8_t *table, size_t len, struct ivrs *out, const char **why);
/* The last range that names the device, NULL: none. */
const struct ivrs_range *ivrs_find(const struct ivrs *t, uint16_t segment, uint16_t devid);
