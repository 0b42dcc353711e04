/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "connection.h"

#include <errno.h>
#include <glib-unix.h>
#include <glib.h>
#include <libvchan.h>
#include <stdlib.h>
#include <string.h>

#include "../gui-common/gui-message.h"
#include "stream.h"
#include "throttle.h"

/* Messages handled before other sources get a turn. */
#define BATCH 128
/* Tokens: one for each read, one for each page that a body is long, and what the message's work costs. */
#define RATE  20000
#define BURST 40000
/* Queued bytes above which motion is dropped, and above which the agent counts as dead. */
#define QUEUE_LAZY (16 * 1024)
#define QUEUE_MAX  (4 * 1024 * 1024)
/* Below input events and drawing: a flood of messages must not make dom0's own windows slow. */
#define PRIORITY (G_PRIORITY_HIGH_IDLE + 30)

struct connection {
    GSource source; /* first: GLib allocates it with this structure's size */
    const struct connection_ops *ops;
    void *data;
    libvchan_t *channel;
    gpointer fd_tag;
    int fd;
    bool connected;
    bool paused;
    bool dead;
    struct stream stream;
    struct throttle throttle;
    GByteArray *queue;
    uint64_t in, out;
};

static void watch_fd(struct connection *c, int fd)
{
    if (c->fd_tag)
        g_source_remove_unix_fd(&c->source, c->fd_tag);
    c->fd = fd;
    c->fd_tag = fd >= 0 ? g_source_add_unix_fd(&c->source, fd, G_IO_IN) : NULL;
}

static void close_channel(struct connection *c)
{
    if (c->dead)
        return;
    c->dead = true;
    watch_fd(c, -1);
    g_source_set_ready_time(&c->source, -1);
    c->ops->closed(c->data);
}

static void flush_queue(struct connection *c)
{
    while (c->queue->len) {
        int space = libvchan_buffer_space(c->channel), sent;

        if (space <= 0)
            return;
        sent = libvchan_write(c->channel, c->queue->data, MIN((size_t)space, c->queue->len));
        if (sent <= 0)
            return;
        g_byte_array_remove_range(c->queue, 0, (guint)sent);
    }
}

static void queue_bytes(struct connection *c, const void *bytes, size_t size)
{
    g_byte_array_append(c->queue, bytes, (guint)size);
}

void connection_send(struct connection *c, uint32_t type, uint32_t window, const void *body, uint32_t length)
{
    struct gui_msg_header header = {type, window, length};

    if (c->dead || !c->connected || c->stream.state == STREAM_VERSION)
        return;
    if (c->queue->len > QUEUE_LAZY && type == MSG_MOTION)
        return;
    if (c->queue->len > QUEUE_MAX)
        return;
    queue_bytes(c, &header, sizeof(header));
    if (length)
        queue_bytes(c, body, length);
    c->out++;
    flush_queue(c);
}

static void start(struct connection *c)
{
    uint32_t version = c->stream.untrusted_version;
    int minor = gui_version_effective(version);
    struct gui_xconf xconf;
    char text[96];

    if (minor < GUI_MINOR_WINDOW_DUMP) {
        g_snprintf(text, sizeof(text), "GUI protocol version %u.%u", version >> 16, version & 0xffff);
        c->ops->violation(c->data, text, true);
        return;
    }
    stream_start(&c->stream, (uint32_t)minor);
    c->ops->started(c->data, (uint32_t)minor, &xconf);
    if (minor >= GUI_MINOR_BIDIRECTIONAL) {
        uint32_t own = GUI_VERSION((uint32_t)minor);

        queue_bytes(c, &own, sizeof(own));
    }
    queue_bytes(c, &xconf, sizeof(xconf));
    flush_queue(c);
}

/* Returns the tokens that it cost. */
static uint32_t handle_event(struct connection *c, enum stream_event event)
{
    char text[96];

    switch (event) {
    case STREAM_MORE:
        break;
    case STREAM_GOT_VERSION:
        start(c);
        break;
    case STREAM_GOT_MESSAGE:
        c->in++;
        return c->ops->message(c->data, &c->stream.header, c->stream.body);
    case STREAM_BAD_MESSAGE:
        c->in++;
        g_snprintf(text, sizeof(text), "message %s (%u) with %u bytes",
                   gui_message_name(c->stream.header.type), c->stream.header.type, c->stream.header.length);
        c->ops->violation(c->data, text, false);
        break;
    }
    return 0;
}

/* Read and obey until nothing is there, the batch is full, the domain's tokens are spent or someone pauses.
 */
static void pump(struct connection *c)
{
    for (int i = 0; i < BATCH && !c->paused && !c->dead; i++) {
        int ready = libvchan_data_ready(c->channel), got;
        int64_t wait_us;
        uint32_t cost;
        size_t size;
        void *to;

        if (ready <= 0) {
            if (libvchan_is_open(c->channel) != VCHAN_CONNECTED)
                close_channel(c);
            return;
        }
        to = stream_want(&c->stream, &size);
        got = libvchan_read(c->channel, to, MIN((size_t)ready, size));
        if (got <= 0) {
            close_channel(c);
            return;
        }
        cost = 1 + (uint32_t)got / GUI_PAGE_SIZE + handle_event(c, stream_got(&c->stream, (size_t)got));
        wait_us = throttle_take(&c->throttle, cost, g_get_monotonic_time());
        if (wait_us && !c->dead) {
            g_source_set_ready_time(&c->source, g_get_monotonic_time() + wait_us);
            return;
        }
    }
    if (!c->paused && !c->dead)
        g_source_set_ready_time(&c->source, 0);
}

static void finish_connect(struct connection *c)
{
    int status = libvchan_client_init_async_finish(c->channel, false);

    if (status > 0)
        return;
    if (status < 0) {
        close_channel(c);
        return;
    }
    c->connected = true;
    watch_fd(c, libvchan_fd_for_select(c->channel));
    pump(c);
}

static gboolean dispatch(GSource *source, GSourceFunc callback, gpointer user_data)
{
    struct connection *c = (struct connection *)source;
    bool event = c->fd_tag && (g_source_query_unix_fd(source, c->fd_tag) & (G_IO_IN | G_IO_HUP | G_IO_ERR));

    (void)callback;
    (void)user_data;
    if (c->dead)
        return G_SOURCE_CONTINUE;
    if (!c->connected) {
        finish_connect(c);
        return G_SOURCE_CONTINUE;
    }
    /* After a delay only the time counts: events that come meanwhile must not shorten it. */
    if (event)
        libvchan_wait(c->channel);
    if (g_source_get_ready_time(source) > g_source_get_time(source)) {
        flush_queue(c);
        return G_SOURCE_CONTINUE;
    }
    g_source_set_ready_time(source, -1);
    /* A dead channel would wake us for ever while nothing is read from it. */
    if (c->paused && libvchan_is_open(c->channel) != VCHAN_CONNECTED) {
        close_channel(c);
        return G_SOURCE_CONTINUE;
    }
    flush_queue(c);
    pump(c);
    return G_SOURCE_CONTINUE;
}

static void finalize(GSource *source)
{
    struct connection *c = (struct connection *)source;

    libvchan_close(c->channel);
    stream_free(&c->stream);
    g_byte_array_unref(c->queue);
}

static GSourceFuncs source_funcs = {.dispatch = dispatch, .finalize = finalize};

struct connection *connection_new(int domid, const struct connection_ops *ops, void *data)
{
    EVTCHN fd;
    libvchan_t *channel = libvchan_client_init_async(domid, GUI_VCHAN_PORT, &fd);
    struct connection *c;

    if (!channel)
        return NULL;
    c = (struct connection *)g_source_new(&source_funcs, sizeof(*c));
    c->ops = ops;
    c->data = data;
    c->channel = channel;
    c->fd_tag = NULL;
    c->connected = c->paused = c->dead = false;
    c->queue = g_byte_array_new();
    c->in = c->out = 0;
    stream_init(&c->stream);
    throttle_init(&c->throttle, RATE, BURST, g_get_monotonic_time());
    g_source_set_priority(&c->source, PRIORITY);
    /* It does not, but GLib need not take the descriptor out of poll() and wake itself at each dispatch. */
    g_source_set_can_recurse(&c->source, TRUE);
    watch_fd(c, fd);
    g_source_attach(&c->source, NULL);
    return c;
}

void connection_free(struct connection *c)
{
    if (!c)
        return;
    c->dead = true;
    g_source_destroy(&c->source);
    g_source_unref(&c->source);
}

void connection_pause(struct connection *c, bool pause)
{
    c->paused = pause;
    if (!pause && !c->dead)
        g_source_set_ready_time(&c->source, 0);
}

void connection_counts(const struct connection *c, uint64_t *in, uint64_t *out)
{
    *in = c->in;
    *out = c->out;
}
