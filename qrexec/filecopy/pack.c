/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Send files and trees as a Filecopy stream. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "crc32.h"
#include "filecopy.h"
#include "names.h"
#include "util.h"

#define BUFFER (256 * 1024)

/* A path that grows and shrinks while a tree is walked. */
struct path {
    char text[FILECOPY_NAME_MAX];
    size_t len;
};

static int path_push(struct path *p, const char *part)
{
    size_t len = strlen(part), slash = p->len > 0;

    if (p->len + slash + len >= sizeof(p->text))
        return -ENAMETOOLONG;
    if (slash)
        p->text[p->len] = '/';
    memcpy(p->text + p->len + slash, part, len + 1);
    p->len += slash + len;
    return 0;
}

static void path_cut(struct path *p, size_t len)
{
    p->len = len;
    p->text[len] = 0;
}

/* What a walk does with each entry; directories are also reported when they are left. */
struct walk {
    int (*entry)(struct walk *walk, int dir, const char *base, const struct stat *st);
    struct path path;
    bool ignore_symlinks;
};

static int walk_entry(struct walk *w, int dir, const char *base);

static int walk_directory(struct walk *w, int dir, const char *base)
{
    int fd = openat(dir, base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), ret = 0;
    DIR *list = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *e;

    if (!list) {
        ret = -errno;
        qlog("cannot read %s: %s", w->path.text, strerror(-ret));
        close_fd(&fd);
        return ret;
    }
    while (ret == 0 && (errno = 0, e = readdir(list)))
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            ret = walk_entry(w, dirfd(list), e->d_name);
    closedir(list);
    return ret;
}

static int walk_entry(struct walk *w, int dir, const char *base)
{
    size_t len = w->path.len;
    struct stat st;
    int ret = path_push(&w->path, base);

    if (ret == 0 && fstatat(dir, base, &st, AT_SYMLINK_NOFOLLOW) < 0)
        ret = -errno;
    if (ret < 0) {
        qlog("cannot read %s: %s", w->path.text, strerror(-ret));
        path_cut(&w->path, len);
        return ret;
    }
    if (!(S_ISLNK(st.st_mode) && w->ignore_symlinks)) {
        ret = w->entry(w, dir, base, &st);
        if (ret == 0 && S_ISDIR(st.st_mode)) {
            ret = walk_directory(w, dir, base);
            if (ret == 0)
                ret = w->entry(w, dir, base, &st);
        }
    }
    path_cut(&w->path, len);
    return ret;
}

/* Walk from the folder that holds the path's last part. */
static int walk_start(struct walk *w, const char *path)
{
    char *copy = realpath(path, NULL), *slash;
    struct stat st;
    int dir, ret;

    /* a symlink itself is sent, not what it points to */
    if (copy && lstat(path, &st) == 0 && S_ISLNK(st.st_mode)) {
        free(copy);
        copy = strdup(path);
    } else if (!copy && lstat(path, &st) == 0) {
        copy = strdup(path);
    }
    if (!copy) {
        ret = -errno;
        qlog("cannot read %s: %s", path, strerror(-ret));
        return ret;
    }
    slash = strrchr(copy, '/');
    if (slash)
        *slash = 0;
    dir = open(!slash ? "." : *copy ? copy : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ret = dir < 0 ? -errno : walk_entry(w, dir, slash ? slash + 1 : copy);
    close_fd(&dir);
    free(copy);
    return ret;
}

/* ---- sending ---- */

struct send {
    struct walk walk;
    struct pack *pack;
};

static int send_bytes(struct pack *p, const void *data, size_t size)
{
    p->crc = crc32_update(p->crc, data, size);
    return write_all(p->out, data, size);
}

static int send_header(struct send *s, const struct stat *st, uint64_t size)
{
    struct filecopy_header h = {
        .name_len = (uint32_t)s->walk.path.len,
        .mode = st->st_mode,
        .size = size,
        .atime = (uint32_t)st->st_atim.tv_sec,
        .atime_ns = (uint32_t)st->st_atim.tv_nsec,
        .mtime = (uint32_t)st->st_mtim.tv_sec,
        .mtime_ns = (uint32_t)st->st_mtim.tv_nsec,
    };
    int ret = send_bytes(s->pack, &h, sizeof(h));

    return ret < 0 ? ret : send_bytes(s->pack, s->walk.path.text, s->walk.path.len);
}

/* Exactly `size` bytes, as promised in the header. */
static int send_content(struct send *s, int fd, uint64_t size)
{
    struct pack *p = s->pack;

    while (size) {
        ssize_t n = read(fd, p->buffer, size < BUFFER ? (size_t)size : BUFFER);
        int ret;

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            qlog("%s became shorter while it was sent", s->walk.path.text);
            return n < 0 ? -errno : -EIO;
        }
        ret = send_bytes(p, p->buffer, (size_t)n);
        if (ret < 0)
            return ret;
        size -= (uint64_t)n;
        p->bytes_sent += (uint64_t)n;
        if (p->progress)
            p->progress(p);
    }
    return 0;
}

static int send_file(struct send *s, int dir, const char *base)
{
    int fd = openat(dir, base, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), ret;
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0) {
        ret = -errno;
        qlog("cannot read %s: %s", s->walk.path.text, strerror(-ret));
        close_fd(&fd);
        return ret;
    }
    posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    ret = send_header(s, &st, (uint64_t)st.st_size);
    if (ret == 0)
        ret = send_content(s, fd, (uint64_t)st.st_size);
    close(fd);
    return ret;
}

static int send_symlink(struct send *s, int dir, const char *base, const struct stat *st)
{
    char target[FILECOPY_NAME_MAX];
    ssize_t n = readlinkat(dir, base, target, sizeof(target));
    int ret;

    if (n < 0 || (size_t)n == sizeof(target))
        return n < 0 ? -errno : -ENAMETOOLONG;
    ret = send_header(s, st, (uint64_t)n);
    return ret < 0 ? ret : send_bytes(s->pack, target, (size_t)n);
}

static int send_entry(struct walk *w, int dir, const char *base, const struct stat *st)
{
    struct send *s = (struct send *)w;

    if (S_ISREG(st->st_mode))
        return send_file(s, dir, base);
    if (S_ISLNK(st->st_mode))
        return send_symlink(s, dir, base, st);
    if (S_ISDIR(st->st_mode))
        return send_header(s, st, 0);
    qlog("%s is neither a file, a directory nor a symlink: left out", w->path.text);
    return 0;
}

int pack_send(struct pack *p, const char *path)
{
    struct send s = {.walk = {.entry = send_entry, .ignore_symlinks = p->ignore_symlinks}, .pack = p};

    if (!p->buffer)
        p->buffer = malloc(BUFFER);
    return p->buffer ? walk_start(&s.walk, path) : -ENOMEM;
}

int pack_end(struct pack *p)
{
    struct filecopy_header end = {0};

    return send_bytes(p, &end, sizeof(end));
}

void pack_free(struct pack *p)
{
    free(p->buffer);
    p->buffer = NULL;
}

/* The receiver's last name is only shown, made safe. */
static void report_error(uint32_t error, int in)
{
    static char untrusted_name[FILECOPY_NAME_MAX];
    struct filecopy_result_name untrusted_last;

    if (read_all(in, &untrusted_last, sizeof(untrusted_last)) < 0 ||
        untrusted_last.len >= sizeof(untrusted_name) || read_all(in, untrusted_name, untrusted_last.len) < 0)
        untrusted_last.len = 0;
    untrusted_name[untrusted_last.len] = 0;
    text_replace_odd(untrusted_name, untrusted_last.len);
    qlog("the receiver reports: %s%s%s",
         error == EEXIST ? "a file of this name is already there" : strerror((int)error),
         untrusted_last.len ? ", at " : "", untrusted_name);
}

int pack_result(const struct pack *p, int in)
{
    struct filecopy_result untrusted_result;
    int ret = read_all(in, &untrusted_result, sizeof(untrusted_result));

    if (ret < 0) {
        qlog("no answer from the receiver");
        return ret;
    }
    if (untrusted_result.error) {
        report_error(untrusted_result.error, in);
        return -EREMOTEIO;
    }
    if (untrusted_result.crc != p->crc) {
        qlog("checksums differ: the copy is not the same");
        return -EBADMSG;
    }
    return 0;
}

/* ---- survey ---- */

struct survey {
    struct walk walk;
    uint64_t *bytes;
    bool *displayable;
};

static int survey_entry(struct walk *w, int dir, const char *base, const struct stat *st)
{
    struct survey *s = (struct survey *)w;
    char target[FILECOPY_NAME_MAX];

    if (S_ISREG(st->st_mode))
        *s->bytes += (uint64_t)st->st_size;
    if (!name_displayable(w->path.text))
        *s->displayable = false;
    if (S_ISLNK(st->st_mode)) {
        ssize_t n = readlinkat(dir, base, target, sizeof(target) - 1);

        target[n < 0 ? 0 : n] = 0;
        if (!name_displayable(target))
            *s->displayable = false;
    }
    return 0;
}

int pack_survey(const char *path, uint64_t *bytes, bool *displayable, bool ignore_symlinks)
{
    struct survey s = {.walk = {.entry = survey_entry, .ignore_symlinks = ignore_symlinks},
                       .bytes = bytes,
                       .displayable = displayable};

    return walk_start(&s.walk, path);
}
