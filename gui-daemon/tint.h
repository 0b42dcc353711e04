/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pixels of icons in shades of a label's colour, so that each icon tells whose it is. Pure. */
#ifndef TINT_H
#define TINT_H

#include <stddef.h>
#include <stdint.h>

/* Replace each of `count` pixels (0x..RRGGBB, the top byte stays) by the label's colour at its brightness. */
void tint_pixels(uint32_t *pixels, size_t count, uint32_t label);

/* Replace pixels of exactly the colour `background` by the label's. */
void tint_background(uint32_t *pixels, size_t count, uint32_t background, uint32_t label);

#endif
