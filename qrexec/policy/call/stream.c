/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stream.h"
#include "../lib/policy_mem.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

static int fill_address(const char *path, struct sockaddr_un *address)
{
    if (strlen(path) >= sizeof(address->sun_path))
        return -ENAMETOOLONG;
    memset(address, 0, sizeof(*address));
    address->sun_family = AF_UNIX;
    strcpy(address->sun_path, path);
    return 0;
}

static int give_up(int fd)
{
    int status = -errno;

    close(fd);
    return status;
}

int stream_connect(const char *path, unsigned timeout)
{
    struct sockaddr_un address;
    struct timeval limit = {.tv_sec = timeout};
    int status = fill_address(path, &address);

    if (status < 0)
        return status;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (timeout) {
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    }
    return connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? give_up(fd) : fd;
}

int stream_listen(const char *path)
{
    struct sockaddr_un address;
    int status = fill_address(path, &address);

    if (status < 0)
        return status;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (unlink(path) < 0 && errno != ENOENT)
        return give_up(fd);
    mode_t mask = umask(0117);
    int bound = bind(fd, (const struct sockaddr *)&address, sizeof(address));
    umask(mask);
    return bound < 0 || listen(fd, SOMAXCONN) < 0 ? give_up(fd) : fd;
}

int stream_write(int fd, const char *data, size_t len)
{
    while (len) {
        ssize_t sent = send(fd, data, len, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return -errno;
        data += sent;
        len -= (size_t)sent;
    }
    return 0;
}

int stream_wait(int fd, int asker)
{
    struct pollfd polled[] = {{.fd = fd, .events = POLLIN}, {.fd = asker}};

    while (poll(polled, 2, -1) < 0)
        if (errno != EINTR)
            return -errno;
    return polled[0].revents ? 0 : -ECANCELED;
}

int stream_read_all(int fd, char **buffer, size_t *room, size_t *len, size_t limit)
{
    *len = 0;
    for (;;) {
        if (*room - *len < 4096) {
            *room = *room ? *room * 2 : 16384;
            *buffer = policy_realloc(*buffer, *room, 1);
        }
        ssize_t got = recv(fd, *buffer + *len, *room - *len, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            return 0;
        *len += (size_t)got;
        if (*len > limit)
            return -EMSGSIZE;
    }
}
