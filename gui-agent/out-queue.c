/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "out-queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gui-protocol.h"

static int reserve(struct out_queue *queue, size_t more)
{
    size_t waiting = queue->tail - queue->head, size = queue->size ? queue->size : 4096;
    uint8_t *data;

    if (queue->tail + more <= queue->size)
        return 0;
    if (queue->head) {
        memmove(queue->data, queue->data + queue->head, waiting);
        queue->head = 0;
        queue->tail = waiting;
    }
    while (size < waiting + more)
        size *= 2;
    if (size == queue->size)
        return 0;
    data = realloc(queue->data, size);
    if (!data)
        return -ENOMEM;
    queue->data = data;
    queue->size = size;
    return 0;
}

/* Room must have been reserved. */
static void append(struct out_queue *queue, const void *bytes, size_t length)
{
    if (!length)
        return;
    memcpy(queue->data + queue->tail, bytes, length);
    queue->tail += length;
}

int out_queue_add(struct out_queue *queue, const void *bytes, size_t length)
{
    int rc = reserve(queue, length);

    if (rc)
        return rc;
    append(queue, bytes, length);
    return 0;
}

int out_queue_message(struct out_queue *queue, uint32_t type, uint32_t window, const void *body,
                      size_t length, const void *more, size_t more_length)
{
    struct gui_msg_header header = {type, window, (uint32_t)(length + more_length)};
    int rc = reserve(queue, sizeof(header) + length + more_length);

    if (rc)
        return rc;
    append(queue, &header, sizeof(header));
    append(queue, body, length);
    append(queue, more, more_length);
    return 0;
}

size_t out_queue_peek(const struct out_queue *queue, const uint8_t **bytes)
{
    *bytes = queue->data ? queue->data + queue->head : NULL;
    return queue->tail - queue->head;
}

void out_queue_consume(struct out_queue *queue, size_t length)
{
    queue->head += length;
    if (queue->head == queue->tail)
        queue->head = queue->tail = 0;
}

size_t out_queue_bytes(const struct out_queue *queue)
{
    return queue->tail - queue->head;
}

void out_queue_reset(struct out_queue *queue)
{
    free(queue->data);
    *queue = (struct out_queue){0};
}
