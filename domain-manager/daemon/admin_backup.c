/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bulkhead.backup.*: for dom0's tools only, because they name directories of dom0. Payload: lines; the first
 * is the directory's absolute path. */
#include "admin.h"

#include <string.h>

#include "backup.h"
#include "dm_error.h"

/* Lines of the payload; NULL with an error when the first is no path. */
static char **payload_lines(struct admin_request *r, GError **error)
{
    g_auto(GStrv) lines = g_strsplit(r->payload, "\n", 0);
    if (lines[0] && g_path_is_absolute(lines[0]) && rules_text_printable(lines[0]))
        return g_steal_pointer(&lines);
    dm_fail(error, DM_ERROR_PROTOCOL, "%s: the first line must be the absolute path of a directory",
            r->method);
    return NULL;
}

static void backup_done(const GError *error, const char *text, void *data)
{
    admin_finish(data, error, text);
}

static void create(struct admin_request *r)
{
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) lines = payload_lines(r, &error);
    if (lines)
        backup_create(r->manager, lines[0], lines + 1, backup_done, r);
    else
        admin_finish(r, error, NULL);
}

/* Lines "NAME" or "NAME NEWNAME"; the argument is "", "ignore-missing" or "verify". */
static void restore(struct admin_request *r)
{
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) lines = payload_lines(r, &error);
    if (!lines) {
        admin_finish(r, error, NULL);
        return;
    }
    guint n = g_strv_length(lines) - 1;
    g_autofree struct backup_choice *choices = g_new0(struct backup_choice, n + 1);
    for (guint i = 0; i < n; i++) {
        char *space = strchr(lines[i + 1], ' ');
        choices[i] = (struct backup_choice){lines[i + 1], space ? space + 1 : lines[i + 1]};
        if (space)
            *space = 0;
    }
    backup_restore(r->manager, lines[0], choices, strcmp(r->argument, "ignore-missing") == 0,
                   strcmp(r->argument, "verify") == 0, backup_done, r);
}

static gboolean info(struct admin_request *r, GString *out, GError **error)
{
    g_auto(GStrv) lines = payload_lines(r, error);
    g_autofree char *text = lines ? backup_info(lines[0], error) : NULL;
    if (text)
        g_string_append(out, text);
    return text != NULL;
}

const struct admin_method admin_backup_methods[] = {
    {"bulkhead.backup.Create", NULL, create, ADMIN_NO_ARG | ADMIN_DOM0},
    {"bulkhead.backup.Restore", NULL, restore, ADMIN_DOM0},
    {"bulkhead.backup.Info", info, NULL, ADMIN_NO_ARG | ADMIN_DOM0},
    {NULL, NULL, NULL, 0},
};
