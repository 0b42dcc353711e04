/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The nested page tables against a plain array: sizes, splits, types, deferred references, running out of
 * nodes. */
#include "hvtest.h"
#include "host_hypervisor.h"
#include "bh/p2m_int.h"

#define SPACE 2048u /* frames that the random test uses: four superpages' worth */

static struct domain *d;
static uint64_t before;

static int setup(void **state)
{
    (void)state;
    host_machine(256, 1);
    before = page_counts.free;
    d = host_domain(1, 0, 4);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    assert_int_equal(p2m_unmap_range(d, 0, 1ull << 30), 0);
    host_domain_kill(d);
    assert_null(host_domain_find(1));
    assert_int_equal(page_counts.free, before);
    return 0;
}

static void test_random(void **state)
{
    static struct {
        uint64_t m;
        enum p2m_type t;
    } want[SPACE];
    static const enum p2m_type types[] = {P2M_RAM, P2M_MMIO, P2M_GRANT_RW, P2M_GRANT_RO};
    uint64_t seed = 11;

    (void)state;
    memset(want, 0, sizeof(want));
    for (unsigned n = 0; n < 4000; n++) {
        unsigned order, what;
        uint64_t g;

        seed = seed * 6364136223846793005ull + 1442695040888963407ull;
        order = (seed >> 40) % 16 ? 0 : ORDER_2M;
        what = (unsigned)(seed >> 33) % 6;
        g = ROUND_DOWN((seed >> 50) % SPACE, 1ull << order);
        if (what < 4) {
            uint64_t m = 0x40000 + ROUND_DOWN(seed >> 54, 1ull << order);

            assert_int_equal(p2m_set(d, gfn(g), mfn(m), order, types[what]), 0);
            for (uint64_t i = 0; i < 1ull << order; i++)
                want[g + i].m = m + i, want[g + i].t = types[what];
        } else {
            assert_int_equal(p2m_unmap_range(d, g, g + (1ull << order)), 0);
            for (uint64_t i = 0; i < 1ull << order; i++)
                want[g + i].t = P2M_NONE;
        }
        for (uint64_t i = n % 7; i < SPACE; i += 7) {
            enum p2m_type t;
            mfn_t m = p2m_lookup(d, gfn(i), &t, NULL);

            assert_int_equal(t, want[i].t);
            assert_int_equal(m.n, t == P2M_NONE ? INVALID_FRAME : want[i].m);
        }
    }
    assert_in_range(d->p2m_nodes, 4,
                    8); /* root, two below, at most four tables: superpages give theirs back */
}

static void test_limits(void **state)
{
    (void)state;
    assert_int_equal(p2m_set(d, gfn(1ull << 36), mfn(1), 0, P2M_RAM), -XEN_EINVAL);
    assert_int_equal(p2m_set(d, gfn(1), mfn(512), ORDER_2M, P2M_RAM), -XEN_EINVAL);
    assert_int_equal(p2m_set(d, gfn(512), mfn(1), ORDER_2M, P2M_RAM), -XEN_EINVAL);
    assert_int_equal(p2m_lookup(d, gfn(1ull << 36), NULL, NULL).n, INVALID_FRAME);
    assert_int_equal(p2m_lookup(d, gfn(~0ull), NULL, NULL).n, INVALID_FRAME);
    assert_int_equal(p2m_set(d, gfn((1ull << 36) - 1), mfn(7), 0, P2M_RAM), 0);
    assert_int_equal(p2m_lookup(d, gfn((1ull << 36) - 1), NULL, NULL).n, 7);
    assert_int_equal(p2m_clear(d, gfn((1ull << 36) - 1), 0), 0);
}

/* Each allocation of a node fails once: nothing changes, nothing is lost. */
static void test_no_nodes(void **state)
{
    uint64_t nodes;

    (void)state;
    assert_int_equal(p2m_set(d, gfn(0), mfn(0x40000), ORDER_2M, P2M_RAM), 0);
    nodes = d->p2m_nodes;
    d->p2m_limit = nodes;
    assert_int_equal(p2m_set(d, gfn(5), mfn(0x50000), 0, P2M_RAM), -XEN_ENOMEM); /* needs a split */
    assert_int_equal(p2m_clear(d, gfn(5), 0), -XEN_ENOMEM);
    assert_int_equal(p2m_lookup(d, gfn(5), NULL, NULL).n, 0x40005);
    for (uint64_t more = 0; more < 3; more++) { /* a far place needs three */
        d->p2m_limit = nodes + more;
        assert_int_equal(p2m_set(d, gfn(1ull << 35), mfn(1), 0, P2M_RAM), -XEN_ENOMEM);
        assert_int_equal(p2m_lookup(d, gfn(1ull << 35), NULL, NULL).n, INVALID_FRAME);
    }
    d->p2m_limit = ~0ull;
    assert_int_equal(p2m_set(d, gfn(1ull << 35), mfn(1), 0, P2M_RAM), 0);
    assert_int_equal(p2m_clear(d, gfn(1ull << 35), 0), 0);
}

/* A frame's reference is dropped only once the TLBs are clean; the queue flushes itself when it is full. */
static void test_deferred(void **state)
{
    uint64_t generation = d->tlb_generation;
    mfn_t m;

    (void)state;
    d->max_pages = 100;
    m = page_alloc_domain(d, 0, 0);
    assert_int_equal(p2m_set(d, gfn(3), m, 0, P2M_RAM), 0);
    spin_lock(&d->p2m_lock);
    assert_int_equal(p2m_clear_locked(d, gfn(3), 0), 0);
    p2m_defer_put_locked(d, m);
    spin_unlock(&d->p2m_lock);
    assert_int_equal(page_refs(m), 1);
    assert_int_equal(d->tlb_generation, generation);
    p2m_flush(d);
    assert_int_equal(page_refs(m), 0);
    assert_int_equal(d->tlb_generation, generation + 1);
    p2m_flush(d); /* nothing to do */
    assert_int_equal(d->tlb_generation, generation + 1);
    spin_lock(&d->p2m_lock);
    for (unsigned i = 0; i < P2M_DEFER_MAX; i++)
        p2m_defer_put_locked(d, page_alloc_domain(d, 0, 0));
    spin_unlock(&d->p2m_lock);
    assert_int_equal(d->tot_pages, 0);
}

/* A place that was just emptied is flushed before something else is put there. */
static void test_reuse_flushes(void **state)
{
    uint64_t generation;

    (void)state;
    assert_int_equal(p2m_set(d, gfn(3), mfn(0x40000), 0, P2M_MMIO), 0);
    assert_int_equal(p2m_clear(d, gfn(3), 0), 0);
    generation = d->tlb_generation;
    assert_int_equal(p2m_set(d, gfn(3), mfn(0x40001), 0, P2M_MMIO), 0);
    assert_int_equal(d->tlb_generation, generation + 1);
    assert_int_equal(p2m_set(d, gfn(3), mfn(0x40002), 0, P2M_MMIO), 0); /* replaced */
    assert_int_equal(d->tlb_generation, generation + 2);
}

static void test_get_ram(void **state)
{
    enum p2m_type t;
    mfn_t m;

    (void)state;
    d->max_pages = 1;
    m = page_alloc_domain(d, 0, 0);
    assert_int_equal(p2m_set(d, gfn(0), m, 0, P2M_RAM), 0);
    assert_int_equal(p2m_set(d, gfn(1), m, 0, P2M_GRANT_RO), 0);
    assert_int_equal(p2m_set(d, gfn(2), m, 0, P2M_MMIO), 0);
    assert_int_equal(p2m_get_ram(d, gfn(0), true, &t).n, m.n);
    assert_int_equal(p2m_get_ram(d, gfn(1), false, &t).n, m.n);
    assert_int_equal(t, P2M_GRANT_RO);
    assert_int_equal(page_refs(m), 3);
    assert_int_equal(p2m_get_ram(d, gfn(1), true, &t).n, INVALID_FRAME);
    assert_int_equal(p2m_get_ram(d, gfn(2), false, &t).n, INVALID_FRAME);
    assert_int_equal(p2m_get_ram(d, gfn(9), false, &t).n, INVALID_FRAME);
    assert_int_equal(p2m_get_ram(d, gfn(~0ull), false, &t).n, INVALID_FRAME);
    assert_int_equal(page_refs(m), 3);
    page_put(m);
    page_put(m);
    page_put(m);
}

/* What is the hypervisor's alone is left out of an identity map, which has the largest pages around it. */
static void test_denied(void **state)
{
    enum p2m_type t;
    unsigned order;

    (void)state;
    p2m_deny(0x805, 0x807);
    assert_int_equal(p2m_map_identity(d, 0x600, 0xc00), 0);
    for (uint64_t i = 0x600; i < 0xc00; i++)
        assert_int_equal(p2m_lookup(d, gfn(i), &t, &order).n, i == 0x805 || i == 0x806 ? INVALID_FRAME : i);
    (void)p2m_lookup(d, gfn(0x600), &t, &order);
    assert_int_equal(order, ORDER_2M);
    assert_int_equal(t, P2M_MMIO);
    assert_true(p2m_is_denied(0x800, 0x806));
    assert_true(p2m_is_denied(0x806, 0x900));
    assert_false(p2m_is_denied(0x800, 0x805));
    assert_false(p2m_is_denied(0x807, 0xa00));
    assert_int_equal(p2m_map_identity(d, 0xfee00, 0xfee10), 0); /* the local APICs' */
    assert_int_equal(p2m_lookup(d, gfn(0xfee00), &t, NULL).n, INVALID_FRAME);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_random, setup, teardown),
        cmocka_unit_test_setup_teardown(test_limits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_nodes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_deferred, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reuse_flushes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_get_ram, setup, teardown),
        cmocka_unit_test_setup_teardown(test_denied, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
