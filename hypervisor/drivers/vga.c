/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The screen as a console until dom0 takes it: VGA text memory, 80x25. */
#include "bh/console.h"
#include "bh/lib.h"
#include "bh/mm.h"

enum { COLS = 80, ROWS = 25, ATTR = 0x07 };
static volatile uint16_t *text;
static unsigned col, row;

void vga_init(const struct boot_framebuffer *fb)
{
    if (fb->type == 1) /* a pixel framebuffer: serial only */
        return;
    text = pa_to_va(0xb8000);
    for (unsigned i = 0; i < COLS * ROWS; i++)
        text[i] = ATTR << 8 | ' ';
    col = row = 0;
}

void console_screen_release(void)
{
    text = NULL;
}

static void newline(void)
{
    col = 0;
    if (++row < ROWS)
        return;
    row = ROWS - 1;
    for (unsigned i = 0; i < COLS * (ROWS - 1); i++)
        text[i] = text[i + COLS];
    for (unsigned i = COLS * (ROWS - 1); i < COLS * ROWS; i++)
        text[i] = ATTR << 8 | ' ';
}

void vga_putc(char c)
{
    if (!text)
        return;
    if (c == '\n') {
        newline();
        return;
    }
    if ((unsigned char)c < ' ')
        return;
    text[row * COLS + col] = (uint16_t)(ATTR << 8 | (uint8_t)c);
    if (++col == COLS)
        newline();
}
