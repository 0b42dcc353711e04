/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The screen console over memory of exactly the framebuffer's size, with a font whose glyphs tell their
 * letter. */
#include "hvtest.h"
#include "bh/console.h"
#include "bh/lib.h"
#include "bh/mm.h"

#define ADDRESS     0x1000u
#define TEXT_MEMORY 0xb8000u

uint8_t font_glyphs[95][16];
static uint8_t *mapped; /* what screen_map() gets */

void *map_framebuffer(paddr_t pa, size_t size)
{
    return mapped;
}

static void print(const char *s)
{
    while (*s)
        screen_putc(*s++);
}

/* The letter drawn at a cell, 0 if it is none. */
static char letter(const uint8_t *memory, const struct boot_framebuffer *fb, unsigned row, unsigned col)
{
    unsigned bytes = fb->bpp / 8u;
    uint8_t glyph[16] = {0};

    for (unsigned y = 0; y < 16; y++)
        for (unsigned x = 0; x < 8 * bytes; x++) {
            uint8_t v = memory[(row * 16 + y) * fb->pitch + col * 8 * bytes + x];

            assert_true(v == 0 || v == 0xff);
            if (v)
                glyph[y] |= (uint8_t)(0x80 >> x / bytes);
        }
    for (unsigned i = 0; i < 95; i++)
        if (!memcmp(glyph, font_glyphs[i], 16))
            return (char)(' ' + i);
    return 0;
}

static void check_line(const uint8_t *memory, const struct boot_framebuffer *fb, unsigned row,
                       const char *want)
{
    for (unsigned col = 0; col < fb->width / 8; col++)
        assert_int_equal(letter(memory, fb, row, col), *want ? *want++ : ' ');
}

static int setup(void **state)
{
    for (unsigned i = 1; i < 95; i++) /* the blank stays blank */
        for (unsigned y = 0; y < 16; y++)
            font_glyphs[i][y] = (uint8_t)(i + 16 * y);
    return 0;
}

static void pixels(void **state)
{
    for (uint8_t bpp = 16; bpp <= 32; bpp = (uint8_t)(bpp + 8)) {
        struct boot_info bi = {
            .fb = {ADDRESS, 100u * bpp / 8 + 4, 100, 60, bpp, FB_RGB, {16, 8, 8, 8, 0, 8}}};
        size_t size = bi.fb.pitch * bi.fb.height;
        uint8_t *memory = malloc(size);
        struct dom0_vga_console_info info;

        memset(memory, 0xaa, size);
        host_directmap_base = (uintptr_t)memory - ADDRESS;
        screen_init(&bi, true); /* 12 columns, 3 rows */
        for (size_t i = 0; i + 8 <= size; i++)
            assert_int_equal(memory[i], 0);
        print("One\ntwo lines of it\r\x7f");
        check_line(memory, &bi.fb, 0, "One");
        check_line(memory, &bi.fb, 1, "two lines of");
        check_line(memory, &bi.fb, 2, " it");
        print("\nend");
        check_line(memory, &bi.fb, 0, "two lines of");
        check_line(memory, &bi.fb, 1, " it");
        check_line(memory, &bi.fb, 2, "end");
        mapped = memory;
        screen_map();
        print("!");
        check_line(memory, &bi.fb, 2, "end!");
        assert_true(screen_describe(&info));
        assert_int_equal(info.video_type, XEN_VGATYPE_VESA_LFB);
        assert_int_equal(info.u.vesa_lfb.width, 100);
        assert_int_equal(info.u.vesa_lfb.bits_per_pixel, bpp);
        assert_int_equal(info.u.vesa_lfb.lfb_base, ADDRESS);
        assert_int_equal(info.u.vesa_lfb.red_pos, 16);
        assert_int_equal(info.u.vesa_lfb.blue_size, 8);
        free(memory);
    }
}

/* Above 4 GiB it cannot be reached before screen_map(), which then shows what came meanwhile. */
static void far_away(void **state)
{
    struct boot_info bi = {.fb = {BIT(33), 320, 80, 32, 32, FB_RGB, {0}}, .efi = true};
    struct dom0_vga_console_info info;

    screen_init(&bi, true);
    print("early");
    mapped = calloc(32, 320);
    screen_map();
    check_line(mapped, &bi.fb, 0, "early");
    assert_true(screen_describe(&info));
    assert_int_equal(info.video_type, XEN_VGATYPE_EFI_LFB);
    assert_int_equal(info.u.vesa_lfb.ext_lfb_base, 2);
    free(mapped);
}

static void text(void **state)
{
    struct boot_info bi = {.fb = {.type = FB_NONE}};
    uint16_t *memory = calloc(80 * 25, 2);
    struct dom0_vga_console_info info;

    host_directmap_base = (uintptr_t)memory - TEXT_MEMORY;
    screen_init(&bi, true);
    assert_int_equal(memory[80 * 25 - 1], 0x0720);
    for (unsigned i = 0; i < 25; i++)
        print("line\n");
    assert_int_equal(memory[23 * 80], 0x0700 | 'l');
    assert_int_equal(memory[24 * 80], 0x0720);
    assert_true(screen_describe(&info));
    assert_int_equal(info.video_type, XEN_VGATYPE_TEXT_MODE_3);
    assert_int_equal(info.u.text_mode_3.rows, 25);
    free(memory);
}

static void unusable(void **state)
{
    static const struct boot_framebuffer bad[] = {
        {ADDRESS, 800, 800, 600, 8, FB_RGB, {0}},             /* a palette */
        {ADDRESS, 3199, 800, 600, 32, FB_RGB, {0}},           /* lines overlap */
        {ADDRESS, 400000, 100000, 600, 32, FB_RGB, {0}},      /* too wide */
        {ADDRESS, 0xfffffff0, 800, 600, 32, FB_RGB, {0}},     /* too large */
        {UINT64_MAX - 4096, 3200, 800, 600, 32, FB_RGB, {0}}, /* wraps */
        {0xa0000, 160, 80, 25, 16, FB_TEXT, {0}},             /* not VGA's place */
        {TEXT_MEMORY, 160, 400, 25, 16, FB_TEXT, {0}},        /* no text mode is so wide */
        {.type = FB_NONE},                                    /* EFI without a framebuffer */
    };
    struct dom0_vga_console_info info;

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct boot_info bi = {.fb = bad[i], .efi = true};

        host_directmap_base = 0;
        screen_init(&bi, true);
        screen_map();
        print("nothing\n");
        assert_false(screen_describe(&info));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pixels),
        cmocka_unit_test(far_away),
        cmocka_unit_test(text),
        cmocka_unit_test(unusable),
    };

    return cmocka_run_group_tests_name("screen", tests, setup, NULL);
}
