/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AMD-Vi registers and structures (AMD I/O Virtualization Technology specification, 48882).
 */
#pragma once

#include "bh/iommu_private.h"
#include "bh/ivrs.h"
#include "bh/pci.h"
#include "bh/types.h"

/* MMIO registers */
#define AMDVI_DEVTAB      0x0000u
#define AMDVI_CMDBUF      0x0008u
#define AMDVI_EVTLOG      0x0010u
#define AMDVI_CONTROL     0x0018u
#define AMDVI_EFR         0x0030u
#define AMDVI_CMD_HEAD    0x2000u
#define AMDVI_CMD_TAIL    0x2008u
#define AMDVI_EVT_HEAD    0x2010u
#define AMDVI_EVT_TAIL    0x2018u
#define AMDVI_STATUS      0x2020u
#define AMDVI_MMIO_SIZE   0x4000u
#define AMDVI_LOG_ENTRIES 256u         /* of commands and of events: one page each */
#define AMDVI_LOG_LENGTH  (8ull << 56) /* 2^8 entries */

#define CONTROL_IOMMU_EN    BIT(0)
#define CONTROL_HT_TUN_EN   BIT(1)
#define CONTROL_EVT_LOG_EN  BIT(2)
#define CONTROL_EVT_INT_EN  BIT(3)
#define CONTROL_INV_TIMEOUT (1ull << 5) /* 1 ms */
#define CONTROL_PASS_PW     BIT(8)
#define CONTROL_RES_PASS_PW BIT(9)
#define CONTROL_COHERENT    BIT(10)
#define CONTROL_ISOC        BIT(11)
#define CONTROL_CMDBUF_EN   BIT(12)
#define CONTROL_GA_EN       BIT(17) /* 128-bit interrupt table entries */
#define CONTROL_XT_EN       BIT(50) /* 32-bit APIC ids in them */

#define EFR_XT_SUP BIT(2)
#define EFR_IA_SUP BIT(6)
#define EFR_GA_SUP BIT(7)

#define STATUS_EVT_OVERFLOW BIT(0)
#define STATUS_EVT_INT      BIT(1)

/* Commands: opcode in bits 60-63 of the first quadword */
#define CMD(op)             ((uint64_t)(op) << 60)
#define CMD_COMPLETION_WAIT CMD(1)
#define CMD_INVAL_DEVTAB    CMD(2)
#define CMD_INVAL_PAGES     CMD(3)
#define CMD_INVAL_INTR      CMD(5)
#define CMD_INVAL_ALL       CMD(8)
#define CMD_WAIT_STORE      BIT(0)
#define CMD_PAGES_ALL       0x7ffffffffffff003ull /* every address; page directory entries too */

struct amdvi_dte { /* device table entry */
    uint64_t q[4];
};
#define DTE_V            BIT(0)
#define DTE_TV           BIT(1)
#define DTE_MODE_4       (4ull << 9)
#define DTE_IR           BIT(61)
#define DTE_IW           BIT(62)
#define DTE_IV           BIT(0)       /* quadword 2 */
#define DTE_INTR_LEN     (8ull << 1)  /* 2^8 interrupt table entries */
#define DTE_INTR_REMAP   (2ull << 60) /* fixed and arbitrated interrupts go through the table */
#define DTE_INTR_ROOT(q) ((q)&0x000fffffffffffc0ull)

struct amdvi_unit {
    const struct ivrs_unit *info;
    volatile uint8_t *regs;
    uint64_t efr, control;
    struct iommu_queue queue;
    uint64_t *events;
    uint32_t evt_head; /* byte offset */
    struct amdvi_dte *devtab;
    uint32_t nr_devids;
};
