/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "link.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gui-message.h"

#define RING_IN         16384
#define RING_OUT        65536
#define CONGESTED_BYTES 65536

int link_open(struct link *link)
{
    link->vchan = libvchan_server_init(link->domain, GUI_VCHAN_PORT, RING_IN, RING_OUT);
    if (!link->vchan)
        return errno ? -errno : -EIO;
    libvchan_set_blocking(link->vchan, false);
    link->state = LINK_WAITING;
    return 0;
}

void link_close(struct link *link)
{
    libvchan_close(link->vchan);
    link->vchan = NULL;
    link->state = LINK_CLOSED;
    link->in_used = 0;
    free(link->in);
    link->in = NULL;
    link->in_size = 0;
    out_queue_reset(&link->out);
}

int link_fd(const struct link *link)
{
    return link->vchan ? libvchan_fd_for_select(link->vchan) : -1;
}

/* The peer is gone or talks nonsense: start over. */
static int restart(struct link *link, const char *why)
{
    bool was_up = link->state == LINK_UP;

    fprintf(stderr, "qubes-gui: %s; offering the channel again\n", why);
    link_close(link);
    if (was_up)
        link->events->down(link->context);
    return link_open(link);
}

/* 0 or -EPIPE. */
static int flush_out(struct link *link)
{
    const uint8_t *bytes;
    size_t waiting;

    while (link->state > LINK_WAITING && (waiting = out_queue_peek(&link->out, &bytes)) > 0) {
        int n = libvchan_write(link->vchan, bytes, waiting);

        if (n < 0)
            return -EPIPE;
        if (n == 0) {
            /* Asking for the room also asks the peer for an event when there is some. */
            if (libvchan_buffer_space(link->vchan) <= 0)
                break;
            continue;
        }
        out_queue_consume(&link->out, (size_t)n);
    }
    return 0;
}

static int ensure_in(struct link *link, size_t size)
{
    uint8_t *in;

    if (size <= link->in_size)
        return 0;
    in = realloc(link->in, size);
    if (!in)
        return -ENOMEM;
    link->in = in;
    link->in_size = size;
    return 0;
}

/* Bring `link->in` to `want` bytes. 1: there; 0: not yet; -errno. */
static int fill_in(struct link *link, size_t want)
{
    int rc = ensure_in(link, want);

    if (rc)
        return rc;
    while (link->in_used < want) {
        int ready = libvchan_data_ready(link->vchan), n;

        if (ready <= 0)
            return 0;
        n = libvchan_read(link->vchan, link->in + link->in_used, want - link->in_used);
        if (n < 0)
            return -EPIPE;
        if (n == 0)
            return 0;
        link->in_used += (size_t)n;
    }
    return 1;
}

static int read_version(struct link *link)
{
    uint32_t version;
    int rc = fill_in(link, sizeof(version));

    if (rc <= 0)
        return rc;
    memcpy(&version, link->in, sizeof(version));
    link->in_used = 0;
    rc = gui_version_effective(version);
    if (rc < 0)
        return -EPROTO;
    link->minor = (uint32_t)rc;
    link->state = LINK_XCONF;
    return 1;
}

static int read_xconf(struct link *link)
{
    int rc = fill_in(link, sizeof(link->xconf));

    if (rc <= 0)
        return rc;
    memcpy(&link->xconf, link->in, sizeof(link->xconf));
    link->in_used = 0;
    link->state = LINK_UP;
    fprintf(stderr, "qubes-gui: connected, protocol %d.%u, screen %ux%u\n", GUI_VERSION_MAJOR, link->minor,
            link->xconf.width, link->xconf.height);
    link->events->up(link->context);
    return 1;
}

static int read_message(struct link *link)
{
    struct gui_msg_header header;
    int rc = fill_in(link, sizeof(header));

    if (rc <= 0)
        return rc;
    memcpy(&header, link->in, sizeof(header));
    if (!gui_message_valid(&header, GUI_FROM_DAEMON, link->minor)) {
        fprintf(stderr, "qubes-gui: message %u of %u bytes is not in the protocol\n", header.type,
                header.length);
        return -EPROTO;
    }
    rc = fill_in(link, sizeof(header) + header.length);
    if (rc <= 0)
        return rc;
    link->in_used = 0;
    link->events->message(link->context, &header, link->in + sizeof(header));
    return 1;
}

/* All that is there to read. 0 or -errno. */
static int read_all(struct link *link)
{
    static int (*const readers[])(struct link *) = {
        [LINK_VERSION] = read_version, [LINK_XCONF] = read_xconf, [LINK_UP] = read_message};
    int rc = 1;

    while (rc > 0 && link->state > LINK_WAITING)
        rc = readers[link->state](link);
    return rc < 0 ? rc : 0;
}

static int greet(struct link *link)
{
    uint32_t version = GUI_VERSION(GUI_MINOR_FRAMES);

    link->state = LINK_VERSION;
    return out_queue_add(&link->out, &version, sizeof(version));
}

int link_process(struct link *link, bool readable)
{
    int rc = 0;

    if (!link->vchan)
        return 0;
    if (readable && libvchan_wait(link->vchan) < 0)
        return restart(link, "the channel broke");
    if (link->state == LINK_WAITING && libvchan_is_open(link->vchan) == VCHAN_CONNECTED)
        rc = greet(link);
    if (!rc)
        rc = read_all(link);
    if (!rc)
        rc = flush_out(link);
    if (rc == -EPROTO)
        return restart(link, "the daemon broke the protocol");
    if (rc || libvchan_is_open(link->vchan) == VCHAN_DISCONNECTED)
        return restart(link, "the daemon went away");
    return 0;
}

void link_flush(struct link *link)
{
    /* An error makes the descriptor readable; link_process() deals with it. */
    if (link->vchan)
        flush_out(link);
}

void link_send2(struct link *link, uint32_t type, uint32_t window, const void *body, size_t length,
                const void *more, size_t more_length)
{
    if (link->state != LINK_UP)
        return;
    if (out_queue_message(&link->out, type, window, body, length, more, more_length))
        fprintf(stderr, "qubes-gui: out of memory, %s dropped\n", gui_message_name(type));
    link->messages_out++;
}

void link_send(struct link *link, uint32_t type, uint32_t window, const void *body, size_t length)
{
    link_send2(link, type, window, body, length, NULL, 0);
}

bool link_congested(const struct link *link)
{
    return out_queue_bytes(&link->out) > CONGESTED_BYTES;
}
