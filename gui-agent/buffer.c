/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "buffer.h"

#include <stdlib.h>
#include <string.h>

#include "gui-message.h"

#define SPARES (sizeof(((struct agent *)0)->spare) / sizeof(struct shmbuf))

int buffer_alloc(struct agent *agent, uint32_t width, uint32_t height, struct window_buffer *out)
{
    size_t need = gui_buffer_pages(width, height);
    int rc;

    out->width = width;
    out->height = height;
    for (size_t i = 0; i < SPARES; i++) {
        struct shmbuf *spare = &agent->spare[i];

        if (buffer_fits(spare->pages, need)) {
            out->shm = *spare;
            memset(spare, 0, sizeof(*spare));
            return 0;
        }
    }
    rc = shmbuf_alloc(agent->exporter, buffer_round_up(need), &out->shm);
    if (rc) {
        /* Perhaps the limit of grants is reached: do without slack and spares. */
        buffer_drop_spares(agent);
        rc = shmbuf_alloc(agent->exporter, need, &out->shm);
    }
    if (rc)
        memset(out, 0, sizeof(*out));
    return rc;
}

/* Keep it if it is larger than the smallest spare one; what is left over is freed. */
static void keep(struct agent *agent, struct shmbuf *buf)
{
    size_t smallest = 0;

    for (size_t i = 1; i < SPARES; i++) {
        if (agent->spare[i].pages < agent->spare[smallest].pages)
            smallest = i;
    }
    if (agent->spare[smallest].pages < buf->pages) {
        struct shmbuf old = agent->spare[smallest];

        agent->spare[smallest] = *buf;
        *buf = old;
    }
    if (buf->pages)
        shmbuf_free(agent->exporter, buf);
}

bool buffer_present(const struct window_buffer *buffer)
{
    return buffer->shm.pages || buffer->pixmap;
}

const uint32_t *buffer_refs(const struct window_buffer *buffer)
{
    return buffer->pixmap ? buffer->refs : buffer->shm.refs;
}

void buffer_free(struct agent *agent, struct window_buffer *buffer)
{
    if (buffer->pixmap && agent->x.conn)
        xcb_free_pixmap(agent->x.conn, buffer->pixmap);
    free(buffer->refs);
    if (buffer->shm.pages)
        keep(agent, &buffer->shm);
    memset(buffer, 0, sizeof(*buffer));
}

void buffer_drop_spares(struct agent *agent)
{
    for (size_t i = 0; i < SPARES; i++) {
        if (agent->spare[i].pages)
            shmbuf_free(agent->exporter, &agent->spare[i]);
        memset(&agent->spare[i], 0, sizeof(agent->spare[i]));
    }
}
