/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conversions between what X clients say (ICCCM and EWMH properties) and message bodies. Pure.
 */
#ifndef CONVERT_H
#define CONVERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gui-protocol.h"
#include "rect-list.h"

/* Number of 32-bit words of a WM_NORMAL_HINTS property (ICCCM 4.1.2.3); older clients write 15. */
#define SIZE_HINTS_WORDS     18
#define SIZE_HINTS_WORDS_OLD 15

/*
 * WM_NORMAL_HINTS as it is in the property (`count` words) into a message. Too short: all zero. Values that
 * the protocol page does not allow are dropped, so the daemon need not complain.
 */
void convert_size_hints(const uint32_t *words, size_t count, struct gui_msg_window_hints *out);

/*
 * A title into the fixed field: cut at a character's border so that well-formed UTF-8 stays well-formed,
 * NUL-padded.
 */
void convert_title(const char *title, size_t length, struct gui_msg_wmname *out);

/* WM_CLASS (two NUL-terminated strings: instance, class) into the message's fields. */
void convert_class(const char *property, size_t length, struct gui_msg_wmclass *out);

/* Latin-1 (X's STRING) to UTF-8; `out` has room for 2 * length bytes. Returns the bytes written. */
size_t convert_latin1(const char *in, size_t length, char *out);

/*
 * The icon in _NET_WM_ICON (`count` words: width, height, pixels, again and again) that is nearest to 48 x 48
 * and not larger than GUI_ICON_MAX. False if there is none; a malformed tail is ignored.
 */
bool convert_icon(const uint32_t *words, size_t count, struct gui_msg_window_icon *icon,
                  const uint32_t **pixels);

/* Geometry within the protocol's limits: x, y clamped, width and height 1…limit. */
struct rect convert_clamp(struct rect r);

/*
 * The X cursor font's glyph for the name of a themed cursor ("text", "hand2", "left_ptr" …) as MSG_CURSOR has
 * it; GUI_CURSOR_DEFAULT if there is none.
 */
uint32_t convert_cursor_name(const char *name, size_t length);

#endif
