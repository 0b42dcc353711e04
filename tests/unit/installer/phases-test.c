/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unit tests of the runner's pure parts: phases read from serial output, answers of QMP. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../../installer/run/phases.h"
#include "../../../installer/run/qmp.h"

struct seen {
    unsigned int count;
    char last[PHASE_NAME_MAX];
    char rest[64];
};

static void note(void *context, struct phase *phase, const char *rest)
{
    struct seen *seen = context;

    seen->count++;
    snprintf(seen->last, sizeof(seen->last), "%s", phase->name);
    snprintf(seen->rest, sizeof(seen->rest), "%s", rest);
}

static void feed(struct phases *phases, struct seen *seen, const char *text, double seconds)
{
    phases_feed(phases, text, strlen(text), seconds, note, seen);
}

static void test_marker(void **state)
{
    struct phases phases = {.count = 0};
    struct seen seen = {.count = 0};

    (void)state;
    feed(&phases, &seen, "noise\n[  1.0] BULKHEAD-PHASE desktop\r\n", 4.5);
    assert_int_equal(seen.count, 1);
    assert_string_equal(seen.last, "desktop");
    assert_true(phases_reached(&phases, "desktop"));
    assert_false(phases_reached(&phases, "done"));
    feed(&phases, &seen, "BULKHEAD-PHASE failed no such domain\n", 5);
    assert_string_equal(seen.rest, " no such domain");
}

static void test_marker_in_pieces(void **state)
{
    struct phases phases = {.count = 0};
    struct seen seen = {.count = 0};

    (void)state;
    feed(&phases, &seen, "BULKHEAD-PH", 1);
    feed(&phases, &seen, "ASE one", 2);
    assert_int_equal(seen.count, 0);
    feed(&phases, &seen, "\n", 3);
    assert_string_equal(seen.last, "one");
    assert_true(phases.list[0].seconds > 2.9);
}

static void test_first_lines_count_once(void **state)
{
    struct phases phases = {.count = 0};
    struct seen seen = {.count = 0};

    (void)state;
    feed(&phases, &seen, "(XEN) Xen version 4.17\n[0] Linux version 6.1\n[0] Linux version 6.1\n", 1);
    assert_int_equal(seen.count, 2);
    assert_string_equal(seen.last, "dom0-kernel");
}

/* A hostile or broken guest may write anything: long lines, NULs, endless phases. */
static void test_floods_are_bounded(void **state)
{
    static char noise[5000];
    struct phases phases = {.count = 0};
    struct seen seen = {.count = 0};
    char line[64];

    (void)state;
    memset(noise, 'x', sizeof(noise));
    phases_feed(&phases, noise, sizeof(noise), 1, note, &seen);
    phases_feed(&phases, "\0\n", 2, 1, note, &seen);
    for (int i = 0; i < 3 * PHASES_MAX; i++) {
        snprintf(line, sizeof(line), "BULKHEAD-PHASE p%d\n", i);
        feed(&phases, &seen, line, 1);
    }
    assert_int_equal(phases.count, PHASES_MAX);
    assert_int_equal(seen.count, PHASES_MAX);
}

static void test_qmp_string(void **state)
{
    const char *answer = "{\"return\": {\"host\": \"127.0.0.1\", \"service\": \"5901\"}}";
    char value[16], tiny[3];

    (void)state;
    assert_int_equal(qmp_string(answer, "service", value, sizeof(value)), 0);
    assert_string_equal(value, "5901");
    assert_int_equal(qmp_string(answer, "service", tiny, sizeof(tiny)), 0);
    assert_string_equal(tiny, "59");
    assert_true(qmp_string(answer, "port", value, sizeof(value)) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_marker),
        cmocka_unit_test(test_marker_in_pieces),
        cmocka_unit_test(test_first_lines_count_once),
        cmocka_unit_test(test_floods_are_bounded),
        cmocka_unit_test(test_qmp_string),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
