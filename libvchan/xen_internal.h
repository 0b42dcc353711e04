/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Xen backend's channel. The shared page and rings follow Xen's public header io/libxenvchan.h, so the
 * other end may also be Xen's own libxenvchan.
 */
#ifndef LIBVCHAN_XEN_INTERNAL_H
#define LIBVCHAN_XEN_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <xenevtchn.h>
#include <xengnttab.h>
#include <xenstore.h>
#include <xen/io/libxenvchan.h>

#include "libvchan.h"

/* One direction, seen from us. */
struct ring {
    struct ring_shared *shared; /* indices, also written by the peer */
    uint8_t *data;
    uint32_t size;  /* a power of two */
    uint32_t pages; /* of their own; 0: the data lies in the shared page */
};

struct libvchan {
    bool server, blocking;
    bool connected; /* the client came, or we came to the server */
    bool dead;      /* the peer died, or wrote nonsense into the shared page */
    int domain, port, own;
    char path[96]; /* in xenstore */
    xenevtchn_handle *evtchn;
    evtchn_port_t evtchn_port;
    xengnttab_handle *gnttab; /* client */
    xengntshr_handle *gntshr; /* server */
    struct vchan_interface *page;
    uint32_t page_ref;
    struct ring read, write;
    struct xs_handle *xs;        /* server: till the client came; client: till connected */
    struct xencall_handle *call; /* or NULL */
    int epoll, timer;
};

/* xen_status.c */

/** Get ready to ask Xen while the device may be opened; the process may give up its privileges later. NULL:
 * may not. */
struct xencall_handle *xen_status_open(void);

/** Is our end of the event channel still bound to the peer's? True when that cannot be found out. */
bool xen_status_bound(struct xencall_handle *call, evtchn_port_t port);

void xen_status_close(struct xencall_handle *call);

#endif
