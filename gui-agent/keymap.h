/* SPDX-License-Identifier: GPL-2.0-or-later */
/* X's map of keys that are down: 32 bytes, bit n of byte n/8. Pure. */
#ifndef KEYMAP_H
#define KEYMAP_H

#include <stdbool.h>
#include <stdint.h>

#define KEYMAP_FIRST 8 /* smallest key code of X */

bool keymap_get(const uint8_t keys[32], uint8_t code);
void keymap_set(uint8_t keys[32], uint8_t code, bool down);

enum keymap_change { KEYMAP_SAME, KEYMAP_PRESS, KEYMAP_RELEASE };

/*
 * What to do with one key so that `ours` follows `theirs`: release what they let go; press only modifiers,
 * because a letter that went down in another domain's window must not be typed here.
 */
enum keymap_change keymap_compare(const uint8_t ours[32], const uint8_t theirs[32],
                                  const uint8_t modifiers[32], uint8_t code);

#endif
