/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The emulated local APIC: priorities, EOI, modes, IPIs, the timer, and every register with every bit
 * pattern. */
#include "hvtest.h"
#include "host_hypervisor.h"
#include "bh/msr.h"

#define X2APIC 0xfee00c00ull
#define XAPIC  0xfee00800ull
enum {
    TPR = 8,
    EOI = 0xb,
    LDR = 0xd,
    DFR = 0xe,
    SVR = 0xf,
    ISR = 0x10,
    IRR = 0x20,
    ICR = 0x30,
    LVT_TIMER = 0x32
};
enum { LVT_ERROR = 0x37, TIMER_INIT = 0x38, TIMER_CURRENT = 0x39, TIMER_DIVIDE = 0x3e, SELF_IPI = 0x3f };

static struct domain *d;
static struct vcpu *v, *w;

static int setup(void **state)
{
    struct vcpu *second;

    (void)state;
    host_machine(96, 1);
    d = host_domain(1, 0, 4);
    v = d->vcpu[0];
    second = kzalloc(sizeof(*second)); /* a second vCPU; freed with the machine */
    second->domain = d;
    second->id = 1;
    second->info = v->info;
    sched_vcpu_init(second);
    vlapic_init(second);
    d->vcpu = kzalloc(2 * sizeof(d->vcpu[0]));
    d->vcpu[0] = v;
    d->vcpu[1] = w = second;
    d->max_vcpus = 2;
    for (unsigned i = 0; i < 2; i++) {
        assert_true(vlapic_base_write(d->vcpu[i], X2APIC));
        assert_true(vlapic_msr_write(d->vcpu[i], MSR_X2APIC_BASE + SVR, 0x1ff));
    }
    return 0;
}

static bool wr(unsigned reg, uint64_t val)
{
    return vlapic_msr_write(v, MSR_X2APIC_BASE + reg, val);
}

static uint64_t rd(unsigned reg)
{
    uint64_t val = ~0ull;

    assert_true(vlapic_msr_read(v, MSR_X2APIC_BASE + reg, &val));
    return val;
}

static void test_priorities(void **state)
{
    (void)state;
    assert_int_equal(vlapic_pending(v), -1);
    vlapic_set_irq(v, 0x31, false);
    vlapic_set_irq(v, 0x82, false);
    vlapic_set_irq(v, 15, false); /* illegal: dropped */
    assert_int_equal(vlapic_pending(v), 0x82);
    vlapic_ack(v, 0x82);
    assert_int_equal(rd(ISR + 4), 4);
    assert_int_equal(rd(IRR + 1), 1u << 0x11);
    assert_int_equal(vlapic_pending(v), -1); /* 0x31 is below what is served */
    vlapic_set_irq(v, 0x8f, false);
    assert_int_equal(vlapic_pending(v), -1); /* the same class waits */
    vlapic_set_irq(v, 0x91, false);
    assert_int_equal(vlapic_pending(v), 0x91);
    vlapic_ack(v, 0x91);
    assert_true(wr(EOI, 0) && wr(EOI, 0));
    assert_int_equal(vlapic_pending(v), 0x8f);
    assert_true(wr(TPR, 0x80));
    assert_int_equal(vlapic_pending(v), -1);
    assert_true(wr(TPR, 0x7f));
    assert_int_equal(vlapic_pending(v), 0x8f);
    assert_true(wr(SVR, 0xff)); /* software-disabled */
    assert_int_equal(vlapic_pending(v), -1);
}

/* A level interrupt's end is told to the I/O APIC; an edge's is not; an EOI without an interrupt is harmless.
 */
static void test_eoi(void **state)
{
    (void)state;
    vlapic_set_irq(v, 0x40, true);
    vlapic_ack(v, 0x40);
    wr(EOI, 0);
    assert_int_equal(host_level_eoi, 1);
    vlapic_set_irq(v, 0x40, false);
    vlapic_ack(v, 0x40);
    wr(EOI, 0);
    wr(EOI, 0);
    assert_int_equal(host_level_eoi, 1);
}

static void test_modes(void **state)
{
    static const struct {
        uint64_t to;
        bool ok;
    } steps[] = {
        {XAPIC, false},      /* x2APIC to xAPIC: not without disabling */
        {0xfee00400, false}, /* x2APIC without enable */
        {0xfed00800, false}, /* elsewhere */
        {X2APIC | 1, false}, /* reserved bit */
        {0xfee00000, true},  {XAPIC, true}, {X2APIC, true}, {X2APIC | 0x100, true},
    };

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(steps); i++)
        assert_int_equal(vlapic_base_write(v, steps[i].to), steps[i].ok);
    assert_int_equal(v->lapic.base_msr, X2APIC | 0x100); /* the boot CPU stays that */
    assert_true(vlapic_base_write(v, 0xfee00000));
    assert_false(wr(TPR, 1));
    vlapic_set_irq(v, 0x50, false); /* disabled: lost */
    assert_int_equal(v->lapic.reg[APIC_IRR + 2], 0);
}

static void test_ipis(void **state)
{
    (void)state;
    assert_true(wr(ICR, (uint64_t)vlapic_id(w) << 32 | 0x55)); /* physical */
    assert_int_equal(vlapic_pending(w), 0x55);
    assert_int_equal(vlapic_pending(v), -1);
    assert_true(wr(ICR, (uint64_t)(1u << vlapic_id(w)) << 32 | 0x800 | 0x66)); /* logical, cluster 0 */
    assert_int_equal(vlapic_pending(w), 0x66);
    assert_true(wr(ICR, 3u << 18 | 0x77)); /* all but self */
    assert_int_equal(vlapic_pending(w), 0x77);
    assert_int_equal(vlapic_pending(v), -1);
    assert_true(wr(SELF_IPI, 0x88));
    assert_int_equal(vlapic_pending(v), 0x88);
    assert_true(wr(ICR, 2u << 18 | 0x99)); /* all */
    assert_true(vlapic_pending(v) == 0x99 && vlapic_pending(w) == 0x99);
    assert_true(wr(ICR, 5ull << 32 | 0xaa)); /* nobody has this id */
    assert_int_equal(vlapic_pending(w), 0x99);
    assert_true(wr(ICR, (uint64_t)vlapic_id(w) << 32 | 4u << 8)); /* NMI */
    assert_true(w->nmi_pending);
    assert_true(wr(ICR, (uint64_t)vlapic_id(w) << 32 | 5u << 8 | 1u << 14));
    assert_true(w->init_pending);
    assert_true(wr(ICR, (uint64_t)vlapic_id(w) << 32 | 6u << 8 | 0x9a));
    assert_int_equal(w->sipi_pending, 0x19a);
    assert_int_equal(vlapic_deliver(d, 0xff, false, APIC_DM_FIXED, 0xbb, false), 2);
    assert_int_equal(vlapic_deliver(d, 0xff, false, APIC_DM_LOWEST, 0xbc, false), 1);
    assert_int_equal(vlapic_deliver(d, 0x77, false, APIC_DM_FIXED, 0xbb, false), 0);
}

static void test_timer(void **state)
{
    struct timer_queue *q = &this_cpu()->timers;
    uint64_t start = host_now;

    (void)state;
    assert_true(wr(LVT_TIMER, 0xe0));
    assert_true(wr(TIMER_DIVIDE, 0xb)); /* by 1: 10 ns a tick */
    assert_true(wr(TIMER_INIT, 100000));
    assert_int_equal(timer_next(q), start + 1000000);
    host_now = start + 400000;
    assert_int_equal(rd(TIMER_CURRENT), 60000);
    host_now = start + 1000000;
    timer_run(q, host_now);
    assert_int_equal(vlapic_pending(v), 0xe0);
    assert_int_equal(rd(TIMER_CURRENT), 0);
    assert_int_equal(timer_next(q), UINT64_MAX);
    assert_true(wr(LVT_TIMER, 1u << 17 | 0xe1)); /* periodic */
    assert_true(wr(TIMER_INIT, 100000));
    host_now += 1000000;
    timer_run(q, host_now);
    assert_int_equal(vlapic_pending(v), 0xe1);
    assert_int_equal(timer_next(q), host_now + 1000000);
    host_now += 1000000;
    timer_run(q, host_now); /* nobody took the last one: ticks of a vCPU that does not run cost nothing */
    assert_int_equal(timer_next(q), UINT64_MAX);
    host_now += 2300000;
    assert_int_equal(rd(TIMER_CURRENT), 70000);
    vlapic_ack(v, 0xe1);
    assert_int_equal(timer_next(q), host_now + 700000);
    assert_true(wr(LVT_TIMER, 1u << 17 | 1u << 16 | 0xe1));
    host_now += 700000;
    timer_run(q, host_now);
    assert_int_equal(timer_next(q), UINT64_MAX); /* masked, neither */
    assert_true(wr(LVT_TIMER, 1u << 17 | 0xe1));
    assert_int_equal(timer_next(q), host_now + 1000000);
    assert_true(wr(TIMER_INIT, 1)); /* a period of 10 ns is not granted */
    host_now += 1000;
    timer_run(q, host_now);
    vlapic_ack(v, 0xe1);
    assert_int_equal(timer_next(q), host_now + 100000);
    assert_true(wr(TIMER_INIT, 0));
    assert_int_equal(timer_next(q), UINT64_MAX);
}

/* The xAPIC page: only aligned 32-bit accesses, only in that mode, ids in the top byte, flat and cluster
 * models. */
static void test_page(void **state)
{
    uint64_t val = ~0ull; /* as reads find it */

    (void)state;
    vlapic_mmio(w, NULL, 0x20, 4, false, &val); /* in x2APIC mode there is no page */
    assert_true(val == ~0ull);
    assert_true(vlapic_base_write(w, 0xfee00000) && vlapic_base_write(w, XAPIC));
    vlapic_mmio(w, NULL, 0x20, 4, false, &val);
    assert_int_equal(val, vlapic_id(w) << 24);
    val = ~0ull;
    vlapic_mmio(w, NULL, 0x24, 4, false, &val);
    assert_true(val == ~0ull);
    vlapic_mmio(w, NULL, 0x20, 1, false, &val);
    assert_true(val == ~0ull);
    val = 0x02000000;
    vlapic_mmio(w, NULL, LDR << 4, 4, true, &val);
    assert_int_equal(vlapic_deliver(d, 2, true, APIC_DM_FIXED, 0x41, false) > 0, true);
    assert_int_equal(vlapic_pending(w), 0x41);
    val = 0x0fffffff;
    vlapic_mmio(w, NULL, DFR << 4, 4, true, &val);
    val = 0x21000000;
    vlapic_mmio(w, NULL, LDR << 4, 4, true, &val);
    vlapic_deliver(d, 0x12, true, APIC_DM_FIXED, 0x61, false);
    assert_int_equal(vlapic_pending(w), 0x41);
    vlapic_deliver(d, 0x21, true, APIC_DM_FIXED, 0x61, false);
    assert_int_equal(vlapic_pending(w), 0x61);
}

/* No register, value or size does harm (the sanitizers watch), and reserved bits never stick. */
static void test_all_registers(void **state)
{
    static const uint64_t values[] = {0,           1,     0x100,  0xffffffff, 0x80000000,
                                      0x100000000, ~0ull, 0x45fc, 0xc45fc};

    (void)state;
    for (unsigned mode = 0; mode < 2; mode++) {
        for (unsigned reg = 0; reg < 0x40; reg++)
            for (unsigned i = 0; i < ARRAY_SIZE(values); i++)
                for (unsigned size = 1; size <= 8; size *= 2) {
                    uint64_t val = values[i];

                    wr(reg, val);
                    vlapic_msr_read(v, MSR_X2APIC_BASE + reg, &val);
                    vlapic_mmio(v, NULL, reg << 4, size, true, &val);
                    vlapic_mmio(v, NULL, reg << 4, size, false, &val);
                    host_now += 12345;
                    timer_run(&this_cpu()->timers, host_now);
                }
        for (unsigned i = 0; i < 6; i++)
            assert_int_equal(v->lapic.reg[APIC_LVT + i] & ~0x3b7ffu, 0);
        assert_true(v->lapic.reg[APIC_TPR] <= 0xff && v->lapic.reg[APIC_SVR] <= 0x3ff);
        assert_true(vlapic_base_write(v, 0xfee00000) && vlapic_base_write(v, XAPIC));
    }
    vlapic_reset(v);
    assert_int_equal(timer_next(&this_cpu()->timers), UINT64_MAX);
    assert_int_equal(v->lapic.reg[APIC_LVT_LAST], 1u << 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_priorities, setup),    cmocka_unit_test_setup(test_eoi, setup),
        cmocka_unit_test_setup(test_modes, setup),         cmocka_unit_test_setup(test_ipis, setup),
        cmocka_unit_test_setup(test_timer, setup),         cmocka_unit_test_setup(test_page, setup),
        cmocka_unit_test_setup(test_all_registers, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
