/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "check.h"

#include "../../../gui-daemon/sanitize.h"

static const char *title(const char *text, size_t size, bool utf8)
{
    static char out[64];

    sanitize_title(text, size, utf8, out, sizeof(out));
    return out;
}

#define TITLE(text, utf8) title(text, sizeof(text), utf8)

static void ascii_only_by_default(void **state)
{
    (void)state;
    assert_string_equal(TITLE("plain title ~!", false), "plain title ~!");
    assert_string_equal(TITLE("tab\there\x7f\x1b[31m", false), "tab_here__[31m");
    assert_string_equal(TITLE("caf\xc3\xa9", false), "caf__");
    assert_string_equal(TITLE("more \xe2\x80\xa6", false), "more ...");
}

static void utf8_where_allowed(void **state)
{
    (void)state;
    assert_string_equal(TITLE("caf\xc3\xa9 \xe4\xb8\xad", true), "caf\xc3\xa9 \xe4\xb8\xad");
    assert_string_equal(TITLE("x\xc3(", true), "x_(");       /* cut sequence */
    assert_string_equal(TITLE("\xc0\xaf", true), "__");      /* overlong */
    assert_string_equal(TITLE("\xed\xa0\x80", true), "___"); /* surrogate */
    assert_string_equal(TITLE("a\xe2\x80\xae"
                              "b",
                              true),
                        "a___b");                         /* right-to-left override */
    assert_string_equal(TITLE("\xd7\x90", true), "__");   /* Hebrew: would reorder */
    assert_string_equal(TITLE("e\xcc\x81", true), "e__"); /* combining mark */
    assert_string_equal(TITLE("a\xe2\x80\xa8"
                              "b",
                              true),
                        "a___b"); /* line separator */
    assert_string_equal(TITLE("a\xc2\xa0"
                              "b",
                              true),
                        "a__b"); /* no-break space */
}

static void length_is_bounded(void **state)
{
    char full[128], out[16];

    (void)state;
    memset(full, 'x', sizeof(full)); /* no NUL */
    sanitize_title(full, sizeof(full), true, out, sizeof(out));
    assert_int_equal(strlen(out), 15);
    /* A character is never cut. */
    sanitize_title("xxxxxxxxxxxxxx\xc3\xa9", 17, true, out, sizeof(out));
    assert_string_equal(out, "xxxxxxxxxxxxxx");
    sanitize_title("", 0, true, out, 1);
    assert_string_equal(out, "");
}

static void classes(void **state)
{
    char out[64];

    (void)state;
    sanitize_class("Firefox-esr 1.0_x\0junk", 22, out, sizeof(out));
    assert_string_equal(out, "Firefox-esr 1.0_x");
    sanitize_class("a:b\n\xff", 5, out, sizeof(out));
    assert_string_equal(out, "a_b__");
}

static void names(void **state)
{
    (void)state;
    assert_true(domain_name_valid("work"));
    assert_true(domain_name_valid("sys-net_1.2"));
    assert_false(domain_name_valid(""));
    assert_false(domain_name_valid("1work"));
    assert_false(domain_name_valid("a/b"));
    assert_false(domain_name_valid("a b"));
    assert_false(domain_name_valid("abcdefghijklmnopqrstuvwxyz123456"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ascii_only_by_default),
        cmocka_unit_test(utf8_where_allowed),
        cmocka_unit_test(length_is_bounded),
        cmocka_unit_test(classes),
        cmocka_unit_test(names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
