/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ring allocator for the segment that is shared with the X server. Space is taken in order and given back in
 * the same order (the server completes requests in order). Pure: it only counts.
 */
#ifndef STAGING_H
#define STAGING_H

#include <stdbool.h>
#include <stddef.h>

#define STAGING_SLOTS 64

struct staging {
    size_t capacity;
    size_t head; /* where the next piece goes */
    struct {
        size_t start, size;
    } slot[STAGING_SLOTS]; /* pieces in use, oldest at `first` */
    unsigned first, count;
};

void staging_init(struct staging *ring, size_t capacity);

/* Take `size` bytes in one piece; *offset says where. False if there is no room now. */
bool staging_take(struct staging *ring, size_t size, size_t *offset);

/* Give the oldest piece back. False if there is none. */
bool staging_release(struct staging *ring);

#endif
