/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fake_vchan.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

struct libvchan {
    const uint8_t *data;
    size_t size, piece;
};

libvchan_t *fake_vchan(const uint8_t *data, size_t size, size_t piece)
{
    libvchan_t *c = malloc(sizeof(*c));

    *c = (struct libvchan){data, size, piece ? piece : 1};
    return c;
}

int libvchan_read(libvchan_t *c, void *data, size_t size)
{
    size_t n = size < c->piece ? size : c->piece;

    if (!c->size)
        return -1;
    if (n > c->size)
        n = c->size;
    memcpy(data, c->data, n);
    c->data += n;
    c->size -= n;
    return (int)n;
}

int libvchan_write(libvchan_t *c, const void *data, size_t size)
{
    (void)c;
    (void)data;
    return (int)size;
}

int libvchan_send(libvchan_t *c, const void *data, size_t size)
{
    return libvchan_write(c, data, size);
}

int libvchan_wait(libvchan_t *c)
{
    (void)c;
    return 0;
}

/* Always readable. */
EVTCHN libvchan_fd_for_select(libvchan_t *c)
{
    static int fd = -1;

    (void)c;
    if (fd < 0)
        fd = eventfd(1, EFD_CLOEXEC);
    return fd;
}

int libvchan_is_open(libvchan_t *c)
{
    return c->size ? VCHAN_CONNECTED : VCHAN_DISCONNECTED;
}

void libvchan_set_blocking(libvchan_t *c, bool blocking)
{
    (void)c;
    (void)blocking;
}

void libvchan_close(libvchan_t *c)
{
    free(c);
}

libvchan_t *libvchan_client_init_async(int domain, int port, EVTCHN *fd)
{
    (void)domain;
    (void)port;
    (void)fd;
    return NULL;
}

int libvchan_client_init_async_finish(libvchan_t *c, bool blocking)
{
    (void)c;
    (void)blocking;
    return -1;
}
