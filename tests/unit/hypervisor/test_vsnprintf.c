/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bh_vsnprintf against libc's snprintf: same text, same return value, same cut. */
#include "hvtest.h"
#include "bh/lib.h"

static int __attribute__((format(printf, 3, 4))) bh_snprintf(char *buf, size_t size, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = bh_vsnprintf(buf, size, fmt, ap);
    va_end(ap);
    return n;
}

#define SAME(size, ...)                                                                                      \
    do {                                                                                                     \
        char want[128] = "", got[128] = "";                                                                  \
        int n = snprintf(want, size, __VA_ARGS__), m = bh_snprintf(got, size, __VA_ARGS__);                  \
        assert_string_equal(got, want);                                                                      \
        assert_int_equal(m, n);                                                                              \
    } while (0)

static void integers(void **state)
{
    (void)state;
    SAME(128, "%d %d %d", 0, -1, INT32_MIN);
    SAME(128, "%u %x", 4000000000u, 0xdeadbeefu);
    SAME(128, "%ld %lu %lx", INT64_MIN, UINT64_MAX, 0x123456789abcdeful);
    SAME(128, "%lld %llu %llx", -5ll, 5ull, ~0ull);
    SAME(128, "%zu %zx", (size_t)77, (size_t)77);
}

static void digits(void **state)
{
    (void)state;
    SAME(128, "[%05d] [%03lu] [%02u]", 42, 1000ul, 7u);
    SAME(128, "[%016lx] [%08x] [%02x] [%064x]", 0xfeeul, 0xfeeu, 0xfeeu, 1u);
}

static void text(void **state)
{
    (void)state;
    SAME(128, "[%s] [%s] [%c] [%%]", "abc", "", 'x');
}

static void cut_at_the_end(void **state)
{
    (void)state;
    for (volatile size_t size = 1; size < 20; size++) /* volatile: gcc would warn of the cut */
        SAME(size, "number %d, text %s", 12345, "hello");
}

static void size_zero_writes_nothing(void **state)
{
    char c = 'q';

    (void)state;
    assert_int_equal(bh_snprintf(&c, 0, "abc"), 3);
    assert_int_equal(c, 'q');
}

static void what_is_not_known_is_printed(void **state)
{
    const char *volatile odd = "%y 5%"; /* gcc does not look into it */
    char buf[16];

    (void)state;
    bh_snprintf(buf, sizeof(buf), odd, 0); /* clang wants an argument */
    assert_string_equal(buf, "%y 5%");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers),
        cmocka_unit_test(digits),
        cmocka_unit_test(text),
        cmocka_unit_test(cut_at_the_end),
        cmocka_unit_test(size_zero_writes_nothing),
        cmocka_unit_test(what_is_not_known_is_printed),
    };

    return cmocka_run_group_tests_name("vsnprintf", tests, NULL, NULL);
}
