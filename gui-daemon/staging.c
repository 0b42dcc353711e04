/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "staging.h"

#include <string.h>

void staging_init(struct staging *ring, size_t capacity)
{
    memset(ring, 0, sizeof(*ring));
    ring->capacity = capacity;
}

/* A free start for `size` bytes: behind the newest piece, else at the front. */
static bool find_room(const struct staging *ring, size_t size, size_t *offset)
{
    size_t tail;

    if (!ring->count) {
        *offset = 0;
        return size <= ring->capacity;
    }
    tail = ring->slot[ring->first].start;
    if (ring->head > tail) {
        if (ring->capacity - ring->head >= size) {
            *offset = ring->head;
            return true;
        }
        *offset = 0;
        return size <= tail;
    }
    *offset = ring->head;
    return size <= tail - ring->head;
}

bool staging_take(struct staging *ring, size_t size, size_t *offset)
{
    unsigned last = (ring->first + ring->count) % STAGING_SLOTS;

    if (!size || ring->count == STAGING_SLOTS || !find_room(ring, size, offset))
        return false;
    ring->slot[last].start = *offset;
    ring->slot[last].size = size;
    ring->count++;
    ring->head = *offset + size;
    return true;
}

bool staging_release(struct staging *ring)
{
    if (!ring->count)
        return false;
    ring->first = (ring->first + 1) % STAGING_SLOTS;
    ring->count--;
    return true;
}
