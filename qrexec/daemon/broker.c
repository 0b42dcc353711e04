/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The broker process: requests in, results out, one handler process per request. */
#include "broker.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "data.h"
#include "spare.h"
#include "util.h"
#include "wire.h"

/* What goes over: this, then the service with its NUL. */
struct order {
    uint32_t id;
    char source[64];
    char target[64];
    char ident[32];
};

struct handler {
    pid_t pid; /* 0: free */
    uint32_t id;
};

struct broker {
    const struct call_settings *settings;
    int fd, signals;
    struct handler handlers[MAX_PENDING];
    struct spare spare; /* becomes the next handler */
};

static char packet[sizeof(struct order) + MAX_SERVICE];

static void send_result(struct broker *b, uint32_t id, int status)
{
    struct broker_result result = {.id = id, .status = status};

    send(b->fd, &result, sizeof(result), MSG_NOSIGNAL);
}

/* In the handler's process. */
static int handle(void *context, int fd)
{
    struct broker *b = context;
    struct order *o = (struct order *)packet;
    struct call call = {.requested_source = o->source,
                        .target = o->target,
                        .ident = o->ident,
                        .service = packet + sizeof(*o)};

    data_unblock_signals();
    close(b->fd);
    close(b->signals);
    return spare_wait(fd, packet, sizeof(packet)) ? call_handle(b->settings, &call) : 0;
}

static void start_handler(struct broker *b, size_t size)
{
    uint32_t id = ((struct order *)packet)->id;
    struct iovec order = {packet, size};
    struct handler *h = b->handlers;
    pid_t pid = -EAGAIN;

    while (h < b->handlers + MAX_PENDING && h->pid)
        h++;
    if (h < b->handlers + MAX_PENDING && (pid = spare_order(&b->spare, &order, 1)) < 0 &&
        spare_ready(&b->spare, handle, b) == 0)
        pid = spare_order(&b->spare, &order, 1);
    if (pid < 0) {
        qlog("cannot start a handler");
        send_result(b, id, EXIT_QREXEC_PROBLEM);
        return;
    }
    h->pid = pid;
    h->id = id;
}

static void reap(struct broker *b)
{
    struct signalfd_siginfo info;
    int status;
    pid_t pid;

    while (read(b->signals, &info, sizeof(info)) > 0)
        ;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        spare_ended(&b->spare, pid);
        for (struct handler *h = b->handlers; h < b->handlers + MAX_PENDING; h++) {
            if (h->pid != pid)
                continue;
            h->pid = 0;
            send_result(b, h->id, WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_QREXEC_PROBLEM);
        }
    }
}

/* Until the daemon is gone; its handlers then end by themselves. */
static int broker_main(struct broker *b)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    b->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (b->signals < 0)
        return 1;
    for (;;) {
        spare_ready(&b->spare, handle, b); /* without one the next order makes it */
        struct pollfd p[2] = {{.fd = b->fd, .events = POLLIN}, {.fd = b->signals, .events = POLLIN}};

        if (poll(p, 2, -1) < 0 && errno != EINTR)
            return 1;
        if (p[1].revents)
            reap(b);
        if (p[0].revents) {
            ssize_t n = recv(b->fd, packet, sizeof(packet), MSG_DONTWAIT);

            if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
                return 0;
            if (n > (ssize_t)sizeof(struct order) && packet[n - 1] == 0)
                start_handler(b, (size_t)n);
        }
    }
}

int broker_start(const struct call_settings *settings, int not_its_own, bool detach)
{
    static struct broker broker;
    int pair[2], bytes = 4 << 20;
    pid_t pid;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
    pid = fork();
    if (pid == 0) {
        if (detach && (pid = fork()) != 0)
            _exit(pid < 0);
        close(pair[0]);
        close_fd(&not_its_own);
        broker.settings = settings;
        broker.fd = pair[1];
        _exit(broker_main(&broker));
    }
    close(pair[1]);
    if (pid < 0 || (detach && waitpid(pid, NULL, 0) != pid)) {
        close(pair[0]);
        return -ECHILD;
    }
    return pair[0];
}

int broker_send(int fd, uint32_t id, const struct call *call)
{
    struct order o = {.id = id};
    struct iovec parts[2] = {{&o, sizeof(o)}, {(char *)call->service, strlen(call->service) + 1}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};

    strncpy(o.source, call->requested_source, sizeof(o.source) - 1);
    strncpy(o.target, call->target, sizeof(o.target) - 1);
    strncpy(o.ident, call->ident, sizeof(o.ident) - 1);
    return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int broker_receive(int fd, struct broker_result *result)
{
    ssize_t n = recv(fd, result, sizeof(*result), MSG_DONTWAIT);

    if (n == sizeof(*result))
        return 1;
    return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -EPIPE;
}
