/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads and writes of guest memory: the walk of the guest's page tables, and reads without locks while
 * another CPU takes the frame away. */
#define copy_from_guest real_copy_from_guest /* the machine of host_hypervisor.c has none of these */
#define copy_to_guest   real_copy_to_guest
#define guest_frame_get real_guest_frame_get
#include "hvtest.h"
#include <pthread.h>
#include "host_hypervisor.h"
#include "../../../hypervisor/core/guest_access.c"

#define RAM     32u
#define RW      (PTE_P | PTE_RW)
#define GOOD    0x11
#define POISON  0xee
#define SECONDS 1

static struct domain *d;
static struct vcpu *v;
static uint64_t root;

static uint64_t walk_root(struct vcpu *w)
{
    (void)w;
    return root;
}

static int setup(void **state)
{
    static const struct virt_ops ops = {.name = "walks", .walk_root = walk_root};

    (void)state;
    host_machine(2048, 1);
    d = host_domain(5, RAM, 15);
    v = d->vcpu[0];
    virt = &ops;
    root = WALK_NO_PAGING;
    return 0;
}

static uint8_t *frame(unsigned g)
{
    return mfn_to_va(p2m_lookup(d, gfn(g), NULL, NULL));
}

static void entry(unsigned table, unsigned index, uint64_t value)
{
    ((uint64_t *)(void *)frame(table))[index] = value;
}

static int read_byte(uint64_t gva)
{
    uint8_t byte;

    return copy_from_guest(v, &byte, gva, 1) ? -1 : byte;
}

static void test_walk(void **state)
{
    uint64_t low = 0x1000, high = 0xffff800000000000ull;
    uint16_t word;

    (void)state;
    root = 1 << 12;
    entry(1, 0, 2 << 12 | RW);
    entry(1, 256, 2 << 12 | RW);
    entry(2, 0, 3 << 12 | RW);
    entry(2, 1, PTE_PS | RW); /* 1 GiB at 0 */
    entry(3, 0, 4 << 12 | RW);
    entry(3, 1, PTE_PS | PTE_P); /* 2 MiB at 0, read-only */
    entry(4, 1, 5 << 12 | RW);
    entry(4, 2, 6 << 12 | RW);
    entry(4, 3, 1000 << 12 | RW); /* no memory there */
    memset(frame(5), 0x55, PAGE_SIZE);
    memset(frame(6), 0x66, PAGE_SIZE);
    assert_int_equal(read_byte(low), 0x55);
    assert_int_equal(read_byte(high + low), 0x55);
    assert_int_equal(read_byte(0x200000 + 0x6000), 0x66);
    assert_int_equal(read_byte(0x40000000 + 0x5000), 0x55);
    assert_int_equal(read_byte(0), -1);
    assert_int_equal(read_byte(0x3000), -1);
    assert_int_equal(read_byte(0x400000), -1);
    assert_int_equal(read_byte(0x800000000000ull), -1); /* not canonical */
    assert_int_equal(copy_from_guest(v, &word, low + 0xfff, 2), 0);
    assert_int_equal(word, 0x6655);
    word = 0x7788;
    assert_int_equal(copy_to_guest(v, low + 0xfff, &word, 2), 0);
    assert_int_equal(frame(5)[0xfff], 0x88);
    assert_int_equal(frame(6)[0], 0x77);
    assert_int_equal(copy_to_guest(v, 0x200000 + 0x6000, &word, 1), -XEN_EFAULT); /* read-only */
    assert_int_equal(copy_to_guest(v, 0x2fff, &word, 2), -XEN_EFAULT);
    root = WALK_NONE;
    assert_int_equal(read_byte(low), -1);
}

/* What is remembered ends with the mapping. */
static void test_unmapped(void **state)
{
    mfn_t m = p2m_lookup(d, gfn(7), NULL, NULL);

    (void)state;
    frame(7)[0] = GOOD;
    assert_int_equal(read_byte(7 << 12), GOOD);
    assert_int_equal(p2m_clear(d, gfn(7), 0), 0);
    assert_int_equal(read_byte(7 << 12), -1);
    assert_int_equal(p2m_set(d, gfn(7), p2m_lookup(d, gfn(8), NULL, NULL), 0, P2M_RAM), 0);
    frame(8)[0] = 3;
    assert_int_equal(read_byte(7 << 12), 3);
    for (unsigned i = 0; i < 3 << KNOWN_BITS; i++) { /* the short form of the generation comes around */
        assert_int_equal(p2m_clear(d, gfn(7), 0), 0);
        assert_int_equal(read_byte(7 << 12), -1);
        assert_int_equal(p2m_set(d, gfn(7), i & 1 ? m : p2m_lookup(d, gfn(8), NULL, NULL), 0, P2M_RAM), 0);
        if (i % 5 == 0)
            assert_int_equal(read_byte(7 << 12), i & 1 ? GOOD : 3);
    }
    assert_int_equal(p2m_set(d, gfn(7), m, 0, P2M_RAM), 0);
}

static volatile bool stop;

/* The frame goes, is somebody else's for a moment, comes back. */
static void *taker(void *arg)
{
    mfn_t m = p2m_lookup(d, gfn(9), NULL, NULL);
    uint64_t *rounds = arg;

    while (!stop) {
        if (p2m_clear(d, gfn(9), 0))
            abort();
        p2m_flush(d);
        memset(mfn_to_va(m), POISON, 256);
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        memset(mfn_to_va(m), GOOD, 256);
        if (p2m_set(d, gfn(9), m, 0, P2M_RAM))
            abort();
        ++*rounds;
    }
    return NULL;
}

static void test_taken_away(void **state)
{
    uint8_t good[256], got[256];
    uint64_t rounds = 0, read = 0;
    time_t end = time(NULL) + SECONDS;
    pthread_t t;

    (void)state;
    memset(good, GOOD, sizeof(good));
    memset(frame(9), GOOD, sizeof(good));
    stop = false;
    assert_int_equal(pthread_create(&t, NULL, taker, &rounds), 0);
    while (time(NULL) <= end)
        for (unsigned i = 0; i < 1000; i++)
            if (!copy_from_guest(v, got, 9 << 12, sizeof(got))) {
                assert_memory_equal(got, good, sizeof(good));
                read++;
            }
    stop = true;
    pthread_join(t, NULL);
    assert_true(rounds > 0 && read > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_walk, setup),
        cmocka_unit_test_setup(test_unmapped, setup),
        cmocka_unit_test_setup(test_taken_away, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
