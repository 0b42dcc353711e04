/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "rect-list.h"

#define SIDE 64 /* of the field that random rectangles lie in */

static void clip_keeps_the_inside(void **state)
{
    struct rect r = {-5, 3, 20, 20};

    (void)state;
    assert_true(rect_clip(&r, 10, 10));
    assert_int_equal(r.x, 0);
    assert_int_equal(r.y, 3);
    assert_int_equal(r.width, 10);
    assert_int_equal(r.height, 7);
}

static void clip_refuses_the_outside(void **state)
{
    static const struct rect outside[] = {
        {10, 0, 5, 5}, {0, 10, 5, 5}, {-5, 0, 5, 5}, {0, 0, 0, 5}, {3, 3, 5, 0}};

    (void)state;
    for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++) {
        struct rect r = outside[i];

        assert_false(rect_clip(&r, 10, 10));
    }
}

static void clip_survives_extremes(void **state)
{
    struct rect r = {INT32_MIN, INT32_MIN, UINT32_MAX, UINT32_MAX};

    (void)state;
    assert_true(rect_clip(&r, 16384, 6144));
    assert_int_equal(r.x, 0);
    assert_int_equal(r.width, 16384);
    assert_int_equal(r.height, 6144);
}

static void neighbours_join(void **state)
{
    struct rect_list list = {0};

    (void)state;
    rect_list_add(&list, (struct rect){0, 0, 10, 10});
    rect_list_add(&list, (struct rect){10, 0, 10, 10});
    assert_int_equal(list.count, 1);
    assert_int_equal(rect_list_area(&list), 200);
}

static void far_ones_stay_apart(void **state)
{
    struct rect_list list = {0};

    (void)state;
    rect_list_add(&list, (struct rect){0, 0, 2, 2});
    rect_list_add(&list, (struct rect){1000, 1000, 2, 2});
    assert_int_equal(list.count, 2);
    assert_int_equal(rect_list_area(&list), 8);
}

static void joining_goes_on(void **state)
{
    struct rect_list list = {0};

    (void)state;
    rect_list_add(&list, (struct rect){0, 0, 10, 10});
    rect_list_add(&list, (struct rect){20, 0, 10, 10});
    rect_list_add(&list, (struct rect){10, 0, 10, 10}); /* closes the gap between both */
    assert_int_equal(list.count, 1);
    assert_int_equal(list.rects[0].width, 30);
}

static struct rect random_rect(void)
{
    struct rect r = {rand() % SIDE, rand() % SIDE, 0, 0};

    r.width = 1 + (uint32_t)(rand() % (SIDE - r.x));
    r.height = 1 + (uint32_t)(rand() % (SIDE - r.y));
    return r;
}

static void paint(uint8_t field[SIDE][SIDE], struct rect r)
{
    for (uint32_t y = 0; y < r.height; y++)
        memset(&field[(uint32_t)r.y + y][r.x], 1, r.width);
}

/* Whatever is added is covered, and the list never outgrows its array. */
static void random_damage_is_covered(void **state)
{
    (void)state;
    srand(1);
    for (int round = 0; round < 500; round++) {
        uint8_t want[SIDE][SIDE] = {{0}}, have[SIDE][SIDE] = {{0}};
        struct rect_list list = {0};

        for (int n = rand() % 40; n >= 0; n--) {
            struct rect r = random_rect();

            paint(want, r);
            rect_list_add(&list, r);
            assert_true(list.count <= RECT_LIST_MAX);
        }
        for (unsigned i = 0; i < list.count; i++)
            paint(have, list.rects[i]);
        for (int i = 0; i < SIDE * SIDE; i++)
            assert_true(((uint8_t *)have)[i] >= ((uint8_t *)want)[i]);
    }
}

static void list_clip_drops_what_is_outside(void **state)
{
    struct rect_list list = {0};

    (void)state;
    rect_list_add(&list, (struct rect){0, 0, 4, 4});
    rect_list_add(&list, (struct rect){100, 100, 4, 4});
    rect_list_clip(&list, 50, 50);
    assert_int_equal(list.count, 1);
    rect_list_clip(&list, 2, 2);
    assert_int_equal(rect_list_area(&list), 4);
    rect_list_clear(&list);
    assert_int_equal(list.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clip_keeps_the_inside),    cmocka_unit_test(clip_refuses_the_outside),
        cmocka_unit_test(clip_survives_extremes),   cmocka_unit_test(neighbours_join),
        cmocka_unit_test(far_ones_stay_apart),      cmocka_unit_test(joining_goes_on),
        cmocka_unit_test(random_damage_is_covered), cmocka_unit_test(list_clip_drops_what_is_outside),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
