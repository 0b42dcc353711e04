/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A short list of rectangles: the damage of one window since the last frame. Pure. It never holds more than
 * RECT_LIST_MAX: what is over is joined with the rectangle that grows least.
 */
#ifndef RECT_LIST_H
#define RECT_LIST_H

#include <stdbool.h>
#include <stdint.h>

struct rect {
    int32_t x, y;
    uint32_t width, height;
};

#define RECT_LIST_MAX 8

struct rect_list {
    unsigned count;
    struct rect rects[RECT_LIST_MAX];
};

/* The part of `r` inside width x height at the origin; false if nothing is left. */
bool rect_clip(struct rect *r, uint32_t width, uint32_t height);

/* The smallest rectangle around both. */
struct rect rect_union(struct rect a, struct rect b);

/*
 * Add `r` (not empty). Rectangles that touch such that their union has no more pixels than both together are
 * joined, so the sum of areas never exceeds the sum of areas added unless the list is full.
 */
void rect_list_add(struct rect_list *list, struct rect r);

/* Forget all. */
void rect_list_clear(struct rect_list *list);

/* Cut everything outside width x height off. */
void rect_list_clip(struct rect_list *list, uint32_t width, uint32_t height);

/* Sum of the areas in pixels. */
uint64_t rect_list_area(const struct rect_list *list);

#endif
