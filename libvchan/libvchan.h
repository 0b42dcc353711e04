/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libvchan: a two-way byte channel between two domains. The interface is the one of Qubes OS, so programs
 * written for it build here unchanged. Two libraries implement it and are chosen at link time: libvchan-xen
 * (rings in granted pages and an event channel) and libvchan-socket (Unix sockets, for tests on one machine).
 *
 * A channel is one object used by one thread. Nothing here is safe to call from a signal handler.
 */
#ifndef LIBVCHAN_H
#define LIBVCHAN_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A pollable file descriptor. */
typedef int EVTCHN;

typedef struct libvchan libvchan_t;

/** Answers of libvchan_is_open(). */
enum {
    VCHAN_DISCONNECTED = 0, /**< the peer went away, or the channel never came up */
    VCHAN_CONNECTED = 1,    /**< both ends are there */
    VCHAN_WAITING = 2       /**< server only: no client has come yet */
};

/**
 * Offer a channel to a domain. Does not block: the client may come later (VCHAN_WAITING until then).
 * @param domain     the only domain that may connect
 * @param port       number of the channel, chosen by both sides by convention
 * @param read_min   at least so many bytes can wait for us to read; rounded up to a power of two, a page or
 * more
 * @param write_min  at least so many bytes can wait for the peer to read
 * @return the channel (free with libvchan_close), or NULL with errno set
 */
libvchan_t *libvchan_server_init(int domain, int port, size_t read_min, size_t write_min);

/**
 * Connect to a server, waiting till it appears.
 * @return the channel (free with libvchan_close), or NULL if the peer domain died or on error (errno)
 */
libvchan_t *libvchan_client_init(int domain, int port);

/**
 * Begin to connect without waiting.
 * @param watch_fd  set to a descriptor to poll for reading; each time it is readable call
 *                  libvchan_client_init_async_finish(). Owned by the channel: never close it.
 * @return the channel, good only for …_async_finish() and libvchan_close() till connected; NULL on error
 */
libvchan_t *libvchan_client_init_async(int domain, int port, EVTCHN *watch_fd);

/**
 * Go on connecting.
 * @param blocking  wait for the end
 * @return 0 connected; 1 not yet, poll again; negative: failed, call libvchan_close()
 */
int libvchan_client_init_async_finish(libvchan_t *ctrl, bool blocking);

/**
 * Write up to `size` bytes. A blocking channel waits till at least one byte fits.
 * @return bytes written (0: no room, non-blocking channel only), or -1 when the peer is gone
 */
int libvchan_write(libvchan_t *ctrl, const void *data, size_t size);

/**
 * Write exactly `size` bytes as one piece. A blocking channel waits for the room.
 * @return size; 0 if there is no room now (non-blocking channel); -1 if the peer is gone or the ring is
 * smaller
 */
int libvchan_send(libvchan_t *ctrl, const void *data, size_t size);

/**
 * Read up to `size` bytes. A blocking channel waits for the first byte.
 * @return bytes read (0: none there, non-blocking channel only), or -1 when the peer is gone and all is read
 */
int libvchan_read(libvchan_t *ctrl, void *data, size_t size);

/**
 * Read exactly `size` bytes. A blocking channel waits for all of them.
 * @return size; 0 if they are not there yet (non-blocking channel); -1 as for libvchan_read(), or if the ring
 * is smaller
 */
int libvchan_recv(libvchan_t *ctrl, void *data, size_t size);

/**
 * Wait for an event (data came, room came, the peer came or went) and clear it. After poll() reported the
 * descriptor readable call this exactly once; then look at data_ready, buffer_space and is_open: events are
 * edges, what was left unread is not reported again.
 * @return 0, or -1 on error
 */
int libvchan_wait(libvchan_t *ctrl);

/** Flush what the backend can and free everything. NULL is allowed. */
void libvchan_close(libvchan_t *ctrl);

/**
 * In a child after fork(): free the inherited copy without flushing and without telling the peer. The
 * parent's channel stays as it is; without this call the child would keep it up after the parent's death. Not
 * part of Qubes' API.
 */
void libvchan_forget(libvchan_t *ctrl);

/** The descriptor to poll for reading, whatever is waited for. Owned by the channel. */
EVTCHN libvchan_fd_for_select(libvchan_t *ctrl);

/** @return VCHAN_DISCONNECTED, VCHAN_CONNECTED or VCHAN_WAITING. Data may still be readable when
 * disconnected. */
int libvchan_is_open(libvchan_t *ctrl);

/** @return bytes that can be read now */
int libvchan_data_ready(libvchan_t *ctrl);

/** @return bytes that can be written now */
int libvchan_buffer_space(libvchan_t *ctrl);

/** Choose whether read, write, send and recv wait (they do at first). libvchan_wait() always waits. */
void libvchan_set_blocking(libvchan_t *ctrl, bool blocking);

#ifdef __cplusplus
}
#endif
#endif
