/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hvtest.h"
#include "bh/cmdline.h"
#include "bh/xen.h"

static void get_takes_the_last_value(void **state)
{
    char v[16] = "old";

    (void)state;
    assert_true(cmdline_get("console=vga  com1=115200,8n1\tconsole=com1", "console", v, sizeof(v)));
    assert_string_equal(v, "com1");
    assert_true(cmdline_get("a noreboot b", "noreboot", v, sizeof(v)));
    assert_string_equal(v, "");
    assert_false(cmdline_get("consolex=1 xconsole=1 -- console=dom0", "console", v, sizeof(v)));
    assert_true(cmdline_get("com1=0123456789abcdefgh", "com1", v, sizeof(v)));
    assert_string_equal(v, "0123456789abcde");
}

static void booleans(void **state)
{
    static const struct {
        const char *text;
        bool fallback, want;
    } t[] = {
        {"", true, true},
        {"", false, false},
        {"smt", false, true},
        {"no-smt", true, false},
        {"smt=off", true, false},
        {"smt=0", true, false},
        {"smt=yes", false, true},
        {"smt=enable", false, true},
        {"smt no-smt", true, false},
        {"no-smt smt=1", false, true},
        {"smt=junk", true, true},
        {"smt=junk", false, false},
        {"smtx", false, false},
        {"no-smtx", true, true},
        {"smt=", false, true}, /* as Xen: no value is a bare name */
        {"-- smt", false, false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(t); i++)
        assert_int_equal(cmdline_bool(t[i].text, "smt", t[i].fallback), t[i].want);
}

static void numbers(void **state)
{
    static const struct {
        const char *text;
        uint64_t want;
    } t[] = {
        {"n=4", 4},
        {"n=0x10", 16},
        {"n=010", 8},
        {"n=0", 0},
        {"n=4x", 7},
        {"n=0x", 7},
        {"", 7},
        {"n", 7},
        {"n=", 7},
        {"n=9600,8n1", 9600},
        {"n=,8n1", 7},
        {"n=18446744073709551616", 7},
        {"n=4 m=5", 4},
        {"n=4 n=5", 5},
        {"n=18446744073709551615", UINT64_MAX},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(t); i++)
        assert_int_equal(cmdline_number(t[i].text, "n", 7), t[i].want);
}

static void lists(void **state)
{
    (void)state;
    assert_true(cmdline_list_has("com1,,vga", "com1"));
    assert_true(cmdline_list_has("com1,,vga", "vga"));
    assert_false(cmdline_list_has("com1,vgax,xvga", "vga"));
    assert_false(cmdline_list_has("", "vga"));
}

static void unknown_words_are_found(void **state)
{
    static const char *const known[] = {"console", "noreboot", "smt"};
    const char *cursor = "console=com1 foo noreboot no-smt bar=1 -- quiet";
    char word[8];

    (void)state;
    assert_true(cmdline_next_unknown(&cursor, known, ARRAY_SIZE(known), word, sizeof(word)));
    assert_string_equal(word, "foo");
    assert_true(cmdline_next_unknown(&cursor, known, ARRAY_SIZE(known), word, sizeof(word)));
    assert_string_equal(word, "bar=1");
    assert_false(cmdline_next_unknown(&cursor, known, ARRAY_SIZE(known), word, sizeof(word)));
    assert_false(cmdline_next_unknown(&cursor, known, ARRAY_SIZE(known), word, sizeof(word)));
}

#define AVAILABLE (4ull << 30)

static void dom0_mem(void **state)
{
    static const struct {
        const char *text;
        int rc;
        uint64_t want;
    } t[] = {
        {"", 0, AVAILABLE},
        {"1G", 0, 1ull << 30},
        {"1G,max:1G", 0, 1ull << 30},
        {"max:512M", 0, 512ull << 20},
        {"8G", 0, AVAILABLE},
        {"-1G", 0, 3ull << 30},
        {"-9G", 0, 0},
        {"-9G,min:256M", 0, 256ull << 20},
        {"min:1G,max:2G", 0, 2ull << 30},
        {"512M,min:1G", 0, 1ull << 30},
        {"max:-1G", 0, 3ull << 30},
        {"1G,junk", -XEN_EINVAL, 0},
        {"1GG", -XEN_EINVAL, 0},
        {"max:", -XEN_EINVAL, 0},
        {"--1G", -XEN_EINVAL, 0},
        {"1024", 0, 1 << 20},
        {"1048576B", 0, 1 << 20},
        {"01T", 0, AVAILABLE},
        {"3m", 0, 3 << 20},
        {"18446744073709551615T", -XEN_EINVAL, 0},
        {"18446744073709551615B", 0, AVAILABLE},
        {"18446744073709551615B+1B", -XEN_EINVAL, 0},
        {"0x", -XEN_EINVAL, 0},
        {"50%", 0, AVAILABLE / 100 * 50},
        {"100%", 0, AVAILABLE},
        {"-25%", 0, AVAILABLE - AVAILABLE / 100 * 25},
        {"1G+25%", 0, (1ull << 30) + AVAILABLE / 100 * 25},
        {"-1G+25%", 0, AVAILABLE - (1ull << 30) - AVAILABLE / 100 * 25},
        {"10%,min:1G,max:50%", 0, 1ull << 30},
        {"min:1G,max:50%", 0, AVAILABLE / 100 * 50},
        {"%", -XEN_EINVAL, 0},
        {"1G+", -XEN_EINVAL, 0},
        {"50%x", -XEN_EINVAL, 0},
        {"50K%", -XEN_EINVAL, 0},
    };
    uint64_t bytes;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
        assert_int_equal(cmdline_dom0_mem(t[i].text, AVAILABLE, &bytes), t[i].rc);
        if (!t[i].rc)
            assert_int_equal(bytes, t[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(get_takes_the_last_value),
        cmocka_unit_test(booleans),
        cmocka_unit_test(numbers),
        cmocka_unit_test(lists),
        cmocka_unit_test(unknown_words_are_found),
        cmocka_unit_test(dom0_mem),
    };

    return cmocka_run_group_tests_name("cmdline", tests, NULL, NULL);
}
