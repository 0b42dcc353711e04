/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keeper of workers, and the main process's side of it. */
#include "workers.h"

#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "data.h"
#include "util.h"

#define MAX_PARTS   4
#define CANCEL_SIZE 1 /* a message that is no order */
#define QUEUE_BYTES (4 << 20)
#define PAGE_BYTES  4096
#define WARM_BYTES  (8 * PAGE_BYTES)

struct worker {
    pid_t pid;
    uint32_t id; /* of its order */
    int fd;      /* where its order goes */
};

struct keeper {
    worker_fn run;
    void *context;
    int fd, signals;
    struct worker waiting;           /* pid 0: none */
    struct worker busy[WORKERS_MAX]; /* pid 0: free */
};

static char packet[WORKER_ORDER_MAX];

/* ---- the worker ---- */

/* While nothing is to be done: the first use of memory after a fork, and of the user database, takes time. */
static void warm_up(void)
{
    volatile char stack[WARM_BYTES];

    for (size_t i = 0; i < sizeof(stack); i += PAGE_BYTES)
        stack[i] = 0;
    for (size_t i = 0; i < sizeof(packet); i += PAGE_BYTES)
        packet[i] = 0;
    free(malloc(WARM_BYTES));
    getpwuid(geteuid());
}

static int work(struct keeper *k, int fd)
{
    ssize_t n;

    prctl(PR_SET_NAME, "qrexec-worker");
    data_unblock_signals();
    close(k->fd);
    close(k->signals);
    warm_up();
    do
        n = recv(fd, packet, sizeof(packet), 0);
    while (n < 0 && errno == EINTR);
    close(fd);
    return n <= 0 ? 0 : k->run(k->context, packet, (size_t)n); /* without an order: the keeper ended */
}

/* ---- the keeper ---- */

static void send_result(const struct keeper *k, uint32_t id, int status)
{
    struct worker_result result = {.id = id, .status = status};

    send(k->fd, &result, sizeof(result), MSG_NOSIGNAL);
}

static void forget_waiting(struct keeper *k)
{
    if (k->waiting.pid)
        close(k->waiting.fd);
    k->waiting.pid = 0;
}

static int have_one_waiting(struct keeper *k)
{
    int pair[2];
    pid_t pid;

    if (k->waiting.pid)
        return 0;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    pid = fork();
    if (pid == 0) {
        close(pair[0]);
        _exit(work(k, pair[1]));
    }
    close(pair[1]);
    if (pid < 0) {
        close(pair[0]);
        return -EAGAIN;
    }
    k->waiting = (struct worker){.pid = pid, .fd = pair[0]};
    return 0;
}

/* From here on the worker's end, whatever it is, becomes the result. */
static int give_order(struct keeper *k, uint32_t id, const char *order, size_t size)
{
    struct worker *w = k->busy;
    ssize_t n;
    int ret;

    while (w < k->busy + WORKERS_MAX && w->pid)
        w++;
    if (w == k->busy + WORKERS_MAX)
        return -EAGAIN;
    if (have_one_waiting(k) < 0)
        return -EAGAIN;
    n = send(k->waiting.fd, order, size, MSG_NOSIGNAL);
    ret = n < 0 ? -errno : 0;
    if (ret == 0)
        *w = (struct worker){.pid = k->waiting.pid, .id = id};
    forget_waiting(k);
    return ret;
}

static void take_order(struct keeper *k, size_t size)
{
    uint32_t id;
    int ret;

    memcpy(&id, packet, sizeof(id));
    do
        ret = give_order(k, id, packet + sizeof(id), size - sizeof(id));
    while (ret == -EPIPE); /* the one that waited is dead: with another */
    if (ret < 0) {
        qlog("cannot start a process for a call");
        send_result(k, id, WORKER_KILLED);
    }
}

static void cancel(const struct keeper *k)
{
    for (const struct worker *w = k->busy; w < k->busy + WORKERS_MAX; w++)
        if (w->pid)
            kill(w->pid, SIGUSR2);
}

static void reap(struct keeper *k)
{
    struct signalfd_siginfo info;
    int status;
    pid_t pid;

    while (read(k->signals, &info, sizeof(info)) > 0)
        ;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (k->waiting.pid == pid)
            forget_waiting(k);
        for (struct worker *w = k->busy; w < k->busy + WORKERS_MAX; w++) {
            if (w->pid != pid)
                continue;
            send_result(k, w->id, WIFEXITED(status) ? WEXITSTATUS(status) : WORKER_KILLED);
            w->pid = 0;
        }
    }
}

/* Until the main process is gone. */
static int keep(struct keeper *k)
{
    sigset_t set;

    prctl(PR_SET_NAME, "qrexec-keeper"); /* as ps shows it */
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    k->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (k->signals < 0)
        return 1;
    for (;;) {
        struct pollfd p[2] = {{.fd = k->fd, .events = POLLIN}, {.fd = k->signals, .events = POLLIN}};

        have_one_waiting(k); /* else the next order makes it */
        if (poll(p, 2, -1) < 0 && errno != EINTR)
            return 1;
        if (p[1].revents)
            reap(k);
        if (p[0].revents) {
            ssize_t n = recv(k->fd, packet, sizeof(packet), MSG_DONTWAIT);

            if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
                return 0;
            if (n == CANCEL_SIZE)
                cancel(k);
            else if (n > (ssize_t)sizeof(uint32_t))
                take_order(k, (size_t)n);
        }
    }
}

/* ---- the main process ---- */

int workers_start(struct workers *w, worker_fn run, void *context, int not_theirs, bool detach)
{
    static struct keeper keeper;
    int pair[2], bytes = QUEUE_BYTES;
    pid_t pid;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
    pid = fork();
    if (pid == 0) {
        if (detach && (pid = fork()) != 0)
            _exit(pid < 0);
        close(pair[0]);
        close_fd(&not_theirs);
        keeper = (struct keeper){.run = run, .context = context, .fd = pair[1]};
        _exit(keep(&keeper));
    }
    close(pair[1]);
    if (pid < 0 || (detach && waitpid(pid, NULL, 0) != pid)) {
        close(pair[0]);
        return -ECHILD;
    }
    w->fd = pair[0];
    return 0;
}

int workers_order(const struct workers *w, uint32_t id, bool wait, const struct iovec *order, size_t parts)
{
    struct iovec all[MAX_PARTS + 1] = {{&id, sizeof(id)}};
    struct msghdr message = {.msg_iov = all, .msg_iovlen = parts + 1};

    if (parts > MAX_PARTS)
        return -E2BIG;
    memcpy(all + 1, order, parts * sizeof(*order));
    return sendmsg(w->fd, &message, MSG_NOSIGNAL | (wait ? 0 : MSG_DONTWAIT)) < 0 ? -errno : 0;
}

int workers_result(const struct workers *w, struct worker_result *result)
{
    ssize_t n = recv(w->fd, result, sizeof(*result), MSG_DONTWAIT);

    if (n == sizeof(*result))
        return 1;
    return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -EPIPE;
}

void workers_cancel(const struct workers *w)
{
    send(w->fd, "", CANCEL_SIZE, MSG_NOSIGNAL);
}
