/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dom0's one clipboard buffer: files in a directory, shared by the daemons of all domains under a lock.
 * Nothing here knows of windows or of the protocol.
 */
#ifndef CLIPBOARD_STORE_H
#define CLIPBOARD_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct clipboard_store {
    char *dir;
    int group;   /* that owns the files, -1: as it comes */
    int lock_fd; /* -1: not locked */
};

struct clipboard_entry {
    char source[32]; /* domain that copied, "" if nothing is there */
    uint32_t time;   /* X time of the last operation, 0 if none */
    uint8_t *bytes;  /* allocated by clipboard_store_read() */
    size_t length;
};

/* What happened, for the metadata file that panels read. */
struct clipboard_event {
    const char *domain;
    uint32_t time;
    bool successful, copy, paste, cleared;
    size_t sent_size, buffer_size;
};

/* `dir` NULL: $QUBES_CLIPBOARD_DIR, else /var/run/qubes. */
void clipboard_store_init(struct clipboard_store *store, const char *dir);
void clipboard_store_free(struct clipboard_store *store);

/* All the rest is done between these two. 0 or -errno. */
int clipboard_store_lock(struct clipboard_store *store);
void clipboard_store_unlock(struct clipboard_store *store);

/* 0 or -errno; an empty clipboard is no error. With `bytes` also the content. Free with
 * clipboard_entry_free(). */
int clipboard_store_read(struct clipboard_store *store, bool bytes, struct clipboard_entry *entry);
void clipboard_entry_free(struct clipboard_entry *entry);

/* Replace content, source and time. */
int clipboard_store_write(struct clipboard_store *store, const char *source, uint32_t time, const void *bytes,
                          size_t length);

/* Empty it; `time` is the operation's. */
int clipboard_store_wipe(struct clipboard_store *store, uint32_t time);

void clipboard_store_metadata(struct clipboard_store *store, const struct clipboard_event *event);

/* Is X time `a` later than `b`? The server's time wraps every 49 days. */
bool clipboard_time_after(uint32_t a, uint32_t b);

#endif
