/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The loader for real directories. */
#include "policy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_FILE_SIZE (64u << 20)

static enum policy_path_kind file_kind(void *context, const char *path)
{
    struct stat status;

    (void)context;
    if (stat(path, &status) < 0)
        return POLICY_PATH_NONE;
    if (S_ISREG(status.st_mode))
        return POLICY_PATH_FILE;
    return S_ISDIR(status.st_mode) ? POLICY_PATH_DIR : POLICY_PATH_NONE;
}

static int file_list(void *context, const char *path, policy_entry_fn entry, void *data)
{
    DIR *dir = opendir(path);
    struct dirent *item;

    (void)context;
    if (!dir)
        return -errno;
    /* `entry` may change errno */
    while (errno = 0, (item = readdir(dir)))
        if (strcmp(item->d_name, ".") != 0 && strcmp(item->d_name, "..") != 0)
            entry(data, item->d_name);
    int status = -errno;
    closedir(dir);
    return status;
}

static int read_all(int fd, char **content, size_t *len)
{
    struct stat status;
    size_t room = 0;
    ssize_t got;

    *content = NULL;
    *len = 0;
    if (fstat(fd, &status) < 0)
        return -errno;
    if (status.st_size > MAX_FILE_SIZE)
        return -EFBIG;
    do {
        if (room - *len < 4096) {
            room = room ? room * 2 : (size_t)status.st_size + 4097;
            *content = policy_realloc(*content, room, 1);
        }
        got = read(fd, *content + *len, room - *len);
        if (got < 0)
            return -errno;
        *len += (size_t)got;
        if (*len > MAX_FILE_SIZE)
            return -EFBIG;
    } while (got > 0);
    return 0;
}

static int file_read(void *context, const char *path, char **content, size_t *len)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    (void)context;
    if (fd < 0)
        return -errno;
    int status = read_all(fd, content, len);
    close(fd);
    if (status < 0)
        free(*content);
    return status;
}

const struct policy_loader policy_loader_files = {.kind = file_kind, .list = file_list, .read = file_read};
