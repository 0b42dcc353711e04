/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * expected-frame WIDTH HEIGHT 0xRRGGBB FOCUSED NAME TITLE FILE.png   what dom0 must draw around a window of
 * this size, the frame included: the daemon's own frame.c on a plain picture. The place of the content is
 * transparent. expected-frame   prints the widths of border and header.
 */
#include <pango/pangocairo.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../../gui-common/gui-protocol.h"
#include "../../../gui-daemon/frame.h"

#define FONT      "Sans" /* as frame_layout() */
#define FONT_SIZE 13

/* Letters as the desktop's settings have them drawn. */
static PangoLayout *new_layout(cairo_t *cr, cairo_hint_style_t hinting)
{
    PangoLayout *layout = pango_cairo_create_layout(cr);
    PangoFontDescription *font = pango_font_description_from_string(FONT);
    cairo_font_options_t *options = cairo_font_options_create();

    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
    cairo_font_options_set_hint_style(options, hinting);
    pango_cairo_context_set_font_options(pango_layout_get_context(layout), options);
    cairo_font_options_destroy(options);
    pango_font_description_set_absolute_size(font, FONT_SIZE * PANGO_SCALE);
    pango_layout_set_font_description(layout, font);
    pango_font_description_free(font);
    return layout;
}

int main(int argc, char **argv)
{
    struct frame_look look = {.style = {FRAME_NORMAL, GUI_SCALE_ONE}};
    cairo_surface_t *picture;
    cairo_t *cr;
    int w, h;

    if (argc == 1) {
        printf("%d %d\n", frame_border(look.style), frame_top(look.style));
        return 0;
    }
    if (argc != 9)
        return 2;
    w = atoi(argv[1]);
    h = atoi(argv[2]);
    look.color = (uint32_t)strtoul(argv[3], NULL, 0);
    look.focused = atoi(argv[4]);
    look.domain = argv[6];
    look.title = argv[7];
    picture = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, w, h);
    cr = cairo_create(picture);
    frame_draw(cr, new_layout(cr, (cairo_hint_style_t)atoi(argv[5])), w, h, &look);
    return cairo_surface_write_to_png(picture, argv[8]) != CAIRO_STATUS_SUCCESS;
}
