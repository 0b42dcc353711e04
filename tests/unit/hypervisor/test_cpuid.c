/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CPUID policies made from this very machine's leaves: nothing unlisted is shown, a toolstack can only take
 * away. */
#include "hvtest.h"
#include "host_hypervisor.h"
#include "bh/msr.h"

#define OSXSAVE    BIT(27)
#define HYPERVISOR BIT(31)

static struct domain *d;
static struct vcpu *v;

static int setup(void **state)
{
    (void)state;
    host_machine(96, 1);
    cpu_features = (struct cpu_features){.max_leaf = cpuid(0, 0).a,
                                         .max_ext_leaf = cpuid(0x80000000, 0).a,
                                         .rdtscp = true,
                                         .xcr0_mask = 0xe7,
                                         .xsave_size = 2696};
    host_cr4 = 0;
    cpuid_policy_init();
    d = host_domain(1, 0, 4);
    v = d->vcpu[0];
    return 0;
}

static struct cpuid_regs ask(uint32_t leaf, uint32_t sub)
{
    struct cpuid_regs r;

    cpuid_guest(v, leaf, sub, &r);
    return r;
}

static bool empty(struct cpuid_regs r)
{
    return !(r.a | r.b | r.c | r.d);
}

/* The vCPU's own bits aside, no feature word shows a bit that the machine has not. */
static void test_subset(void **state)
{
    struct cpuid_regs r = ask(1, 0), h = cpuid(1, 0);

    (void)state;
    assert_true(r.c & HYPERVISOR);
    assert_int_equal(r.c & ~(h.c | HYPERVISOR | BIT(21)), 0);
    assert_int_equal(r.d & ~(h.d | BIT(28)), 0);
    assert_int_equal(r.c & (BIT(5) | BIT(6) | BIT(3) | BIT(15) | BIT(18) | BIT(24)),
                     0); /* vmx smx monitor pdcm… */
    r = ask(7, 0);
    h = cpuid(7, 0);
    assert_int_equal((r.b & ~h.b) | (r.c & ~h.c) | (r.d & ~h.d), 0);
    assert_int_equal(r.b & (BIT(2) | BIT(12) | BIT(14) | BIT(15)), 0); /* sgx pqm mpx pqe */
    r = ask(0x80000001, 0);
    assert_int_equal(r.c & (BIT(2) | BIT(12)), 0); /* svm skinit */
    assert_int_equal(r.c & ~cpuid(0x80000001, 0).c, 0);
}

/* Leaves that are not listed are empty, above all those that tell of other domains' load or of the machine.
 */
static void test_unlisted(void **state)
{
    static const uint32_t leaves[] = {3,          5,          6,          8,          9,          0xa,
                                      0xf,        0x10,       0x12,       0x14,       0x20,       0x21,
                                      0x80000009, 0x8000000a, 0x8000001b, 0x8000001f, 0x80000021, 0x80000022,
                                      0x90000000, 0xffffffff, 0x40000006, 0x40000100, 0x4000ffff, 0x7fffffff};

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(leaves); i++)
        for (uint32_t sub = 0; sub < 70; sub++)
            assert_true(empty(ask(leaves[i], sub)));
    for (uint32_t sub = 5; sub < 300; sub++) {
        assert_true(empty(ask(4, sub)));
        assert_true(empty(ask(7, sub)));
        assert_true(empty(ask(0x8000001d, sub)));
    }
    for (uint32_t sub = 10; sub < 300; sub++)
        assert_true(empty(ask(0xd, sub)));
}

static void test_xen_leaves(void **state)
{
    struct cpuid_regs r = ask(0x40000000, 0);

    (void)state;
    assert_int_equal(r.b, XEN_CPUID_SIGNATURE_EBX);
    assert_in_range(r.a, 0x40000004, 0x40000010);
    assert_int_equal(ask(0x40000001, 0).a, 0x40011);
    r = ask(0x40000004, 0);
    assert_int_equal(r.b, v->id);
    assert_int_equal(r.c, d->id);
    assert_false(r.a & XEN_HVM_CPUID_IOMMU_MAPPINGS);
}

static void test_dynamic(void **state)
{
    (void)state;
    assert_false(ask(1, 0).c & OSXSAVE);
    host_cr4 = X86_CR4_OSXSAVE;
    assert_true(ask(1, 0).c & OSXSAVE);
    v->xcr0 = 3;
    assert_true(ask(0xd, 0).b == 576 || !(ask(1, 0).c & BIT(26)));
    assert_int_equal(ask(1, 0).b >> 24, vlapic_id(v));
    assert_int_equal(ask(0xb, 0).d, vlapic_id(v));
    assert_int_equal(ask(0xb, 1).c & 0xff, 1);
}

/* All ones from a toolstack change nothing, all zeros take everything away, and no leaf crashes. */
static void test_set(void **state)
{
    static const uint32_t leaves[] = {1, 7, 0xd, 0x80000001, 0x80000007, 0x80000008};

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(leaves); i++) {
        xen_cpuid_leaf_t l = {leaves[i], 0, ~0u, ~0u, ~0u, ~0u};
        struct cpuid_regs was = ask(leaves[i], 0), now;

        assert_true(cpuid_policy_set(&d->cpuid, &l));
        cpuid_policy_finish(&d->cpuid);
        now = ask(leaves[i], 0);
        assert_memory_equal(&now, &was, sizeof(now));
    }
    for (unsigned i = 0; i < ARRAY_SIZE(leaves); i++) {
        xen_cpuid_leaf_t l = {leaves[i], 0, 0, 0, 0, 0};

        assert_true(cpuid_policy_set(&d->cpuid, &l));
    }
    cpuid_policy_finish(&d->cpuid);
    assert_int_equal(ask(1, 0).c & ~(HYPERVISOR | BIT(21)), 0);
    assert_true(empty(ask(7, 0)));
    assert_true(empty(ask(0xd, 0)) || ask(0xd, 0).b == 576);
    assert_int_equal(ask(0x80000001, 0).d, 0);
    for (uint32_t leaf = 0; leaf < 0x30; leaf++)
        for (uint32_t sub = 0; sub < 20; sub++) {
            xen_cpuid_leaf_t low = {leaf, sub, ~0u, ~0u, ~0u, ~0u},
                             ext = {0x80000000 + leaf, sub, ~0u, ~0u, ~0u, ~0u};

            cpuid_policy_set(&d->cpuid, &low);
            cpuid_policy_set(&d->cpuid, &ext);
        }
    cpuid_policy_finish(&d->cpuid);
    for (uint32_t leaf = 0; leaf < 0x30; leaf++)
        for (uint32_t sub = 0; sub < 20; sub++) {
            ask(leaf, sub);
            ask(0x80000000 + leaf, sub);
        }
    assert_int_equal(ask(0x80000001, 0).c & BIT(2), 0);
}

/* What is exported, in order and once each, can be set again and gives the same policy. */
static void test_export(void **state)
{
    struct cpuid_policy copy = cpuid_default;
    xen_cpuid_leaf_t l[120];
    uint32_t n = cpuid_policy_export(&d->cpuid, l, ARRAY_SIZE(l));

    (void)state;
    assert_in_range(n, 10, ARRAY_SIZE(l));
    assert_int_equal(cpuid_policy_export(&d->cpuid, NULL, 0), n);
    for (uint32_t i = 1; i < n; i++)
        assert_true(l[i].leaf > l[i - 1].leaf ||
                    (l[i].leaf == l[i - 1].leaf && l[i].subleaf > l[i - 1].subleaf));
    for (uint32_t i = 0; i < n; i++)
        assert_true(cpuid_policy_set(&copy, &l[i]));
    cpuid_policy_finish(&copy);
    assert_memory_equal(&copy, &d->cpuid, sizeof(copy));
    memset(l, 0xee, sizeof(l));
    assert_int_equal(cpuid_policy_export(&d->cpuid, l, 2), n);
    assert_int_equal(l[2].leaf, 0xeeeeeeee); /* no more than asked for */
}

static void test_xcr0(void **state)
{
    static const struct {
        uint32_t allowed;
        uint64_t xcr0;
        bool valid;
    } t[] = {{3, 1, true},         {3, 3, true},
             {3, 7, false},        {7, 7, true},
             {7, 5, false},        {7, 6, false},
             {7, 0, false},        {7, 0xe7, false},
             {0xe7, 0xe7, true},   {0xe7, 0x27, false},
             {0xe7, 0xe3, false},  {0xe7, 7, true},
             {0xe7, 0x2e7, false}, {7, 1ull << 63 | 7, false}};

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
        d->cpuid.leafd[0].a = t[i].allowed;
        assert_int_equal(cpuid_xcr0_valid(&d->cpuid, t[i].xcr0), t[i].valid);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_subset, setup),     cmocka_unit_test_setup(test_unlisted, setup),
        cmocka_unit_test_setup(test_xen_leaves, setup), cmocka_unit_test_setup(test_dynamic, setup),
        cmocka_unit_test_setup(test_set, setup),        cmocka_unit_test_setup(test_export, setup),
        cmocka_unit_test_setup(test_xcr0, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
