/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "check.h"

#include "../../../gui-daemon/tint.h"

static void black_and_white_stay(void **state)
{
    uint32_t p[] = {0xff000000, 0x00ffffff};

    (void)state;
    tint_pixels(p, 2, 0x3465a4);
    assert_int_equal(p[0], 0xff000000);
    assert_int_equal(p[1], 0x00ffffff);
}

/* Whatever a guest paints, a coloured pixel has the label's hue: its channels keep the label's order. */
static void hue_is_the_label(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < 0x1000000; c += 0x010307) {
        uint32_t p = c;

        tint_pixels(&p, 1, 0xcc4400);
        assert_true((p >> 16 & 0xff) >= (p >> 8 & 0xff));
        assert_true((p >> 8 & 0xff) >= (p & 0xff));
    }
}

static void middle_gray_becomes_the_label(void **state)
{
    uint32_t p = 0x808080;

    (void)state;
    tint_pixels(&p, 1, 0x73d216);
    assert_int_equal(p, 0x73d216);
}

static void background(void **state)
{
    uint32_t p[] = {0xaa112233, 0x112233, 0x112234};

    (void)state;
    tint_background(p, 3, 0xff112233, 0xcc0000);
    assert_int_equal(p[0], 0xaacc0000);
    assert_int_equal(p[1], 0x00cc0000);
    assert_int_equal(p[2], 0x00112234);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(black_and_white_stay),
        cmocka_unit_test(hue_is_the_label),
        cmocka_unit_test(middle_gray_becomes_the_label),
        cmocka_unit_test(background),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
