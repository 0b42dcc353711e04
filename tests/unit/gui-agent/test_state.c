/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The window table, the queue of outgoing messages, buffer sizes, the monitor layout's text. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "buffer.h"
#include "layout-parse.h"
#include "out-queue.h"
#include "window.h"

static void remove_all(struct window *win, void *context)
{
    window_remove(context, win);
}

static bool is_odd(const struct window *win)
{
    return win->id & 1;
}

static void windows_are_found(void **state)
{
    struct window_table table = {0};

    (void)state;
    for (uint32_t id = 0x200000; id < 0x200000 + 1000; id++)
        assert_non_null(window_add(&table, id));
    assert_int_equal(table.count, 1000);
    assert_int_equal(window_find(&table, 0x200123)->id, 0x200123);
    assert_null(window_find(&table, 0x400123));
    assert_int_equal(window_count_if(&table, is_odd), 500);
    window_remove(&table, window_find(&table, 0x200123));
    assert_null(window_find(&table, 0x200123));
    assert_int_equal(window_find(&table, 0x200124)->id, 0x200124);
    window_each(&table, remove_all, &table);
    assert_int_equal(table.count, 0);
}

static void expect_next(struct window *win, void *context)
{
    uint32_t *expected = context;

    assert_int_equal(win->id, *expected);
    *expected += win->id == 2 ? 2 : 1; /* 3 is removed below */
}

static void windows_keep_their_order(void **state)
{
    struct window_table table = {0};
    uint32_t expected = 1;

    (void)state;
    for (uint32_t id = 0; id < 600; id++)
        assert_non_null(window_add(&table, id));
    window_remove(&table, window_find(&table, 0));
    window_remove(&table, window_find(&table, 3));
    window_remove(&table, window_find(&table, 599));
    window_each(&table, expect_next, &expected);
    assert_int_equal(expected, 599);
    window_each(&table, remove_all, &table);
    assert_null(table.first);
    assert_null(table.last);
}

static void buried_ids_wait_for_release(void **state)
{
    struct window_table table = {0};

    (void)state;
    for (uint32_t id = 1; id <= 100; id++)
        assert_int_equal(window_bury(&table, id), 0);
    assert_true(window_buried(&table, 50));
    window_release(&table, 50);
    assert_false(window_buried(&table, 50));
    assert_true(window_buried(&table, 100));
    window_release(&table, 50); /* not there: nothing happens */
    window_release_all(&table);
    assert_false(window_buried(&table, 100));
}

static void queue_keeps_the_order(void **state)
{
    struct out_queue queue = {0};
    const uint8_t *bytes;
    uint32_t next = 0, seen = 0, value;

    (void)state;
    srand(2);
    for (int round = 0; round < 2000; round++) {
        for (int n = rand() % 20; n > 0; n--, next++)
            assert_int_equal(out_queue_add(&queue, &next, sizeof(next)), 0);
        for (int n = rand() % 25; n > 0 && out_queue_bytes(&queue); n--, seen++) {
            assert_true(out_queue_peek(&queue, &bytes) >= sizeof(value));
            memcpy(&value, bytes, sizeof(value));
            assert_int_equal(value, seen);
            out_queue_consume(&queue, sizeof(value));
        }
    }
    assert_int_equal(out_queue_bytes(&queue), (next - seen) * sizeof(value));
    out_queue_reset(&queue);
    assert_int_equal(out_queue_peek(&queue, &bytes), 0);
}

static void queue_builds_messages(void **state)
{
    struct out_queue queue = {0};
    const uint8_t *bytes;
    const uint32_t body[] = {7, 8}, more[] = {9};
    const uint32_t wire[] = {147, 0x1234, 12, 7, 8, 9};

    (void)state;
    assert_int_equal(out_queue_message(&queue, 147, 0x1234, body, 8, more, 4), 0);
    assert_int_equal(out_queue_peek(&queue, &bytes), sizeof(wire));
    assert_memory_equal(bytes, wire, sizeof(wire));
    out_queue_reset(&queue);
    assert_int_equal(out_queue_message(&queue, 131, 5, NULL, 0, NULL, 0), 0);
    assert_int_equal(out_queue_bytes(&queue), 12);
    out_queue_reset(&queue);
}

static void buffers_have_slack(void **state)
{
    (void)state;
    assert_int_equal(buffer_round_up(1), 1);
    assert_int_equal(buffer_round_up(128), 128);
    assert_int_equal(buffer_round_up(129), 256);
    assert_int_equal(buffer_round_up(GUI_MAX_GRANTS), GUI_MAX_GRANTS);
    assert_true(buffer_round_up(GUI_MAX_GRANTS - 1) <= GUI_MAX_GRANTS);
    assert_true(buffer_fits(256, 200));
    assert_false(buffer_fits(100, 200));
    assert_false(buffer_fits(0, 1));
    assert_false(buffer_fits(10000, 10)); /* too much to waste on a tooltip */
}

static int parse(const char *text, struct layout *layout)
{
    return layout_parse(text, strlen(text), layout);
}

static void layouts_are_read(void **state)
{
    struct layout layout;

    (void)state;
    assert_int_equal(parse("1920 1080 0 0\n", &layout), 0);
    assert_int_equal(layout.count, 1);
    assert_int_equal(layout.width, 1920);
    assert_int_equal(layout.monitors[0].mm_width, 508);
    assert_int_equal(parse("1920 1080 0 200 520 290\n1280 1024 1920 0 380 300", &layout), 0);
    assert_int_equal(layout.count, 2);
    assert_int_equal(layout.width, 3200);
    assert_int_equal(layout.height, 1280);
    assert_int_equal(layout.monitors[1].area.x, 1920);
    assert_int_equal(layout.monitors[0].mm_height, 290);
}

static void bad_layouts_are_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "\n\n",
        "1920 1080",
        "1920 1080 0 0 5",
        "0 100 0 0",
        "1920 1080 -5 0",
        "a b c d",
        "1 2 3 4 5 6 7",
        "99999999999 1 0 0",
        "16000 100 1000 0",
        "100 6000 0 200",
        "1920x1080 0 0",
    };
    struct layout layout;
    char many[1024] = "";

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(parse(bad[i], &layout), -EINVAL);
    for (int i = 0; i <= LAYOUT_MAX_MONITORS; i++)
        snprintf(many + strlen(many), sizeof(many) - strlen(many), "10 10 %d 0\n", 10 * i);
    assert_int_equal(parse(many, &layout), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_are_found),
        cmocka_unit_test(windows_keep_their_order),
        cmocka_unit_test(buried_ids_wait_for_release),
        cmocka_unit_test(queue_keeps_the_order),
        cmocka_unit_test(queue_builds_messages),
        cmocka_unit_test(buffers_have_slack),
        cmocka_unit_test(layouts_are_read),
        cmocka_unit_test(bad_layouts_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
