/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keymap.h"

bool keymap_get(const uint8_t keys[32], uint8_t code)
{
    return keys[code / 8] >> (code % 8) & 1;
}

void keymap_set(uint8_t keys[32], uint8_t code, bool down)
{
    uint8_t bit = (uint8_t)(1u << (code % 8));

    if (down)
        keys[code / 8] |= bit;
    else
        keys[code / 8] &= (uint8_t)~bit;
}

enum keymap_change keymap_compare(const uint8_t ours[32], const uint8_t theirs[32],
                                  const uint8_t modifiers[32], uint8_t code)
{
    bool here = keymap_get(ours, code), there = keymap_get(theirs, code);

    if (here && !there)
        return KEYMAP_RELEASE;
    if (!here && there && keymap_get(modifiers, code))
        return KEYMAP_PRESS;
    return KEYMAP_SAME;
}
