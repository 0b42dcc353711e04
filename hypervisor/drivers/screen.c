/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The screen as a console until dom0 takes it: a grid of characters, shown in VGA's text memory or drawn with
 * an 8x16 font into the boot loader's framebuffer. The grid is kept, so that device memory is only written.
 */
#include "bh/console.h"
#include "bh/lib.h"
#include "bh/mm.h"
#include "bh/pio.h"

enum { MAX_COLS = 160, MAX_ROWS = 64, GLYPH_WIDTH = 8, GLYPH_HEIGHT = 16 };
enum { TEXT_COLS = 80, TEXT_ROWS = 25, TEXT_ATTR = 0x0700 };
#define TEXT_MEMORY 0xb8000u
#define PIXELS_MAX  BIT(28) /* bytes */

extern const uint8_t font_glyphs[][GLYPH_HEIGHT]; /* from ' ' to '~', one byte a row (drivers/font.S) */

static struct boot_framebuffer fb = {.type = FB_NONE};
static bool efi;
static volatile uint8_t *memory; /* NULL: not reachable yet */
static unsigned cols, rows, col, row;
static char cell[MAX_ROWS][MAX_COLS];

static uint64_t pixels_size(void)
{
    return (uint64_t)fb.pitch * fb.height;
}

static unsigned pixel_bytes(void)
{
    return fb.bpp / 8u;
}

/* Black and white are the same in every order of colours. */
static void draw_glyph(unsigned r, unsigned c, char ch)
{
    const uint8_t *glyph = font_glyphs[ch - ' '];
    volatile uint8_t *p = memory + (uint64_t)r * GLYPH_HEIGHT * fb.pitch + c * GLYPH_WIDTH * pixel_bytes();

    for (unsigned y = 0; y < GLYPH_HEIGHT; y++, p += fb.pitch)
        for (unsigned i = 0; i < GLYPH_WIDTH * pixel_bytes(); i++)
            p[i] = glyph[y] << i / pixel_bytes() & 0x80 ? 0xff : 0;
}

static void draw(unsigned r, unsigned c)
{
    if (fb.type == FB_RGB)
        draw_glyph(r, c, cell[r][c]);
    else
        ((volatile uint16_t *)memory)[r * cols + c] = (uint16_t)(TEXT_ATTR | cell[r][c]);
}

static void set_cell(unsigned r, unsigned c, char ch)
{
    if (cell[r][c] == ch)
        return;
    cell[r][c] = ch;
    if (memory)
        draw(r, c);
}

static bool usable(void)
{
    if (fb.type == FB_TEXT)
        return fb.addr == TEXT_MEMORY && fb.width <= MAX_COLS && fb.height <= MAX_ROWS;
    return fb.type == FB_RGB && (fb.bpp == 16 || fb.bpp == 24 || fb.bpp == 32) && fb.width <= UINT16_MAX &&
           fb.pitch >= fb.width * pixel_bytes() && pixels_size() <= PIXELS_MAX &&
           fb.addr < fb.addr + pixels_size();
}

void screen_init(const struct boot_info *bi, bool use)
{
    unsigned width, height;

    fb = bi->fb;
    efi = bi->efi;
    memory = NULL;
    cols = rows = col = row = 0;
    memset(cell, 0, sizeof(cell));
    if (fb.type == FB_NONE && !efi) /* a loader that says nothing leaves the BIOS' text mode */
        fb = (struct boot_framebuffer){
            .addr = TEXT_MEMORY, .width = TEXT_COLS, .height = TEXT_ROWS, .type = FB_TEXT};
    if (!usable())
        fb.type = FB_NONE;
    if (fb.type == FB_NONE || !use)
        return;
    width = fb.type == FB_RGB ? fb.width / GLYPH_WIDTH : fb.width;
    height = fb.type == FB_RGB ? fb.height / GLYPH_HEIGHT : fb.height;
    cols = MIN(width, (unsigned)MAX_COLS);
    rows = MIN(height, (unsigned)MAX_ROWS);
    if (fb.addr + pixels_size() <= BIT(32))
        memory = pa_to_va(fb.addr);
    for (uint64_t i = 0; memory && fb.type == FB_RGB && i + 8 <= pixels_size(); i += 8)
        mmio_write64(memory + i, 0);
    for (unsigned i = 0; i < rows * cols; i++)
        set_cell(i / cols, i % cols, ' ');
}

void screen_map(void)
{
    bool hidden = !memory;

    if (fb.type != FB_RGB || !rows)
        return;
    memory = map_framebuffer(fb.addr, pixels_size());
    pr_info("screen: %ux%u, %u bits a pixel\n", fb.width, fb.height, fb.bpp);
    for (unsigned i = 0; hidden && i < rows * cols; i++)
        draw(i / cols, i % cols);
}

static void newline(void)
{
    col = 0;
    if (++row < rows)
        return;
    row = rows - 1;
    for (unsigned i = 0; i < row * cols; i++)
        set_cell(i / cols, i % cols, cell[i / cols + 1][i % cols]);
    for (unsigned c = 0; c < cols; c++)
        set_cell(row, c, ' ');
}

void screen_putc(char c)
{
    if (!rows)
        return;
    if (c == '\n') {
        newline();
        return;
    }
    if (c < ' ' || c > '~')
        return;
    set_cell(row, col, c);
    if (++col == cols)
        newline();
}

bool screen_describe(struct dom0_vga_console_info *out)
{
    memset(out, 0, sizeof(*out));
    if (fb.type == FB_TEXT) {
        out->video_type = XEN_VGATYPE_TEXT_MODE_3;
        out->u.text_mode_3.font_height = GLYPH_HEIGHT;
        out->u.text_mode_3.cursor_x = (uint16_t)col;
        out->u.text_mode_3.cursor_y = (uint16_t)row;
        out->u.text_mode_3.rows = (uint16_t)fb.height;
        out->u.text_mode_3.columns = (uint16_t)fb.width;
    } else if (fb.type == FB_RGB) {
        out->video_type = efi ? XEN_VGATYPE_EFI_LFB : XEN_VGATYPE_VESA_LFB;
        out->u.vesa_lfb.width = (uint16_t)fb.width;
        out->u.vesa_lfb.height = (uint16_t)fb.height;
        out->u.vesa_lfb.bytes_per_line = (uint16_t)fb.pitch;
        out->u.vesa_lfb.bits_per_pixel = fb.bpp;
        out->u.vesa_lfb.lfb_base = (uint32_t)fb.addr;
        out->u.vesa_lfb.ext_lfb_base = (uint32_t)(fb.addr >> 32);
        out->u.vesa_lfb.lfb_size = (uint32_t)(ROUND_UP(pixels_size(), BIT(16)) >> 16);
        memcpy(&out->u.vesa_lfb.red_pos, fb.colour, sizeof(fb.colour));
    }
    return fb.type != FB_NONE;
}
