/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * As much of an X server as libqubespixels.so asks of one: two clients, their resources, one window, and a
 * CopyArea that reads each pixel it is told to.
 */
#ifndef FAKE_DIX_H
#define FAKE_DIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAKE_CLIENTS   2
#define FAKE_WINDOW    0x77 /* depth 24 */
#define FAKE_WINDOW_32 0x78 /* depth 32 */

/* Load the module. False: it did not register its extension. */
bool fake_dix_start(void);

/*
 * Obey one request of client `index`, with a descriptor (closed by the callee or afterwards) or -1. Returns
 * the X error, 0 is Success.
 */
int fake_dix_request(unsigned index, void *request, size_t bytes, int fd);

/* An XID that client `index` may use for something new. */
uint32_t fake_dix_id(unsigned index, unsigned number);

/* The client's connection breaks: its resources are freed. */
void fake_dix_client_gone(unsigned index);

/* What happened since the start. */
struct fake_dix_counts {
    unsigned replies, events;
    unsigned long pixels; /* read by CopyArea */
    unsigned resources;   /* at present */
    size_t mapped_pages;  /* at present, as the clients' accounts say */
};
struct fake_dix_counts fake_dix_counts(void);

#endif
