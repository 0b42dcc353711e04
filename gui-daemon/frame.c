/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "frame.h"

#include "../gui-common/gui-protocol.h"

#define BUTTON 22 /* width of a button's area */
#define CORNER 16 /* length of the border that resizes both ways */
#define MARK   4  /* half the size of a button's mark */
#define PAD    6
#define FONT   13 /* pixels */
/* Least width of a window with all buttons, and with the one that closes. */
#define ALL_BUTTONS 200
#define ONE_BUTTON  110

static const enum frame_part buttons[] = {FRAME_PART_CLOSE, FRAME_PART_MAXIMIZE, FRAME_PART_MINIMIZE};

static void set_color(cairo_t *cr, uint32_t color, double factor)
{
    cairo_set_source_rgb(cr, (color >> 16 & 0xff) / 255.0 * factor, (color >> 8 & 0xff) / 255.0 * factor,
                         (color & 0xff) / 255.0 * factor);
}

/* Black text on light colours, white on dark ones (Rec. 601 luma). */
static double text_gray(uint32_t color)
{
    unsigned luma = 299 * (color >> 16 & 0xff) + 587 * (color >> 8 & 0xff) + 114 * (color & 0xff);

    return luma > 140000 ? 0.0 : 1.0;
}

/* A narrow window shows fewer buttons: the domain's name is more important. */
static int button_count(struct frame_style style, int w)
{
    if (w >= frame_pixels(style, ALL_BUTTONS))
        return (int)G_N_ELEMENTS(buttons);
    return w >= frame_pixels(style, ONE_BUTTON) ? 1 : 0;
}

static int button_x(struct frame_style style, int w, int index)
{
    return w - frame_border(style) - frame_pixels(style, BUTTON) * (index + 1);
}

static void draw_mark(cairo_t *cr, enum frame_part part, double x, double y, double size)
{
    switch (part) {
    case FRAME_PART_CLOSE:
        cairo_move_to(cr, x - size, y - size);
        cairo_line_to(cr, x + size, y + size);
        cairo_move_to(cr, x + size, y - size);
        cairo_line_to(cr, x - size, y + size);
        break;
    case FRAME_PART_MAXIMIZE:
        cairo_rectangle(cr, x - size, y - size, 2 * size, 2 * size);
        break;
    default:
        cairo_move_to(cr, x - size, y + size);
        cairo_line_to(cr, x + size, y + size);
        break;
    }
    cairo_stroke(cr);
}

static int layout_text(PangoLayout *layout, const char *text, bool bold, int max_width, int *height)
{
    PangoAttrList *attributes = pango_attr_list_new();
    int width;

    if (bold)
        pango_attr_list_insert(attributes, pango_attr_weight_new(PANGO_WEIGHT_BOLD));
    pango_layout_set_attributes(layout, attributes);
    pango_attr_list_unref(attributes);
    pango_layout_set_single_paragraph_mode(layout, TRUE);
    pango_layout_set_ellipsize(layout, PANGO_ELLIPSIZE_END);
    pango_layout_set_width(layout, MAX(max_width, 0) * PANGO_SCALE);
    pango_layout_set_text(layout, text, -1);
    pango_layout_get_pixel_size(layout, &width, height);
    return width;
}

/* The domain's name stands on inverse ground, where no title can come. */
static void draw_header(cairo_t *cr, PangoLayout *layout, int w, const struct frame_look *look)
{
    struct frame_style style = look->style;
    double gray = text_gray(look->color);
    int border = frame_border(style), top = frame_top(style), pad = frame_pixels(style, PAD), width, height;
    int left = border + pad / 3, right = button_x(style, w, button_count(style, w) - 1) - pad;

    if (right - left > 4 * pad) {
        width = layout_text(layout, look->domain, true, right - left - 2 * pad, &height);
        cairo_set_source_rgb(cr, gray, gray, gray);
        cairo_rectangle(cr, left, border, width + 2 * pad, top - 2 * border);
        cairo_fill(cr);
        cairo_set_source_rgb(cr, 1 - gray, 1 - gray, 1 - gray);
        cairo_move_to(cr, left + pad, (top - height) / 2);
        pango_cairo_show_layout(cr, layout);
        left += width + 3 * pad;
    }
    cairo_set_source_rgb(cr, gray, gray, gray);
    if (right - left > 4 * pad && look->title[0]) {
        layout_text(layout, look->title, false, right - left, &height);
        cairo_move_to(cr, left, (top - height) / 2);
        pango_cairo_show_layout(cr, layout);
    }
    cairo_set_line_width(cr, 1.5 * style.scale / GUI_SCALE_ONE);
    for (int i = 0; i < button_count(style, w); i++)
        draw_mark(cr, buttons[i], button_x(style, w, i) + frame_pixels(style, BUTTON) / 2, top / 2,
                  frame_pixels(style, MARK));
}

PangoLayout *frame_layout(GtkWidget *widget, struct frame_style style)
{
    PangoLayout *layout = gtk_widget_create_pango_layout(widget, NULL);
    PangoFontDescription *font = pango_font_description_from_string("Sans");

    pango_font_description_set_absolute_size(font, frame_pixels(style, FONT) * PANGO_SCALE);
    pango_layout_set_font_description(layout, font);
    pango_font_description_free(font);
    return layout;
}

void frame_draw(cairo_t *cr, PangoLayout *layout, int w, int h, const struct frame_look *look)
{
    int b = frame_border(look->style), top = frame_top(look->style);

    set_color(cr, look->color, 1.0);
    cairo_set_fill_rule(cr, CAIRO_FILL_RULE_EVEN_ODD);
    cairo_rectangle(cr, 0, 0, w, h);
    cairo_rectangle(cr, b, top, MAX(w - 2 * b, 0), MAX(h - top - b, 0));
    cairo_fill(cr);
    if (look->style.kind != FRAME_NORMAL)
        return;
    if (!look->focused) {
        /* The border keeps its full colour: it is what users look for. */
        set_color(cr, look->color, 0.8);
        cairo_rectangle(cr, b, b, MAX(w - 2 * b, 0), top - b);
        cairo_fill(cr);
    }
    draw_header(cr, layout, w, look);
}

static enum frame_part edge_hit(struct frame_style style, int w, int h, int x, int y)
{
    int b = frame_border(style), corner = frame_pixels(style, CORNER);
    bool n = y < b, s = y >= h - b, west = x < b, e = x >= w - b;

    if (!n && !s && !west && !e)
        return FRAME_PART_NONE;
    if (y < corner && x < corner)
        return FRAME_PART_NW;
    if (y < corner && x >= w - corner)
        return FRAME_PART_NE;
    if (y >= h - corner && x < corner)
        return FRAME_PART_SW;
    if (y >= h - corner && x >= w - corner)
        return FRAME_PART_SE;
    if (n || s)
        return n ? FRAME_PART_N : FRAME_PART_S;
    return west ? FRAME_PART_W : FRAME_PART_E;
}

enum frame_part frame_hit(struct frame_style style, int w, int h, int x, int y)
{
    enum frame_part edge;

    if (style.kind != FRAME_NORMAL || x < 0 || y < 0 || x >= w || y >= h)
        return FRAME_PART_NONE;
    edge = edge_hit(style, w, h, x, y);
    if (edge != FRAME_PART_NONE)
        return edge;
    if (y >= frame_top(style))
        return FRAME_PART_NONE;
    for (int i = 0; i < button_count(style, w); i++) {
        if (x >= button_x(style, w, i) && x < button_x(style, w, i) + frame_pixels(style, BUTTON))
            return buttons[i];
    }
    return FRAME_PART_HEADER;
}

bool frame_part_edge(enum frame_part part, GdkWindowEdge *edge)
{
    static const int edges[] = {
        [FRAME_PART_N] = 1 + GDK_WINDOW_EDGE_NORTH,       [FRAME_PART_S] = 1 + GDK_WINDOW_EDGE_SOUTH,
        [FRAME_PART_W] = 1 + GDK_WINDOW_EDGE_WEST,        [FRAME_PART_E] = 1 + GDK_WINDOW_EDGE_EAST,
        [FRAME_PART_NW] = 1 + GDK_WINDOW_EDGE_NORTH_WEST, [FRAME_PART_NE] = 1 + GDK_WINDOW_EDGE_NORTH_EAST,
        [FRAME_PART_SW] = 1 + GDK_WINDOW_EDGE_SOUTH_WEST, [FRAME_PART_SE] = 1 + GDK_WINDOW_EDGE_SOUTH_EAST,
    };

    if (!edges[part])
        return false;
    *edge = (GdkWindowEdge)(edges[part] - 1);
    return true;
}
