/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "convert.h"
#include "keymap.h"
#include "xsettings.h"

static void size_hints_are_taken(void **state)
{
    /* flags, x, y, w, h, min, max, inc, aspect (4), base, gravity: what xterm writes */
    const uint32_t words[SIZE_HINTS_WORDS] = {
        16 | 64 | 256, 0, 0, 0, 0, 10, 17, 0, 0, 6, 13, 0, 0, 0, 0, 4, 4, 0};
    struct gui_msg_window_hints hints;

    (void)state;
    convert_size_hints(words, SIZE_HINTS_WORDS, &hints);
    assert_int_equal(hints.flags, 16 | 64 | 256);
    assert_int_equal(hints.min_width, 10);
    assert_int_equal(hints.height_inc, 13);
    assert_int_equal(hints.base_height, 4);
}

static void size_hints_out_of_range_are_dropped(void **state)
{
    const uint32_t words[SIZE_HINTS_WORDS] = {0xffffffff, 0, 0, 0, 0, 99999, 5, 0x7fffffff, 0x7fffffff, 0, 0};
    struct gui_msg_window_hints hints;

    (void)state;
    convert_size_hints(words, SIZE_HINTS_WORDS, &hints);
    assert_false(hints.flags & GUI_HINT_MIN_SIZE);
    assert_false(hints.flags & GUI_HINT_RESIZE_INC); /* zero steps */
    assert_true(hints.flags & GUI_HINT_MAX_SIZE);    /* "no limit" becomes the protocol's */
    assert_int_equal(hints.max_width, GUI_MAX_WIDTH);
    assert_int_equal(hints.max_height, GUI_MAX_HEIGHT);
    assert_false(hints.flags & ~(uint32_t)GUI_HINT_ALL);
}

static void short_size_hints(void **state)
{
    const uint32_t words[SIZE_HINTS_WORDS_OLD] = {16 | 256, 0, 0, 0, 0, 7, 8};
    struct gui_msg_window_hints hints;

    (void)state;
    convert_size_hints(words, SIZE_HINTS_WORDS_OLD, &hints);
    assert_int_equal(hints.flags, 16); /* no base size in the old form */
    convert_size_hints(words, 3, &hints);
    assert_int_equal(hints.flags, 0);
}

static void titles_are_cut_between_characters(void **state)
{
    struct gui_msg_wmname name;
    char title[200];

    (void)state;
    memset(title, 'a', sizeof(title));
    memcpy(title + 125, "\xe2\x82\xac", 3); /* would end at byte 128: does not fit with the NUL */
    convert_title(title, sizeof(title), &name);
    assert_int_equal(strlen(name.data), 125);
    memcpy(title + 124,
           "\xe2\x82\xac"
           "a",
           4); /* fits exactly */
    convert_title(title, sizeof(title), &name);
    assert_int_equal(strlen(name.data), 127);
    convert_title("", 0, &name);
    assert_string_equal(name.data, "");
    memset(title, 0x80, sizeof(title)); /* not UTF-8 at all */
    convert_title(title, sizeof(title), &name);
    assert_int_equal(strlen(name.data), 0);
}

static void class_has_two_strings(void **state)
{
    struct gui_msg_wmclass class;

    (void)state;
    convert_class("xterm\0XTerm\0", 12, &class);
    assert_string_equal(class.res_name, "xterm");
    assert_string_equal(class.res_class, "XTerm");
    convert_class("alone", 5, &class);
    assert_string_equal(class.res_name, "alone");
    assert_string_equal(class.res_class, "");
    convert_class("", 0, &class);
    assert_string_equal(class.res_name, "");
}

static void long_class_is_cut(void **state)
{
    char property[300];
    struct gui_msg_wmclass class;

    (void)state;
    memset(property, 'x', sizeof(property));
    property[150] = 0;
    convert_class(property, sizeof(property), &class);
    assert_int_equal(strlen(class.res_name), 63);
    assert_int_equal(strlen(class.res_class), 63);
}

static void latin1_becomes_utf8(void **state)
{
    char out[8];

    (void)state;
    assert_int_equal(convert_latin1("a\xe9", 2, out), 3);
    assert_memory_equal(out, "a\xc3\xa9", 3);
}

static void icon_nearest_to_48_is_taken(void **state)
{
    static uint32_t words[2 + 16 * 16 + 2 + 64 * 64 + 2 + 200 * 200];
    struct gui_msg_window_icon icon;
    const uint32_t *pixels;
    size_t second = 2 + 16 * 16, third = second + 2 + 64 * 64, all = third + 2 + 200 * 200;

    (void)state;
    words[0] = words[1] = 16;
    words[second] = words[second + 1] = 64;
    words[third] = words[third + 1] = 200;
    assert_true(convert_icon(words, all, &icon, &pixels));
    assert_int_equal(icon.width, 64);
    assert_ptr_equal(pixels, words + second + 2);
    assert_true(convert_icon(words, third - 1, &icon, &pixels)); /* the second one is cut off */
    assert_int_equal(icon.width, 16);
    assert_false(convert_icon(words, 17, &icon, &pixels));
    assert_false(convert_icon(words + third, all - third, &icon, &pixels)); /* only a large one */
    words[0] = words[1] = 0xffffffff;
    assert_false(convert_icon(words, all, &icon, &pixels));
    words[0] = 0;
    assert_false(convert_icon(words, all, &icon, &pixels));
    assert_false(convert_icon(words, 0, &icon, &pixels));
}

static void geometry_is_clamped(void **state)
{
    struct rect r = convert_clamp((struct rect){-100000, 100000, 0, 100000});

    (void)state;
    assert_int_equal(r.x, -GUI_MAX_WIDTH);
    assert_int_equal(r.y, GUI_MAX_HEIGHT);
    assert_int_equal(r.width, 1);
    assert_int_equal(r.height, GUI_MAX_HEIGHT);
}

static void cursors_have_valid_numbers(void **state)
{
    static const char *const names[] = {"text", "hand2", "fleur", "sb_v_double_arrow", "X_cursor", "watch"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        uint32_t cursor = convert_cursor_name(names[i], strlen(names[i]));

        assert_in_range(cursor, GUI_CURSOR_X11, GUI_CURSOR_X11_MAX - 1);
        assert_int_equal(cursor % 2, 0);
    }
    assert_int_equal(convert_cursor_name("text", 4), GUI_CURSOR_X11 + 152);
    assert_int_equal(convert_cursor_name("left_ptr", 8), GUI_CURSOR_DEFAULT);
    assert_int_equal(convert_cursor_name("tex", 3), GUI_CURSOR_DEFAULT);
    assert_int_equal(convert_cursor_name("", 0), GUI_CURSOR_DEFAULT);
}

static void keymap_follows(void **state)
{
    uint8_t ours[32] = {0}, theirs[32] = {0}, modifiers[32] = {0};

    (void)state;
    keymap_set(ours, 38, true);
    keymap_set(theirs, 39, true);
    keymap_set(theirs, 50, true);
    keymap_set(modifiers, 50, true);
    assert_int_equal(keymap_compare(ours, theirs, modifiers, 38), KEYMAP_RELEASE);
    assert_int_equal(keymap_compare(ours, theirs, modifiers, 39), KEYMAP_SAME); /* a letter: not typed */
    assert_int_equal(keymap_compare(ours, theirs, modifiers, 50), KEYMAP_PRESS);
    keymap_set(ours, 38, false);
    assert_false(keymap_get(ours, 38));
    keymap_set(ours, 255, true);
    assert_true(keymap_get(ours, 255));
}

static void settings_have_the_right_bytes(void **state)
{
    static const uint8_t expected[] = {0,   0,   0,   0,   7,   0,   0,   0, 1, 0, 0, 0, 0, 0,  7, 0,
                                       'X', 'f', 't', '/', 'D', 'P', 'I', 0, 7, 0, 0, 0, 0, 64, 2, 0};
    uint8_t out[XSETTINGS_MAX];

    (void)state;
    assert_int_equal(xsettings_build(7, 180, out), sizeof(expected)); /* 144 dots an inch: 0x24000 */
    assert_memory_equal(out, expected, sizeof(expected));
}

static void resources_get_one_dpi_line(void **state)
{
    static const char old[] = "a: 1\nXft.dpi:\t96\nXft.dpix: 5\nb: 2";
    char out[100];
    size_t n = xsettings_resources(old, strlen(old), 240, out, strlen(old) + 32);

    (void)state;
    out[n] = 0;
    assert_string_equal(out, "a: 1\nXft.dpix: 5\nb: 2\nXft.dpi:\t192\n");
    n = xsettings_resources("", 0, 120, out, 32);
    out[n] = 0;
    assert_string_equal(out, "Xft.dpi:\t96\n");
    assert_int_equal(xsettings_resources(old, strlen(old), 240, out, 10), 0);
    assert_int_equal(xsettings_resources("", 0, 240, out, 5), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(size_hints_are_taken),
        cmocka_unit_test(size_hints_out_of_range_are_dropped),
        cmocka_unit_test(short_size_hints),
        cmocka_unit_test(titles_are_cut_between_characters),
        cmocka_unit_test(class_has_two_strings),
        cmocka_unit_test(long_class_is_cut),
        cmocka_unit_test(latin1_becomes_utf8),
        cmocka_unit_test(icon_nearest_to_48_is_taken),
        cmocka_unit_test(geometry_is_clamped),
        cmocka_unit_test(cursors_have_valid_numbers),
        cmocka_unit_test(keymap_follows),
        cmocka_unit_test(settings_have_the_right_bytes),
        cmocka_unit_test(resources_get_one_dpi_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
