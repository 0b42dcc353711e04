/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest's window buffer, mapped read-only into the X server for one client. What the client says about it
 * is checked here; nothing here knows X.
 */
#ifndef GUEST_BUFFER_H
#define GUEST_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

#include "pixels-protocol.h"
#include "shmbuf.h"

/* What one client has mapped. */
struct guest_account {
    size_t buffers, pages;
};

struct guest_buffer {
    struct shmbuf_map map;
    int width, height;
    struct guest_account *account;
};

/*
 * Map width * height pixels of 32 bits, on the account. `fd` stays the caller's. -EINVAL: size or pages are
 * out of range or do not match; -ENOMEM: the account is full; else as shmbuf_adopt().
 */
int guest_buffer_new(int fd, const struct pixels_attach *untrusted_attach,
                     const struct shmbuf_piece *untrusted_pieces, size_t count, struct guest_account *account,
                     struct guest_buffer **out);

/* Unmap, and take it off the account. */
void guest_buffer_free(struct guest_buffer *buffer);

/* Is the rectangle inside of the buffer, and not empty? */
bool guest_buffer_contains(const struct guest_buffer *buffer, const struct pixels_rect *untrusted_rect);

#endif
