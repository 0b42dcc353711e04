/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "memory_loader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_below(const char *path, const char *dir)
{
    size_t len = strlen(dir);

    return !strncmp(path, dir, len) && path[len] == '/';
}

static enum policy_path_kind memory_kind(void *context, const char *path)
{
    for (const struct memory_file *file = context; file->path; file++) {
        if (!strcmp(file->path, path))
            return file->text ? POLICY_PATH_FILE : POLICY_PATH_DIR;
        if (is_below(file->path, path))
            return POLICY_PATH_DIR;
    }
    return POLICY_PATH_NONE;
}

static int memory_list(void *context, const char *path, policy_entry_fn entry, void *data)
{
    char name[256];

    if (memory_kind(context, path) != POLICY_PATH_DIR)
        return -ENOENT;
    for (const struct memory_file *file = context; file->path; file++) {
        if (!is_below(file->path, path))
            continue;
        const char *rest = file->path + strlen(path) + 1;
        snprintf(name, sizeof(name), "%.*s", (int)strcspn(rest, "/"), rest);
        entry(data, name);
    }
    return 0;
}

static int memory_read(void *context, const char *path, char **content, size_t *len)
{
    for (const struct memory_file *file = context; file->path; file++)
        if (!strcmp(file->path, path) && file->text) {
            *len = strlen(file->text);
            *content = malloc(*len + 1);
            memcpy(*content, file->text, *len);
            return 0;
        }
    return -ENOENT;
}

struct policy_loader memory_loader(const struct memory_file *files)
{
    return (struct policy_loader){(void *)files, memory_kind, memory_list, memory_read};
}

struct policy *memory_load(const struct memory_file *files, struct policy_error *error)
{
    static const char *const dirs[] = {"/run", "/etc"};
    struct policy_loader loader = memory_loader(files);
    struct policy_sources sources = {dirs, 2, "/old"};

    return policy_load(&loader, &sources, error);
}

/* The domains of all tests; `more` is text behind the members that all have. */
static const struct domain {
    const char *name, *uuid_end, *type, *tags, *default_dispvm, *power_state, *guivm, *more;
} domains[] = {
    {"dom0", "00", "AdminVM", "\"t0\"", "\"dvm\"", "Running", "\"dom0\"", ""},
    {"work", "01", "AppVM", "\"t1\",\"t2\"", "\"dvm\"", "Running", "\"dom0\"", ""},
    {"bank", "02", "AppVM", "\"t2\"", "\"dvm\"", "Halted", "\"dom0\"", ""},
    {"dvm", "03", "AppVM", "\"t3\"", "\"dvm\"", "Halted", "\"dom0\"", ",\"template_for_dispvms\":true"},
    {"dvm2", "04", "AppVM", "", "\"dvm\"", "Halted", "\"dom0\"", ",\"template_for_dispvms\":true"},
    {"nodef", "05", "TemplateVM", "", "null", "Running", "\"dom0\"", ""},
    {"hidden", "06", "AppVM", "\"t2\"", "null", "Running", "\"dom0\"",
     ",\"template_for_dispvms\":true,\"internal\":true"},
    {"remote", "07", "RemoteVM", "", "null", "Running", "\"dom0\"",
     ",\"relayvm\":\"work\",\"transport_rpc\":\"tr.A\""},
    {"norelay", "08", "RemoteVM", "", "null", "Running", "\"dom0\"", ",\"relayvm\":null"},
    {"ghostly", "09", "AppVM", "", "\"ghost\"", "Running", "\"dom0\"", ""},
    {"noscreen", "0a", "AppVM", "", "null", "Running", "null", ""},
};

static void write_domain(FILE *out, const struct domain *d)
{
    fprintf(out, "\"%s\":{\"uuid\":\"00000000-0000-0000-0000-0000000000%s\",\"type\":\"%s\",\"tags\":[%s],",
            d->name, d->uuid_end, d->type, d->tags);
    fprintf(out, "\"default_dispvm\":%s,\"power_state\":\"%s\",\"guivm\":%s,\"label\":\"blue\",",
            d->default_dispvm, d->power_state, d->guivm);
    fprintf(out, "\"icon\":\"appvm-blue\"%s}", d->more);
}

struct system_info *memory_info(void)
{
    char error[256], *json = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&json, &len);

    fputs("{\"domains\":{", out);
    for (size_t i = 0; i < sizeof(domains) / sizeof(*domains); i++) {
        fputs(i ? "," : "", out);
        write_domain(out, &domains[i]);
    }
    fputs("}}", out);
    fclose(out);
    struct system_info *info = system_info_parse(json, len, error, sizeof(error));
    if (!info)
        fprintf(stderr, "%s\n", error);
    free(json);
    return info;
}
