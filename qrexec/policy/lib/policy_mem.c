/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy_mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_SIZE 16384u
#define ALIGNMENT  16u

struct policy_chunk {
    struct policy_chunk *next;
    size_t unused; /* keeps the data aligned */
};

static void *or_abort(void *memory)
{
    if (!memory) {
        fputs("qrexec policy: out of memory\n", stderr);
        abort();
    }
    return memory;
}

void *policy_calloc(size_t count, size_t size)
{
    return or_abort(calloc(count ? count : 1, size));
}

void *policy_realloc(void *old, size_t count, size_t size)
{
    return or_abort(reallocarray(old, count ? count : 1, size));
}

void *policy_grow(void *items, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return items;
    *room = *room ? *room * 2 : 16;
    return policy_realloc(items, *room, size);
}

static void new_chunk(struct policy_arena *arena, size_t size)
{
    size_t room = size > CHUNK_SIZE ? size : CHUNK_SIZE;
    struct policy_chunk *chunk = policy_calloc(1, sizeof(*chunk) + room);

    chunk->next = arena->chunks;
    arena->chunks = chunk;
    arena->next = (char *)(chunk + 1);
    arena->left = room;
}

void *policy_arena_alloc(struct policy_arena *arena, size_t size)
{
    size = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (size > arena->left)
        new_chunk(arena, size);
    void *memory = arena->next;
    arena->next += size;
    arena->left -= size;
    return memory;
}

char *policy_arena_strndup(struct policy_arena *arena, const char *text, size_t len)
{
    char *copy = policy_arena_alloc(arena, len + 1);

    memcpy(copy, text, len);
    return copy;
}

char *policy_arena_printf(struct policy_arena *arena, const char *format, ...)
{
    va_list args, again;

    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    char *text = policy_arena_alloc(arena, (size_t)(len < 0 ? 0 : len) + 1);
    if (len > 0)
        vsnprintf(text, (size_t)len + 1, format, again);
    va_end(again);
    va_end(args);
    return text;
}

void policy_arena_free(struct policy_arena *arena)
{
    while (arena->chunks) {
        struct policy_chunk *chunk = arena->chunks;
        arena->chunks = chunk->next;
        free(chunk);
    }
    *arena = (struct policy_arena){0};
}
