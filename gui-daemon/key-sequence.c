/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "key-sequence.h"

#include <gdk/gdk.h>

#define RELEVANT (GDK_SHIFT_MASK | GDK_CONTROL_MASK | GDK_MOD1_MASK | GDK_MOD4_MASK)

static uint32_t modifier(const char *name)
{
    static const struct {
        const char *name;
        uint32_t mask;
    } table[] = {
        {"ctrl", GDK_CONTROL_MASK}, {"control", GDK_CONTROL_MASK}, {"shift", GDK_SHIFT_MASK},
        {"alt", GDK_MOD1_MASK},     {"mod1", GDK_MOD1_MASK},       {"super", GDK_MOD4_MASK},
        {"mod4", GDK_MOD4_MASK},    {"win", GDK_MOD4_MASK},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        if (!g_ascii_strcasecmp(name, table[i].name))
            return table[i].mask;
    }
    return 0;
}

bool key_sequence_parse(const char *text, struct key_sequence *sequence)
{
    g_auto(GStrv) words = g_strsplit_set(text, "-+", 8);
    struct key_sequence result = {0};
    guint count = g_strv_length(words);

    *sequence = result;
    if (!*text || !g_ascii_strcasecmp(text, "none"))
        return true;
    for (guint i = 0; i + 1 < count; i++) {
        uint32_t mask = modifier(words[i]);

        if (!mask)
            return false;
        result.modifiers |= mask;
    }
    result.keyval = gdk_keyval_to_lower(gdk_keyval_from_name(words[count - 1]));
    if (!result.modifiers || !result.keyval || result.keyval == GDK_KEY_VoidSymbol)
        return false;
    *sequence = result;
    return true;
}

bool key_sequence_modifiers(const struct key_sequence *sequence, uint32_t state)
{
    return sequence->keyval && (state & RELEVANT) == sequence->modifiers;
}

bool key_sequence_match(const struct key_sequence *sequence, uint32_t state, uint32_t keyval)
{
    return key_sequence_modifiers(sequence, state) && gdk_keyval_to_lower(keyval) == sequence->keyval;
}
