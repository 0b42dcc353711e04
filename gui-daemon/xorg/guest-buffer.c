/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guest-buffer.h"

#include <errno.h>
#include <stdlib.h>

#include "gui-message.h"

static bool size_valid(const struct pixels_attach *untrusted)
{
    return untrusted->width > 0 && untrusted->width <= GUI_MAX_WIDTH && untrusted->height > 0 &&
           untrusted->height <= GUI_MAX_HEIGHT;
}

/* Take exactly the pages of such a picture on the account. */
static int charge(struct guest_buffer *buffer, struct guest_account *account)
{
    if (buffer->map.pages != gui_buffer_pages((uint32_t)buffer->width, (uint32_t)buffer->height))
        return -EINVAL;
    if (account->buffers >= PIXELS_MAX_BUFFERS || account->pages + buffer->map.pages > PIXELS_MAX_PAGES)
        return -ENOMEM;
    account->buffers++;
    account->pages += buffer->map.pages;
    buffer->account = account;
    return 0;
}

int guest_buffer_new(int fd, const struct pixels_attach *untrusted_attach,
                     const struct shmbuf_piece *untrusted_pieces, size_t count, struct guest_account *account,
                     struct guest_buffer **out)
{
    struct guest_buffer *buffer;
    int err;

    if (!size_valid(untrusted_attach))
        return -EINVAL;
    buffer = calloc(1, sizeof(*buffer));
    if (!buffer)
        return -ENOMEM;
    buffer->width = untrusted_attach->width;
    buffer->height = untrusted_attach->height;
    err = shmbuf_adopt(fd, untrusted_pieces, count, &buffer->map);
    if (!err)
        err = charge(buffer, account);
    if (err) {
        guest_buffer_free(buffer);
        return err;
    }
    *out = buffer;
    return 0;
}

void guest_buffer_free(struct guest_buffer *buffer)
{
    if (buffer->account) {
        buffer->account->buffers--;
        buffer->account->pages -= buffer->map.pages;
    }
    shmbuf_unmap(NULL, &buffer->map);
    free(buffer);
}

bool guest_buffer_contains(const struct guest_buffer *buffer, const struct pixels_rect *untrusted_rect)
{
    const struct pixels_rect *r = untrusted_rect;

    return r->x >= 0 && r->y >= 0 && r->width > 0 && r->height > 0 && r->x + r->width <= buffer->width &&
           r->y + r->height <= buffer->height;
}
