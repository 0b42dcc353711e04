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
    SAME(128, "%d %d %i", 0, -1, INT32_MIN);
    SAME(128, "%u %x %X", 4000000000u, 0xdeadbeefu, 0xabcu);
    SAME(128, "%ld %lu %lx", INT64_MIN, UINT64_MAX, 0x123456789abcdeful);
    SAME(128, "%lld %llu %llx", -5ll, 5ull, ~0ull);
    SAME(128, "%zu %zx", (size_t)77, (size_t)77);
    SAME(128, "%hhx %hx %hhd", (uint8_t)0xab, (uint16_t)0xbeef, (signed char)-3);
}

static void width_and_padding(void **state)
{
    (void)state;
    SAME(128, "[%5d] [%-5d] [%05d] [%05d]", 42, 42, 42, -42);
    SAME(128, "[%016lx] [%08x] [%2x]", 0xfeeul, 0xfeeu, 0xfeeu);
    SAME(128, "[%*d] [%-*d]", 6, 1, 6, 1);
    SAME(128, "[%8s] [%-8s] [%.2s] [%.*s] [%6.2s]", "abc", "abc", "abc", 1, "abc", "abc");
    SAME(128, "[%c] [%3c] [%%]", 'x', 'y');
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

static void unterminated_string_with_precision(void **state)
{
    const char signature[4] = {'A', 'P', 'I', 'C'};
    char buf[16];

    (void)state;
    bh_snprintf(buf, sizeof(buf), "%.4s!", signature);
    assert_string_equal(buf, "APIC!");
}

static void pointers_are_sixteen_digits(void **state)
{
    char buf[32];

    (void)state;
    bh_snprintf(buf, sizeof(buf), "%p", (void *)0xffff82d040200000ul);
    assert_string_equal(buf, "ffff82d040200000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers),
        cmocka_unit_test(width_and_padding),
        cmocka_unit_test(cut_at_the_end),
        cmocka_unit_test(size_zero_writes_nothing),
        cmocka_unit_test(unterminated_string_with_precision),
        cmocka_unit_test(pointers_are_sixteen_digits),
    };

    return cmocka_run_group_tests_name("vsnprintf", tests, NULL, NULL);
}
