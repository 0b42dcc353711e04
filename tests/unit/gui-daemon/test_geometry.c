/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "check.h"

#include "../../../gui-common/gui-protocol.h"
#include "../../../gui-daemon/geometry.h"

/* A 1000 x 800 screen with a panel of 30 pixels at the top. */
static const struct rect work = {0, 30, 1000, 770};

static void sizes_out_of_range_are_violations(void **state)
{
    struct rect r;

    (void)state;
    assert_true(geometry_valid(0, 0, 1, 1, &r));
    assert_true(geometry_valid(0, 0, GUI_MAX_WIDTH, GUI_MAX_HEIGHT, &r));
    assert_false(geometry_valid(0, 0, 0, 1, &r));
    assert_false(geometry_valid(0, 0, 1, 0, &r));
    assert_false(geometry_valid(0, 0, GUI_MAX_WIDTH + 1, 1, &r));
    assert_false(geometry_valid(0, 0, 1, GUI_MAX_HEIGHT + 1, &r));
    assert_false(geometry_valid(0, 0, UINT32_MAX, 1, &r));
}

static void positions_are_clamped(void **state)
{
    struct rect r;

    (void)state;
    assert_true(geometry_valid(INT32_MIN, INT32_MAX, 5, 6, &r));
    assert_int_equal(r.x, -GUI_MAX_WIDTH);
    assert_int_equal(r.y, GUI_MAX_HEIGHT);
}

static void intersection(void **state)
{
    struct rect out, a = {0, 0, 10, 10}, b = {5, 6, 10, 10}, c = {10, 0, 5, 5};

    (void)state;
    assert_true(rect_intersect(&a, &b, &out));
    assert_true(rect_equal(&out, &(struct rect){5, 6, 5, 4}));
    assert_false(rect_intersect(&a, &c, &out));
    assert_int_equal(out.w, 0);
}

/* A menu belongs to the monitor that most of it is on. */
static void monitors(void **state)
{
    static const struct rect m[] = {{0, 0, 640, 800}, {640, 0, 640, 800}, {0, 800, 1280, 400}};

    (void)state;
    assert_int_equal(rect_best(m, 3, &(struct rect){500, 300, 200, 100}), 0);
    assert_int_equal(rect_best(m, 3, &(struct rect){600, 300, 200, 100}), 1);
    assert_int_equal(rect_best(m, 3, &(struct rect){600, 790, 200, 100}), 2);
    assert_int_equal(rect_best(m, 3, &(struct rect){-900, 0, 10, 10}), 0);
    assert_int_equal(rect_best(m, 3, &(struct rect){-16384, -6144, 16384, 6144}), 0);
}

static void frame_round_trip(void **state)
{
    struct rect content = {100, 200, 300, 400};

    (void)state;
    for (uint32_t scale = GUI_SCALE_MIN; scale <= GUI_SCALE_MAX; scale += 15) {
        for (int kind = FRAME_NORMAL; kind <= FRAME_TRAY; kind++) {
            struct frame_style style = {(enum frame_kind)kind, scale};
            struct rect outer = frame_outer(style, &content), back = frame_content(style, &outer);

            assert_true(rect_equal(&content, &back));
            assert_true(frame_border(style) >= 1);
        }
    }
}

static void every_window_has_a_border(void **state)
{
    const struct frame_style normal = {FRAME_NORMAL, GUI_SCALE_ONE}, large = {FRAME_NORMAL, 180};

    (void)state;
    assert_int_equal(frame_border(normal), FRAME_BORDER);
    assert_int_equal(frame_top(normal), FRAME_HEADER);
    assert_int_equal(frame_border((struct frame_style){FRAME_FULLSCREEN, GUI_SCALE_ONE}), FRAME_BORDER);
    assert_int_equal(frame_border((struct frame_style){FRAME_POPUP, GUI_SCALE_ONE}), FRAME_POPUP_BORDER);
    assert_int_equal(frame_border(large), 6);
    assert_int_equal(frame_top(large), 39);
    assert_int_equal(frame_border((struct frame_style){FRAME_TRAY, GUI_SCALE_MIN}), 1);
}

static const struct zoom zooms[] = {{1, 1}, {2, 1}, {180, 120}, {120, 180}, {1, 2}, {600, 60}, {60, 600}};
#define ZOOMS (sizeof(zooms) / sizeof(zooms[0]))

static void zoomed_windows(void **state)
{
    const struct zoom twice = {240, 120}, half = {120, 240};
    const struct rect guest = {-3, 50, 301, 200}, screen = {-7, 101, 603, 401};
    struct rect r;

    (void)state;
    r = zoom_to_screen(twice, &guest);
    assert_true(rect_equal(&r, &(struct rect){-6, 100, 602, 400}));
    r = zoom_to_guest(twice, &screen);
    assert_true(rect_equal(&r, &(struct rect){-4, 50, 302, 201}));
    r = zoom_to_screen(half, &guest);
    assert_true(rect_equal(&r, &(struct rect){-2, 25, 150, 100}));
    r = zoom_to_screen((struct zoom){600, 60}, &(struct rect){16384, -6144, 16384, 6144});
    assert_true(rect_equal(&r, &(struct rect){16384, -6144, 16384, 6144}));
    assert_int_equal(zoom_point(twice, 301), 150);
    assert_int_equal(zoom_length(half, 301), 150);
}

/* Whatever size the user gives a window, the guest has pixels for all of it, and damage reaches each one. */
static void zoomed_content_covers(void **state)
{
    (void)state;
    for (size_t i = 0; i < ZOOMS; i++) {
        for (int size = 1; size < 600; size++) {
            struct rect guest = zoom_to_guest(zooms[i], &(struct rect){0, 0, size, size});
            struct rect shown = zoom_to_screen(zooms[i], &guest);
            struct rect damage = zoom_damage(zooms[i], &(struct rect){0, 0, guest.w, guest.h});

            assert_true(shown.w >= size && shown.h >= size);
            assert_true(damage.x <= 0 && damage.x + damage.w >= shown.w);
        }
    }
}

/* Wherever a menu wants to be, its border ends inside the work area and never on the panel. */
static void popups_stay_in_the_work_area(void **state)
{
    static const int at[] = {-20000, -5, 0, 1, 29, 500, 799, 999, 20000}, size[] = {1, 50, 800, 1000, 16384};

    (void)state;
    for (size_t i = 0; i < 9 * 9 * 5 * 5 * ZOOMS; i++) {
        struct rect r = {at[i % 9], at[i / 9 % 9], size[i / 81 % 5], size[i / 405 % 5]}, outer;
        const struct frame_style style = {FRAME_POPUP, i % 2 ? GUI_SCALE_ONE : 2 * GUI_SCALE_ONE};
        struct zoom zoom = zooms[i / 2025];

        popup_constrain(&r, zoom, &work, style.scale);
        r = zoom_to_screen(zoom, &r);
        outer = frame_outer(style, &r);
        assert_true(outer.x >= work.x && outer.y >= work.y);
        assert_true(outer.x + outer.w <= work.x + work.w && outer.y + outer.h <= work.y + work.h);
    }
}

static void popups_that_fit_stay(void **state)
{
    struct rect r = {100, 100, 200, 300};

    (void)state;
    assert_false(popup_constrain(&r, (struct zoom){1, 1}, &work, GUI_SCALE_ONE));
    assert_true(rect_equal(&r, &(struct rect){100, 100, 200, 300}));
}

static void tiny_work_area_does_no_harm(void **state)
{
    struct rect r = {0, 0, 100, 100}, tiny = {5, 5, 1, 1};

    (void)state;
    popup_constrain(&r, (struct zoom){1, 1}, &tiny, GUI_SCALE_ONE);
    assert_int_equal(r.w, 1);
    assert_int_equal(r.h, 1);
}

static void large_popups_are_found(void **state)
{
    (void)state;
    assert_true(popup_too_large(&work, &work));
    assert_true(popup_too_large(&(struct rect){0, 0, 16384, 6144}, &work));
    assert_false(popup_too_large(&(struct rect){0, 0, 900, 770}, &work));
    assert_true(popup_too_large(&(struct rect){0, 0, 901, 770}, &work));
}

static void headers_stay_reachable(void **state)
{
    struct rect r = {-5000, -5000, 300, 200};

    (void)state;
    toplevel_constrain(&r, (struct zoom){1, 1}, &work, GUI_SCALE_ONE);
    assert_true(r.x + r.w >= 64);
    assert_int_equal(r.y, work.y + FRAME_HEADER);
    r = (struct rect){5000, 5000, 300, 200};
    toplevel_constrain(&r, (struct zoom){1, 1}, &work, GUI_SCALE_ONE);
    assert_true(r.x <= 1000 - 64);
    assert_true(r.y - FRAME_HEADER < work.y + work.h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_out_of_range_are_violations),
        cmocka_unit_test(positions_are_clamped),
        cmocka_unit_test(intersection),
        cmocka_unit_test(monitors),
        cmocka_unit_test(frame_round_trip),
        cmocka_unit_test(every_window_has_a_border),
        cmocka_unit_test(zoomed_windows),
        cmocka_unit_test(zoomed_content_covers),
        cmocka_unit_test(popups_stay_in_the_work_area),
        cmocka_unit_test(popups_that_fit_stay),
        cmocka_unit_test(tiny_work_area_does_no_harm),
        cmocka_unit_test(large_popups_are_found),
        cmocka_unit_test(headers_stay_reachable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
