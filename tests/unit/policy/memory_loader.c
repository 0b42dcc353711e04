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

#define UUID(n) "00000000-0000-0000-0000-0000000000" n
#define VM(name, uuid, type, tags, dvm, state, more)                                                         \
    "\"" name                                                                                                \
    "\":{\"uuid\":\"" UUID(uuid) "\",\"type\":\"" type "\",\"tags\":[" tags "],\"default_dispvm\":" dvm      \
                                 ",\"power_state\":\"" state                                                 \
                                 "\",\"label\":\"blue\",\"icon\":\"appvm-blue\",\"guivm\":\"dom0\"" more "}"
#define TEMPLATE ",\"template_for_dispvms\":true"

struct system_info *memory_info(void)
{
    static const char json[] = "{\"domains\":{" VM("dom0", "00", "AdminVM", "\"t0\"", "\"dvm\"", "Running", "") "," VM(
        "work",
        "01", "AppVM",
        "\"t1\",\"t2\"", "\"dvm\"", "Running",
        "") "," VM("bank", "02", "AppVM", "\"t2\"", "\"dvm\"", "Halted",
                   "") "," VM("dvm", "03", "AppVM", "\"t3\"", "\"dvm\"", "Halted",
                              TEMPLATE) "," VM("dvm2", "04", "AppVM", "", "\"dvm\"", "Halted",
                                               TEMPLATE) "," VM("nodef", "05", "TemplateVM", "", "null",
                                                                "Running",
                                                                "") "," VM("hidden", "06", "AppVM", "\"t2\"",
                                                                           "null",
                                                                           "Running",
                                                                           TEMPLATE
                                                                           ",\"internal\":"
                                                                           "true") "," VM("rem"
                                                                                          "ot"
                                                                                          "e",
                                                                                          "07",
                                                                                          "Rem"
                                                                                          "ote"
                                                                                          "VM",
                                                                                          "",
                                                                                          "nul"
                                                                                          "l",
                                                                                          "Run"
                                                                                          "nin"
                                                                                          "g",
                                                                                          ",\""
                                                                                          "rel"
                                                                                          "ayv"
                                                                                          "m\""
                                                                                          ":\""
                                                                                          "wor"
                                                                                          "k\""
                                                                                          ",\""
                                                                                          "tra"
                                                                                          "nsp"
                                                                                          "ort"
                                                                                          "_rp"
                                                                                          "c\""
                                                                                          ":\""
                                                                                          "tr."
                                                                                          "A"
                                                                                          "\"") "," VM("norel"
                                                                                                       "ay",
                                                                                                       "08",
                                                                                                       "Remot"
                                                                                                       "eVM",
                                                                                                       "",
                                                                                                       "null",
                                                                                                       "Runni"
                                                                                                       "ng",
                                                                                                       ",\"re"
                                                                                                       "layvm"
                                                                                                       "\":"
                                                                                                       "null") "," VM("ghostly",
                                                                                                                      "09",
                                                                                                                      "AppVM",
                                                                                                                      "",
                                                                                                                      "\"ghost\"",
                                                                                                                      "Running",
                                                                                                                      "") "," VM("noscreen",
                                                                                                                                 "0a",
                                                                                                                                 "AppVM",
                                                                                                                                 "",
                                                                                                                                 "null",
                                                                                                                                 "Running",
                                                                                                                                 ",\"guivm\":null") "}}";
    char error[256];
    char *text = strdup(json), *twice;

    /* the last domain's guivm replaces the one the macro gave it */
    twice = strstr(text, "\"guivm\":\"dom0\",\"guivm\":null");
    memset(twice, ' ', strlen("\"guivm\":\"dom0\","));
    struct system_info *info = system_info_parse(text, strlen(text), error, sizeof(error));
    if (!info)
        fprintf(stderr, "%s\n", error);
    free(text);
    return info;
}
