/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processes forked ahead of need. */
#include "spare.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "util.h"

static void forget(struct spare *s)
{
    if (s->pid)
        close(s->fd);
    *s = (struct spare){.pid = 0, .fd = -1};
}

int spare_ready(struct spare *s, int (*run)(void *context, int fd), void *context)
{
    int pair[2];
    pid_t pid;

    if (s->pid)
        return 0;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    pid = fork();
    if (pid == 0) {
        close(pair[0]);
        _exit(run(context, pair[1]));
    }
    close(pair[1]);
    if (pid < 0) {
        close(pair[0]);
        return -EAGAIN;
    }
    *s = (struct spare){.pid = pid, .fd = pair[0]};
    return 0;
}

pid_t spare_order(struct spare *s, const struct iovec *parts, size_t count)
{
    struct msghdr message = {.msg_iov = (struct iovec *)parts, .msg_iovlen = count};
    pid_t pid = s->pid;

    if (!pid)
        return -ESRCH;
    if (sendmsg(s->fd, &message, MSG_NOSIGNAL) < 0)
        pid = -errno;
    forget(s);
    return pid;
}

void spare_ended(struct spare *s, pid_t pid)
{
    if (s->pid == pid)
        forget(s);
}

size_t spare_wait(int fd, void *order, size_t size)
{
    ssize_t n;

    do
        n = recv(fd, order, size, 0);
    while (n < 0 && errno == EINTR);
    close(fd);
    return n > 0 ? (size_t)n : 0;
}
