/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "convert.h"

#include <string.h>

/* Word indices of WM_SIZE_HINTS. */
enum { HINT_FLAGS = 0, HINT_MIN_W = 5, HINT_MAX_W = 7, HINT_INC_W = 9, HINT_BASE_W = 15 };

static bool size_in_limits(uint32_t w, uint32_t h)
{
    return w <= GUI_MAX_WIDTH && h <= GUI_MAX_HEIGHT;
}

/* Take the pair at `index` if the flag is set and the value may be sent. */
static void take_pair(const uint32_t *words, int index, uint32_t flag, struct gui_msg_window_hints *out,
                      uint32_t *w, uint32_t *h)
{
    if (!(words[HINT_FLAGS] & flag) || !size_in_limits(words[index], words[index + 1]))
        return;
    out->flags |= flag;
    *w = words[index];
    *h = words[index + 1];
}

static uint32_t cut(uint32_t value, uint32_t limit)
{
    return value > limit ? limit : value;
}

void convert_size_hints(const uint32_t *words, size_t count, struct gui_msg_window_hints *out)
{
    uint32_t fixed[SIZE_HINTS_WORDS] = {0};

    memset(out, 0, sizeof(*out));
    if (count < SIZE_HINTS_WORDS_OLD)
        return;
    memcpy(fixed, words, (count > SIZE_HINTS_WORDS ? SIZE_HINTS_WORDS : count) * sizeof(fixed[0]));
    if (count < SIZE_HINTS_WORDS)
        fixed[HINT_FLAGS] &= ~(uint32_t)GUI_HINT_BASE_SIZE;
    /* "As large as you like" is often said with INT_MAX. */
    fixed[HINT_MAX_W] = cut(fixed[HINT_MAX_W], GUI_MAX_WIDTH);
    fixed[HINT_MAX_W + 1] = cut(fixed[HINT_MAX_W + 1], GUI_MAX_HEIGHT);
    out->flags = fixed[HINT_FLAGS] & (GUI_HINT_USER_POSITION | GUI_HINT_POSITION);
    take_pair(fixed, HINT_MIN_W, GUI_HINT_MIN_SIZE, out, &out->min_width, &out->min_height);
    if (fixed[HINT_MAX_W] && fixed[HINT_MAX_W + 1])
        take_pair(fixed, HINT_MAX_W, GUI_HINT_MAX_SIZE, out, &out->max_width, &out->max_height);
    if (fixed[HINT_INC_W] && fixed[HINT_INC_W + 1])
        take_pair(fixed, HINT_INC_W, GUI_HINT_RESIZE_INC, out, &out->width_inc, &out->height_inc);
    take_pair(fixed, HINT_BASE_W, GUI_HINT_BASE_SIZE, out, &out->base_width, &out->base_height);
}

void convert_title(const char *title, size_t length, struct gui_msg_wmname *out)
{
    size_t n = length < sizeof(out->data) ? length : sizeof(out->data) - 1;

    /* If the byte after the cut continues a character, go back to where that character began. */
    if (n < length) {
        while (n > 0 && ((uint8_t)title[n] & 0xc0) == 0x80)
            n--;
    }
    memset(out, 0, sizeof(*out));
    memcpy(out->data, title, n);
}

static void take_string(const char *from, size_t length, char *to, size_t size)
{
    size_t n = strnlen(from, length);

    memcpy(to, from, n < size ? n : size - 1);
}

void convert_class(const char *property, size_t length, struct gui_msg_wmclass *out)
{
    size_t first = strnlen(property, length);

    memset(out, 0, sizeof(*out));
    take_string(property, length, out->res_name, sizeof(out->res_name));
    if (first + 1 < length)
        take_string(property + first + 1, length - first - 1, out->res_class, sizeof(out->res_class));
}

size_t convert_latin1(const char *in, size_t length, char *out)
{
    size_t n = 0;

    for (size_t i = 0; i < length; i++) {
        uint8_t c = (uint8_t)in[i];

        if (c < 0x80) {
            out[n++] = (char)c;
        } else {
            out[n++] = (char)(0xc0 | c >> 6);
            out[n++] = (char)(0x80 | (c & 0x3f));
        }
    }
    return n;
}

#define ICON_WANTED 48

static uint32_t icon_distance(uint32_t width, uint32_t height)
{
    uint32_t size = width > height ? width : height;

    return size > ICON_WANTED ? size - ICON_WANTED : ICON_WANTED - size;
}

bool convert_icon(const uint32_t *words, size_t count, struct gui_msg_window_icon *icon,
                  const uint32_t **pixels)
{
    uint32_t best = UINT32_MAX;

    while (count > 2) {
        uint32_t width = words[0], height = words[1];
        uint64_t size = (uint64_t)width * height;

        if (!size || size > count - 2)
            break;
        if (width <= GUI_ICON_MAX && height <= GUI_ICON_MAX && icon_distance(width, height) < best) {
            best = icon_distance(width, height);
            *icon = (struct gui_msg_window_icon){width, height};
            *pixels = words + 2;
        }
        words += 2 + size;
        count -= 2 + (size_t)size;
    }
    return best != UINT32_MAX;
}

static int32_t clamp(int32_t v, int32_t limit)
{
    return v < -limit ? -limit : v > limit ? limit : v;
}

static uint32_t clamp_size(uint32_t v, uint32_t limit)
{
    return v == 0 ? 1 : cut(v, limit);
}

struct rect convert_clamp(struct rect r)
{
    return (struct rect){clamp(r.x, GUI_MAX_WIDTH), clamp(r.y, GUI_MAX_HEIGHT),
                         clamp_size(r.width, GUI_MAX_WIDTH), clamp_size(r.height, GUI_MAX_HEIGHT)};
}

/* Names of cursor themes (CSS and older) against glyph numbers of <X11/cursorfont.h>. */
static const struct {
    const char *name;
    uint32_t glyph;
} cursors[] = {
    {"all-scroll", 52},
    {"bottom_left_corner", 12},
    {"bottom_right_corner", 14},
    {"bottom_side", 16},
    {"cell", 90},
    {"col-resize", 108},
    {"cross", 30},
    {"crosshair", 34},
    {"e-resize", 96},
    {"ew-resize", 108},
    {"fleur", 52},
    {"grab", 60},
    {"grabbing", 52},
    {"hand1", 58},
    {"hand2", 60},
    {"help", 92},
    {"ibeam", 152},
    {"left_ptr_watch", 150},
    {"left_side", 70},
    {"move", 52},
    {"n-resize", 138},
    {"ne-resize", 136},
    {"nesw-resize", 12},
    {"not-allowed", 0},
    {"ns-resize", 116},
    {"nw-resize", 134},
    {"nwse-resize", 14},
    {"pencil", 86},
    {"plus", 90},
    {"pointer", 60},
    {"pointing_hand", 60},
    {"progress", 150},
    {"question_arrow", 92},
    {"right_side", 96},
    {"row-resize", 116},
    {"s-resize", 16},
    {"sb_h_double_arrow", 108},
    {"sb_v_double_arrow", 116},
    {"se-resize", 14},
    {"size_all", 52},
    {"split_h", 108},
    {"split_v", 116},
    {"sw-resize", 12},
    {"tcross", 130},
    {"text", 152},
    {"top_left_corner", 134},
    {"top_right_corner", 136},
    {"top_side", 138},
    {"vertical-text", 152},
    {"w-resize", 70},
    {"wait", 150},
    {"watch", 150},
    {"X_cursor", 0},
    {"xterm", 152},
};

uint32_t convert_cursor_name(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof(cursors) / sizeof(cursors[0]); i++) {
        if (strlen(cursors[i].name) == length && !memcmp(cursors[i].name, name, length))
            return GUI_CURSOR_X11 + cursors[i].glyph;
    }
    return GUI_CURSOR_DEFAULT;
}
