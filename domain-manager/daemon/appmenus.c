/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "appmenus.h"

#include <string.h>

#include "dm_error.h"
#include "store.h"
#include "table.h"

#define ENTRIES_MAX 500
#define VALUE_MAX   120

struct entry {
    char *id, *name, *category;
    gboolean hidden;
};

static void entry_free(void *data)
{
    struct entry *e = data;
    g_free(e->id);
    g_free(e->name);
    g_free(e->category);
    g_free(e);
}

/* "[DIRECTORY/]FILE.desktop:Key=Value" → id, key, value. */
static gboolean split_line(const char *line, char **id, char **key, char **value)
{
    const char *colon = strstr(line, ".desktop:");
    for (const char *p = line; colon && p < colon; p++) /* only the last part of a path counts */
        if (*p == '/')
            line = p + 1;
    const char *equals = colon ? strchr(colon, '=') : NULL;
    if (!equals || colon == line || colon - line > 100)
        return FALSE;
    for (const char *p = line; p < colon; p++)
        if (!g_ascii_isalnum(*p) && !strchr("_.-", *p))
            return FALSE;
    const char *name = colon + strlen(".desktop:");
    *id = g_strndup(line, (gsize)(colon - line));
    *key = g_strndup(name, (gsize)(equals - name));
    *value = g_strdup(equals + 1);
    return TRUE;
}

char *appmenus_filter(const char *untrusted_text)
{
    static const char *const keys[] = {"Name", "Comment", "Icon", "Categories", "NoDisplay", NULL};
    g_auto(GStrv) lines = g_strsplit(untrusted_text, "\n", ENTRIES_MAX * 6);
    GString *out = g_string_new(NULL);
    for (char **line = lines; *line; line++) {
        g_autofree char *id = NULL, *key = NULL, *value = NULL;
        if (!split_line(*line, &id, &key, &value) || !g_strv_contains(keys, key) ||
            strlen(value) > VALUE_MAX || !rules_text_printable(value))
            continue;
        g_string_append_printf(out, "%s.desktop:%s=%s\n", id, key, value);
    }
    return g_string_free(out, FALSE);
}

gboolean appmenus_store(struct domain *d, const char *untrusted_text, GError **error)
{
    g_autofree char *text = appmenus_filter(untrusted_text);
    g_autofree char *path = g_build_filename(d->manager->state_dir, "domains", d->name, "appmenus", NULL);
    return store_write(path, text, strlen(text), error);
}

static char *read_list(struct domain *d)
{
    g_autofree char *own = g_build_filename(d->manager->state_dir, "domains", d->name, "appmenus", NULL);
    g_autofree char *shipped =
        g_build_filename(d->manager->state_dir, "templates", d->name, "appmenus", NULL);
    char *text = NULL;
    if (g_file_get_contents(own, &text, NULL, NULL) || g_file_get_contents(shipped, &text, NULL, NULL))
        return text;
    struct domain *t = domain_template(d);
    return t ? read_list(t) : NULL;
}

static struct entry *entry_get(GHashTable *entries, const char *id)
{
    struct entry *e = g_hash_table_lookup(entries, id);
    if (!e && g_hash_table_size(entries) < ENTRIES_MAX) {
        e = g_new0(struct entry, 1);
        e->id = g_strdup(id);
        g_hash_table_insert(entries, e->id, e);
    }
    return e;
}

static void parse_line(GHashTable *entries, const char *line)
{
    g_autofree char *id = NULL, *key = NULL, *value = NULL;
    struct entry *e = split_line(line, &id, &key, &value) ? entry_get(entries, id) : NULL;
    if (!e)
        return;
    if (strcmp(key, "Name") == 0 && !e->name)
        e->name = g_steal_pointer(&value);
    else if (strcmp(key, "Categories") == 0 && !e->category)
        e->category = g_steal_pointer(&value);
    else if (strcmp(key, "NoDisplay") == 0)
        e->hidden = strcmp(value, "true") == 0;
}

static int by_entry_name(gconstpointer a, gconstpointer b)
{
    const struct entry *x = *(struct entry *const *)a, *y = *(struct entry *const *)b;
    return g_utf8_collate(x->name ? x->name : "", y->name ? y->name : "");
}

void appmenus_append(struct domain *d, GString *out)
{
    g_autofree char *raw = read_list(d);
    g_autofree char *text = raw ? appmenus_filter(raw) : NULL;
    g_auto(GStrv) lines = text ? g_strsplit(text, "\n", 0) : NULL;
    g_autoptr(GHashTable) entries = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, entry_free);
    for (char **line = lines; line && *line; line++)
        parse_line(entries, *line);
    g_autoptr(GPtrArray) sorted = table_values(entries);
    g_ptr_array_sort(sorted, by_entry_name);
    for (guint i = 0; i < sorted->len; i++) {
        const struct entry *e = sorted->pdata[i];
        if (e->name && !e->hidden)
            g_string_append_printf(out, "%s\t%s\t%s\n", e->id, e->name, e->category ? e->category : "");
    }
}
