/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The windows of the display that may be shown to the user, found by their X id, which is also the id on the
 * wire. Pure bookkeeping: X resources and buffers are named here, but made and freed elsewhere.
 */
#ifndef WINDOW_H
#define WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rect-list.h"
#include "shmbuf.h"

/* A granted buffer: the agent's own (shm), or the window's pixmap itself (see grants.h). Neither: none. */
struct window_buffer {
    uint32_t width, height;
    struct shmbuf shm;
    uint32_t pixmap; /* a name that keeps the pixmap's pages */
    uint32_t *refs;  /* of the pixmap */
};

struct window {
    uint32_t id;
    struct window *next;           /* in its bucket */
    struct window *before, *after; /* all windows, oldest first */

    struct rect geo;    /* content without border, in root coordinates, as last agreed with the daemon */
    struct rect actual; /* the same as X last told */
    uint32_t border;
    bool override_redirect;
    bool mapped;    /* in X */
    bool announced; /* CREATE was sent on this connection */
    bool shown;     /* MAP was sent after the last UNMAP */
    bool docked;    /* a tray icon's holder */
    uint32_t icon;  /* if docked: the application's icon window inside */

    uint32_t cursor;                        /* as last told to the daemon */
    uint32_t dirty;                         /* properties to send, see properties.c */
    bool moved;                             /* the geometry is to be told to the daemon, see track_flush() */
    bool fullscreen, urgent, iconic, modal; /* as last told by either side */

    uint32_t pixmap; /* name of the composite pixmap, 0 = none */
    uint32_t damage;
    bool stale; /* the buffer does not fit the window: a dump is due */
    struct rect_list pending;
    struct window_buffer current;  /* of the last dump */
    struct window_buffer previous; /* of the dump before, till the last is acknowledged */
    bool ack_open;                 /* the last dump is not acknowledged: no other may follow */

    bool sync_asked; /* whether the application takes part, see resize.h */
    bool sync_waiting;
    uint32_t sync_counter, sync_alarm;
    uint64_t sync_value, sync_deadline_ms;

    bool frame_open; /* a frame request is not answered */
    uint32_t frame_serial;
    uint64_t frame_ms; /* monotonic time of the last frame, for peers without frame callbacks */
};

#define WINDOW_BUCKETS 256

struct window_table {
    struct window *buckets[WINDOW_BUCKETS];
    struct window *first, *last; /* in order of window_add() */
    size_t count;
    uint32_t *buried; /* ids that the daemon has not released yet */
    size_t buried_count, buried_size;
};

/* The window, or NULL. */
struct window *window_find(const struct window_table *table, uint32_t id);

/* The window that this docked icon is inside of, or NULL. */
struct window *window_holding(const struct window_table *table, uint32_t icon);

/* Add a zeroed window; NULL if out of memory. The id must not be there. */
struct window *window_add(struct window_table *table, uint32_t id);

/* Take it out and free the structure. */
void window_remove(struct window_table *table, struct window *win);

/* Call `each` for all, in the order in which they were added; it may remove the window that it is given. */
void window_each(struct window_table *table, void (*each)(struct window *win, void *context), void *context);

/* Number of windows for which `is` holds. */
size_t window_count_if(const struct window_table *table, bool (*is)(const struct window *win));

/*
 * DESTROY was sent: the id must not be created again until the daemon's DESTROY (protocol page, section 6,
 * "life"). X gives the same ids to the next client, so that happens all the time. 0 or -ENOMEM.
 */
int window_bury(struct window_table *table, uint32_t id);
bool window_buried(const struct window_table *table, uint32_t id);
void window_release(struct window_table *table, uint32_t id);
void window_release_all(struct window_table *table);

#endif
