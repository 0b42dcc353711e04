/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Receive a Filecopy stream. The sender is hostile: names, types, sizes and symlinks are checked before use,
 * every part of a path is opened without following symlinks, nothing that exists is overwritten, files appear
 * under their name only when they are whole.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "crc32.h"
#include "filecopy.h"
#include "names.h"
#include "util.h"

#define BUFFER        (256 * 1024)
#define SPACE_RESERVE (64u << 20)

struct unpack {
    const struct unpack_options *o;
    int in;
    uint32_t crc;
    uint64_t bytes, files;
    char name[FILECOPY_NAME_MAX];
};

static char buffer[BUFFER]; /* a receiver is a process of its own */

static int receive(struct unpack *u, void *data, size_t size)
{
    int ret = read_all(u->in, data, size);

    if (ret == 0)
        u->crc = crc32_update(u->crc, data, size);
    return ret;
}

/* ---- places ---- */

/* Open the folder that holds `name`; *base is its last part. Symlinks are not followed. */
static int open_parent(const struct unpack *u, const char *name, const char **base)
{
    int dir = fcntl(u->o->dir, F_DUPFD_CLOEXEC, 3);
    char part[NAME_MAX + 1];

    while (dir >= 0) {
        size_t len = strcspn(name, "/");
        int next;

        if (!name[len]) {
            *base = name;
            return dir;
        }
        if (len > NAME_MAX) {
            close(dir);
            return -ENAMETOOLONG;
        }
        memcpy(part, name, len);
        part[len] = 0;
        next = openat(dir, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        close(dir);
        dir = next;
        name += len + 1;
    }
    return errno ? -errno : -EIO;
}

static void header_times(const struct filecopy_header *h, struct timespec times[2])
{
    times[0] = (struct timespec){.tv_sec = h->atime, .tv_nsec = h->atime_ns};
    times[1] = (struct timespec){.tv_sec = h->mtime, .tv_nsec = h->mtime_ns};
}

static int set_attributes(int fd, const struct filecopy_header *h)
{
    struct timespec times[2];

    header_times(h, times);
    return fchmod(fd, h->mode & 07777) < 0 || futimens(fd, times) < 0 ? -errno : 0;
}

/* ---- entries ---- */

static void wait_for_space(const struct unpack *u, size_t size)
{
    struct timespec pause = {.tv_sec = 1};
    struct statvfs st;

    while (fstatvfs(u->o->dir, &st) == 0 && st.f_bavail * st.f_bsize < SPACE_RESERVE + size)
        nanosleep(&pause, NULL);
}

static int write_piece(const struct unpack *u, int fd, const char *data, size_t size)
{
    while (size) {
        ssize_t n = write(fd, data, size);

        if (n < 0 && errno == ENOSPC && u->o->wait_for_space) {
            wait_for_space(u, size);
            continue;
        }
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        data += n;
        size -= (size_t)n;
    }
    return 0;
}

/* Move the content of one file from the stream into fd, as much at a time as is there. */
static int copy_content(struct unpack *u, int fd, uint64_t size)
{
    while (size) {
        size_t want = size < BUFFER ? (size_t)size : BUFFER;
        ssize_t n = read(u->in, buffer, want);
        int ret;

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EPIPE;
        u->crc = crc32_update(u->crc, buffer, (size_t)n);
        ret = write_piece(u, fd, buffer, (size_t)n);
        if (ret < 0)
            return ret;
        size -= (uint64_t)n;
    }
    return 0;
}

/* Give a nameless file its name; it must not exist. */
static int link_file(int fd, int dir, const char *base)
{
    char path[32];

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return linkat(AT_FDCWD, path, dir, base, AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
}

static int receive_file(struct unpack *u, const struct filecopy_header *h, int dir, const char *base)
{
    int fd = openat(dir, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600), ret;
    bool nameless = fd >= 0;

    if (!nameless) /* a file system without O_TMPFILE */
        fd = openat(dir, base, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    ret = copy_content(u, fd, h->size);
    if (ret == 0)
        ret = set_attributes(fd, h);
    if (ret == 0 && nameless)
        ret = link_file(fd, dir, base);
    if (ret < 0 && !nameless)
        unlinkat(dir, base, 0);
    close(fd);
    return ret;
}

/* A directory comes twice: before its content, and after it, so that its mode and times stay. */
static int receive_directory(struct unpack *u, const struct filecopy_header *h, int dir, const char *base)
{
    int fd, ret;

    (void)u;
    if (h->size)
        return -EINVAL;
    if (mkdirat(dir, base, 0700) == 0)
        return 0;
    if (errno != EEXIST)
        return -errno;
    fd = openat(dir, base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ret = set_attributes(fd, h);
    close(fd);
    return ret;
}

static int receive_symlink(struct unpack *u, const struct filecopy_header *h, int dir, const char *base)
{
    char untrusted_target[FILECOPY_NAME_MAX];
    struct timespec times[2];
    int ret;

    if (h->size == 0 || h->size >= sizeof(untrusted_target))
        return -EINVAL;
    ret = receive(u, untrusted_target, (size_t)h->size);
    if (ret < 0)
        return ret;
    untrusted_target[h->size] = 0;
    if (memchr(untrusted_target, 0, (size_t)h->size))
        return -EINVAL;
    if (!u->o->allow_all_names && !name_displayable(untrusted_target))
        return -EILSEQ;
    if (!u->o->allow_unsafe_symlinks && !name_symlink_safe(u->name, untrusted_target))
        return -EPERM;
    if (symlinkat(untrusted_target, dir, base) < 0)
        return -errno;
    header_times(h, times);
    return utimensat(dir, base, times, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

static int receive_name(struct unpack *u, const struct filecopy_header *h)
{
    int ret;

    if (h->name_len == 0 || h->name_len >= FILECOPY_NAME_MAX) {
        u->name[0] = 0;
        return -ENAMETOOLONG;
    }
    ret = receive(u, u->name, h->name_len);
    u->name[ret < 0 ? 0 : h->name_len] = 0;
    if (ret < 0)
        return ret;
    if (memchr(u->name, 0, h->name_len) || !name_is_path(u->name))
        return -EINVAL;
    return u->o->allow_all_names || name_displayable(u->name) ? 0 : -EILSEQ;
}

static int check_limits(struct unpack *u, const struct filecopy_header *h)
{
    uint64_t bytes = S_ISDIR(h->mode) ? 0 : h->size;

    if (h->atime_ns > 999999999 || h->mtime_ns > 999999999 || h->size > INT64_MAX)
        return -EINVAL;
    if (u->o->max_files && ++u->files > u->o->max_files)
        return -EDQUOT;
    if (u->o->max_bytes && (bytes > u->o->max_bytes || u->bytes > u->o->max_bytes - bytes))
        return -EDQUOT;
    u->bytes += bytes;
    return 0;
}

static int receive_entry(struct unpack *u, const struct filecopy_header *h)
{
    const char *base = NULL;
    int dir, ret;

    if ((ret = receive_name(u, h)) < 0 || (ret = check_limits(u, h)) < 0)
        return ret;
    dir = open_parent(u, u->name, &base);
    if (dir < 0)
        return dir;
    if (S_ISREG(h->mode))
        ret = receive_file(u, h, dir, base);
    else if (S_ISDIR(h->mode))
        ret = receive_directory(u, h, dir, base);
    else if (S_ISLNK(h->mode))
        ret = receive_symlink(u, h, dir, base);
    else
        ret = -EINVAL;
    close(dir);
    return ret;
}

static int receive_all(struct unpack *u)
{
    static const struct filecopy_header end;
    struct filecopy_header untrusted_header;
    int ret;

    for (;;) {
        ret = receive(u, &untrusted_header, sizeof(untrusted_header));
        if (ret < 0 || memcmp(&untrusted_header, &end, sizeof(end)) == 0)
            return ret;
        ret = receive_entry(u, &untrusted_header);
        if (ret < 0)
            return ret;
    }
}

static void answer(const struct unpack *u, int out, int ret)
{
    struct filecopy_result result = {.error = (uint32_t)-ret, .crc = u->crc};
    struct filecopy_result_name last = {.len = (uint32_t)strlen(u->name)};

    if (write_all(out, &result, sizeof(result)) < 0 || ret == 0)
        return;
    if (write_all(out, &last, sizeof(last)) == 0)
        write_all(out, u->name, last.len);
}

int unpack_receive(int in, int out, const struct unpack_options *o, char *last_name)
{
    struct unpack u = {.o = o, .in = in};
    int ret = receive_all(&u);

    if (out >= 0)
        answer(&u, out, ret);
    if (last_name)
        memcpy(last_name, u.name, sizeof(u.name));
    return ret;
}
