/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The frame that only dom0 draws: a border in the label's colour and a header bar with the domain's name, the
 * title and three buttons. No theme, no icons: it looks the same on every desktop and costs little.
 */
#ifndef FRAME_H
#define FRAME_H

#include <gtk/gtk.h>
#include <stdbool.h>
#include <stdint.h>

#include "geometry.h"

enum frame_part {
    FRAME_PART_NONE,
    FRAME_PART_HEADER,
    FRAME_PART_MINIMIZE,
    FRAME_PART_MAXIMIZE,
    FRAME_PART_CLOSE,
    FRAME_PART_N,
    FRAME_PART_S,
    FRAME_PART_W,
    FRAME_PART_E,
    FRAME_PART_NW,
    FRAME_PART_NE,
    FRAME_PART_SW,
    FRAME_PART_SE,
};

struct frame_look {
    struct frame_style style;
    uint32_t color; /* label, 0xRRGGBB */
    const char *domain;
    const char *title; /* sanitised */
    bool focused;
};

/* A layout for frame_draw(), in a font whose size fits the header whatever the desktop's is. */
PangoLayout *frame_layout(GtkWidget *widget, struct frame_style style);

/* Draw the frame of a window of w x h pixels, the frame included. */
void frame_draw(cairo_t *cr, PangoLayout *layout, int w, int h, const struct frame_look *look);

/* What is at (x, y) of such a window. */
enum frame_part frame_hit(struct frame_style style, int w, int h, int x, int y);

/* The edge to resize by; false if the part is no edge. */
bool frame_part_edge(enum frame_part part, GdkWindowEdge *edge);

#endif
