/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decoder of the instruction forms that Linux uses on memory-mapped registers (APM vol. 3): MOV r/m,r;
 * MOV r,r/m; MOV moffs; MOV r/m,imm; MOVZX, MOVSX; AND/OR/XOR/ADD/SUB/TEST/CMP r/m with register or
 * immediate; XCHG; STOS; MOVS. All prefixes, REX, ModRM/SIB, 16/32/64-bit operand sizes in 64-bit and 32-bit
 * code. Pure logic.
 */
#pragma once

#include "bh/types.h"

#define INSN_MAX 15 /* bytes of the longest instruction */

enum insn_op {
    INSN_LOAD,  /* reg <- mem (extended as told) */
    INSN_STORE, /* mem <- reg or imm */
    INSN_RMW,   /* mem <- mem ALU reg/imm, flags set */
    INSN_TEST,  /* flags from mem & value or mem - value; no store */
    INSN_XCHG,  /* mem <-> reg */
    INSN_STOS,
    INSN_MOVS
};
/* x86's /digit, TEST apart */
enum insn_alu { ALU_ADD, ALU_OR, ALU_AND = 4, ALU_SUB, ALU_XOR, ALU_CMP, ALU_TEST };

struct insn {
    uint8_t length; /* bytes, 1-15 */
    uint8_t op, alu;
    uint8_t size;   /* memory operand size: 1, 2, 4, 8 */
    uint8_t reg;    /* GPR number 0-15 (rax rcx rdx rbx rsp rbp rsi rdi r8..) */
    bool reg_high8; /* ah, ch, dh, bh */
    bool has_imm, sign_extend, rep;
    uint8_t dest_size; /* register size written by a load */
    uint64_t imm;
};

/* Decode up to `len` bytes (1-15) fetched at RIP. long_mode: 64-bit code, else 32-bit code.
 * 0; -XEN_EFAULT: more bytes needed; -XEN_EOPNOTSUPP: not one of these forms. */
int insn_decode(const uint8_t *bytes, unsigned len, bool long_mode, struct insn *out);
/* Result of an ALU operation of `size` bytes; *rflags gets CF PF AF ZF SF OF replaced. */
uint64_t insn_alu(uint8_t alu, uint8_t size, uint64_t a, uint64_t b, uint64_t *rflags);
