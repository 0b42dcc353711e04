/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VT-d registers and structures (Intel Virtualization Technology for Directed I/O, rev. 3.3).
 */
#pragma once

#include "bh/dmar.h"
#include "bh/iommu_private.h"
#include "bh/pci.h"
#include "bh/types.h"

#define VTD_CAP    0x08u
#define VTD_ECAP   0x10u
#define VTD_GCMD   0x18u
#define VTD_GSTS   0x1cu
#define VTD_RTADDR 0x20u
#define VTD_FSTS   0x34u
#define VTD_FECTL  0x38u
#define VTD_FEDATA 0x3cu
#define VTD_FEADDR 0x40u
#define VTD_FEUADR 0x44u
#define VTD_PMEN   0x64u
#define VTD_IQT    0x88u
#define VTD_IQA    0x90u
#define VTD_IRTA   0xb8u

#define CAP_RWBF      BIT(4)
#define CAP_PLMR      BIT(5)
#define CAP_PHMR      BIT(6)
#define CAP_CM        BIT(7)
#define CAP_SAGAW_39  BIT(9)
#define CAP_SAGAW_48  BIT(10)
#define CAP_SLLPS_2M  BIT(34)
#define CAP_SLLPS_1G  BIT(35)
#define CAP_FRO(c)    ((unsigned)(((c) >> 24) & 0x3ff) * 16)
#define CAP_NFR(c)    ((unsigned)(((c) >> 40) & 0xff) + 1)
#define ECAP_COHERENT BIT(0)
#define ECAP_QI       BIT(1)
#define ECAP_IR       BIT(3)
#define ECAP_EIM      BIT(4)

/* Global command and status */
#define GCMD_TE      0x80000000u
#define GCMD_SRTP    0x40000000u
#define GCMD_QIE     0x04000000u
#define GCMD_IRE     0x02000000u
#define GCMD_SIRTP   0x01000000u
#define GSTS_LASTING 0x96ffffffu /* bits to write back: the others start an action */
#define PMEN_EPM     0x80000000u
#define FSTS_CLEAR   0x7fu
#define FAULT_VALID  BIT(63) /* in the high half of a record */

/* Queued invalidation descriptors: type in bits 0-3 */
#define QI_CONTEXT_GLOBAL (1ull | (1ull << 4))
#define QI_IOTLB_GLOBAL                                                                                      \
    (2ull | (1ull << 4) | BIT(6) | BIT(7)) /* drains writes and reads where a unit can                       \
                                            */
#define QI_IEC_GLOBAL   4ull
#define QI_IEC_INDEX(i) (4ull | BIT(4) | ((uint64_t)(i) << 32))
#define QI_WAIT_STORE   (5ull | BIT(5))

struct vtd_entry { /* root and context entries */
    uint64_t low, high;
};

struct vtd_unit {
    const struct dmar_unit *info;
    unsigned number;
    volatile uint8_t *regs;
    uint64_t cap, ecap;
    struct vtd_entry *root;
    struct iommu_queue queue;
};
