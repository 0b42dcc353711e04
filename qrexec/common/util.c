/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Helpers shared by all qrexec programs. */
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static void log_line(const char *format, va_list args, const char *reason)
{
    char text[1024];

    vsnprintf(text, sizeof(text), format, args);
    fprintf(stderr, "%s: %s%s%s\n", program_invocation_short_name, text, reason ? ": " : "",
            reason ? reason : "");
}

void qlog(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    log_line(format, args, NULL);
    va_end(args);
}

void qlog_errno(const char *format, ...)
{
    int saved = errno;
    va_list args;

    va_start(args, format);
    log_line(format, args, strerror(saved));
    va_end(args);
    errno = saved;
}

int write_all(int fd, const void *data, size_t size)
{
    const char *p = data;

    while (size) {
        ssize_t n = write(fd, p, size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        p += n;
        size -= (size_t)n;
    }
    return 0;
}

int read_all(int fd, void *data, size_t size)
{
    char *p = data;

    while (size) {
        ssize_t n = read(fd, p, size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EPIPE;
        p += n;
        size -= (size_t)n;
    }
    return 0;
}

void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

int above_stdio(int fd)
{
    int moved;

    if (fd < 0 || fd > 2)
        return fd;
    moved = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    close(fd);
    return moved;
}

int unix_connect(const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int file = -1, fd, ret = 0;

    if (strlen(path) < sizeof(addr.sun_path)) {
        strcpy(addr.sun_path, path);
    } else {
        /* Too long for the address: go through a descriptor of the socket file. */
        file = open(path, O_PATH | O_CLOEXEC);
        if (file < 0)
            return -errno;
        snprintf(addr.sun_path, sizeof(addr.sun_path), "/proc/self/fd/%d", file);
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
        ret = -errno;
        close_fd(&fd);
    }
    close_fd(&file);
    return ret < 0 ? ret : fd;
}

int unix_listen(const char *path, mode_t mode, int backlog)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    mode_t old;
    int fd, ret;

    if (snprintf(addr.sun_path, sizeof(addr.sun_path), "%s.new", path) >= (int)sizeof(addr.sun_path))
        return -ENAMETOOLONG;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    unlink(addr.sun_path);
    old = umask(0777 & ~mode);
    ret = bind(fd, (struct sockaddr *)&addr, sizeof(addr));
    umask(old);
    /* who waits for the file may connect as soon as it is seen */
    if (ret < 0 || listen(fd, backlog) < 0 || rename(addr.sun_path, path) < 0) {
        ret = -errno;
        close(fd);
        return ret;
    }
    return fd;
}

int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

bool parse_number(const char *text, uint32_t max, uint32_t *number)
{
    uint64_t value = 0;

    if (!*text)
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return false;
        value = value * 10 + (uint64_t)(*text - '0');
        if (value > max)
            return false;
    }
    *number = (uint32_t)value;
    return true;
}

int buffer_add(struct buffer *b, const void *data, size_t size)
{
    if (b->start + b->used + size > b->size) {
        if (b->start) {
            memmove(b->data, b->data + b->start, b->used);
            b->start = 0;
        }
        if (b->used + size > b->size) {
            size_t bigger = b->used + size + 1024;
            char *grown = realloc(b->data, bigger);

            if (!grown)
                return -ENOMEM;
            b->data = grown;
            b->size = bigger;
        }
    }
    if (size)
        memcpy(b->data + b->start + b->used, data, size);
    b->used += size;
    return 0;
}

void buffer_drop(struct buffer *b, size_t size)
{
    b->used -= size;
    b->start += size;
    if (!b->used)
        buffer_free(b);
}

void buffer_free(struct buffer *b)
{
    free(b->data);
    memset(b, 0, sizeof(*b));
}
