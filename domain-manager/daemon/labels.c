/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "labels.h"

#include <string.h>

#include "dm_error.h"

#define LABELS_MAX    200
#define COLOUR_FORMAT "0x%06x"

static const struct label builtin[] = {
    {"red", 1, 0xcc0000},  {"orange", 2, 0xf57900}, {"yellow", 3, 0xedd400}, {"green", 4, 0x73d216},
    {"gray", 5, 0x555555}, {"blue", 6, 0x3465a4},   {"purple", 7, 0x75507b}, {"black", 8, 0x000000},
};

static struct label custom[LABELS_MAX]; /* by index */
static guint n_custom;

const struct label *labels_nth(guint i)
{
    if (i < G_N_ELEMENTS(builtin))
        return &builtin[i];
    i -= G_N_ELEMENTS(builtin);
    return i < n_custom ? &custom[i] : NULL;
}

const struct label *labels_find(const char *name)
{
    const struct label *l;
    for (guint i = 0; (l = labels_nth(i)); i++)
        if (strcmp(l->name, name) == 0)
            return l;
    return NULL;
}

/* A name of digits would be taken for an index. */
static gboolean name_valid(const char *name)
{
    size_t length = strlen(name);
    return length > 0 && length <= LABELS_NAME_MAX && strspn(name, "0123456789") < length &&
           strspn(name, G_CSET_A_2_Z G_CSET_a_2_z "0123456789_-.") == length;
}

static gboolean colour_parse(const char *text, guint32 *rgb)
{
    if (strlen(text) != strlen("0xRRGGBB") || !g_str_has_prefix(text, "0x") ||
        strspn(text + 2, "0123456789abcdefABCDEF") != 6)
        return FALSE;
    *rgb = (guint32)g_ascii_strtoull(text + 2, NULL, 16);
    return TRUE;
}

gboolean labels_add(const char *untrusted_name, const char *untrusted_colour, GError **error)
{
    struct label l = {.index = n_custom ? custom[n_custom - 1].index + 1 : G_N_ELEMENTS(builtin) + 1};
    g_autofree char *name = g_strescape(untrusted_name, NULL), *colour = g_strescape(untrusted_colour, NULL);
    if (!name_valid(untrusted_name))
        return dm_fail(
            error, DM_ERROR_VALUE,
            "\"%s\" cannot be a label's name: up to %d letters, digits, _ - . with one that is no digit",
            name, LABELS_NAME_MAX);
    if (!colour_parse(untrusted_colour, &l.rgb))
        return dm_fail(error, DM_ERROR_VALUE, "\"%s\" is no colour; write it as 0xRRGGBB", colour);
    if (labels_find(untrusted_name))
        return dm_fail(error, DM_ERROR_EXISTS, "there is a label \"%s\" already", name);
    if (n_custom == LABELS_MAX)
        return dm_fail(error, DM_ERROR_VALUE, "there are %d labels already; remove one", LABELS_MAX);
    g_strlcpy(l.name, untrusted_name, sizeof l.name);
    custom[n_custom++] = l;
    return TRUE;
}

gboolean labels_remove(const char *name, GError **error)
{
    const struct label *l = labels_find(name);
    if (!l)
        return dm_fail(error, DM_ERROR_NO_LABEL, "there is no label \"%s\"", name);
    if (l->index <= G_N_ELEMENTS(builtin))
        return dm_fail(error, DM_ERROR_READ_ONLY, "label %s is always there", name);
    guint at = (guint)(l - custom);
    memmove(&custom[at], &custom[at + 1], (--n_custom - at) * sizeof custom[0]);
    return TRUE;
}

char *labels_text(void)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < n_custom; i++)
        g_string_append_printf(text, "%s%s %u " COLOUR_FORMAT, i ? "," : "", custom[i].name, custom[i].index,
                               custom[i].rgb);
    return g_string_free(text, FALSE);
}

void labels_load(const char *untrusted_text)
{
    g_auto(GStrv) items = g_strsplit(untrusted_text ? untrusted_text : "", ",", LABELS_MAX);
    n_custom = 0;
    for (char **item = items; *item; item++) {
        g_auto(GStrv) w = g_strsplit(*item, " ", 3);
        guint64 index = g_strv_length(w) == 3 ? g_ascii_strtoull(w[1], NULL, 10) : 0;
        unsigned last = n_custom ? custom[n_custom - 1].index : G_N_ELEMENTS(builtin);
        if (index > last && index < G_MAXINT && labels_add(w[0], w[2], NULL))
            custom[n_custom - 1].index = (unsigned)index;
    }
}
