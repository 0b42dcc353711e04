/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Log-dirty mode over the real p2m: every first write is seen, superpages split, nothing leaks. */
#include "hvtest.h"
#include <sys/mman.h>
#include "bh/domain.h"
#include "bh/guest_access.h"
#include "bh/iommu.h"
#include "bh/lapic.h"
#include "bh/logdirty.h"
#include "bh/p2m_int.h"
#include "bh/page.h"

/* ---- the parts below: frames are host memory, so that the direct map's arithmetic holds ---- */

struct cpu host_test_cpu;
struct cpu *cpus[MAX_CPUS];
unsigned nr_cpus;
uint64_t iommu_leaf_bits[2], iommu_node_bits[4];
void iommu_flush(void) {}
unsigned iommu_max_order = ORDER_1G;
struct cpu_features cpu_features = {.gb_pages = true};
struct page *page_table_base; /* of the host's whole address space, mostly untouched */
static long frames_out, frames_left;
static uint8_t guest[1 << 20];

paddr_t va_to_pa(const void *va)
{
    return (uintptr_t)va - DIRECTMAP_BASE;
}
mfn_t page_alloc(unsigned order, unsigned flags)
{
    void *p;

    (void)flags;
    if (!frames_left)
        return INVALID_MFN;
    frames_left--;
    p = aligned_alloc(PAGE_SIZE, PAGE_SIZE << order);
    memset(p, 0, PAGE_SIZE << order);
    frames_out++;
    page_table_base[va_to_mfn(p).n].info = 1;
    return va_to_mfn(p);
}
void page_free(mfn_t m, unsigned order)
{
    (void)order;
    free(mfn_to_va(m));
    frames_out--;
}
void page_put(mfn_t m)
{
    page_free(m, 0);
}
bool page_get(mfn_t m, uint16_t owner)
{
    (void)m, (void)owner;
    return true;
}
/* Machine frames of the guest's RAM are mere numbers here; those from 0x900000 on are somebody else's. */
uint16_t page_owner(mfn_t m)
{
    return m.n >= 0x900000 ? 2 : 1;
}
void *kzalloc(size_t size)
{
    return calloc(1, size);
}
void kfree(void *p, size_t size)
{
    (void)size;
    free(p);
}
int copy_to_guest(struct vcpu *v, uint64_t gva, const void *src, size_t size)
{
    (void)v;
    if (gva + size > sizeof(guest))
        return -XEN_EFAULT;
    memcpy(guest + gva, src, size);
    return 0;
}
void lapic_ipi(uint32_t apic_id, uint32_t vector)
{
    (void)apic_id, (void)vector;
}

/* ---- a domain of 64 MiB: superpages, small pages, one frame of another domain, one hole ---- */

#define NR      (64ull << 8)
#define SMALL   0x3000u
#define FOREIGN 0x3801u
#define HOLE    0x3802u
#define AT      64u /* where the bitmap goes in the guest */

static struct domain d;

static int setup(void **state)
{
    (void)state;
    memset(&d, 0, sizeof(d));
    frames_left = 1000;
    if (!page_table_base)
        page_table_base =
            mmap(NULL, 1ul << 38, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_ptr_not_equal(page_table_base, MAP_FAILED);
    d.id = 1;
    d.p2m_limit = ~0ull;
    assert_int_equal(p2m_init(&d), 0);
    for (uint64_t g = 0; g < SMALL; g += 512)
        assert_int_equal(p2m_set(&d, gfn(g), mfn(0x100000 + g), ORDER_2M, P2M_RAM), 0);
    for (uint64_t g = SMALL; g < NR; g++)
        if (g != FOREIGN && g != HOLE)
            assert_int_equal(p2m_set(&d, gfn(g), mfn(0x100000 + g), 0, P2M_RAM), 0);
    assert_int_equal(p2m_set(&d, gfn(FOREIGN), mfn(0x900000), 0, P2M_GRANT_RW), 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    p2m_destroy(&d);
    assert_int_equal(frames_out, 0);
    return 0;
}

static int until_done(int (*fn)(struct domain *))
{
    int rc;

    do
        rc = fn(&d);
    while (rc == -XEN_ERESTART);
    return rc;
}

static int read_bits(bool clean, uint64_t nr, struct logdirty_stats *stats)
{
    int rc;

    memset(guest, 0xee, sizeof(guest));
    do
        rc = logdirty_read(&d, NULL, clean, nr, AT, stats);
    while (rc == -XEN_ERESTART);
    return rc;
}

static unsigned count_bits(void)
{
    unsigned n = 0;

    for (unsigned i = 0; i < NR; i++)
        n += guest[AT + i / 8] >> i % 8 & 1;
    return n;
}

static bool bit(uint64_t g)
{
    return guest[AT + g / 8] >> g % 8 & 1;
}

static enum p2m_type type_of(uint64_t g, unsigned *order)
{
    enum p2m_type t;

    p2m_lookup(&d, gfn(g), &t, order);
    return t;
}

static void guest_writes(uint64_t g)
{
    if (type_of(g, NULL) == P2M_LOGDIRTY) {
        spin_lock(&d.p2m_lock);
        p2m_log_dirty_locked(&d, gfn(g));
        spin_unlock(&d.p2m_lock);
    }
    assert_true(type_of(g, NULL) == P2M_RAM);
}

static void test_cycle(void **state)
{
    struct logdirty_stats stats;
    unsigned order;

    (void)state;
    assert_int_equal(read_bits(true, NR, &stats), -XEN_EINVAL);
    assert_int_equal(until_done(logdirty_enable), 0);
    assert_int_equal(until_done(logdirty_enable), -XEN_EINVAL);
    for (uint64_t g = 0; g < NR; g++)
        assert_int_equal(type_of(g, NULL), g == FOREIGN ? P2M_GRANT_RW : g == HOLE ? P2M_NONE : P2M_LOGDIRTY);
    assert_int_equal(type_of(0x400, &order), P2M_LOGDIRTY);
    assert_int_equal(order, ORDER_2M);
    guest_writes(0x437);
    guest_writes(0x437);
    guest_writes(SMALL + 5);
    assert_int_equal(type_of(0x437, &order), P2M_RAM);
    assert_int_equal(order, 0);
    assert_int_equal(p2m_lookup(&d, gfn(0x436), NULL, NULL).n, 0x100436);
    assert_int_equal(type_of(0x436, NULL), P2M_LOGDIRTY);
    assert_int_equal(read_bits(false, NR, &stats), 0);
    assert_int_equal(count_bits(), 2);
    assert_int_equal(stats.faults, 2);
    assert_int_equal(read_bits(true, NR, &stats), 0);
    assert_true(bit(0x437) && bit(SMALL + 5));
    assert_int_equal(guest[AT - 1], 0xee);
    assert_int_equal(guest[AT + NR / 8], 0xee);
    assert_int_equal(stats.dirty, 2);
    assert_int_equal(type_of(0x437, NULL), P2M_LOGDIRTY);
    guest_writes(0x437);
    assert_int_equal(read_bits(true, NR, &stats), 0);
    assert_int_equal(count_bits(), 1);
    assert_int_equal(read_bits(true, NR, &stats), 0);
    assert_int_equal(count_bits(), 0);
    assert_int_equal(until_done(logdirty_disable), 0);
    assert_int_equal(d.logdirty.state, LOGDIRTY_OFF);
    for (uint64_t g = 0; g < NR; g++)
        assert_int_equal(type_of(g, NULL), g == FOREIGN ? P2M_GRANT_RW : g == HOLE ? P2M_NONE : P2M_RAM);
    assert_int_equal(until_done(logdirty_disable), 0);
}

static void test_other_writers(void **state)
{
    struct logdirty_stats stats;
    enum p2m_type t;

    (void)state;
    logdirty_mark(&d, gfn(7)); /* off: nothing */
    assert_int_equal(until_done(logdirty_enable), 0);
    logdirty_mark(&d, gfn(7));
    logdirty_mark(&d, gfn(HOLE));
    logdirty_mark(&d, gfn(1ull << 40));
    p2m_get_ram(&d, gfn(9), false, &t); /* a read */
    p2m_get_ram(&d, gfn(11), true, &t);
    assert_int_equal(p2m_set(&d, gfn(HOLE), mfn(0x200000), 0, P2M_RAM), 0); /* populated meanwhile */
    assert_int_equal(read_bits(true, NR, &stats), 0);
    assert_int_equal(count_bits(), 3);
    assert_true(bit(7) && bit(11) && bit(HOLE));
}

/* Without memory for a split the whole superpage counts, also if it is told in parts; reading needs none. */
static void test_no_memory(void **state)
{
    struct logdirty_stats stats;

    (void)state;
    assert_int_equal(until_done(logdirty_enable), 0);
    guest_writes(SMALL);
    frames_left = 0;
    guest_writes(0x234);
    assert_int_equal(read_bits(true, NR, &stats), 0);
    assert_int_equal(count_bits(), 513);
    assert_true(bit(0x200) && bit(0x3ff));
    assert_int_equal(type_of(0x234, NULL), P2M_LOGDIRTY);
    guest_writes(0x234);
    assert_int_equal(read_bits(true, 0x300, &stats), 0); /* the rest of it stays to be told */
    assert_int_equal(stats.dirty, 0x100);
    assert_int_equal(read_bits(true, NR, &stats), 0);
    assert_int_equal(count_bits(), 512);
    frames_left = 1000;
    assert_int_equal(p2m_set(&d, gfn(1ull << 18), mfn(1ull << 18), ORDER_1G, P2M_LOGDIRTY), 0);
    frames_left = 0;
    guest_writes(3ull << 17);
    assert_int_equal(read_bits(true, 1ull << 19, &stats), 0); /* larger than what is read at once */
    assert_int_equal(stats.dirty, 1u << 18);
    assert_true(bit(1ull << 18) && bit((1ull << 19) - 1));
    assert_int_equal(read_bits(true, 1ull << 19, &stats), 0);
    assert_int_equal(stats.dirty, 0);
    frames_left = 1000;
}

static void test_bad_reader(void **state)
{
    struct logdirty_stats stats;

    (void)state;
    assert_int_equal(until_done(logdirty_enable), 0);
    assert_int_equal(logdirty_read(&d, NULL, false, 1ull << 40, AT, &stats), -XEN_EINVAL);
    assert_int_equal(logdirty_read(&d, NULL, false, NR, sizeof(guest), &stats), -XEN_EFAULT);
    guest_writes(77);
    assert_int_equal(read_bits(false, 78, &stats), 0); /* not a whole byte */
    assert_int_equal(guest[AT + 9], 0x20);
    assert_int_equal(guest[AT + 10], 0xee);
    assert_int_equal(logdirty_read(&d, NULL, true, 77, 0, &stats), 0); /* null handle: only counts */
    assert_int_equal(stats.dirty, 0);
    assert_int_equal(read_bits(true, NR, &stats), 0);
    assert_int_equal(count_bits(), 1);
    assert_int_equal(stats.dirty, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_cycle, setup, teardown),
        cmocka_unit_test_setup_teardown(test_other_writers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_reader, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
