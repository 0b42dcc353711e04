/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The text that qubes.SetMonitorLayout gets: one line "w h x y [mm_w mm_h]" for each monitor. Pure. */
#ifndef LAYOUT_PARSE_H
#define LAYOUT_PARSE_H

#include <stddef.h>
#include <stdint.h>

#include "rect-list.h"

#define LAYOUT_MAX_MONITORS 16

struct layout_monitor {
    struct rect area;
    uint32_t mm_width, mm_height; /* never 0: 96 dots an inch where not given */
};

struct layout {
    unsigned count;
    uint32_t width, height; /* of the screen around all */
    struct layout_monitor monitors[LAYOUT_MAX_MONITORS];
};

/* `text` need not end in NUL. 0, or -EINVAL (syntax, no monitor, too many, outside the protocol's limits). */
int layout_parse(const char *text, size_t length, struct layout *out);

/* One monitor of that size. */
void layout_single(uint32_t width, uint32_t height, struct layout *out);

/* Pixels to millimetres at 96 dots an inch, at least 1. */
uint32_t layout_mm(uint32_t pixels);

#endif
