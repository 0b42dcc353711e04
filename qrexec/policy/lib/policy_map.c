/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy_map.h"
#include "policy_mem.h"

#include <stdlib.h>
#include <string.h>

static uint64_t pair_key(uint32_t a, uint32_t b)
{
    return (uint64_t)a << 32 | b;
}

static size_t pair_hash(uint64_t key)
{
    return (size_t)((key * 0x9E3779B97F4A7C15u) >> 29);
}

static struct policy_map_slot *map_slot(const struct policy_map *map, uint64_t key)
{
    for (size_t i = pair_hash(key) & map->mask;; i = (i + 1) & map->mask) {
        struct policy_map_slot *slot = &map->slots[i];
        if (slot->value == POLICY_NONE || slot->key == key)
            return slot;
    }
}

uint32_t policy_map_find(const struct policy_map *map, uint32_t a, uint32_t b)
{
    return map->slots ? map_slot(map, pair_key(a, b))->value : POLICY_NONE;
}

static void map_resize(struct policy_map *map)
{
    struct policy_map old = *map;
    size_t room = old.slots ? (old.mask + 1) * 2 : 16;

    map->slots = policy_calloc(room, sizeof(*map->slots));
    map->mask = room - 1;
    for (size_t i = 0; i < room; i++)
        map->slots[i].value = POLICY_NONE;
    for (size_t i = 0; old.slots && i <= old.mask; i++)
        if (old.slots[i].value != POLICY_NONE)
            *map_slot(map, old.slots[i].key) = old.slots[i];
    free(old.slots);
}

uint32_t *policy_map_insert(struct policy_map *map, uint32_t a, uint32_t b, uint32_t value)
{
    uint64_t key = pair_key(a, b);

    if (!map->slots || map->count * 2 > map->mask)
        map_resize(map);
    struct policy_map_slot *slot = map_slot(map, key);
    if (slot->value == POLICY_NONE) {
        *slot = (struct policy_map_slot){.key = key, .value = value};
        map->count++;
    }
    return &slot->value;
}

void policy_map_free(struct policy_map *map)
{
    free(map->slots);
    *map = (struct policy_map){0};
}

/* FNV-1a */
static uint32_t text_hash(uint32_t kind, const char *text, size_t len)
{
    uint32_t hash = 2166136261u ^ kind;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)text[i]) * 16777619u;
    return hash ^ hash >> 15;
}

uint32_t policy_symbols_find(const struct policy_symbols *table, uint32_t kind, const char *text, size_t len)
{
    if (!table->slots)
        return POLICY_NONE;
    uint32_t hash = text_hash(kind, text, len);
    for (size_t i = hash & table->mask;; i = (i + 1) & table->mask) {
        uint32_t id = table->slots[i];
        if (id == POLICY_NONE)
            return POLICY_NONE;
        const struct policy_symbol *symbol = &table->items[id];
        if (symbol->hash == hash && symbol->kind == kind && symbol->len == len &&
            !memcmp(symbol->text, text, len))
            return id;
    }
}

static void symbols_place(struct policy_symbols *table, uint32_t id)
{
    size_t i = table->items[id].hash & table->mask;

    while (table->slots[i] != POLICY_NONE)
        i = (i + 1) & table->mask;
    table->slots[i] = id;
}

static void symbols_rehash(struct policy_symbols *table)
{
    size_t room = table->slots ? (table->mask + 1) * 2 : 32;

    table->slots = policy_realloc(table->slots, room, sizeof(*table->slots));
    table->mask = room - 1;
    memset(table->slots, 0xff, room * sizeof(*table->slots));
    for (uint32_t id = 0; id < table->count; id++)
        symbols_place(table, id);
}

uint32_t policy_symbols_add(struct policy_symbols *table, uint32_t kind, const char *text, size_t len)
{
    uint32_t id = (uint32_t)table->count;

    if (!table->slots || table->count * 2 > table->mask)
        symbols_rehash(table);
    table->items = policy_grow(table->items, table->count, &table->room, sizeof(*table->items));
    table->items[id] = (struct policy_symbol){
        .text = text, .len = (uint32_t)len, .kind = kind, .hash = text_hash(kind, text, len)};
    table->count++;
    symbols_place(table, id);
    return id;
}

void policy_symbols_free(struct policy_symbols *table)
{
    free(table->items);
    free(table->slots);
    *table = (struct policy_symbols){0};
}
