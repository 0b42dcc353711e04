/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dm_error.h"

static gboolean write_all(int fd, const char *data, gsize size)
{
    while (size) {
        ssize_t n = write(fd, data, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return FALSE;
        data += n;
        size -= (gsize)n;
    }
    return TRUE;
}

gboolean store_sync_dir(const char *path, GError **error)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return dm_error_errno(error, "%s", path);
    gboolean ok = fsync(fd) == 0;
    if (!ok)
        dm_error_errno(error, "%s: fsync", path);
    close(fd);
    return ok;
}

/* The rename before it has happened: what is in memory must follow it, so a failure here is only reported. */
static void sync_parent(const char *path)
{
    g_autofree char *dir = g_path_get_dirname(path);
    g_autoptr(GError) error = NULL;
    if (!store_sync_dir(dir, &error))
        g_warning("%s", error->message);
}

gboolean store_write(const char *path, const char *data, gsize size, GError **error)
{
    g_autofree char *temporary = g_strconcat(path, ".new", NULL);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0)
        return dm_error_errno(error, "%s", temporary);
    gboolean ok = write_all(fd, data, size) && fsync(fd) == 0;
    if (!ok)
        dm_error_errno(error, "%s: write", temporary);
    close(fd);
    if (ok && rename(temporary, path) < 0)
        ok = dm_error_errno(error, "%s: rename", path);
    if (!ok) {
        unlink(temporary);
        return FALSE;
    }
    sync_parent(path);
    return TRUE;
}

gboolean store_write_keyfile(const char *path, GKeyFile *keyfile, GError **error)
{
    gsize size = 0;
    g_autofree char *text = g_key_file_to_data(keyfile, &size, NULL);
    return store_write(path, text, size, error);
}

gboolean store_rename(const char *from, const char *to, GError **error)
{
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) < 0)
        return dm_error_errno(error, "rename %s to %s", from, to);
    sync_parent(to);
    g_autofree char *a = g_path_get_dirname(from), *b = g_path_get_dirname(to);
    if (strcmp(a, b) != 0)
        sync_parent(from);
    return TRUE;
}

static gboolean remove_entries(int dirfd, int depth)
{
    DIR *dir = fdopendir(dirfd);
    if (!dir) {
        close(dirfd);
        return FALSE;
    }
    gboolean ok = TRUE;
    for (struct dirent *e; (e = readdir(dir));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (unlinkat(dirfd, e->d_name, 0) == 0)
            continue;
        int sub = errno == EISDIR && depth > 0
                      ? openat(dirfd, e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                      : -1;
        ok =
            sub >= 0 && remove_entries(sub, depth - 1) && unlinkat(dirfd, e->d_name, AT_REMOVEDIR) == 0 && ok;
    }
    closedir(dir);
    return ok;
}

gboolean store_remove_tree(const char *path, GError **error)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? TRUE : dm_error_errno(error, "%s", path);
    if (!remove_entries(fd, 2) || rmdir(path) < 0)
        return dm_error_errno(error, "%s: remove", path);
    sync_parent(path);
    return TRUE;
}
