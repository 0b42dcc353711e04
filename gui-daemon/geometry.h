/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rectangles of windows on the screen: clamping, the rules for override-redirect windows, the frame. Pure. */
#ifndef GEOMETRY_H
#define GEOMETRY_H

#include <stdbool.h>
#include <stdint.h>

struct rect {
    int x, y, w, h;
};

/* Thickness of the coloured frame around the content of a normal window, of an override-redirect one …, at
 * the scale GUI_SCALE_ONE. */
#define FRAME_BORDER       4
#define FRAME_HEADER       26
#define FRAME_POPUP_BORDER 2
#define FRAME_TRAY_BORDER  1

enum frame_kind {
    FRAME_NORMAL,     /* border on all sides and a header bar */
    FRAME_FULLSCREEN, /* border only */
    FRAME_POPUP,      /* thin border only */
    FRAME_TRAY,       /* tray icons: a line of the colour */
};

struct frame_style {
    enum frame_kind kind;
    uint32_t scale; /* of the desktop, in 1/120 */
};

/* How large content is shown: a pixel of the guest's buffer is num/den pixels of the screen. */
struct zoom {
    uint32_t num, den;
};

bool rect_equal(const struct rect *a, const struct rect *b);

/* The common part; false (and *out empty) if there is none. */
bool rect_intersect(const struct rect *a, const struct rect *b, struct rect *out);

/* The index of the one of `count` rectangles (monitors) that most of `rect` is in; the first one if none. */
int rect_best(const struct rect *rects, int count, const struct rect *rect);

/*
 * Bring geometry that an agent named within the protocol's limits: position within ±GUI_MAX_*, size
 * 1…GUI_MAX_*. Returns false if the size was zero or too large, that is: a violation. Position is clamped
 * silently.
 */
bool geometry_valid(int32_t untrusted_x, int32_t untrusted_y, uint32_t untrusted_w, uint32_t untrusted_h,
                    struct rect *out);

/* A window's rectangle in the guest's pixels on dom0's screen (within the protocol's limits), and back: the
 * smallest that covers it. */
struct rect zoom_to_screen(struct zoom zoom, const struct rect *guest);
struct rect zoom_to_guest(struct zoom zoom, const struct rect *screen);

/* All pixels of a zoomed window that change with these of the buffer; more than there are at its edges. */
struct rect zoom_damage(struct zoom zoom, const struct rect *damage);

/* One coordinate of a point on the screen in the guest's pixels; a length of the guest's on the screen. */
int zoom_point(struct zoom zoom, int screen);
int zoom_length(struct zoom zoom, uint32_t guest);

/* A length on a screen of that scale, at least 1. */
int frame_pixels(struct frame_style style, int length);

/* Room that a frame takes outside of the content: left = right = bottom = border. */
int frame_border(struct frame_style style);
int frame_top(struct frame_style style);

/* The outer rectangle (X window with frame) for a content rectangle, and back. */
struct rect frame_outer(struct frame_style style, const struct rect *content);
struct rect frame_content(struct frame_style style, const struct rect *outer);

/* True if an override-redirect window of that content size would cover more than 90 % of the work area. */
bool popup_too_large(const struct rect *content, const struct rect *work);

/*
 * Move, and if needed shrink, the content (in the guest's pixels) of an override-redirect window so that on
 * the screen it lies in the work area with its border. Returns true if something changed.
 */
bool popup_constrain(struct rect *content, struct zoom zoom, const struct rect *work, uint32_t scale);

/* Move a normal window so that its header stays reachable: a part of it at least remains in the work area. */
void toplevel_constrain(struct rect *content, struct zoom zoom, const struct rect *work, uint32_t scale);

#endif
