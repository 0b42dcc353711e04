/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The virtual machine control block (APM vol. 2, appendix B) and its constants. */
#pragma once

#include "bh/lib.h"
#include <asm/svm.h> /* exit codes */

struct vmcb_segment {
    uint16_t selector, attr;
    uint32_t limit;
    uint64_t base;
};

struct vmcb {
    /* control area */
    uint16_t intercept_cr_read, intercept_cr_write, intercept_dr_read, intercept_dr_write; /* 000 */
    uint32_t intercept_exception;                                                          /* 008 */
    uint32_t intercept[3]; /* 00c: bit n of word w for exit code 0x60 + 32 * w + n */
    uint8_t reserved1[0x3c - 0x18];
    uint16_t pause_threshold, pause_count;  /* 03c */
    uint64_t iopm_pa, msrpm_pa, tsc_offset; /* 040 */
    uint32_t asid;                          /* 058 */
    uint8_t tlb_control, reserved2[3];
    uint64_t vintr;                                       /* 060 */
    uint64_t interrupt_shadow;                            /* 068 */
    uint64_t exitcode, exitinfo1, exitinfo2, exitintinfo; /* 070 */
    uint64_t np_enable;                                   /* 090 */
    uint8_t reserved3[0x10];
    uint64_t eventinj, ncr3, lbr_enable; /* 0a8 */
    uint32_t clean, reserved4;           /* 0c0 */
    uint64_t nrip;                       /* 0c8 */
    uint8_t fetched, bytes[15];          /* 0d0 */
    uint8_t reserved5[0x400 - 0xe0];
    /* state save area */
    struct vmcb_segment seg[10]; /* es cs ss ds fs gs gdtr ldtr idtr tr */
    uint8_t reserved6[0x4cb - 0x4a0];
    uint8_t cpl; /* 4cb */
    uint32_t reserved7;
    uint64_t efer; /* 4d0 */
    uint8_t reserved8[0x548 - 0x4d8];
    uint64_t cr4, cr3, cr0, dr7, dr6, rflags, rip; /* 548 */
    uint8_t reserved9[0x5d8 - 0x580];
    uint64_t rsp; /* 5d8 */
    uint8_t reserved10[0x5f8 - 0x5e0];
    uint64_t rax, star, lstar, cstar, sfmask, kernel_gs_base; /* 5f8 */
    uint64_t sysenter_cs, sysenter_esp, sysenter_eip, cr2;    /* 628 */
    uint8_t reserved11[0x668 - 0x648];
    uint64_t g_pat, debugctl; /* 668 */
    uint8_t reserved12[0x1000 - 0x678];
} __packed_struct __aligned_to(4096);

_Static_assert(offsetof(struct vmcb, exitcode) == 0x70, "vmcb layout");
_Static_assert(offsetof(struct vmcb, seg) == 0x400, "vmcb layout");
_Static_assert(offsetof(struct vmcb, cpl) == 0x4cb, "vmcb layout");
_Static_assert(offsetof(struct vmcb, rip) == 0x578, "vmcb layout");
_Static_assert(offsetof(struct vmcb, rax) == 0x5f8, "vmcb layout");
_Static_assert(offsetof(struct vmcb, g_pat) == 0x668, "vmcb layout");
_Static_assert(sizeof(struct vmcb) == 4096, "vmcb layout");

/* tlb_control: of all guests, of this ASID */
enum { TLB_FLUSH_ALL = 1, TLB_FLUSH_ASID = 3 };

#define VINTR_IRQ          BIT(8)
#define VINTR_IGN_TPR      BIT(20)
#define VINTR_MASKING      BIT(24)
#define VINTR_VECTOR_SHIFT 32
#define VINTR_KEPT         (0xffull | VINTR_MASKING) /* V_TPR is the guest's CR8 */

#define EVENT_VALID     BIT(31)
#define EVENT_ERROR     BIT(11)
#define EVENT_TYPE(t)   ((uint64_t)(t) << 8)
#define EVENT_EXTERNAL  0
#define EVENT_NMI       2
#define EVENT_EXCEPTION 3

/* Bytes at RIP that a CPU with decode assists (APM vol. 2 §15.8.4) left there; 0: none. */
static inline unsigned vmcb_insn(const struct vmcb *b, uint8_t *code)
{
    if (b->exitcode != SVM_EXIT_NPF)
        return 0;
    memcpy(code, b->bytes, sizeof(b->bytes));
    return MIN(b->fetched, (unsigned)sizeof(b->bytes));
}
