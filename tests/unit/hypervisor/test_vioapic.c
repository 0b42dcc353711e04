/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dom0's IO-APIC over a recording IO-APIC driver, vLAPIC and vector table. */
#include "hvtest.h"
#include "bh/emul.h"
#include "bh/hwdom.h"
#include "bh/iommu.h"
#include "bh/ioapic.h"
#include "bh/irq.h"
#include "bh/mm.h"
#include "bh/p2m.h"
#include "bh/vlapic.h"
#include "bh/xen.h"

#define PINS 24

struct domain {
    int unused;
};
static struct domain dom0, other;

/* ---- the parts below and beside it ---- */

struct ioapic ioapics[ACPI_MAX_IOAPICS] = {
    {.address = 0xfec00000, .id = 3, .nr_pins = PINS, .version = 0x20}};
unsigned nr_ioapics = 1;
static uint64_t hw[PINS];
static unsigned ended[PINS];
static emul_fn access_fn;
static void *access_arg;
static struct {
    irq_handler_t handler;
    void *arg;
} vectors[256];
static int next_vector, vectors_left;
static struct {
    unsigned n;
    uint32_t dest;
    bool logical, level;
    uint8_t mode, vector;
} delivered;

int ioapic_bind(struct ioapic *io, unsigned pin, uint8_t vector, uint64_t flags, int *index)
{
    assert_ptr_equal(io, ioapics);
    assert_int_equal(*index, -1);
    hw[pin] = (5ull << RTE_DEST_SHIFT) | flags | vector;
    return 0;
}
void ioapic_set_mask(struct ioapic *io, unsigned pin, bool masked)
{
    assert_ptr_equal(io, ioapics);
    hw[pin] = masked ? hw[pin] | RTE_MASKED : hw[pin] & ~RTE_MASKED;
}
void ioapic_end_level(struct ioapic *io, unsigned pin)
{
    assert_ptr_equal(io, ioapics);
    ended[pin]++;
}
int irq_vector_alloc(irq_handler_t handler, void *arg)
{
    if (vectors_left-- <= 0)
        return -XEN_ENOSPC;
    vectors[next_vector].handler = handler;
    vectors[next_vector].arg = arg;
    return next_vector++;
}
unsigned vlapic_deliver(struct domain *d, uint32_t dest, bool logical, uint8_t mode, uint8_t vector,
                        bool level)
{
    assert_ptr_equal(d, &dom0);
    delivered.n++;
    delivered.dest = dest;
    delivered.logical = logical;
    delivered.mode = mode;
    delivered.vector = vector;
    delivered.level = level;
    return 1;
}
int emul_mmio_register(struct domain *d, gpaddr_t start, uint64_t size, emul_fn fn, void *arg)
{
    assert_ptr_equal(d, &dom0);
    assert_int_equal(start, ioapics[0].address);
    assert_true(size >= 0x44);
    access_fn = fn;
    access_arg = arg;
    return 0;
}
static void *allocated; /* one for each vioapic_init() */
void *kzalloc(size_t size)
{
    return allocated = calloc(1, size);
}

/* ---- helpers ---- */

static uint32_t get(uint64_t offset)
{
    uint64_t v = 0;

    access_fn(NULL, access_arg, offset, 4, false, &v);
    return (uint32_t)v;
}
static void set(uint64_t offset, uint32_t val)
{
    uint64_t v = val;

    access_fn(NULL, access_arg, offset, 4, true, &v);
}
static uint32_t reg(uint8_t index)
{
    set(IOAPIC_REG_SELECT, index);
    return get(IOAPIC_REG_WINDOW);
}
static void reg_set(uint8_t index, uint32_t val)
{
    set(IOAPIC_REG_SELECT, index);
    set(IOAPIC_REG_WINDOW, val);
}
static void rte_set(unsigned pin, uint64_t rte)
{
    reg_set((uint8_t)(0x11 + 2 * pin), (uint32_t)(rte >> 32));
    reg_set((uint8_t)(0x10 + 2 * pin), (uint32_t)rte);
}
static uint64_t rte(unsigned pin)
{
    return reg((uint8_t)(0x10 + 2 * pin)) | ((uint64_t)reg((uint8_t)(0x11 + 2 * pin)) << 32);
}
static void fire(unsigned pin)
{
    uint8_t vector = (uint8_t)hw[pin];

    assert_non_null(vectors[vector].handler);
    vectors[vector].handler(vector, vectors[vector].arg);
}

static int setup(void **state)
{
    (void)state;
    memset(&delivered, 0, sizeof(delivered));
    memset(ended, 0, sizeof(ended));
    for (unsigned i = 0; i < PINS; i++)
        hw[i] = RTE_MASKED;
    next_vector = 0x30;
    vectors_left = 100;
    return vioapic_init(&dom0);
}

static int teardown(void **state)
{
    (void)state;
    free(allocated);
    return 0;
}

/* ---- tests ---- */

static void test_registers(void **state)
{
    uint64_t v = ~0ull; /* as reads find it */

    (void)state;
    assert_int_equal(reg(0), 3u << 24);
    assert_int_equal(reg(1) & 0xff, 0x20);
    assert_int_equal(reg(1) >> 16, PINS - 1);
    assert_int_equal(reg(0x10), RTE_MASKED);
    assert_int_equal(reg(0x10 + 2 * PINS), ~0u);
    reg_set(0x10 + 2 * PINS, 0); /* past the last pin: nothing */
    reg_set(0xff, 0);
    access_fn(NULL, access_arg, 2, 4, false, &v);
    assert_int_equal(v, ~0ull);
    access_fn(NULL, access_arg, 0, 8, false, &v);
    assert_int_equal(v, ~0ull);
    rte_set(1, RTE_MASKED | RTE_REMOTE_IRR | RTE_PENDING | 0x40);
    assert_int_equal(rte(1), RTE_MASKED | 0x40); /* status bits are not writable */
    assert_int_equal(vectors_left, 100);         /* masked: the hardware is left alone */
}

static void test_edge(void **state)
{
    (void)state;
    rte_set(4, (2ull << 56) | RTE_LOGICAL | (1u << 8) | 0x55);
    assert_int_equal(hw[4], (5ull << 56) | 0x30);
    fire(4);
    assert_int_equal(delivered.n, 1);
    assert_int_equal(delivered.dest, 2);
    assert_int_equal(delivered.vector, 0x55);
    assert_int_equal(delivered.mode, APIC_DM_LOWEST);
    assert_true(delivered.logical);
    assert_false(delivered.level);
    assert_int_equal(rte(4) & RTE_REMOTE_IRR, 0);
    fire(4);
    assert_int_equal(delivered.n, 2);
    reg_set(0x18, RTE_MASKED | 0x55);
    assert_true(hw[4] & RTE_MASKED);
    fire(4);
    assert_int_equal(delivered.n, 2);
    reg_set(0x18, 0x55);
    assert_false(hw[4] & RTE_MASKED);
    assert_int_equal(vectors_left, 99); /* the same vector again */
}

static void test_level(void **state)
{
    (void)state;
    rte_set(9, RTE_LEVEL | RTE_ACTIVE_LOW | 0x61);
    assert_int_equal(hw[9] & (RTE_LEVEL | RTE_ACTIVE_LOW), RTE_LEVEL | RTE_ACTIVE_LOW);
    fire(9);
    assert_true(delivered.level);
    assert_true(hw[9] & RTE_MASKED);
    assert_true(rte(9) & RTE_REMOTE_IRR);
    fire(9); /* once more before the mask took effect */
    assert_int_equal(delivered.n, 1);
    vioapic_eoi(&dom0, 0x62);
    vioapic_eoi(&other, 0x61);
    assert_true(hw[9] & RTE_MASKED);
    vioapic_eoi(&dom0, 0x61);
    assert_false(hw[9] & RTE_MASKED);
    assert_int_equal(ended[9], 1);
    assert_false(rte(9) & RTE_REMOTE_IRR);
    fire(9);
    assert_int_equal(delivered.n, 2);
    reg_set(0x22, RTE_MASKED | RTE_LEVEL | 0x61); /* masked while in service */
    set(IOAPIC_REG_EOI, 0x61);
    assert_int_equal(ended[9], 2);
    assert_true(hw[9] & RTE_MASKED);
    reg_set(0x22, RTE_LEVEL | 0x61);
    assert_false(hw[9] & RTE_MASKED);
    reg_set(0x22, RTE_MASKED | RTE_LEVEL | 0x61);
    fire(9); /* an interrupt that was on its way: must not stay in service at the hardware */
    assert_int_equal(ended[9], 3);
    assert_int_equal(delivered.n, 2);
}

static void test_trigger_change(void **state)
{
    (void)state;
    rte_set(9, 0x61);
    assert_false(hw[9] & RTE_LEVEL);
    rte_set(9, RTE_LEVEL | 0x61);
    assert_true(hw[9] & RTE_LEVEL);
    assert_int_equal(vectors_left, 99);
    fire(9);
    rte_set(9, RTE_MASKED | 0x61); /* Linux's way to end a level interrupt that was seen as edge */
    assert_int_equal(ended[9], 1);
    assert_false(rte(9) & RTE_REMOTE_IRR);
}

static void test_no_vectors(void **state)
{
    (void)state;
    vectors_left = 0;
    rte_set(2, 0x70);
    assert_true(hw[2] & RTE_MASKED);
    vectors_left = 1;
    rte_set(2, 0x70);
    assert_false(hw[2] & RTE_MASKED);
    rte_set(3, 7u << 8);          /* ExtINT */
    rte_set(5, (4u << 8) | 0x33); /* NMI */
    assert_true(hw[3] & RTE_MASKED);
    assert_true(hw[5] & RTE_MASKED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_registers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_edge, setup, teardown),
        cmocka_unit_test_setup_teardown(test_level, setup, teardown),
        cmocka_unit_test_setup_teardown(test_trigger_change, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_vectors, setup, teardown),
    };

    return cmocka_run_group_tests_name("vioapic", tests, NULL, NULL);
}
