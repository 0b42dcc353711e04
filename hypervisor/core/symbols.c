/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Look-up in the symbol table; see bh/symbols.h for its form. */
#include "bh/symbols.h"
#include "bh/lib.h"

struct cursor {
    const uint8_t *p, *end;
    uint64_t address; /* of the current function, relative to the range's base */
    char name[SYMBOL_NAME_MAX];
};

/* Step to the next function; false at the end. */
static bool next_symbol(struct cursor *c)
{
    uint64_t delta = 0;
    unsigned shift = 0;
    size_t len;

    if (c->p == c->end)
        return false;
    do
        delta |= (uint64_t)(*c->p & 0x7f) << shift;
    while (shift += 7, *c->p++ & 0x80);
    c->address += delta;
    len = *c->p++;
    while (*c->p)
        c->name[len++] = (char)*c->p++;
    c->p++;
    c->name[len] = '\0';
    return true;
}

const char *symbol_lookup_in(const struct symbol_range *range, uint64_t address, uint64_t *offset, char *name,
                             size_t size)
{
    struct cursor c = {.p = range->table, .end = range->table + range->table_size};
    uint64_t target = address - (uintptr_t)range->base;
    bool found = false;

    if (target >= range->span)
        return NULL;
    while (next_symbol(&c) && c.address <= target) {
        *offset = target - c.address;
        strlcpy(name, c.name, size);
        found = true;
    }
    return found ? name : NULL;
}

const char *symbol_lookup(uint64_t address, uint64_t *offset, char *name, size_t size)
{
    for (unsigned i = 0; i < nr_symbol_ranges; i++)
        if (symbol_lookup_in(&symbol_ranges[i], address, offset, name, size))
            return name;
    return NULL;
}
