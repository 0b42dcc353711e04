/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "frame-edge.h"

/* Longer than any window: the server cuts them to the parent. */
#define LONG 32767

void frame_edge_add(Display *display, Window window, struct frame_style style, int w, int h, uint32_t color)
{
    int b = frame_border(style);
    const struct {
        struct rect area;
        int gravity;
    } edges[] = {
        {{0, 0, b, LONG}, NorthWestGravity},
        {{0, 0, LONG, b}, NorthWestGravity},
        {{w - b, 0, b, LONG}, NorthEastGravity},
        {{0, h - b, LONG, b}, SouthWestGravity},
    };

    XSetWindowBackground(display, window, color);
    for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++) {
        const struct rect *r = &edges[i].area;
        XSetWindowAttributes attributes = {.background_pixel = color, .win_gravity = edges[i].gravity};

        XCreateWindow(display, window, r->x, r->y, (unsigned)r->w, (unsigned)r->h, 0, CopyFromParent,
                      InputOutput, CopyFromParent, CWBackPixel | CWWinGravity, &attributes);
    }
    XMapSubwindows(display, window);
}
