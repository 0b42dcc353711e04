/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Instruction decoder for memory-mapped registers (APM vol. 3, chapters 1 and 3, appendix A). See bh/insn.h.
 */
#include "bh/insn.h"
#include "bh/bytes.h"
#include <asm/processor-flags.h>

enum {
    F_BYTE = 1,    /* 8-bit operands; else 16, 32 or 64 as the prefixes tell */
    F_MODRM = 2,   /* has a ModRM byte, whose r/m must be memory */
    F_REG = 4,     /* ModRM.reg is the register operand */
    F_IMM = 8,     /* immediate of operand size, at most 4 bytes, sign-extended */
    F_IMM8 = 16,   /* immediate byte, sign-extended */
    F_MOFFS = 32,  /* address of address size behind the opcode; the register is rAX */
    F_GROUP = 64,  /* ModRM.reg selects the ALU operation */
    F_DIGIT0 = 128 /* ModRM.reg must be 0 */
};

struct form {
    uint8_t opcode, op, alu, flags;
};

#define ALU_FORMS(base, op, alu)                                                                             \
    {base, op, alu, F_BYTE | F_MODRM | F_REG},                                                               \
    {                                                                                                        \
        base + 1, op, alu, F_MODRM | F_REG                                                                   \
    }

static const struct form one_byte[] = {
    ALU_FORMS(0x00, INSN_RMW, ALU_ADD),
    ALU_FORMS(0x08, INSN_RMW, ALU_OR),
    ALU_FORMS(0x20, INSN_RMW, ALU_AND),
    ALU_FORMS(0x28, INSN_RMW, ALU_SUB),
    ALU_FORMS(0x30, INSN_RMW, ALU_XOR),
    ALU_FORMS(0x38, INSN_TEST, ALU_CMP),
    ALU_FORMS(0x84, INSN_TEST, ALU_TEST),
    {0x80, INSN_RMW, 0, F_BYTE | F_MODRM | F_GROUP | F_IMM8},
    {0x81, INSN_RMW, 0, F_MODRM | F_GROUP | F_IMM},
    {0x83, INSN_RMW, 0, F_MODRM | F_GROUP | F_IMM8},
    {0xf6, INSN_TEST, ALU_TEST, F_BYTE | F_MODRM | F_DIGIT0 | F_IMM8},
    {0xf7, INSN_TEST, ALU_TEST, F_MODRM | F_DIGIT0 | F_IMM},
    {0x86, INSN_XCHG, 0, F_BYTE | F_MODRM | F_REG},
    {0x87, INSN_XCHG, 0, F_MODRM | F_REG},
    {0x88, INSN_STORE, 0, F_BYTE | F_MODRM | F_REG},
    {0x89, INSN_STORE, 0, F_MODRM | F_REG},
    {0x8a, INSN_LOAD, 0, F_BYTE | F_MODRM | F_REG},
    {0x8b, INSN_LOAD, 0, F_MODRM | F_REG},
    {0xa0, INSN_LOAD, 0, F_BYTE | F_MOFFS},
    {0xa1, INSN_LOAD, 0, F_MOFFS},
    {0xa2, INSN_STORE, 0, F_BYTE | F_MOFFS},
    {0xa3, INSN_STORE, 0, F_MOFFS},
    {0xa4, INSN_MOVS, 0, F_BYTE},
    {0xa5, INSN_MOVS, 0, 0},
    {0xaa, INSN_STOS, 0, F_BYTE},
    {0xab, INSN_STOS, 0, 0},
    {0xc6, INSN_STORE, 0, F_BYTE | F_MODRM | F_DIGIT0 | F_IMM8},
    {0xc7, INSN_STORE, 0, F_MODRM | F_DIGIT0 | F_IMM},
};

/* Loads whose memory operand is smaller than the register. 0x63 is MOVSXD, the others follow a byte 0x0f. */
static const struct {
    uint8_t opcode, size;
    bool sign_extend;
} extending[] = {{0xb6, 1, false}, {0xb7, 2, false}, {0xbe, 1, true}, {0xbf, 2, true}, {0x63, 4, true}};

struct decoder {
    const uint8_t *bytes;
    unsigned len, pos;
    bool long_mode;
    bool operand_prefix, address_prefix, lock;
    uint8_t rex;
};

/* Behind the last byte: ask for more, unless the instruction is longer than any can be. */
static int out_of_bytes(const struct decoder *d)
{
    return d->len >= INSN_MAX ? -XEN_EOPNOTSUPP : -XEN_EFAULT;
}

static int next_byte(struct decoder *d)
{
    return d->pos < d->len ? d->bytes[d->pos++] : out_of_bytes(d);
}

static int skip(struct decoder *d, unsigned n)
{
    if (n > d->len - d->pos)
        return out_of_bytes(d);
    d->pos += n;
    return 0;
}

/* Legacy prefixes in any order, then REX. Returns the first opcode byte. */
static int decode_prefixes(struct decoder *d, struct insn *out)
{
    for (;;) {
        int byte = next_byte(d);

        switch (byte) {
        case 0x66:
            d->operand_prefix = true;
            break;
        case 0x67:
            d->address_prefix = true;
            break;
        case 0xf0:
            d->lock = true;
            break;
        case 0xf2:
        case 0xf3:
            out->rep = true;
            break;
        case 0x26:
        case 0x2e:
        case 0x36:
        case 0x3e:
        case 0x64:
        case 0x65:
            break; /* segments: the address comes from the nested page fault */
        default:
            if (!d->long_mode || (byte & ~15) != 0x40)
                return byte;
            d->rex = (uint8_t)byte;
            return next_byte(d);
        }
    }
}

static uint8_t operand_size(const struct decoder *d)
{
    if (d->rex & 8)
        return 8;
    return d->operand_prefix ? 2 : 4;
}

static unsigned displacement_size(const struct decoder *d, unsigned mod, unsigned rm, unsigned base)
{
    bool address16 = !d->long_mode && d->address_prefix;

    if (mod == 1)
        return 1;
    if (address16)
        return mod == 2 || rm == 6 ? 2 : 0;
    return mod == 2 || rm == 5 || base == 5 ? 4 : 0;
}

/* Skip ModRM, SIB and displacement. Returns ModRM.reg, without REX. */
static int decode_modrm(struct decoder *d)
{
    int modrm = next_byte(d), sib = 0, rc;
    unsigned mod, rm;

    if (modrm < 0)
        return modrm;
    mod = (unsigned)modrm >> 6;
    rm = modrm & 7;
    if (mod == 3)
        return -XEN_EOPNOTSUPP; /* no memory operand */
    if (rm == 4 && (d->long_mode || !d->address_prefix)) {
        sib = next_byte(d);
        if (sib < 0)
            return sib;
    }
    rc = skip(d, displacement_size(d, mod, rm, sib & 7));
    return rc ? rc : modrm >> 3 & 7;
}

static void set_register(const struct decoder *d, struct insn *out, unsigned reg, bool byte)
{
    out->reg = (uint8_t)(reg | (d->rex & 4u) << 1);
    if (byte && !d->rex && reg >= 4) {
        out->reg = (uint8_t)(reg - 4);
        out->reg_high8 = true;
    }
}

static int decode_immediate(struct decoder *d, struct insn *out, unsigned size)
{
    const uint8_t *p = d->bytes + d->pos;

    if (skip(d, size))
        return out_of_bytes(d);
    out->has_imm = true;
    if (size == 1)
        out->imm = (uint64_t)(int8_t)p[0];
    else if (size == 2)
        out->imm = (uint64_t)(int16_t)read_le16(p);
    else
        out->imm = (uint64_t)(int32_t)read_le32(p);
    return 0;
}

static int decode_group(struct insn *out, unsigned digit)
{
    if (digit == 2 || digit == 3) /* ADC, SBB */
        return -XEN_EOPNOTSUPP;
    out->alu = (uint8_t)digit;
    if (digit == ALU_CMP)
        out->op = INSN_TEST;
    return 0;
}

static int decode_form(struct decoder *d, const struct form *form, struct insn *out)
{
    int reg = 0, rc = 0;

    out->op = form->op;
    out->alu = form->alu;
    out->size = form->flags & F_BYTE ? 1 : operand_size(d);
    out->dest_size = out->size;
    if (form->flags & F_MODRM) {
        reg = decode_modrm(d);
        if (reg < 0)
            return reg;
    }
    if (form->flags & F_DIGIT0 && reg)
        return -XEN_EOPNOTSUPP;
    if (form->flags & F_REG)
        set_register(d, out, (unsigned)reg, out->size == 1);
    if (form->flags & F_GROUP)
        rc = decode_group(out, (unsigned)reg);
    if (!rc && form->flags & F_MOFFS)
        rc = skip(d, (d->long_mode ? 8u : 4u) >> d->address_prefix);
    if (!rc && form->flags & (F_IMM | F_IMM8))
        rc = decode_immediate(d, out, form->flags & F_IMM8 ? 1 : MIN(out->size, 4u));
    return rc;
}

static int decode_extending(struct decoder *d, int opcode, struct insn *out)
{
    for (unsigned i = 0; i < ARRAY_SIZE(extending); i++) {
        if (extending[i].opcode != opcode)
            continue;
        int reg = decode_modrm(d);

        if (reg < 0)
            return reg;
        out->op = INSN_LOAD;
        out->size = extending[i].size;
        out->dest_size = operand_size(d);
        out->sign_extend = extending[i].sign_extend && out->dest_size > out->size;
        if (out->dest_size < out->size) /* MOVSXD with a 16-bit register: reads only that much */
            out->size = out->dest_size;
        set_register(d, out, (unsigned)reg, false);
        return 0;
    }
    return -XEN_EOPNOTSUPP;
}

static int decode_opcode(struct decoder *d, int opcode, struct insn *out)
{
    if (opcode == 0x0f) {
        opcode = next_byte(d);
        if (opcode == 0x63)
            return -XEN_EOPNOTSUPP;
        return opcode < 0 ? opcode : decode_extending(d, opcode, out);
    }
    if (opcode == 0x63 && d->long_mode)
        return decode_extending(d, opcode, out);
    for (unsigned i = 0; i < ARRAY_SIZE(one_byte); i++)
        if (one_byte[i].opcode == opcode)
            return decode_form(d, &one_byte[i], out);
    return -XEN_EOPNOTSUPP;
}

int insn_decode(const uint8_t *bytes, unsigned len, bool long_mode, struct insn *out)
{
    struct decoder d = {.bytes = bytes, .len = MIN(len, INSN_MAX), .long_mode = long_mode};
    int rc;

    *out = (struct insn){0};
    rc = decode_prefixes(&d, out);
    if (rc >= 0)
        rc = decode_opcode(&d, rc, out);
    if (rc)
        return rc;
    if (d.lock && out->op != INSN_RMW && out->op != INSN_XCHG)
        return -XEN_EOPNOTSUPP; /* #UD on a CPU */
    if (out->op != INSN_STOS && out->op != INSN_MOVS)
        out->rep = false;
    out->length = (uint8_t)d.pos;
    return 0;
}

#define FLAGS_ALL                                                                                            \
    (X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | X86_EFLAGS_ZF | X86_EFLAGS_SF | X86_EFLAGS_OF)

static uint64_t result_of(uint8_t alu, uint64_t a, uint64_t b)
{
    switch (alu) {
    case ALU_ADD:
        return a + b;
    case ALU_OR:
        return a | b;
    case ALU_AND:
    case ALU_TEST:
        return a & b;
    case ALU_XOR:
        return a ^ b;
    default:
        return a - b;
    }
}

/* Carries out of each bit position of an addition, or borrows of a subtraction. None for logic. */
static uint64_t carries_of(uint8_t alu, uint64_t a, uint64_t b, uint64_t r)
{
    if (alu == ALU_ADD)
        return (a & b) | ((a | b) & ~r);
    if (alu == ALU_SUB || alu == ALU_CMP)
        return (~a & b) | ((~a | b) & r);
    return 0;
}

uint64_t insn_alu(uint8_t alu, uint8_t size, uint64_t a, uint64_t b, uint64_t *rflags)
{
    unsigned top = size * 8u - 1;
    uint64_t r = result_of(alu, a, b), carries = carries_of(alu, a, b, r), flags = 0;

    r &= ~0ull >> (63 - top);
    if (carries >> top & 1)
        flags |= X86_EFLAGS_CF;
    if ((carries >> top ^ carries >> (top - 1)) & 1)
        flags |= X86_EFLAGS_OF;
    if (carries >> 3 & 1)
        flags |= X86_EFLAGS_AF;
    if (!__builtin_parity((unsigned)(r & 0xff)))
        flags |= X86_EFLAGS_PF;
    if (!r)
        flags |= X86_EFLAGS_ZF;
    if (r >> top & 1)
        flags |= X86_EFLAGS_SF;
    *rflags = (*rflags & ~(uint64_t)FLAGS_ALL) | flags;
    return r;
}
