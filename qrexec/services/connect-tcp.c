/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The service qubes.ConnectTCP+[HOST+]PORT: stdin and stdout become a TCP connection (to this VM without a
 * HOST). */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "service.h"
#include "util.h"

#define PIECE 65536

/* Copy one piece. False at the end or when the reader is gone. */
static bool copy(int from, int to)
{
    static char piece[PIECE];
    ssize_t n = read(from, piece, sizeof(piece));

    if (n < 0 && errno == EINTR)
        return true;
    return n > 0 && write_all(to, piece, (size_t)n) == 0;
}

static void relay(int fd)
{
    struct pollfd p[2] = {{.fd = 0, .events = POLLIN}, {.fd = fd, .events = POLLIN}};

    while (p[1].fd >= 0 && poll(p, 2, -1) >= 0) {
        if (p[0].revents && !copy(0, fd)) {
            shutdown(fd, SHUT_WR);
            p[0].fd = -1;
            p[0].revents = 0;
        }
        if (p[1].revents && !copy(fd, 1))
            p[1].fd = -1;
    }
}

int main(int argc, char **argv)
{
    struct service service = {.kind = SERVICE_TCP, .path = argv[0]};
    bool with_host = argc == 2 && strchr(argv[1], '+');
    int fd;

    signal(SIGPIPE, SIG_IGN);
    if (argc != 2 ||
        service_tcp_address(with_host ? "/dev/tcp" : "/dev/tcp/127.0.0.1", argv[1], &service) < 0) {
        qlog("the argument is PORT or HOST+PORT, numbers only");
        return 125;
    }
    fd = service_connect(&service);
    if (fd < 0)
        return 1;
    relay(fd);
    return 0;
}
