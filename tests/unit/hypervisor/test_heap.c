/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small objects: aligned, zeroed, apart from each other, and every frame goes back. */
#include "hvtest.h"
#include "host_hypervisor.h"

#define NR 400u

static void fill(void *p, size_t size, uint8_t with)
{
    memset(p, with, size);
}

static bool filled(const void *p, size_t size, uint8_t with)
{
    for (size_t i = 0; i < size; i++)
        if (((const uint8_t *)p)[i] != with)
            return false;
    return true;
}

static void test_sizes(void **state)
{
    uint64_t before;

    (void)state;
    host_machine(64, 1);
    before = page_counts.free;
    for (size_t size = 1; size <= 3 * PAGE_SIZE; size += size < 300 ? 1 : 97) {
        void *a = kzalloc(size), *b = kzalloc(size);

        assert_true(a && b && a != b);
        assert_int_equal((uintptr_t)a % (size >= 64 ? 64 : 32), 0);
        assert_true(filled(a, size, 0) && filled(b, size, 0));
        fill(a, size, 0xaa);
        fill(b, size, 0xbb);
        assert_true(filled(a, size, 0xaa));
        kfree(a, size);
        assert_true(filled(b, size, 0xbb));
        kfree(b, size);
        assert_int_equal(page_counts.free, before);
    }
    kfree(NULL, 100);
}

static void test_random(void **state)
{
    static struct {
        void *p;
        size_t size;
    } o[NR];
    uint64_t before, bytes, slabs, seed = 7;

    (void)state;
    host_machine(64, 1);
    before = page_counts.free;
    bytes = heap_counts.bytes;
    slabs = heap_counts.frames;
    for (unsigned n = 0; n < 40000; n++) {
        unsigned i;
        size_t size;

        seed = seed * 6364136223846793005ull + 1442695040888963407ull;
        i = (unsigned)(seed >> 33) % NR;
        size = 1 + (seed >> 45) % ((seed >> 60) ? 600 : 6000);
        if (o[i].p) {
            assert_true(filled(o[i].p, o[i].size, (uint8_t)i));
            kfree(o[i].p, o[i].size);
            o[i].p = NULL;
        } else if ((o[i].p = kzalloc(size)) != NULL) { /* it does run out */
            o[i].size = size;
            assert_true(filled(o[i].p, size, 0));
            fill(o[i].p, size, (uint8_t)i);
        }
    }
    assert_in_range(heap_counts.bytes, bytes + 1, heap_counts.frames * PAGE_SIZE);
    for (unsigned i = 0; i < NR; i++)
        kfree(o[i].p, o[i].size);
    assert_int_equal(page_counts.free, before);
    assert_int_equal(heap_counts.bytes, bytes);
    assert_int_equal(heap_counts.frames, slabs);
}

static void test_wrong_free(void **state)
{
    void *p;

    (void)state;
    host_machine(64, 1);
    page_fail_after = 0;
    assert_null(kzalloc(100)); /* the debug build's failures reach small objects as well */
    p = kzalloc(100);
    if (!setjmp(*expect_panic())) {
        kfree(p, 1000); /* another class */
        fail();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_wrong_free),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
