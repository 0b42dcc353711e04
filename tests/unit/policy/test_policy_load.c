/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Directories, hiding, order, includes and the old format. */
#include "memory_loader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define DIRS                                                                                                 \
    {"/run", NULL}, {"/etc", NULL},                                                                          \
    {                                                                                                        \
        "/old", NULL                                                                                         \
    }

/* The services of all rules, in order, joined by blanks. */
static void expect_services(const struct memory_file *files, const char *expected)
{
    struct policy_error error;
    char all[512] = "";
    struct policy *policy = memory_load(files, &error);

    if (!policy)
        fail_msg("%s:%u:%u: %s", error.file, error.line, error.column, error.reason);
    for (size_t i = 0; i < policy_rule_count(policy); i++) {
        strcat(all, i ? " " : "");
        strcat(all, policy_text(policy, policy_rule_at(policy, i)->service));
    }
    policy_free(policy);
    assert_string_equal(all, expected);
}

static void expect_error(const struct memory_file *files, enum policy_error_kind kind, const char *expected)
{
    struct policy_error error;
    char text[1024];
    struct policy *policy = memory_load(files, &error);

    assert_null(policy);
    policy_error_format(&error, text, sizeof(text));
    if (error.kind != kind || !strstr(text, expected))
        fail_msg("%d: %s", error.kind, text);
}

static void test_order_and_hiding(void **state)
{
    const struct memory_file files[] = {DIRS,
                                        {"/etc/20-b.policy", "etc20 * a b deny"},
                                        {"/etc/10-a.policy", "etc10 * a b deny"},
                                        {"/etc/30-c.policy", "etc30 * a b deny"},
                                        {"/run/20-b.policy", "run20 * a b deny"},
                                        {"/run/15-x.policy", "run15 * a b deny"},
                                        {NULL, NULL}};

    (void)state;
    expect_services(files, "etc10 run15 run20 etc30");
}

static void test_ignored_files(void **state)
{
    const struct memory_file files[] = {DIRS,
                                        {"/etc/a.policy", "a * a b deny"},
                                        {"/etc/.hidden.policy", "junk"},
                                        {"/etc/notes.txt", "junk"},
                                        {"/etc/B.policy.rpmsave", "junk"},
                                        {"/etc/d.policy/file", "junk"},
                                        {"/etc/.policy", "junk"},
                                        {NULL, NULL}};

    (void)state;
    expect_services(files, "a");
}

static void test_bad_name_refuses_all(void **state)
{
    const struct memory_file upper[] = {DIRS, {"/etc/a.policy", ""}, {"/etc/B.policy", ""}, {NULL, NULL}};
    const struct memory_file hidden[] = {DIRS, {"/run/a b.policy", ""}, {NULL, NULL}};
    const struct memory_file no_dir[] = {{"/etc/a.policy", ""}, {NULL, NULL}};

    (void)state;
    expect_error(upper, POLICY_ERROR_LOAD, "/etc/B.policy: a policy file's name");
    expect_error(hidden, POLICY_ERROR_LOAD, "/run/a b.policy");
    expect_error(no_dir, POLICY_ERROR_LOAD, "/run: No such file");
}

static void test_includes(void **state)
{
    /* paths are relative to the directory of the top-level file, also inside an included one */
    const struct memory_file files[] = {
        DIRS,
        {"/etc/a.policy", "a1 * x y deny\n!include include/one\na2 * x y deny"},
        {"/etc/include/one", "one * x y deny\n!include include/two\n"},
        {"/etc/include/two", "two * x y deny\n!include /abs/three\n"},
        {"/abs/three", "three * x y deny\n"},
        {"/run/b.policy", "!include-dir more\n"},
        {"/run/more/20.policy", "more20 * x y deny\n!include deep"},
        {"/run/more/10.policy", "more10 * x y deny\n"},
        {"/run/more/skip", "junk"},
        {"/run/deep", "deep * x y deny"},
        {NULL, NULL}};

    (void)state;
    expect_services(files, "a1 one two three a2 more10 more20 deep");
}

static void test_include_service(void **state)
{
    const struct memory_file files[] = {
        DIRS,
        {"/etc/a.policy", "!include-service s + include/old\n!include-service * * include/old\n"},
        {"/etc/include/old", "# note, with $include: in it\n$anyvm $adminvm allow,user=root,notify=yes\n"
                             "a b deny\n$include:include/more\n"},
        {"/etc/include/more", "x @dispvm ask default_target=y , autostart=no\n"},
        {NULL, NULL}};
    static const char *const expected[] = {"s + @anyvm @adminvm allow user=root notify=yes", "s + a b deny",
                                           "s + x @dispvm ask default_target=y autostart=no",
                                           "* * @anyvm @adminvm allow user=root notify=yes"};
    struct policy_error error;
    char shown[256];
    struct policy *policy = memory_load(files, &error);

    (void)state;
    assert_non_null(policy);
    assert_int_equal(policy_rule_count(policy), 6);
    for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
        policy_rule_format(policy, policy_rule_at(policy, i), shown, sizeof(shown));
        assert_string_equal(shown, expected[i]);
    }
    policy_free(policy);
}

static void test_old_directory(void **state)
{
    const struct memory_file files[] = {
        DIRS,
        {"/etc/35-compat.policy", "first * a b deny\n!compat-4.0\nlast * a b deny"},
        {"/old/svc.B", "$anyvm $anyvm ask\n$include:../abs/shared"},
        {"/old/svc.A", "a b allow\n"},
        {"/old/svc.A+z", "a b allow\n"},
        {"/old/svc.A+", "a b allow\n"},
        {"/old/svc.A+b", "a b allow\n"},
        {"/old/svc.C.rpmnew", "junk"},
        {"/old/svc.C.swp", "junk"},
        {"/old/.svc.C", "junk"},
        {"/old/svc C", "junk"},
        {"/old/../abs/shared", "c d allow"},
        {NULL, NULL}};
    static const char *const expected[] = {
        "first * a b deny",
        "svc.A + a b allow",
        "svc.A + @anyvm @anyvm deny",
        "svc.A + @anyvm @adminvm deny",
        "svc.A +b a b allow",
        "svc.A +b @anyvm @anyvm deny",
        "svc.A +b @anyvm @adminvm deny",
        "svc.A +z a b allow",
        "svc.A +z @anyvm @anyvm deny",
        "svc.A +z @anyvm @adminvm deny",
        "svc.A * a b allow",
        "svc.B * @anyvm @anyvm ask",
        "svc.B * c d allow",
        "last * a b deny",
    };
    struct policy_error error;
    char shown[256];
    struct policy *policy = memory_load(files, &error);

    (void)state;
    if (!policy)
        fail_msg("%s:%u: %s", error.file, error.line, error.reason);
    assert_int_equal(policy_rule_count(policy), sizeof(expected) / sizeof(*expected));
    for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
        policy_rule_format(policy, policy_rule_at(policy, i), shown, sizeof(shown));
        assert_string_equal(shown, expected[i]);
    }
    assert_int_equal(policy_rule_at(policy, 2)->line, 0);
    policy_free(policy);
}

static void test_old_errors(void **state)
{
    const struct memory_file directive[] = {
        DIRS, {"/etc/a.policy", "!compat-4.0"}, {"/old/svc", "a b deny\n!compat-4.0\n"}, {NULL, NULL}};
    const struct memory_file no_dir[] = {{"/run", NULL}, {"/etc/a.policy", "!compat-4.0"}, {NULL, NULL}};
    const struct memory_file short_rule[] = {
        DIRS, {"/etc/a.policy", "!compat-4.0"}, {"/old/svc", "$anyvm,allow"}, {NULL, NULL}};

    (void)state;
    expect_error(directive, POLICY_ERROR_SYNTAX, "/old/svc:2:1: only !include");
    expect_error(no_dir, POLICY_ERROR_LOAD, "/old: No such file");
    expect_error(short_rule, POLICY_ERROR_SYNTAX, "/old/svc:1:13: the rule is too short");
}

static void test_endless_includes(void **state)
{
    const struct memory_file self[] = {DIRS, {"/etc/a.policy", "!include a.policy"}, {NULL, NULL}};
    const struct memory_file ring[] = {DIRS,
                                       {"/etc/a.policy", "!include b"},
                                       {"/etc/b", "\n!include c"},
                                       {"/etc/c", "!include b"},
                                       {NULL, NULL}};
    const struct memory_file dir[] = {
        DIRS, {"/etc/a.policy", "!include-dir ."}, {"/etc/.", NULL}, {NULL, NULL}};
    const struct memory_file old[] = {
        DIRS, {"/etc/a.policy", "!include-service s * o"}, {"/etc/o", "!include o"}, {NULL, NULL}};

    (void)state;
    expect_error(self, POLICY_ERROR_SYNTAX, "/etc/a.policy:1:10: /etc/a.policy includes itself");
    expect_error(ring, POLICY_ERROR_SYNTAX, "/etc/c:1:10: /etc/b includes itself");
    expect_services(dir, "");
    expect_error(old, POLICY_ERROR_SYNTAX, "/etc/o:1:10: /etc/o includes itself");
}

/* Each file includes the next one twice: the number of files read must stay bounded. */
static void test_exploding_includes(void **state)
{
    struct memory_file files[64] = {DIRS, {"/etc/a.policy", "!include i0\n"}};
    static char paths[50][24], texts[50][64];

    (void)state;
    for (int i = 0; i < 50; i++) {
        snprintf(paths[i], sizeof(paths[i]), "/etc/i%d", i);
        snprintf(texts[i], sizeof(texts[i]), i < 49 ? "!include i%d\n!include i%d\n" : "# %d %d\n", i + 1,
                 i + 1);
        files[4 + i] = (struct memory_file){paths[i], texts[i]};
    }
    expect_error(files, POLICY_ERROR_LOAD, "too many files");
}

static void test_inputs_are_told(void **state)
{
    const struct memory_file files[] = {
        DIRS, {"/etc/a.policy", "!include include/one\n"}, {"/etc/include/one", ""}, {NULL, NULL}};
    static const char *const expected[] = {"/run", "/etc", "/etc/a.policy", "/etc/include/one"};
    struct policy_error error;
    struct policy *policy = memory_load(files, &error);

    (void)state;
    assert_non_null(policy);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(policy_input(policy, i), expected[i]);
    assert_null(policy_input(policy, 4));
    policy_free(policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_and_hiding),     cmocka_unit_test(test_ignored_files),
        cmocka_unit_test(test_bad_name_refuses_all), cmocka_unit_test(test_includes),
        cmocka_unit_test(test_include_service),      cmocka_unit_test(test_old_directory),
        cmocka_unit_test(test_old_errors),           cmocka_unit_test(test_endless_includes),
        cmocka_unit_test(test_exploding_includes),   cmocka_unit_test(test_inputs_are_told),
    };

    return cmocka_run_group_tests_name("policy_load", tests, NULL, NULL);
}
