/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The decoder against what the assembler makes of each form; the ALU against the CPU. */
#include "hvtest.h"
#include "bh/insn.h"
#include "bh/lib.h"
#include "bh/xen.h"

/* name, mode, assembler text, expected fields (the length is what the assembler made) */
#define CASES(X)                                                                                             \
    X(store32, 64, "movl %eax, (%rdi)", .op = INSN_STORE, .size = 4, .reg = 0, .dest_size = 4)               \
    X(store64, 64, "movq %r9, 0x10(%rdi)", .op = INSN_STORE, .size = 8, .reg = 9, .dest_size = 8)            \
    X(store16, 64, "movw %dx, 0x1000(%rdi,%rcx,4)", .op = INSN_STORE, .size = 2, .reg = 2, .dest_size = 2)   \
    X(store8, 64, "movb %cl, (%rsp)", .op = INSN_STORE, .size = 1, .reg = 1, .dest_size = 1)                 \
    X(store8high, 64, "movb %ch, (%rsp)", .op = INSN_STORE, .size = 1, .reg = 1, .reg_high8 = true,          \
      .dest_size = 1)                                                                                        \
    X(store8rex, 64, "movb %sil, (%rsp)", .op = INSN_STORE, .size = 1, .reg = 6, .dest_size = 1)             \
    X(store8r15, 64, "movb %r15b, (%r13)", .op = INSN_STORE, .size = 1, .reg = 15, .dest_size = 1)           \
    X(load32, 64, "movl 0x20(%r12), %ebx", .op = INSN_LOAD, .size = 4, .reg = 3, .dest_size = 4)             \
    X(load64, 64, "movq (%rbp), %rax", .op = INSN_LOAD, .size = 8, .reg = 0, .dest_size = 8)                 \
    X(load8, 64, "movb (%rax), %bh", .op = INSN_LOAD, .size = 1, .reg = 3, .reg_high8 = true,                \
      .dest_size = 1)                                                                                        \
    X(load_rip, 64, "movl 0x1234(%rip), %ecx", .op = INSN_LOAD, .size = 4, .reg = 1, .dest_size = 4)         \
    X(load_abs, 64, "movl 0x1234, %ecx", .op = INSN_LOAD, .size = 4, .reg = 1, .dest_size = 4)               \
    X(load_index, 64, "movl 0x1234(,%rdx,8), %ecx", .op = INSN_LOAD, .size = 4, .reg = 1, .dest_size = 4)    \
    X(load_gs, 64, "movl %gs:0x1234(%edx), %ecx", .op = INSN_LOAD, .size = 4, .reg = 1, .dest_size = 4)      \
    X(moffs_load, 64, "movabsl 0x1122334455667788, %eax", .op = INSN_LOAD, .size = 4, .dest_size = 4)        \
    X(moffs_store, 64, "movabsq %rax, 0x1122334455667788", .op = INSN_STORE, .size = 8, .dest_size = 8)      \
    X(moffs_byte, 64, "movabsb 0x1122334455667788, %al", .op = INSN_LOAD, .size = 1, .dest_size = 1)         \
    X(moffs_67, 64, ".byte 0x67, 0xa1; .long 0x11223344", .op = INSN_LOAD, .size = 4, .dest_size = 4)        \
    X(imm32, 64, "movl $0x12345678, (%rax)", .op = INSN_STORE, .size = 4, .has_imm = true,                   \
      .imm = 0x12345678, .dest_size = 4)                                                                     \
    X(imm64, 64, "movq $-2, 8(%rax)", .op = INSN_STORE, .size = 8, .has_imm = true, .imm = (uint64_t)-2,     \
      .dest_size = 8)                                                                                        \
    X(imm16, 64, "movw $0x1234, (%rax)", .op = INSN_STORE, .size = 2, .has_imm = true, .imm = 0x1234,        \
      .dest_size = 2)                                                                                        \
    X(imm8, 64, "movb $0x7f, (%rax)", .op = INSN_STORE, .size = 1, .has_imm = true, .imm = 0x7f,             \
      .dest_size = 1)                                                                                        \
    X(movzx8, 64, "movzbl (%rax), %r8d", .op = INSN_LOAD, .size = 1, .reg = 8, .dest_size = 4)               \
    X(movzx16, 64, "movzwq (%rax), %rsi", .op = INSN_LOAD, .size = 2, .reg = 6, .dest_size = 8)              \
    X(movsx8, 64, "movsbw (%rax), %si", .op = INSN_LOAD, .size = 1, .reg = 6, .dest_size = 2,                \
      .sign_extend = true)                                                                                   \
    X(movsx16, 64, "movswl (%rax), %esp", .op = INSN_LOAD, .size = 2, .reg = 4, .dest_size = 4,              \
      .sign_extend = true)                                                                                   \
    X(movsxd, 64, "movslq (%rax), %rdi", .op = INSN_LOAD, .size = 4, .reg = 7, .dest_size = 8,               \
      .sign_extend = true)                                                                                   \
    X(or_reg, 64, "orl %edx, (%rax)", .op = INSN_RMW, .alu = ALU_OR, .size = 4, .reg = 2, .dest_size = 4)    \
    X(and_imm8, 64, "andl $~1, (%rax)", .op = INSN_RMW, .alu = ALU_AND, .size = 4, .has_imm = true,          \
      .imm = ~1ull, .dest_size = 4)                                                                          \
    X(and_imm, 64, "andq $0x12345678, (%rax)", .op = INSN_RMW, .alu = ALU_AND, .size = 8, .has_imm = true,   \
      .imm = 0x12345678, .dest_size = 8)                                                                     \
    X(xor_byte, 64, "xorb $0x80, (%rax)", .op = INSN_RMW, .alu = ALU_XOR, .size = 1, .has_imm = true,        \
      .imm = (uint64_t)(int8_t)0x80, .dest_size = 1)                                                         \
    X(lock_add, 64, "lock addw $0x1234, (%rax)", .op = INSN_RMW, .alu = ALU_ADD, .size = 2, .has_imm = true, \
      .imm = 0x1234, .dest_size = 2)                                                                         \
    X(sub_reg, 64, "subq %r10, (%r11)", .op = INSN_RMW, .alu = ALU_SUB, .size = 8, .reg = 10,                \
      .dest_size = 8)                                                                                        \
    X(cmp_imm, 64, "cmpl $5, (%rax)", .op = INSN_TEST, .alu = ALU_CMP, .size = 4, .has_imm = true, .imm = 5, \
      .dest_size = 4)                                                                                        \
    X(cmp_reg, 64, "cmpb %al, (%rax)", .op = INSN_TEST, .alu = ALU_CMP, .size = 1, .dest_size = 1)           \
    X(test_reg, 64, "testl %ecx, (%rax)", .op = INSN_TEST, .alu = ALU_TEST, .size = 4, .reg = 1,             \
      .dest_size = 4)                                                                                        \
    X(test_imm, 64, "testl $0x100, (%rax)", .op = INSN_TEST, .alu = ALU_TEST, .size = 4, .has_imm = true,    \
      .imm = 0x100, .dest_size = 4)                                                                          \
    X(test_imm8, 64, "testb $1, 0x7f(%rax)", .op = INSN_TEST, .alu = ALU_TEST, .size = 1, .has_imm = true,   \
      .imm = 1, .dest_size = 1)                                                                              \
    X(xchg, 64, "xchgl %ebx, (%rax)", .op = INSN_XCHG, .size = 4, .reg = 3, .dest_size = 4)                  \
    X(lock_xchg, 64, "lock xchgb %dh, (%rax)", .op = INSN_XCHG, .size = 1, .reg = 2, .reg_high8 = true,      \
      .dest_size = 1)                                                                                        \
    X(stos, 64, "stosl", .op = INSN_STOS, .size = 4, .dest_size = 4)                                         \
    X(rep_stos, 64, "rep stosq", .op = INSN_STOS, .size = 8, .rep = true, .dest_size = 8)                    \
    X(rep_movs, 64, "rep movsb", .op = INSN_MOVS, .size = 1, .rep = true, .dest_size = 1)                    \
    X(movsw, 64, "movsw", .op = INSN_MOVS, .size = 2, .dest_size = 2)                                        \
    X(useless_rep, 64, ".byte 0xf3; movl %eax, (%rdi)", .op = INSN_STORE, .size = 4, .dest_size = 4)         \
    X(c32_store, 32, "movl %eax, 0x30(%edi)", .op = INSN_STORE, .size = 4, .dest_size = 4)                   \
    X(c32_sib, 32, "movl %ebp, 0x30(%edi,%esi,2)", .op = INSN_STORE, .size = 4, .reg = 5, .dest_size = 4)    \
    X(c32_abs, 32, "movl 0xfee00020, %ecx", .op = INSN_LOAD, .size = 4, .reg = 1, .dest_size = 4)            \
    X(c32_moffs, 32, "movl 0xfee00020, %eax", .op = INSN_LOAD, .size = 4, .dest_size = 4)                    \
    X(c32_addr16, 32, "movl 0x10(%bx,%si), %ecx", .op = INSN_LOAD, .size = 4, .reg = 1, .dest_size = 4)      \
    X(c32_addr16_abs, 32, "movw %cx, 0x1234(%bp)", .op = INSN_STORE, .size = 2, .reg = 1, .dest_size = 2)    \
    X(c32_addr16_disp, 32, ".byte 0x67, 0x8b, 0x0e, 0x34, 0x12", .op = INSN_LOAD, .size = 4, .reg = 1,       \
      .dest_size = 4)                                                                                        \
    X(c32_high8, 32, "movb %ah, (%eax)", .op = INSN_STORE, .size = 1, .reg = 0, .reg_high8 = true,           \
      .dest_size = 1)

#define ASSEMBLE(name, mode, text, ...)                                                                      \
    __asm__(".pushsection .rodata\n.code" #mode "\ninsn_" #name ": " text "\ninsn_" #name "_end: .byte 0\n"  \
            ".code64\n.popsection");                                                                         \
    extern const uint8_t insn_##name[], insn_##name##_end[];
CASES(ASSEMBLE)

static const struct {
    const char *text;
    const uint8_t *start, *end;
    bool long_mode;
    struct insn want;
} cases[] = {
#define ENTRY(name, mode, text, ...) {text, insn_##name, insn_##name##_end, mode == 64, {__VA_ARGS__}},
    CASES(ENTRY)};

static void check_same(const struct insn *got, const struct insn *want)
{
    assert_int_equal(got->length, want->length);
    assert_int_equal(got->op, want->op);
    assert_int_equal(got->alu, want->alu);
    assert_int_equal(got->size, want->size);
    assert_int_equal(got->reg, want->reg);
    assert_int_equal(got->reg_high8, want->reg_high8);
    assert_int_equal(got->has_imm, want->has_imm);
    assert_int_equal(got->sign_extend, want->sign_extend);
    assert_int_equal(got->rep, want->rep);
    assert_int_equal(got->dest_size, want->dest_size);
    assert_int_equal(got->imm, want->imm);
}

/* From memory of exactly `len` bytes. */
static int decode(const uint8_t *bytes, unsigned len, bool long_mode, struct insn *out)
{
    uint8_t *exact = malloc(len ? len : 1);
    int rc;

    memcpy(exact, bytes, len);
    rc = insn_decode(exact, len, long_mode, out);
    free(exact);
    return rc;
}

static void decodes_every_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        unsigned len = (unsigned)(cases[i].end - cases[i].start);
        struct insn got, want = cases[i].want;
        uint8_t padded[15];

        want.length = (uint8_t)len;
        memset(padded, 0x90, sizeof(padded));
        memcpy(padded, cases[i].start, len);
        if (decode(padded, 15, cases[i].long_mode, &got))
            fail_msg("not decoded: %s", cases[i].text);
        check_same(&got, &want);
        assert_int_equal(decode(cases[i].start, len, cases[i].long_mode, &got), 0);
        for (unsigned cut = 0; cut < len; cut++)
            assert_int_equal(decode(cases[i].start, cut, cases[i].long_mode, &got), -XEN_EFAULT);
    }
}

static void refuses_the_rest(void **state)
{
    static const uint8_t others[][15] = {
        {0x89, 0xc0},             /* mov %eax, %eax: no memory */
        {0x90},                   /* nop */
        {0x0f, 0x01, 0xd9},       /* vmmcall */
        {0x0f, 0x63, 0x00},       /* not an instruction */
        {0x83, 0x10, 0x01},       /* adc */
        {0xc7, 0x08, 0, 0, 0, 0}, /* c7 /1 */
        {0xf7, 0x10},             /* not (%rax) */
        {0xff, 0x00},             /* inc (%rax) */
        {0xf0, 0x89, 0x00},       /* lock mov */
        {0x40, 0x66, 0x89, 0x00}, /* REX is not last */
        {0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66},
        {0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x89,
         0x40}, /* 16 bytes */
    };
    struct insn got;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        assert_int_equal(decode(others[i], 15, true, &got), -XEN_EOPNOTSUPP);
}

/* The same operation by the CPU. */
#define ON_CPU(type, insn)                                                                                   \
    __asm__("lea -128(%%rsp), %%rsp; push %3; popfq; " insn " %2, %0; pushfq; pop %1; lea 128(%%rsp), %%rsp" \
            : "+r"(*(type *)a), "=r"(flags)                                                                  \
            : "r"((type)b), "r"(flags_in)                                                                    \
            : "cc")
#define ON_CPU_SIZES(insn)                                                                                   \
    switch (size) {                                                                                          \
    case 1:                                                                                                  \
        ON_CPU(uint8_t, insn);                                                                               \
        break;                                                                                               \
    case 2:                                                                                                  \
        ON_CPU(uint16_t, insn);                                                                              \
        break;                                                                                               \
    case 4:                                                                                                  \
        ON_CPU(uint32_t, insn);                                                                              \
        break;                                                                                               \
    default:                                                                                                 \
        ON_CPU(uint64_t, insn);                                                                              \
    }

static uint64_t on_cpu(unsigned alu, unsigned size, uint64_t *a, uint64_t b, uint64_t flags_in)
{
    uint64_t flags = 0;

    switch (alu) {
    case ALU_ADD:
        ON_CPU_SIZES("add");
        break;
    case ALU_OR:
        ON_CPU_SIZES("or");
        break;
    case ALU_AND:
        ON_CPU_SIZES("and");
        break;
    case ALU_SUB:
        ON_CPU_SIZES("sub");
        break;
    case ALU_XOR:
        ON_CPU_SIZES("xor");
        break;
    case ALU_CMP:
        ON_CPU_SIZES("cmp");
        break;
    default:
        ON_CPU_SIZES("test");
    }
    return flags;
}

static void alu_agrees_with_the_cpu(void **state)
{
    static const uint8_t alus[] = {ALU_ADD, ALU_OR, ALU_AND, ALU_SUB, ALU_XOR, ALU_CMP, ALU_TEST};
    static const uint64_t values[] = {
        0,      1,      2,          0xf,        0x10,       0x7f,      0x80,       0xff,  0x7fff,
        0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, INT64_MAX, 1ull << 63, ~0ull, 0x123456789abcdef0};
    const uint64_t status = 0x8d5, adjust = 0x10; /* AF is undefined after logic */

    (void)state;
    for (size_t n = 0; n < sizeof(alus) * 4 * ARRAY_SIZE(values) * ARRAY_SIZE(values); n++) {
        uint8_t alu = alus[n % sizeof(alus)], size = (uint8_t)(1u << n / sizeof(alus) % 4);
        uint64_t a = values[n / sizeof(alus) / 4 % ARRAY_SIZE(values)];
        uint64_t b = values[n / sizeof(alus) / 4 / ARRAY_SIZE(values)];
        uint64_t mask = ~0ull >> (64 - 8 * size), flags = n & 1 ? 0x246 : 0xad7, real = a & mask;
        uint64_t real_flags = on_cpu(alu, size, &real, b, flags & (status | 2)), before = flags;
        uint64_t got = insn_alu(alu, size, a, b, &flags);
        uint64_t compared = alu == ALU_ADD || alu == ALU_SUB || alu == ALU_CMP ? status : status & ~adjust;

        if (alu != ALU_CMP && alu != ALU_TEST)
            assert_int_equal(got, real & mask);
        assert_int_equal(flags & compared, real_flags & compared);
        assert_int_equal(flags & ~status, before & ~status);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes_every_form),
        cmocka_unit_test(refuses_the_rest),
        cmocka_unit_test(alu_agrees_with_the_cpu),
    };

    return cmocka_run_group_tests_name("insn", tests, NULL, NULL);
}
