/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two small hash tables: pairs of numbers to a number, and (kind, text) to a number. Open addressing. */
#ifndef QREXEC_POLICY_MAP_H
#define QREXEC_POLICY_MAP_H

#include <stddef.h>
#include <stdint.h>

#define POLICY_NONE UINT32_MAX /* "no such entry" for every number of this library */

struct policy_map_slot {
    uint64_t key;
    uint32_t value; /* POLICY_NONE: the slot is free */
};

struct policy_map {
    struct policy_map_slot *slots;
    size_t mask, count;
};

/* Find the value of (a, b), or POLICY_NONE. */
uint32_t policy_map_find(const struct policy_map *map, uint32_t a, uint32_t b);
/* The value's place for (a, b), made with `value` if it is new. Valid until the next insertion. */
uint32_t *policy_map_insert(struct policy_map *map, uint32_t a, uint32_t b, uint32_t value);
void policy_map_free(struct policy_map *map);

/* One interned text. `kind` keeps texts of different meaning apart. */
struct policy_symbol {
    const char *text; /* NUL-terminated, owned by whoever interned it */
    uint32_t len, hash, kind;
};

struct policy_symbols {
    struct policy_symbol *items;
    uint32_t *slots;
    size_t count, room, mask;
};

/* The number of (kind, text), or POLICY_NONE. `text` needs no NUL. */
uint32_t policy_symbols_find(const struct policy_symbols *table, uint32_t kind, const char *text, size_t len);
/* Add a text that is not there yet; `text` must stay valid as long as the table. */
uint32_t policy_symbols_add(struct policy_symbols *table, uint32_t kind, const char *text, size_t len);
void policy_symbols_free(struct policy_symbols *table);

#endif
