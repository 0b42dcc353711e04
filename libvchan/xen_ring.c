/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes through the rings. The peer can write anything into the shared page at any time: indices are read
 * once and checked; a difference larger than the ring means that the peer is broken, and the channel counts
 * as closed.
 *
 * Notification follows the public header: a side that waits sets its bit, the other side takes the bit and
 * sends an event. After setting the bit the index is read again, lest a change in between be missed.
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "xen_internal.h"

#define BARRIER() __atomic_thread_fence(__ATOMIC_SEQ_CST)

/* The peer's promise to notify us is kept in the byte named after the client for a server, and the reverse.
 */
static void ask_notify(libvchan_t *c, uint8_t bit)
{
    uint8_t *byte = c->server ? &c->page->cli_notify : &c->page->srv_notify;

    __atomic_or_fetch(byte, bit, __ATOMIC_SEQ_CST);
    BARRIER();
}

static void send_notify(libvchan_t *c, uint8_t bit)
{
    uint8_t *byte = c->server ? &c->page->srv_notify : &c->page->cli_notify;

    BARRIER();
    if (__atomic_fetch_and(byte, (uint8_t)~bit, __ATOMIC_SEQ_CST) & bit)
        xenevtchn_notify(c->evtchn, c->evtchn_port);
}

static uint32_t load(const uint32_t *index)
{
    return __atomic_load_n(index, __ATOMIC_ACQUIRE);
}

/* Bytes in a ring; a peer that lies ends the channel. */
static uint32_t filled(libvchan_t *c, const struct ring *r)
{
    uint32_t untrusted_used = load(&r->shared->prod) - load(&r->shared->cons);

    if (untrusted_used <= r->size)
        return untrusted_used;
    c->dead = true;
    return 0;
}

static uint32_t ready_for(libvchan_t *c, size_t wanted)
{
    uint32_t n;

    if (!c->page)
        return 0;
    n = filled(c, &c->read);
    if (n >= wanted)
        return n;
    ask_notify(c, VCHAN_NOTIFY_WRITE);
    return filled(c, &c->read);
}

static uint32_t space_for(libvchan_t *c, size_t wanted)
{
    uint32_t n;

    if (!c->page)
        return 0;
    n = c->write.size - filled(c, &c->write);
    if (n >= wanted)
        return n;
    ask_notify(c, VCHAN_NOTIFY_READ);
    return c->write.size - filled(c, &c->write);
}

static void copy_in(libvchan_t *c, const char *data, uint32_t size)
{
    struct ring *r = &c->write;
    uint32_t prod = load(&r->shared->prod), at = prod & (r->size - 1);
    uint32_t first = size < r->size - at ? size : r->size - at;

    BARRIER();
    memcpy(r->data + at, data, first);
    memcpy(r->data, data + first, size - first);
    __atomic_store_n(&r->shared->prod, prod + size, __ATOMIC_RELEASE);
    send_notify(c, VCHAN_NOTIFY_WRITE);
}

static void copy_out(libvchan_t *c, char *data, uint32_t size)
{
    struct ring *r = &c->read;
    uint32_t cons = load(&r->shared->cons), at = cons & (r->size - 1);
    uint32_t first = size < r->size - at ? size : r->size - at;

    BARRIER();
    memcpy(data, r->data + at, first);
    memcpy(data + first, r->data, size - first);
    __atomic_store_n(&r->shared->cons, cons + size, __ATOMIC_RELEASE);
    send_notify(c, VCHAN_NOTIFY_READ);
}

static bool closed(libvchan_t *c)
{
    return libvchan_is_open(c) == VCHAN_DISCONNECTED;
}

/* Write at least `least` bytes (all of `size` at most). */
static int write_ring(libvchan_t *c, const char *data, size_t size, size_t least)
{
    for (;;) {
        uint32_t space;

        if (closed(c))
            return -1;
        space = space_for(c, least);
        if (!c->dead && space >= least) {
            uint32_t n = size < space ? (uint32_t)size : space;

            copy_in(c, data, n);
            return (int)n;
        }
        if (!c->blocking)
            return c->dead ? -1 : 0;
        if (libvchan_wait(c) < 0)
            return -1;
    }
}

static int read_ring(libvchan_t *c, char *data, size_t size, size_t least)
{
    for (;;) {
        bool was_closed = closed(c); /* before looking: what came till then is still read */
        uint32_t ready = ready_for(c, least);

        if (ready >= least) {
            uint32_t n = size < ready ? (uint32_t)size : ready;

            copy_out(c, data, n);
            return (int)n;
        }
        if (was_closed || c->dead)
            return -1;
        if (!c->blocking)
            return 0;
        if (libvchan_wait(c) < 0)
            return -1;
    }
}

int libvchan_write(libvchan_t *c, const void *data, size_t size)
{
    return size ? write_ring(c, data, size, 1) : 0;
}

int libvchan_send(libvchan_t *c, const void *data, size_t size)
{
    if (size > c->write.size)
        return -1;
    return size ? write_ring(c, data, size, size) : 0;
}

int libvchan_read(libvchan_t *c, void *data, size_t size)
{
    return size ? read_ring(c, data, size, 1) : 0;
}

int libvchan_recv(libvchan_t *c, void *data, size_t size)
{
    if (size > c->read.size)
        return -1;
    return size ? read_ring(c, data, size, size) : 0;
}

/* Asked from outside: the caller waits for a change, whatever there is now. */
int libvchan_data_ready(libvchan_t *c)
{
    return (int)ready_for(c, (size_t)c->read.size + 1);
}

int libvchan_buffer_space(libvchan_t *c)
{
    return (int)space_for(c, (size_t)c->write.size + 1);
}

EVTCHN libvchan_fd_for_select(libvchan_t *c)
{
    return c->epoll;
}

void libvchan_set_blocking(libvchan_t *c, bool blocking)
{
    c->blocking = blocking;
}
