/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "window.h"

#include <errno.h>
#include <stdlib.h>

/* X ids are base | counter: low bits differ within a client, the base between clients. */
static size_t bucket(uint32_t id)
{
    return (id ^ id >> 21) % WINDOW_BUCKETS;
}

struct window *window_find(const struct window_table *table, uint32_t id)
{
    struct window *win = table->buckets[bucket(id)];

    while (win && win->id != id)
        win = win->next;
    return win;
}

struct window *window_holding(const struct window_table *table, uint32_t icon)
{
    struct window *win = table->first;

    while (win && win->icon != icon)
        win = win->after;
    return win;
}

struct window *window_add(struct window_table *table, uint32_t id)
{
    struct window *win = calloc(1, sizeof(*win));

    if (!win)
        return NULL;
    win->id = id;
    win->next = table->buckets[bucket(id)];
    table->buckets[bucket(id)] = win;
    win->before = table->last;
    if (table->last)
        table->last->after = win;
    else
        table->first = win;
    table->last = win;
    table->count++;
    return win;
}

void window_remove(struct window_table *table, struct window *win)
{
    struct window **at = &table->buckets[bucket(win->id)];

    while (*at != win)
        at = &(*at)->next;
    *at = win->next;
    if (win->before)
        win->before->after = win->after;
    else
        table->first = win->after;
    if (win->after)
        win->after->before = win->before;
    else
        table->last = win->before;
    table->count--;
    free(win);
}

void window_each(struct window_table *table, void (*each)(struct window *win, void *context), void *context)
{
    struct window *after;

    for (struct window *win = table->first; win; win = after) {
        after = win->after;
        each(win, context);
    }
}

size_t window_count_if(const struct window_table *table, bool (*is)(const struct window *win))
{
    size_t n = 0;

    for (const struct window *win = table->first; win; win = win->after)
        n += is(win);
    return n;
}

int window_bury(struct window_table *table, uint32_t id)
{
    if (table->buried_count == table->buried_size) {
        size_t size = table->buried_size ? 2 * table->buried_size : 16;
        uint32_t *buried = realloc(table->buried, size * sizeof(*buried));

        if (!buried)
            return -ENOMEM;
        table->buried = buried;
        table->buried_size = size;
    }
    table->buried[table->buried_count++] = id;
    return 0;
}

bool window_buried(const struct window_table *table, uint32_t id)
{
    for (size_t i = 0; i < table->buried_count; i++) {
        if (table->buried[i] == id)
            return true;
    }
    return false;
}

void window_release(struct window_table *table, uint32_t id)
{
    for (size_t i = 0; i < table->buried_count; i++) {
        if (table->buried[i] == id) {
            table->buried[i] = table->buried[--table->buried_count];
            return;
        }
    }
}

void window_release_all(struct window_table *table)
{
    free(table->buried);
    table->buried = NULL;
    table->buried_count = table->buried_size = 0;
}
