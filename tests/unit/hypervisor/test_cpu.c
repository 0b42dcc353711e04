/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the hypervisor decides by CPUID, for CPUs of which no emulator here has an equal. */
#include "hvtest.h"
#include "bh/cpu.h"
#include "bh/msr.h"
#include "bh/vmcb.h"

char trap_stubs[1];

struct leaf {
    uint32_t leaf;
    struct cpuid_regs r;
};
static const struct leaf *machine;

/* Leaves beyond the last one are not asked for. */
static struct cpuid_regs ask(uint32_t leaf, uint32_t sub)
{
    uint32_t last = 0;

    (void)sub;
    for (const struct leaf *l = machine; l->leaf != ~0u; l++) {
        if (l->leaf == leaf)
            return l->r;
        if (l->leaf == (leaf & 0x80000000u))
            last = l->r.a;
    }
    assert_in_range(leaf, leaf & 0x80000000u, last);
    return (struct cpuid_regs){0};
}

static const struct cpu_features *features(const struct leaf *m)
{
    memset(&cpu_features, 0, sizeof(cpu_features));
    machine = m;
    cpu_features_init(ask);
    return &cpu_features;
}

/* Family 10h: nested paging, and nothing of what came later. */
static void test_old(void **state)
{
    static const struct leaf m[] = {
        {0, {5, 0x68747541, 0, 0}},          {1, {0x100f42, 0, 0x802009, 0x178bfbff}},
        {0x80000000, {0x80000008, 0, 0, 0}}, {0x80000001, {0x100f42, 0, 0x37ff, BIT(20) | BIT(26) | BIT(27)}},
        {0x80000008, {0x3030, 0, 0, 0}},     {~0u, {0}}};
    const struct cpu_features *f = features(m);

    assert_true(f->amd && f->nx && f->gb_pages && f->rdtscp);
    assert_int_equal(f->family, 0x10);
    assert_int_equal(f->phys_bits, 48);
    assert_false(f->smep || f->smap || f->xsave || f->x2apic || f->invariant_tsc);
    assert_true(f->x87_pointers_stay);
    assert_false(f->ibpb || f->verw || f->auto_ibrs || f->more_cr4);
}

/* Zen 4: everything that AMD CPUs have. */
static void test_new(void **state)
{
    static const struct leaf m[] = {{0, {0x10, 0x68747541, 0, 0}},
                                    {1, {0xa60f12, 0, BIT(21) | BIT(26), 0x178bfbff}},
                                    {7, {1, BIT(0) | BIT(7) | BIT(20), BIT(3) | BIT(16), 0}}, /* PKU, LA57 */
                                    {0x80000000, {0x80000028, 0, 0, 0}},
                                    {0x80000001, {0xa60f12, 0, 0, BIT(20) | BIT(26) | BIT(27)}},
                                    {0x80000007, {0, 0, 0, BIT(8)}},
                                    {0x80000008, {0x3030, BIT(12) | BIT(2), 0, 0}},
                                    {0x80000021, {BIT(8) | BIT(5), 0, 0, 0}},
                                    {~0u, {0}}};
    const struct cpu_features *f = features(m);

    assert_int_equal(f->family, 0x19);
    assert_true(f->smep && f->smap && f->xsave && f->x2apic && f->invariant_tsc);
    assert_true(f->ibpb && f->verw && f->auto_ibrs && f->more_cr4);
    assert_false(f->x87_pointers_stay);
}

/* Each single bit switches on what it is for, and nothing else. */
static void test_single(void **state)
{
    static const struct {
        uint32_t leaf;
        struct cpuid_regs r;
        size_t flag;
    } t[] = {
        {7, {0, BIT(7), 0, 0}, offsetof(struct cpu_features, smep)},
        {7, {0, BIT(20), 0, 0}, offsetof(struct cpu_features, smap)},
        {7, {0, 0, BIT(3), 0}, offsetof(struct cpu_features, more_cr4)},  /* PKU */
        {7, {0, 0, BIT(7), 0}, offsetof(struct cpu_features, more_cr4)},  /* shadow stacks */
        {7, {0, 0, BIT(16), 0}, offsetof(struct cpu_features, more_cr4)}, /* LA57 */
        {7, {0, 0, BIT(31), 0}, offsetof(struct cpu_features, more_cr4)}, /* PKS */
        {7, {0, 0, 0, BIT(20)}, offsetof(struct cpu_features, more_cr4)}, /* IBT */
        {7, {0, 0, 0, BIT(26)}, offsetof(struct cpu_features, ibpb)},     /* Intel's bit */
        {7, {0, 0, 0, BIT(10)}, offsetof(struct cpu_features, verw)},     /* MD_CLEAR */
        {0x80000008, {0, BIT(12), 0, 0}, offsetof(struct cpu_features, ibpb)},
        {0x80000021, {BIT(5), 0, 0, 0}, offsetof(struct cpu_features, verw)},
        {0x80000021, {BIT(8), 0, 0, 0}, offsetof(struct cpu_features, auto_ibrs)},
    };

    for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
        const struct leaf m[] = {
            {0, {7, 0x756e6547, 0, 0}}, {t[i].leaf, t[i].r}, {0x80000000, {0x80000021, 0, 0, 0}}, {~0u, {0}}};
        struct cpu_features f = *features(m), without;

        assert_true(*((const bool *)&f + t[i].flag));
        *((bool *)&f + t[i].flag) = false;
        machine = (const struct leaf[]){m[0], m[2], m[3]};
        without = *features(machine);
        f.phys_bits = without.phys_bits; /* in leaf 0x80000008, too */
        assert_memory_equal(&f, &without, sizeof(f));
    }
}

/* Instruction bytes from the CPU: only at a nested page fault, and never more than there is room for. */
static void test_vmcb_insn(void **state)
{
    static const struct {
        uint64_t exit;
        uint8_t fetched;
        unsigned want;
    } t[] = {{SVM_EXIT_NPF, 0, 0},
             {SVM_EXIT_NPF, 3, 3},
             {SVM_EXIT_NPF, 15, 15},
             {SVM_EXIT_NPF, 255, 15},
             {SVM_EXIT_WRITE_CR4, 15, 0}};
    static struct vmcb b = {.bytes = {0x89, 0x04, 0x24}};
    uint8_t code[sizeof(b.bytes)];

    for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
        b.exitcode = t[i].exit;
        b.fetched = t[i].fetched;
        assert_int_equal(vmcb_insn(&b, code), t[i].want);
        if (t[i].want)
            assert_memory_equal(code, b.bytes, sizeof(code));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_old), cmocka_unit_test(test_new),
                                       cmocka_unit_test(test_single), cmocka_unit_test(test_vmcb_insn)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
