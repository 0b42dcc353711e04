/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "geometry.h"

#include "../gui-common/gui-protocol.h"

#define HEADER_REACH 64 /* width of the header that stays on the screen */

bool rect_equal(const struct rect *a, const struct rect *b)
{
    return a->x == b->x && a->y == b->y && a->w == b->w && a->h == b->h;
}

static int min(int a, int b)
{
    return a < b ? a : b;
}

static int max(int a, int b)
{
    return a > b ? a : b;
}

/* The lower bound wins if the range is empty. */
static int clamp(int v, int lo, int hi)
{
    return max(min(v, hi), lo);
}

bool rect_intersect(const struct rect *a, const struct rect *b, struct rect *out)
{
    int x1 = max(a->x, b->x), y1 = max(a->y, b->y);
    int x2 = min(a->x + a->w, b->x + b->w), y2 = min(a->y + a->h, b->y + b->h);

    if (x2 <= x1 || y2 <= y1) {
        *out = (struct rect){0};
        return false;
    }
    *out = (struct rect){x1, y1, x2 - x1, y2 - y1};
    return true;
}

int rect_best(const struct rect *rects, int count, const struct rect *rect)
{
    int64_t most = 0;
    int best = 0;

    for (int i = 0; i < count; i++) {
        struct rect common;

        rect_intersect(rect, &rects[i], &common);
        if ((int64_t)common.w * common.h > most) {
            most = (int64_t)common.w * common.h;
            best = i;
        }
    }
    return best;
}

bool geometry_valid(int32_t untrusted_x, int32_t untrusted_y, uint32_t untrusted_w, uint32_t untrusted_h,
                    struct rect *out)
{
    if (!untrusted_w || !untrusted_h || untrusted_w > GUI_MAX_WIDTH || untrusted_h > GUI_MAX_HEIGHT)
        return false;
    out->x = clamp(untrusted_x, -GUI_MAX_WIDTH, GUI_MAX_WIDTH);
    out->y = clamp(untrusted_y, -GUI_MAX_HEIGHT, GUI_MAX_HEIGHT);
    out->w = (int)untrusted_w;
    out->h = (int)untrusted_h;
    return true;
}

/* v * num / den, rounded down, and up. */
static int scaled_down(int v, uint32_t num, uint32_t den)
{
    int64_t product = (int64_t)v * num, quotient = product / den;

    return (int)(product < 0 && product % den ? quotient - 1 : quotient);
}

static int scaled_up(int v, uint32_t num, uint32_t den)
{
    return -scaled_down(-v, num, den);
}

struct rect zoom_to_screen(struct zoom zoom, const struct rect *guest)
{
    return (struct rect){
        clamp(scaled_down(guest->x, zoom.num, zoom.den), -GUI_MAX_WIDTH, GUI_MAX_WIDTH),
        clamp(scaled_down(guest->y, zoom.num, zoom.den), -GUI_MAX_HEIGHT, GUI_MAX_HEIGHT),
        clamp(scaled_down(guest->w, zoom.num, zoom.den), 1, GUI_MAX_WIDTH),
        clamp(scaled_down(guest->h, zoom.num, zoom.den), 1, GUI_MAX_HEIGHT),
    };
}

struct rect zoom_to_guest(struct zoom zoom, const struct rect *screen)
{
    return (struct rect){
        clamp(zoom_point(zoom, screen->x), -GUI_MAX_WIDTH, GUI_MAX_WIDTH),
        clamp(zoom_point(zoom, screen->y), -GUI_MAX_HEIGHT, GUI_MAX_HEIGHT),
        clamp(scaled_up(screen->w, zoom.den, zoom.num), 1, GUI_MAX_WIDTH),
        clamp(scaled_up(screen->h, zoom.den, zoom.num), 1, GUI_MAX_HEIGHT),
    };
}

/* The colour of a pixel on the screen comes from those around its middle, too. */
struct rect zoom_damage(struct zoom zoom, const struct rect *d)
{
    int reach = zoom.num == zoom.den ? 0 : scaled_up(1, zoom.num, zoom.den);
    int x = scaled_down(d->x, zoom.num, zoom.den) - reach, y = scaled_down(d->y, zoom.num, zoom.den) - reach;

    return (struct rect){x, y, scaled_up(d->x + d->w, zoom.num, zoom.den) + reach - x,
                         scaled_up(d->y + d->h, zoom.num, zoom.den) + reach - y};
}

int zoom_point(struct zoom zoom, int screen)
{
    return scaled_down(screen, zoom.den, zoom.num);
}

int zoom_length(struct zoom zoom, uint32_t guest)
{
    return scaled_down((int)guest, zoom.num, zoom.den);
}

int frame_pixels(struct frame_style style, int length)
{
    return max((length * (int)style.scale + GUI_SCALE_ONE / 2) / GUI_SCALE_ONE, 1);
}

int frame_border(struct frame_style style)
{
    static const int border[] = {
        [FRAME_NORMAL] = FRAME_BORDER,
        [FRAME_FULLSCREEN] = FRAME_BORDER,
        [FRAME_POPUP] = FRAME_POPUP_BORDER,
        [FRAME_TRAY] = FRAME_TRAY_BORDER,
    };

    return frame_pixels(style, border[style.kind]);
}

int frame_top(struct frame_style style)
{
    return style.kind == FRAME_NORMAL ? frame_pixels(style, FRAME_HEADER) : frame_border(style);
}

struct rect frame_outer(struct frame_style style, const struct rect *content)
{
    int b = frame_border(style), top = frame_top(style);

    return (struct rect){content->x - b, content->y - top, content->w + 2 * b, content->h + top + b};
}

struct rect frame_content(struct frame_style style, const struct rect *outer)
{
    int b = frame_border(style), top = frame_top(style);

    return (struct rect){outer->x + b, outer->y + top, max(outer->w - 2 * b, 1), max(outer->h - top - b, 1)};
}

bool popup_too_large(const struct rect *content, const struct rect *work)
{
    return (int64_t)content->w * content->h * 10 > (int64_t)work->w * work->h * 9;
}

bool popup_constrain(struct rect *content, struct zoom zoom, const struct rect *work, uint32_t scale)
{
    const int b = frame_border((struct frame_style){FRAME_POPUP, scale});
    int left = scaled_up(work->x + b, zoom.den, zoom.num), top = scaled_up(work->y + b, zoom.den, zoom.num);
    int right = zoom_point(zoom, work->x + work->w - b), bottom = zoom_point(zoom, work->y + work->h - b);
    struct rect old = *content;

    content->w = clamp(content->w, 1, right - left);
    content->h = clamp(content->h, 1, bottom - top);
    content->x = clamp(content->x, left, right - content->w);
    content->y = clamp(content->y, top, bottom - content->h);
    return !rect_equal(&old, content);
}

void toplevel_constrain(struct rect *content, struct zoom zoom, const struct rect *work, uint32_t scale)
{
    const struct frame_style style = {FRAME_NORMAL, scale};
    int reach = frame_pixels(style, HEADER_REACH), top = work->y + frame_top(style);
    struct rect shown = zoom_to_screen(zoom, content);

    content->x = clamp(content->x, scaled_up(work->x - shown.w + reach, zoom.den, zoom.num),
                       zoom_point(zoom, work->x + work->w - reach));
    content->y = clamp(content->y, scaled_up(top, zoom.den, zoom.num), zoom_point(zoom, work->y + work->h));
}
