/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rect-list.h"

static uint64_t area(struct rect r)
{
    return (uint64_t)r.width * r.height;
}

bool rect_clip(struct rect *r, uint32_t width, uint32_t height)
{
    int64_t x2 = (int64_t)r->x + r->width, y2 = (int64_t)r->y + r->height;
    int64_t x1 = r->x < 0 ? 0 : r->x, y1 = r->y < 0 ? 0 : r->y;

    if (x2 > width)
        x2 = width;
    if (y2 > height)
        y2 = height;
    if (x1 >= x2 || y1 >= y2)
        return false;
    *r = (struct rect){(int32_t)x1, (int32_t)y1, (uint32_t)(x2 - x1), (uint32_t)(y2 - y1)};
    return true;
}

struct rect rect_union(struct rect a, struct rect b)
{
    int32_t x1 = a.x < b.x ? a.x : b.x, y1 = a.y < b.y ? a.y : b.y;
    int64_t ax2 = (int64_t)a.x + a.width, bx2 = (int64_t)b.x + b.width;
    int64_t ay2 = (int64_t)a.y + a.height, by2 = (int64_t)b.y + b.height;
    int64_t x2 = ax2 > bx2 ? ax2 : bx2, y2 = ay2 > by2 ? ay2 : by2;

    return (struct rect){x1, y1, (uint32_t)(x2 - x1), (uint32_t)(y2 - y1)};
}

/* Pixels that joining a and b would add beyond what both have; negative if they overlap more than that. */
static int64_t waste(struct rect a, struct rect b)
{
    return (int64_t)area(rect_union(a, b)) - (int64_t)area(a) - (int64_t)area(b);
}

static void remove_at(struct rect_list *list, unsigned i)
{
    list->rects[i] = list->rects[--list->count];
}

/* Index of the rectangle that joins best with r, and its waste. */
static unsigned best_partner(const struct rect_list *list, struct rect r, int64_t *best_waste)
{
    unsigned best = 0;

    *best_waste = INT64_MAX;
    for (unsigned i = 0; i < list->count; i++) {
        int64_t w = waste(list->rects[i], r);

        if (w < *best_waste) {
            *best_waste = w;
            best = i;
        }
    }
    return best;
}

void rect_list_add(struct rect_list *list, struct rect r)
{
    int64_t w;
    unsigned i = best_partner(list, r, &w);

    /* A joined rectangle may now join with others: each turn makes the list shorter, so this ends. */
    while (list->count > 0 && (w <= 0 || list->count == RECT_LIST_MAX)) {
        r = rect_union(list->rects[i], r);
        remove_at(list, i);
        i = best_partner(list, r, &w);
    }
    list->rects[list->count++] = r;
}

void rect_list_clear(struct rect_list *list)
{
    list->count = 0;
}

void rect_list_clip(struct rect_list *list, uint32_t width, uint32_t height)
{
    for (unsigned i = 0; i < list->count;) {
        if (rect_clip(&list->rects[i], width, height))
            i++;
        else
            remove_at(list, i);
    }
}

uint64_t rect_list_area(const struct rect_list *list)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < list->count; i++)
        sum += area(list->rects[i]);
    return sum;
}
