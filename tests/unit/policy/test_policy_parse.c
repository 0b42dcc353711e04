/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of a policy: what is a rule, and where exactly what is none is wrong. */
#include "memory_loader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static struct policy *load_text(const char *text, struct policy_error *error)
{
    const struct memory_file none[] = {{NULL, NULL}};
    struct policy_loader loader = memory_loader(none);

    return policy_load_text(&loader, "/etc/x.policy", text, strlen(text), "/old", error);
}

static const struct {
    const char *line, *shown; /* NULL: as written */
} good_lines[] = {
    {"a * @anyvm @anyvm deny", NULL},
    {"*\t*  *   *\tallow  ", "* * * * allow"},
    {"a.B-c_1 +arg+more.x_ work bank ask", NULL},
    {"a + uuid:1 @adminvm allow user=root", NULL},
    {"a * @tag:x @type:AppVM allow target=work", NULL},
    {"a * @dispvm:x @dispvm:@tag:y deny notify=no", NULL},
    {"a * @dispvm:@tag:y @dispvm ask default_target=@dispvm", NULL},
    {"a * work @default ask", NULL},
    {"a * work @default allow target=@adminvm", NULL},
    {"a * work @default allow target=@dispvm:b autostart=no notify=yes",
     "a * work @default allow target=@dispvm:b notify=yes autostart=no"},
    {"a * work b allow autostart=yes notify=no", "a * work b allow"},
    {"a * work b deny notify=yes", "a * work b deny"},
    {"a * work b allow user=", NULL},
    {"a * work b allow user=a=b", NULL},
    {"a * $anyvm *x deny", NULL},
    {"a * work b allow target=c user=d notify=yes autostart=no", NULL},
    {"a * work b ask target=c default_target=d user=e", NULL},
};

static void test_good_lines(void **state)
{
    struct policy_error error;
    char shown[512];

    (void)state;
    for (size_t i = 0; i < sizeof(good_lines) / sizeof(*good_lines); i++) {
        struct policy *policy = load_text(good_lines[i].line, &error);
        if (!policy)
            fail_msg("%s: %u: %s", good_lines[i].line, error.column, error.reason);
        assert_int_equal(policy_rule_count(policy), 1);
        policy_rule_format(policy, policy_rule_at(policy, 0), shown, sizeof(shown));
        assert_string_equal(shown, good_lines[i].shown ? good_lines[i].shown : good_lines[i].line);
        policy_free(policy);
    }
}

static const struct {
    const char *text;
    unsigned line, column;
    const char *reason; /* part of it */
} bad_texts[] = {
    {"a", 1, 2, "too short"},
    {"a *", 1, 4, "too short"},
    {"a * b c", 1, 8, "too short"},
    {"a * b c d", 1, 9, "action"},
    {"a * b c Allow", 1, 9, "action"},
    {"a+b * b c allow", 1, 2, "'+'"},
    {"a/ * b c allow", 1, 2, "'/'"},
    {"a b b c allow", 1, 3, "argument"},
    {"a +x% b c allow", 1, 5, "'%'"},
    {"* + b c allow", 1, 3, "only"},
    {"a * @default c allow", 1, 5, "cannot be used here"},
    {"a * @dispvm c allow", 1, 5, "cannot be used here"},
    {"a * @foo c allow", 1, 5, "not a known token"},
    {"a * @tag: c allow", 1, 5, "lacks a name"},
    {"a * @dispvm:@tag: c allow", 1, 5, "lacks a name"},
    {"a * @tag:@x c allow", 1, 5, "not a known token"},
    {"a * @dispvm:@type:x c allow", 1, 5, "not a known token"},
    {"a * b @anyvmx allow", 1, 7, "not a known token"},
    {"a * b c allow target=*", 1, 22, "cannot be used here"},
    {"a * b c allow target=@anyvm", 1, 22, "cannot be used here"},
    {"a * b c allow target=@default", 1, 22, "cannot be used here"},
    {"a * b c allow target=@tag:x", 1, 22, "cannot be used here"},
    {"a * b c allow target=", 1, 22, "empty"},
    {"a * b c allow x", 1, 15, "NAME=VALUE"},
    {"a * b c allow x=y", 1, 15, "unknown"},
    {"a * b c allow =y", 1, 15, "unknown"},
    {"a * b c allow user=x user=y", 1, 22, "twice"},
    {"a * b c allow default_target=x", 1, 15, "does not go with"},
    {"a * b c deny target=x", 1, 14, "does not go with"},
    {"a * b c deny user=x", 1, 14, "does not go with"},
    {"a * b c deny autostart=no", 1, 14, "does not go with"},
    {"a * b c allow notify=Yes", 1, 22, "'yes' or 'no'"},
    {"a * b c allow # comment", 1, 15, "NAME=VALUE"},
    {"a * b @default allow", 1, 16, "needs target="},
    {"!foo", 1, 1, "unknown directive"},
    {"! include x", 1, 1, "unknown directive"},
    {"!include", 1, 9, "needs 1"},
    {"!include a b", 1, 12, "only 1"},
    {"!include-service a b", 1, 21, "needs 3"},
    {"!include-service a/ * x", 1, 19, "'/'"},
    {"!compat-4.0 x", 1, 13, "only 0"},
    {"!include nofile", 1, 10, "not a file: /etc/nofile"},
    {"!include-dir nodir", 1, 14, "not a directory: /etc/nodir"},
    /* bytes that other readers might take for blanks or line ends */
    {"# ok\n\n  a * b c allow\r\nx\v* b c allow", 4, 2, "0x0b"},
    {"a * b\rc allow", 1, 6, "0x0d"},
    {"# comment\ra * b c allow", 1, 10, "carriage return"},
    {"a * b c allow\r", 1, 14, "0x0d"},
    {"a\xc2\xa0* b c allow", 1, 2, "0xc2"},
    {"\xef\xbb\xbf# bom", 1, 1, "0xef"},
    {"a * b c allow user=\x7f", 1, 20, "0x7f"},
    {"# \xff", 1, 3, "UTF-8"},
    {"# \xc0\x80", 1, 3, "UTF-8"},
    {"# \xed\xa0\x80", 1, 3, "UTF-8"},
    {"# \xe2\x82", 1, 3, "UTF-8"},
};

static void test_bad_texts(void **state)
{
    struct policy_error error;

    (void)state;
    for (size_t i = 0; i < sizeof(bad_texts) / sizeof(*bad_texts); i++) {
        struct policy *policy = load_text(bad_texts[i].text, &error);
        if (policy)
            fail_msg("accepted: %s", bad_texts[i].text);
        if (error.kind != POLICY_ERROR_SYNTAX || error.line != bad_texts[i].line ||
            error.column != bad_texts[i].column || !strstr(error.reason, bad_texts[i].reason))
            fail_msg("%s: got %u:%u: %s", bad_texts[i].text, error.line, error.column, error.reason);
        assert_string_equal(error.file, "/etc/x.policy");
    }
}

static void test_comments_and_blanks(void **state)
{
    struct policy_error error;
    struct policy *policy =
        load_text("# gr\xc3\xbc\xc3\x9f\x65 \x01\n\n \t\r\n\t# x\r\n a * b c allow \r\nd * e f deny", &error);

    (void)state;
    assert_non_null(policy);
    assert_int_equal(policy_rule_count(policy), 2);
    assert_int_equal(policy_rule_at(policy, 0)->line, 5);
    assert_int_equal(policy_rule_at(policy, 1)->line, 6);
    policy_free(policy);
}

static void count_error(void *data, const struct policy_error *error)
{
    unsigned *lines = data;

    lines[0]++;
    lines[lines[0]] = error->line;
}

static void test_lint_reports_all(void **state)
{
    static const char text[] = "bad\n# x\na * b c allow\n!include anything\n!include-dir\nworse line\n";
    static const char old[] = "$anyvm work allow,user=root\n$anyvm\n!compat-4.0\n$include:x\n";
    unsigned lines[8] = {0};

    (void)state;
    assert_int_equal(policy_lint("f", text, strlen(text), false, count_error, lines), 3);
    assert_int_equal(lines[1], 1);
    assert_int_equal(lines[2], 5);
    assert_int_equal(lines[3], 6);
    lines[0] = 0;
    assert_int_equal(policy_lint("f", old, strlen(old), true, count_error, lines), 2);
    assert_int_equal(lines[1], 2);
    assert_int_equal(lines[2], 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_lines),
        cmocka_unit_test(test_bad_texts),
        cmocka_unit_test(test_comments_and_blanks),
        cmocka_unit_test(test_lint_reports_all),
    };

    return cmocka_run_group_tests_name("policy_parse", tests, NULL, NULL);
}
