/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tint.h"

#define RGB 0xffffffu

/* Rec. 601 luma, 0…255. */
static uint32_t luma(uint32_t pixel)
{
    return (299 * (pixel >> 16 & 0xff) + 587 * (pixel >> 8 & 0xff) + 114 * (pixel & 0xff)) / 1000;
}

/* Black stays black, middle gray becomes the label's colour, white stays white. */
static uint32_t shade(uint32_t channel, uint32_t brightness)
{
    if (brightness < 128)
        return channel * brightness / 128;
    return channel + (255 - channel) * (brightness - 128) / 127;
}

void tint_pixels(uint32_t *pixels, size_t count, uint32_t label)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t brightness = luma(pixels[i]);

        pixels[i] = (pixels[i] & ~RGB) | shade(label >> 16 & 0xff, brightness) << 16 |
                    shade(label >> 8 & 0xff, brightness) << 8 | shade(label & 0xff, brightness);
    }
}

void tint_background(uint32_t *pixels, size_t count, uint32_t background, uint32_t label)
{
    for (size_t i = 0; i < count; i++) {
        if ((pixels[i] & RGB) == (background & RGB))
            pixels[i] = (pixels[i] & ~RGB) | (label & RGB);
    }
}
