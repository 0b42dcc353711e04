/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of the image's functions, for backtraces. tools/mksyms.awk makes the table from the first link, the
 * second link carries it. Addresses are relative to a linker symbol before any place that the table's own
 * size could move.
 */
#pragma once

#include "bh/types.h"

/*
 * One part of the image. The table has for each function, by rising address: the distance from the one before
 * (from `base` for the first) as ULEB128; how many characters the name shares with the name before; the rest
 * of the name and a zero byte. Files are linked in one piece and prefix their functions' names, so that names
 * share a lot.
 */
struct symbol_range {
    const char *base;
    uint32_t span; /* bytes of code from base on */
    uint32_t table_size;
    const uint8_t *table;
};

extern const struct symbol_range symbol_ranges[];
extern const unsigned nr_symbol_ranges;

#define SYMBOL_NAME_MAX 96

/*
 * Name of the function that holds `address`, in `name` (cut to `size`), and the distance from its start in
 * *offset. Returns `name`, or NULL outside every function. Needs no lock and no memory: good in a panic.
 */
const char *symbol_lookup(uint64_t address, uint64_t *offset, char *name, size_t size);

/* The same in one given range; the above walks symbol_ranges with it. */
const char *symbol_lookup_in(const struct symbol_range *range, uint64_t address, uint64_t *offset, char *name,
                             size_t size);
