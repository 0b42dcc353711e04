/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The channel to the daemon: offered as a vchan server, version handshake, messages in and out, offered again
 * when the daemon goes away. Nothing here blocks; nothing knows X.
 */
#ifndef LINK_H
#define LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <libvchan.h>

#include "gui-protocol.h"
#include "out-queue.h"

enum link_state {
    LINK_CLOSED,  /* no vchan: link_open() is due */
    LINK_WAITING, /* offered, nobody came */
    LINK_VERSION, /* our version is sent, the daemon's awaited */
    LINK_XCONF,   /* the screen's description is awaited */
    LINK_UP,
};

/* What the owner is told, from inside link_process(). */
struct link_events {
    void (*up)(void *context);   /* handshake done: minor and xconf are valid */
    void (*down)(void *context); /* the daemon is gone; messages are dropped from now on */
    void (*message)(void *context, const struct gui_msg_header *header, const void *body);
};

struct link {
    libvchan_t *vchan;
    int domain;
    enum link_state state;
    uint32_t minor; /* effective minor version */
    struct gui_xconf xconf;
    struct out_queue out;
    uint8_t *in; /* what was read and is not a whole message yet */
    size_t in_used, in_size;
    const struct link_events *events;
    void *context;
    uint64_t messages_out;
};

/* Offer the channel to `link->domain`. 0 or -errno. */
int link_open(struct link *link);

/* Give the channel back; no callback. */
void link_close(struct link *link);

/* Descriptor to poll for reading, or -1. It may change after each link_process(). */
int link_fd(const struct link *link);

/*
 * Read and write what goes without waiting. `readable`: poll() said so. When the daemon went, `down` is
 * called (if `up` had been) and the channel is offered again: the result is then that of link_open().
 */
int link_process(struct link *link, bool readable);

/* Only write what goes without waiting. */
void link_flush(struct link *link);

/* Queue a message; dropped unless the link is up. Body in two parts, either may be empty. */
void link_send2(struct link *link, uint32_t type, uint32_t window, const void *body, size_t length,
                const void *more, size_t more_length);
void link_send(struct link *link, uint32_t type, uint32_t window, const void *body, size_t length);

/* True while so much waits to be sent that damage should wait, too. */
bool link_congested(const struct link *link);

#endif
