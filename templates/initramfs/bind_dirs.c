/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bind_dirs.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "early.h"

#define KEPT "/rw/bind-dirs"

static bool path_is_good(const char *path, size_t length)
{
    if (length < 2 || length >= BIND_DIRS_PATH || path[0] != '/' || path[length - 1] == '/')
        return false;
    for (size_t i = 0; i < length; i++)
        if (path[i] == '/' && i + 2 < length + 1 && path[i + 1] == '.' && path[i + 2] == '.')
            return false;
    return true;
}

/* The next word of a shell list, quoted or not; *from moves behind it. NULL at the closing parenthesis. */
static const char *next_word(const char **from, size_t *length)
{
    const char *start = *from + strspn(*from, " \t");
    char quote = *start == '\'' || *start == '"' ? *start : '\0';
    if (*start == '\0' || *start == ')' || *start == '#' || *start == '\n')
        return NULL;
    if (quote)
        start++;
    const char end[] = {quote, '\0'};
    *length = strcspn(start, quote ? end : " \t)\n");
    *from = start + *length + (quote && start[*length] ? 1 : 0);
    return start;
}

void bind_dirs_parse_line(struct bind_dirs *dirs, const char *line)
{
    const char *word;
    size_t length;

    line += strspn(line, " \t");
    if (strncmp(line, "binds", 5) != 0)
        return;
    line += 5;
    bool add = *line == '+';
    line += add;
    if (strncmp(line, "=(", 2) != 0)
        return;
    line += 2;
    if (!add)
        dirs->count = 0;
    while (dirs->count < BIND_DIRS_MAX && (word = next_word(&line, &length)) != NULL) {
        if (!path_is_good(word, length))
            continue;
        memcpy(dirs->path[dirs->count], word, length);
        dirs->path[dirs->count++][length] = '\0';
    }
}

static void read_file(struct bind_dirs *dirs, const char *path)
{
    char line[4096];

    FILE *file = fopen(path, "re");
    if (!file)
        return;
    while (fgets(line, sizeof(line), file))
        bind_dirs_parse_line(dirs, line);
    fclose(file);
}

static int is_configuration(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);

    return length > 5 && strcmp(entry->d_name + length - 5, ".conf") == 0;
}

static void read_directory(struct bind_dirs *dirs, const char *root, const char *directory)
{
    char path[1024];
    struct dirent **entries;

    snprintf(path, sizeof(path), "%s%s", root, directory);
    int count = scandir(path, &entries, is_configuration, alphasort);
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof(path), "%s%s/%s", root, directory, entries[i]->d_name);
        read_file(dirs, path);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
}

/* Something to mount on: a directory, or a file, as the kept one is. */
static void make_place(const char *place, const struct stat *like)
{
    char parent[1024];

    if (S_ISDIR(like->st_mode)) {
        early_mkdirs(place);
        return;
    }
    snprintf(parent, sizeof(parent), "%s", place);
    *strrchr(parent, '/') = '\0';
    early_mkdirs(parent);
    int fd = open(place, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd >= 0)
        close(fd);
}

static void keep_one(const char *root, char *path)
{
    char place[1024], kept[1024];
    struct stat status;

    snprintf(place, sizeof(place), "%s%s", root, path);
    snprintf(kept, sizeof(kept), "%s%s%s", root, KEPT, path);
    if (lstat(kept, &status) != 0) {
        char *copy[] = {"/bin/cp", "-a", "--parents", path, KEPT, NULL};
        if (lstat(place, &status) != 0 || early_run_in(root, copy) != 0)
            return;
    }
    if (S_ISLNK(status.st_mode)) { /* mount(2) would go to where it leads */
        early_log("bind-dirs: %s is a symbolic link, left out", path);
        return;
    }
    if (access(place, F_OK) != 0)
        make_place(place, &status);
    early_mount(kept, place, NULL, MS_BIND, NULL);
}

void bind_dirs_mount(const char *root)
{
    static const char *const directories[] = {"/usr/lib/qubes-bind-dirs.d", "/etc/qubes-bind-dirs.d",
                                              "/rw/config/qubes-bind-dirs.d"};
    static struct bind_dirs dirs;

    for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++)
        read_directory(&dirs, root, directories[i]);
    for (size_t i = 0; i < dirs.count; i++)
        keep_one(root, dirs.path[i]);
}
