/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "layout-parse.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "gui-protocol.h"

uint32_t layout_mm(uint32_t pixels)
{
    uint32_t mm = (uint32_t)((uint64_t)pixels * 254 / 960);

    return mm ? mm : 1;
}

void layout_single(uint32_t width, uint32_t height, struct layout *out)
{
    memset(out, 0, sizeof(*out));
    out->count = 1;
    out->width = width;
    out->height = height;
    out->monitors[0] = (struct layout_monitor){{0, 0, width, height}, layout_mm(width), layout_mm(height)};
}

/* Up to `max` decimal numbers of one line; how many, or -EINVAL for anything else in it. */
static int parse_numbers(const char *line, size_t length, uint32_t *numbers, int max)
{
    int n = 0;
    bool in_number = false;

    for (size_t i = 0; i < length; i++) {
        char c = line[i];

        if (c == ' ' || c == '\t' || c == '\r') {
            in_number = false;
            continue;
        }
        if (c < '0' || c > '9' || (!in_number && n == max))
            return -EINVAL;
        if (!in_number)
            numbers[n++] = 0;
        in_number = true;
        numbers[n - 1] = numbers[n - 1] * 10 + (uint32_t)(c - '0');
        if (numbers[n - 1] > 99999)
            return -EINVAL;
    }
    return n;
}

static int add_monitor(struct layout *layout, const uint32_t *v, int n)
{
    struct layout_monitor *monitor = &layout->monitors[layout->count];

    if ((n != 4 && n != 6) || layout->count == LAYOUT_MAX_MONITORS)
        return -EINVAL;
    if (!v[0] || !v[1] || v[0] + v[2] > GUI_MAX_WIDTH || v[1] + v[3] > GUI_MAX_HEIGHT)
        return -EINVAL;
    monitor->area = (struct rect){(int32_t)v[2], (int32_t)v[3], v[0], v[1]};
    monitor->mm_width = n == 6 && v[4] ? v[4] : layout_mm(v[0]);
    monitor->mm_height = n == 6 && v[5] ? v[5] : layout_mm(v[1]);
    if (v[0] + v[2] > layout->width)
        layout->width = v[0] + v[2];
    if (v[1] + v[3] > layout->height)
        layout->height = v[1] + v[3];
    layout->count++;
    return 0;
}

int layout_parse(const char *text, size_t length, struct layout *out)
{
    memset(out, 0, sizeof(*out));
    while (length) {
        const char *end = memchr(text, '\n', length);
        size_t line = end ? (size_t)(end - text) : length;
        uint32_t numbers[6];
        int n = parse_numbers(text, line, numbers, 6);

        if (n < 0 || (n > 0 && add_monitor(out, numbers, n)))
            return -EINVAL;
        line += end ? 1 : 0;
        text += line;
        length -= line;
    }
    return out->count ? 0 : -EINVAL;
}
