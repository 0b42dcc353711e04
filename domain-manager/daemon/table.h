/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hash tables as arrays (GLib has these from 2.76 on only). */
#ifndef DM_TABLE_H
#define DM_TABLE_H

#include <glib.h>

static inline void table_collect(gpointer key, gpointer value, gpointer array)
{
    (void)key;
    g_ptr_array_add(array, value);
}

static inline void table_collect_key(gpointer key, gpointer value, gpointer array)
{
    (void)value;
    g_ptr_array_add(array, key);
}

/* New arrays of borrowed elements, in no order. */
static inline GPtrArray *table_values(GHashTable *table)
{
    GPtrArray *a = g_ptr_array_new();
    g_hash_table_foreach(table, table_collect, a);
    return a;
}

static inline GPtrArray *table_keys(GHashTable *table)
{
    GPtrArray *a = g_ptr_array_new();
    g_hash_table_foreach(table, table_collect_key, a);
    return a;
}

#endif
