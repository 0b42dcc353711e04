/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Key combinations as configuration names them, like "Ctrl-Shift-c". Pure but for GDK's table of key names.
 */
#ifndef KEY_SEQUENCE_H
#define KEY_SEQUENCE_H

#include <stdbool.h>
#include <stdint.h>

struct key_sequence {
    uint32_t modifiers; /* X mask; 0 with keyval 0: never matches */
    uint32_t keyval;    /* lower-case key symbol */
};

/*
 * Modifiers Ctrl, Shift, Alt (or Mod1), Super (or Mod4, Win), then a key name of X; separated by '-' or '+'.
 * "none" and "" turn it off. False if `text` is something else, or has no modifier.
 */
bool key_sequence_parse(const char *text, struct key_sequence *sequence);

/* Are exactly the sequence's modifiers down in this X state? Without them no key of it needs to be looked at.
 */
bool key_sequence_modifiers(const struct key_sequence *sequence, uint32_t state);

/* Does a key press with this X state and key symbol match exactly? Caps Lock, Num Lock and buttons do not
 * count. */
bool key_sequence_match(const struct key_sequence *sequence, uint32_t state, uint32_t keyval);

#endif
