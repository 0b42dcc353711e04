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
        {"smt=", false, false},
        {"-- smt", false, false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(t); i++)
        assert_int_equal(cmdline_bool(t[i].text, "smt", t[i].fallback), t[i].want);
}

static void numbers_and_sizes(void **state)
{
    static const struct {
        const char *text;
        int rc;
        uint64_t bytes;
    } t[] = {
        {"1024", 0, 1 << 20},
        {"0x10K", 0, 0x4000},
        {"010B", 0, 8},
        {"3m", 0, 3 << 20},
        {"2G", 0, 2ull << 30},
        {"1T", 0, 1ull << 40},
        {"", -XEN_EINVAL, 0},
        {"K", -XEN_EINVAL, 0},
        {"0", 0, 0},
        {"0x", -XEN_EINVAL, 0},
        {"18446744073709551616", -XEN_EINVAL, 0},
        {"18446744073709551615T", -XEN_EINVAL, 0},
        {"18446744073709551615B", 0, UINT64_MAX},
    };
    const char *end;
    uint64_t bytes;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
        assert_int_equal(cmdline_parse_size(t[i].text, &end, &bytes), t[i].rc);
        if (!t[i].rc)
            assert_int_equal(bytes, t[i].bytes);
    }
    assert_int_equal(cmdline_parse_u64("115200,8n1", &bytes), 0);
    assert_int_equal(bytes, 115200);
    assert_int_equal(cmdline_parse_u64(",8n1", &bytes), -XEN_EINVAL);
    assert_int_equal(bytes, 115200);
    assert_int_equal(cmdline_number("dom0_max_vcpus=4", "dom0_max_vcpus", 1), 4);
    assert_int_equal(cmdline_number("dom0_max_vcpus=4x", "dom0_max_vcpus", 1), 1);
    assert_int_equal(cmdline_number("", "dom0_max_vcpus", 7), 7);
    assert_int_equal(cmdline_size("conring_size=32k", "conring_size", 1), 32768);
    assert_int_equal(cmdline_size("conring_size=32kk", "conring_size", 1), 1);
}

static void lists(void **state)
{
    const char *cursor = "115200,,8n1,";
    char item[8];

    (void)state;
    assert_true(cmdline_list_next(&cursor, item, sizeof(item)));
    assert_string_equal(item, "115200");
    assert_true(cmdline_list_next(&cursor, item, sizeof(item)));
    assert_string_equal(item, "8n1");
    assert_false(cmdline_list_next(&cursor, item, sizeof(item)));
    assert_false(cmdline_list_bool("verbose,no-intremap", "intremap", true));
    assert_true(cmdline_list_bool("verbose,no-intremap", "verbose", false));
    assert_false(cmdline_list_bool("intremap=off", "intremap", true));
    assert_true(cmdline_list_bool("", "intremap", true));
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

static void dom0_part(void **state)
{
    (void)state;
    assert_string_equal(cmdline_dom0_part("a b --  quiet splash"), "quiet splash");
    assert_string_equal(cmdline_dom0_part("a b --c"), "");
    assert_string_equal(cmdline_dom0_part("a --"), "");
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
        {"50%", -XEN_EINVAL, 0},
    };
    struct dom0_mem limits;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
        assert_int_equal(cmdline_parse_dom0_mem(t[i].text, &limits), t[i].rc);
        if (!t[i].rc)
            assert_int_equal(dom0_mem_resolve(&limits, AVAILABLE), t[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(get_takes_the_last_value),
        cmocka_unit_test(booleans),
        cmocka_unit_test(numbers_and_sizes),
        cmocka_unit_test(lists),
        cmocka_unit_test(unknown_words_are_found),
        cmocka_unit_test(dom0_part),
        cmocka_unit_test(dom0_mem),
    };

    return cmocka_run_group_tests_name("cmdline", tests, NULL, NULL);
}
