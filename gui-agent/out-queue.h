/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages to the daemon that the channel has not taken yet, as bytes in order. Pure. It grows as needed;
 * whoever makes bulk traffic (damage) looks at out_queue_bytes() first and waits while it is large.
 */
#ifndef OUT_QUEUE_H
#define OUT_QUEUE_H

#include <stddef.h>
#include <stdint.h>

struct out_queue {
    uint8_t *data;
    size_t head, tail; /* bytes head…tail-1 wait */
    size_t size;
};

/* Add raw bytes. 0 or -ENOMEM (then nothing was added). */
int out_queue_add(struct out_queue *queue, const void *bytes, size_t length);

/* Add a header and a body made of two parts (either may be empty). All or nothing: 0 or -ENOMEM. */
int out_queue_message(struct out_queue *queue, uint32_t type, uint32_t window, const void *body,
                      size_t length, const void *more, size_t more_length);

/* The waiting bytes; *bytes is valid until the next call. */
size_t out_queue_peek(const struct out_queue *queue, const uint8_t **bytes);

/* The first `length` of them have gone. */
void out_queue_consume(struct out_queue *queue, size_t length);

/* How many wait. */
size_t out_queue_bytes(const struct out_queue *queue);

/* Forget all and free the memory. */
void out_queue_reset(struct out_queue *queue);

#endif
