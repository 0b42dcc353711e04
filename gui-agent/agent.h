/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The agent's state, handed to every part. One thread; main.c polls, the parts never wait (but for answers of
 * the X server).
 */
#ifndef AGENT_H
#define AGENT_H

#include "display.h"
#include "link.h"
#include "window.h"

/* Pixels of the X server arrive here; see capture.h. */
struct capture {
    int fd;
    uint8_t *data;
    size_t size;
    uint32_t segment; /* X id */
};

/* See clipboard.h. */
struct clipboard {
    char *data; /* text that came from the daemon and that we own the selection with */
    size_t length;
    uint64_t wipe_at_ms; /* when it is forgotten; 0: never */
    bool asked;          /* the daemon waits for our clipboard */
    char *incoming;      /* INCR transfer so far */
    size_t incoming_length;
    bool incremental;
};

/* See input.h. */
struct input {
    uint8_t keys[32]; /* held down by us */
    unsigned buttons; /* held down by us, bit n = button n */
    uint32_t locked;  /* lock modifiers on, as XKB told */
    uint32_t pointer; /* window that the pointer is in, 0 = parked */
    uint32_t focus;   /* window with the keyboard, 0 = none */
    uint32_t shape;   /* of the cursor that X shows, as MSG_CURSOR has it */
};

struct agent_stats {
    uint64_t frames;        /* bundles of damage sent */
    uint64_t rects;         /* damage messages */
    uint64_t bytes_copied;  /* into granted buffers */
    uint64_t bytes_damaged; /* that X reported */
    uint64_t dumps;
    uint64_t wakeups; /* of the main loop */
};

struct agent {
    struct display x;
    struct link link;
    struct window_table windows;
    struct shmbuf_exporter *exporter;
    struct shmbuf spare[2]; /* freed buffers, kept for the next resize; pages == 0: none */
    struct capture capture;
    struct clipboard clipboard;
    struct input input;
    struct agent_stats stats;
    bool verbose;
    uint32_t own_scale;    /* what applications draw for, in 1/120; 0: for what the user's desktop wants */
    unsigned wipe_seconds; /* text from other domains is forgotten after that time; 0: kept */
    bool frames_due;       /* some window waits for its time: the loop has to wake up at frames_at_ms */
    uint64_t frames_at_ms;
};

/* Monotonic clock. */
uint64_t agent_now_ms(void);

#endif
