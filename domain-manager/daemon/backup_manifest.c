/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backup_manifest.h"

#include <string.h>

#include "dm_error.h"
#include "rules.h"

#define FIRST_LINE "Bulkhead backup 1"
#define LAST_WORD  "end "

static const char *const file_names[BACKUP_KINDS] = {
    [BACKUP_SETTINGS] = "settings",
    [BACKUP_FIREWALL] = "firewall",
    [BACKUP_NOTES] = "notes",
    [BACKUP_APPMENUS] = "appmenus",
    [BACKUP_PRIVATE] = "private.img",
    [BACKUP_ROOT] = "root.img",
    [BACKUP_UPPER] = "upper.img",
    [BACKUP_KERNEL] = "kernel/vmlinuz",
    [BACKUP_INITRAMFS] = "kernel/initramfs",
    [BACKUP_MODULES] = "kernel/modules.img",
};

const char *backup_file_name(enum backup_kind kind)
{
    return file_names[kind];
}

void backup_file_free(void *data)
{
    struct backup_file *f = data;
    g_free(f->domain);
    g_free(f);
}

static gboolean is_sum(const char *text)
{
    return strlen(text) == BACKUP_SUM_SIZE - 1 && strspn(text, "0123456789abcdef") == BACKUP_SUM_SIZE - 1;
}

/* "SUM SIZE DOMAIN/FILE" */
static struct backup_file *parse_line(const char *line)
{
    g_auto(GStrv) words = g_strsplit(line, " ", 4);
    gint64 size;
    char *slash = g_strv_length(words) == 3 ? strchr(words[2], '/') : NULL;
    if (!slash || !is_sum(words[0]) || !rules_int_parse(words[1], 0, G_MAXINT64, &size, NULL))
        return NULL;
    *slash = 0;
    if (!rules_name_check(words[2], NULL))
        return NULL;
    for (int k = 0; k < BACKUP_KINDS; k++) {
        if (strcmp(file_names[k], slash + 1) != 0 || (k < BACKUP_IMAGES && size > BACKUP_TEXT_MAX))
            continue;
        struct backup_file *f = g_new0(struct backup_file, 1);
        f->domain = g_strdup(words[2]);
        f->kind = (enum backup_kind)k;
        f->size = (guint64)size;
        memcpy(f->sum, words[0], sizeof f->sum);
        return f;
    }
    return NULL;
}

static char *sum_of(const char *text, gsize size)
{
    return g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)text, size);
}

/* The last line is there and tells the sum of the others; it is cut off. */
static gboolean check_end(char *text)
{
    char *end = g_strrstr(text, "\n" LAST_WORD);
    if (!end || !g_str_has_suffix(end, "\n"))
        return FALSE;
    g_autofree char *sum = sum_of(text, (gsize)(end + 1 - text));
    g_autofree char *told = g_strndup(end + 1 + strlen(LAST_WORD), strlen(end + 1 + strlen(LAST_WORD)) - 1);
    end[0] = 0;
    return strcmp(sum, told) == 0;
}

GPtrArray *backup_manifest_parse(const char *untrusted_text, GError **error)
{
    g_autofree char *text = g_strdup(untrusted_text);
    g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(backup_file_free);
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    gboolean whole = check_end(text);
    g_auto(GStrv) lines = g_strsplit(text, "\n", 0);
    if (!whole || strcmp(lines[0], FIRST_LINE) != 0) {
        dm_fail(error, DM_ERROR_VALUE,
                "the backup's manifest is damaged, or it is not from Bulkhead; nothing can be restored");
        return NULL;
    }
    for (char **line = lines + 1; *line; line++) {
        struct backup_file *f = parse_line(*line);
        if (f)
            g_ptr_array_add(files, f);
        if (!f || !g_hash_table_add(seen, g_strdup_printf("%s/%d", f->domain, (int)f->kind))) {
            g_autofree char *shown = g_strescape(*line, NULL);
            dm_fail(error, DM_ERROR_VALUE, "the backup's manifest has a line that must not be there: %s",
                    shown);
            return NULL;
        }
    }
    return g_steal_pointer(&files);
}

char *backup_manifest_text(const GPtrArray *files)
{
    GString *s = g_string_new(FIRST_LINE "\n");
    for (guint i = 0; i < files->len; i++) {
        const struct backup_file *f = files->pdata[i];
        g_string_append_printf(s, "%s %" G_GUINT64_FORMAT " %s/%s\n", f->sum, f->size, f->domain,
                               file_names[f->kind]);
    }
    g_autofree char *sum = sum_of(s->str, s->len);
    g_string_append_printf(s, LAST_WORD "%s\n", sum);
    return g_string_free(s, FALSE);
}
