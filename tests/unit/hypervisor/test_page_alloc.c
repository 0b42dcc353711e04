/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The buddy allocator: blocks never overlap, join again, arrive clean, are charged to the byte; references
 * are exact. */
#include "hvtest.h"
#include "host_hypervisor.h"

#define FRAMES 2048u
#define NR     64u

static uint64_t before;

static int setup(void **state)
{
    (void)state;
    host_machine(FRAMES, 1);
    before = page_counts.free;
    return 0;
}

static void test_orders(void **state)
{
    (void)state;
    assert_int_equal(before, page_counts.total - 1); /* the CPU's run queue */
    for (unsigned order = 0; order <= 10; order++) {
        mfn_t m = page_alloc(order, PAGE_ZERO);

        assert_true(mfn_valid_value(m));
        assert_int_equal(m.n & ((1u << order) - 1), 0);
        assert_int_equal(page_counts.free, before - (1u << order));
        assert_int_equal(page_owner(m), OWNER_HYPERVISOR);
        page_free(m, order);
        assert_int_equal(page_counts.free, before);
        assert_int_equal(page_count_free_in(0, max_page), before);
        if (order == 5) /* the larger ones are made of dirty and clean blocks */
            page_scrub_some();
    }
    while (page_scrub_some())
        ;
    assert_int_equal(page_count_free_in(0, max_page), before);
    assert_false(mfn_valid_value(page_alloc(11, 0)));
    assert_false(mfn_valid_value(page_alloc(19, 0)));
    assert_false(mfn_valid_value(page_alloc(~0u, 0)));
}

/* Random blocks of random orders; each is written full of its number, so overlaps and lost zeroing show. */
static void test_random(void **state)
{
    static struct {
        mfn_t m;
        unsigned order;
        bool used;
    } b[NR];
    static uint8_t owner[FRAMES];
    uint64_t seed = 3, used = 0;

    (void)state;
    memset(owner, 0, sizeof(owner));
    for (unsigned n = 0; n < 6000; n++) {
        unsigned i, order;

        seed = seed * 6364136223846793005ull + 1442695040888963407ull;
        i = (unsigned)(seed >> 33) % NR;
        order = (unsigned)(seed >> 50) % 8;
        if (b[i].used) {
            for (uint64_t k = 0; k < 1u << b[i].order; k++) {
                assert_int_equal(*(uint8_t *)mfn_to_va(mfn_add(b[i].m, k)), i + 1);
                owner[b[i].m.n + k] = 0;
            }
            page_free(b[i].m, b[i].order);
            used -= 1u << b[i].order;
            b[i].used = false;
        } else {
            b[i].m = page_alloc(order, PAGE_ZERO);
            b[i].order = order;
            b[i].used = mfn_valid_value(b[i].m);
            for (uint64_t k = 0; b[i].used && k < 1u << order; k++) {
                uint64_t *word = mfn_to_va(mfn_add(b[i].m, k));

                assert_int_equal(owner[b[i].m.n + k], 0);
                owner[b[i].m.n + k] = 1;
                assert_true(!word[0] && !word[1] && !word[2] && !word[511]);
                memset(word, (int)i + 1, PAGE_SIZE);
            }
            used += b[i].used ? 1u << order : 0;
        }
        if (n % 5 == 0)
            page_scrub_some();
        assert_int_equal(page_counts.free, before - used);
    }
    for (unsigned i = 0; i < NR; i++)
        if (b[i].used)
            page_free(b[i].m, b[i].order);
    while (page_scrub_some())
        ;
    assert_int_equal(page_counts.dirty, 0);
    assert_int_equal(page_counts.free, before);
    b[0].m = page_alloc(10, PAGE_DIRTY_OK); /* joined again, and clean all over */
    assert_true(mfn_valid_value(b[0].m));
    for (uint64_t k = 0; k < 512u << 10; k++)
        assert_int_equal(((uint64_t *)mfn_to_va(b[0].m))[k], 0);
}

static void test_charge(void **state)
{
    struct domain *d = host_domain(1, 4, 4);
    uint64_t with_domain = page_counts.free;
    mfn_t m;

    (void)state;
    assert_int_equal(d->tot_pages, 4);
    assert_false(mfn_valid_value(page_alloc_domain(d, 0, 0))); /* over its maximum */
    assert_int_equal(d->tot_pages, 4);
    d->max_pages = 12;
    m = page_alloc_domain(d, 3, 0);
    assert_true(mfn_valid_value(m));
    assert_int_equal(d->tot_pages, 12);
    assert_true(page_get(m, 1));
    assert_false(page_get(m, 2));
    assert_int_equal(page_refs(m), 2);
    page_put_block(m, 3); /* one of eight is still referenced */
    assert_int_equal(d->tot_pages, 5);
    assert_int_equal(page_counts.free, with_domain - 1);
    page_put(m);
    assert_int_equal(d->tot_pages, 4);
    assert_false(page_get(m, 1));
    assert_int_equal(page_refs(m), 0);
    d->max_pages = 1 << 20;
    assert_false(mfn_valid_value(page_alloc_domain(d, 12, 0))); /* more than there is */
    assert_int_equal(d->tot_pages, 4);
    assert_int_equal(page_counts.free, with_domain);
    host_domain_kill(d);
    assert_null(host_domain_find(1));
    assert_int_equal(page_counts.free, before);
}

static void test_reference_limit(void **state)
{
    struct domain *d = host_domain(1, 1, 4);
    mfn_t m = p2m_lookup(d, gfn(0), NULL, NULL);
    unsigned n = 1;

    (void)state;
    while (page_get(m, 1))
        n++;
    assert_int_equal(n, PAGE_MAX_REFS);
    while (n-- > 1)
        page_put(m);
    assert_int_equal(page_refs(m), 1);
    assert_false(page_get(mfn(FRAMES), 1));
    assert_false(page_get(INVALID_MFN, 1));
    assert_false(page_get(mfn(FRAMES - 1), OWNER_FREE)); /* a free frame is nobody's */
    host_domain_kill(d);
    assert_int_equal(page_counts.free, before);
}

static void test_fixed_and_top(void **state)
{
    struct domain *d = host_domain(1, 0, 4);
    mfn_t top = page_alloc_top(2), busy = page_alloc(0, 0);
    uint64_t now = page_counts.free;

    (void)state;
    assert_int_equal(top.n, FRAMES - 4);
    assert_false(page_claim_fixed(d, busy, 1));
    assert_false(page_claim_fixed(d, mfn(FRAMES - 8), 8)); /* the second half is taken */
    assert_false(page_claim_fixed(d, mfn(FRAMES - 1), 2));
    assert_int_equal(page_counts.free, now);
    assert_int_equal(d->tot_pages, 0);
    assert_true(page_claim_fixed(d, mfn(FRAMES - 37), 33));
    assert_int_equal(d->tot_pages, 33);
    for (uint64_t i = 0; i < 33; i++)
        page_put(mfn(FRAMES - 37 + i));
    page_free(top, 2);
    page_free(busy, 0);
    host_domain_kill(d);
    assert_int_equal(page_counts.free, before);
    while (page_scrub_some())
        ;
    assert_true(mfn_valid_value(page_alloc(10, 0)));
}

static void test_put_too_much(void **state)
{
    (void)state;
    if (!setjmp(*expect_panic())) {
        page_put(mfn(FRAMES + 5));
        fail();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_orders, setup),
        cmocka_unit_test_setup(test_random, setup),
        cmocka_unit_test_setup(test_charge, setup),
        cmocka_unit_test_setup(test_reference_limit, setup),
        cmocka_unit_test_setup(test_fixed_and_top, setup),
        cmocka_unit_test_setup(test_put_too_much, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
