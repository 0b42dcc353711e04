/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configuration lines of bind-dirs. */
#include "bind_dirs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct bind_dirs parse(const char *const *lines)
{
    struct bind_dirs dirs = {.count = 0};
    for (; *lines; lines++)
        bind_dirs_parse_line(&dirs, *lines);
    return dirs;
}

#define PARSE(...) parse((const char *const[]){__VA_ARGS__, NULL})

static void paths_are_taken(void **state)
{
    struct bind_dirs d =
        PARSE("binds+=( '/var/lib/tor' )\n", "  binds+=(\"/etc/my hosts\" /opt/x)\n", "# binds+=( '/no' )\n");
    (void)state;
    assert_int_equal(d.count, 3);
    assert_string_equal(d.path[0], "/var/lib/tor");
    assert_string_equal(d.path[1], "/etc/my hosts");
    assert_string_equal(d.path[2], "/opt/x");
}

static void an_assignment_forgets(void **state)
{
    struct bind_dirs d = PARSE("binds+=( '/a/b' '/c' )", "binds=( '/d' )");
    (void)state;
    assert_int_equal(d.count, 1);
    assert_string_equal(d.path[0], "/d");
    d = PARSE("binds+=( '/a' )", "binds=()");
    assert_int_equal(d.count, 0);
}

static void bad_paths_are_left_out(void **state)
{
    char longest[BIND_DIRS_PATH + 40];
    (void)state;
    memset(longest, 'x', sizeof(longest));
    memcpy(longest, "binds+=( /", 10);
    longest[sizeof(longest) - 1] = '\0';
    struct bind_dirs d = PARSE("binds+=( 'relative' / /a/../b /.. /c/ )", longest, "binds+=( '/unterminated",
                               "binds +=( /x )", "bindsx+=( /x )", "binds+=", "binds", "");
    assert_int_equal(d.count, 1);
    assert_string_equal(d.path[0], "/unterminated");
}

static void there_is_an_end(void **state)
{
    struct bind_dirs d = {.count = 0};
    (void)state;
    for (int i = 0; i < 2 * BIND_DIRS_MAX; i++)
        bind_dirs_parse_line(&d, "binds+=( /a /b )");
    assert_int_equal(d.count, BIND_DIRS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_taken),
        cmocka_unit_test(an_assignment_forgets),
        cmocka_unit_test(bad_paths_are_left_out),
        cmocka_unit_test(there_is_an_end),
    };
    return cmocka_run_group_tests_name("bind-dirs", tests, NULL, NULL);
}
