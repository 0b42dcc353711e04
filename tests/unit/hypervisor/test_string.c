/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The image's string functions, under other names, against libc's. */
#include "hvtest.h"

#define memcpy  bh_memcpy
#define memmove bh_memmove
#define memset  bh_memset
#define memcmp  bh_memcmp
#define strlen  bh_strlen
#define strnlen bh_strnlen
#define strncmp bh_strncmp
#define strlcpy bh_strlcpy
void *bh_memcpy(void *restrict dst, const void *restrict src, size_t n);
void *bh_memmove(void *dst, const void *src, size_t n);
void *bh_memset(void *dst, int c, size_t n);
int bh_memcmp(const void *a, const void *b, size_t n);
size_t bh_strlen(const char *s);
size_t bh_strnlen(const char *s, size_t max);
int bh_strncmp(const char *a, const char *b, size_t n);
size_t bh_strlcpy(char *restrict dst, const char *restrict src, size_t size);
#include "../../../hypervisor/lib/string.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef strlen
#undef strnlen
#undef strncmp
#undef strlcpy

#define SPAN 64

static void fill(uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(i * 7 + 1);
}

static void copies_every_length_and_alignment(void **state)
{
    uint8_t src[SPAN], dst[SPAN], want[SPAN];

    (void)state;
    fill(src, SPAN);
    for (size_t from = 0; from < 9; from++) {
        for (size_t n = 0; n + from + 9 < SPAN; n++) {
            memset(dst, 0xee, SPAN);
            memset(want, 0xee, SPAN);
            memcpy(want + 5, src + from, n);
            assert_ptr_equal(bh_memcpy(dst + 5, src + from, n), dst + 5);
            assert_memory_equal(dst, want, SPAN);
        }
    }
}

static void moves_overlapping_ranges(void **state)
{
    uint8_t a[SPAN], b[SPAN];

    (void)state;
    for (size_t from = 0; from < 20; from++) {
        for (size_t to = 0; to < 20; to++) {
            for (size_t n = 0; n < 40; n++) {
                fill(a, SPAN);
                fill(b, SPAN);
                memmove(a + to, a + from, n);
                assert_ptr_equal(bh_memmove(b + to, b + from, n), b + to);
                assert_memory_equal(a, b, SPAN);
            }
        }
    }
}

static void sets_and_compares(void **state)
{
    uint8_t a[SPAN], b[SPAN];

    (void)state;
    for (size_t n = 0; n < 50; n++) {
        fill(a, SPAN);
        fill(b, SPAN);
        memset(a + 3, 0x1a5, n);
        assert_ptr_equal(bh_memset(b + 3, 0x1a5, n), b + 3);
        assert_memory_equal(a, b, SPAN);
        assert_int_equal(bh_memcmp(a, b, SPAN), 0);
        b[3 + n]++;
        assert_true(bh_memcmp(a, b, SPAN) < 0);
        assert_true(bh_memcmp(b, a, SPAN) > 0);
        assert_int_equal(bh_memcmp(a, b, 3 + n), 0);
    }
}

static void compares_strings(void **state)
{
    (void)state;
    assert_int_equal(bh_strlen(""), 0);
    assert_int_equal(bh_strlen("four"), 4);
    assert_int_equal(bh_strnlen("four", 3), 3);
    assert_int_equal(bh_strnlen("four", 9), 4);
    assert_int_equal(bh_strncmp("abc", "abd", 2), 0);
    assert_true(bh_strncmp("abc", "abd", 3) < 0);
    assert_int_equal(bh_strncmp("ab", "ab", 9), 0);
}

static void strlcpy_cuts_and_terminates(void **state)
{
    char buf[4] = "zzz";

    (void)state;
    assert_int_equal(bh_strlcpy(buf, "abcdef", sizeof(buf)), 6);
    assert_string_equal(buf, "abc");
    assert_int_equal(bh_strlcpy(buf, "x", sizeof(buf)), 1);
    assert_string_equal(buf, "x");
    assert_int_equal(bh_strlcpy(buf, "yy", 0), 2);
    assert_string_equal(buf, "x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_every_length_and_alignment),
        cmocka_unit_test(moves_overlapping_ranges),
        cmocka_unit_test(sets_and_compares),
        cmocka_unit_test(compares_strings),
        cmocka_unit_test(strlcpy_cuts_and_terminates),
    };

    return cmocka_run_group_tests_name("string", tests, NULL, NULL);
}
