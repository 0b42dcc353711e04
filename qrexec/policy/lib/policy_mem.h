/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory of the policy library: an arena that lives as long as one policy, and growing arrays.
 * Like GLib's allocator these end the program when memory is exhausted: a half-read policy must never decide.
 */
#ifndef QREXEC_POLICY_MEM_H
#define QREXEC_POLICY_MEM_H

#include <stddef.h>
#include <stdint.h>

struct policy_arena {
    struct policy_chunk *chunks;
    char *next;
    size_t left;
};

/* `size` bytes, zeroed and aligned for any object; freed by policy_arena_free() only. */
void *policy_arena_alloc(struct policy_arena *arena, size_t size);
/* A NUL-terminated copy of `len` bytes. */
char *policy_arena_strndup(struct policy_arena *arena, const char *text, size_t len);
char *policy_arena_printf(struct policy_arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void policy_arena_free(struct policy_arena *arena);

/* calloc and realloc that do not return NULL. */
void *policy_calloc(size_t count, size_t size);
void *policy_realloc(void *old, size_t count, size_t size);

/* Make room for one more element in a growing array: `*items` holds `count` elements of `size` bytes. */
void *policy_grow(void *items, size_t count, size_t *room, size_t size);

#endif
