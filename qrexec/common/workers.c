/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keeper of workers, and the main process's side of it. */
#include "workers.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "data.h"
#include "util.h"
#include "wire.h"

#define MAX_PARTS     4
#define FORK_RETRY_MS 1000
#define QUEUE_BYTES   (4 << 20)

/* A worker tells its keeper which order it took. */
struct taken {
    pid_t pid;
    uint32_t id;
};

struct keeper {
    worker_fn run;
    void *context;
    int orders, events;
    int taken[2]; /* pipe */
    int signals;
    pid_t waiting; /* 0: none */
    struct taken busy[WORKERS_MAX];
};

static char packet[WORKER_ORDER_MAX];

/* ---- the worker ---- */

static int work(struct keeper *k)
{
    struct taken taken = {.pid = getpid()};
    ssize_t n;

    prctl(PR_SET_NAME, "qrexec-worker");
    data_unblock_signals();
    close(k->events);
    close(k->signals);
    do
        n = recv(k->orders, packet, sizeof(packet), 0);
    while (n < 0 && errno == EINTR);
    if (n < (ssize_t)sizeof(taken.id))
        return 0; /* the main process ended */
    memcpy(&taken.id, packet, sizeof(taken.id));
    if (write_all(k->taken[1], &taken, sizeof(taken)) < 0)
        return EXIT_QREXEC_PROBLEM;
    close(k->orders);
    close(k->taken[0]);
    close(k->taken[1]);
    return k->run(k->context, packet + sizeof(taken.id), (size_t)n - sizeof(taken.id));
}

/* ---- the keeper ---- */

static void send_result(const struct keeper *k, uint32_t id, int status)
{
    struct worker_result result = {.id = id, .status = status};

    send(k->events, &result, sizeof(result), MSG_NOSIGNAL);
}

static void note_taken(struct keeper *k)
{
    struct taken taken;

    while (read(k->taken[0], &taken, sizeof(taken)) == sizeof(taken)) {
        struct taken *place = k->busy;

        while (place < k->busy + WORKERS_MAX && place->pid)
            place++;
        if (place < k->busy + WORKERS_MAX)
            *place = taken;
        if (k->waiting == taken.pid)
            k->waiting = 0;
    }
}

static void reap(struct keeper *k)
{
    struct signalfd_siginfo info;
    int status;
    pid_t pid;

    while (read(k->signals, &info, sizeof(info)) > 0)
        ;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        note_taken(k); /* it took its order before it ended */
        if (k->waiting == pid)
            k->waiting = 0;
        for (struct taken *b = k->busy; b < k->busy + WORKERS_MAX; b++) {
            if (b->pid != pid)
                continue;
            send_result(k, b->id, WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_QREXEC_PROBLEM);
            b->pid = 0;
        }
    }
}

static void cancel(struct keeper *k)
{
    uint32_t id;

    while (recv(k->orders, &id, sizeof(id), MSG_DONTWAIT) == sizeof(id))
        send_result(k, id, EXIT_QREXEC_PROBLEM);
    note_taken(k);
    for (struct taken *b = k->busy; b < k->busy + WORKERS_MAX; b++)
        if (b->pid)
            kill(b->pid, SIGUSR2);
}

static void have_one_waiting(struct keeper *k)
{
    if (k->waiting)
        return;
    k->waiting = fork();
    if (k->waiting == 0)
        _exit(work(k));
    if (k->waiting < 0) {
        qlog_errno("cannot start a process for calls");
        k->waiting = 0;
    }
}

/* Until the main process is gone. */
static int keep(struct keeper *k)
{
    sigset_t set;
    char byte;

    prctl(PR_SET_NAME, "qrexec-keeper"); /* as ps shows it */
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    k->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (k->signals < 0)
        return 1;
    for (;;) {
        struct pollfd p[3] = {{.fd = k->events, .events = POLLIN},
                              {.fd = k->taken[0], .events = POLLIN},
                              {.fd = k->signals, .events = POLLIN}};

        have_one_waiting(k);
        if (poll(p, 3, k->waiting ? -1 : FORK_RETRY_MS) < 0 && errno != EINTR)
            return 1;
        if (p[1].revents)
            note_taken(k);
        if (p[2].revents)
            reap(k);
        if (p[0].revents) {
            ssize_t n = recv(k->events, &byte, sizeof(byte), MSG_DONTWAIT);

            if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
                return 0;
            if (n > 0)
                cancel(k);
        }
    }
}

/* ---- the main process ---- */

static int start_keeper(struct keeper *k, const struct workers *w, int not_theirs, bool detach)
{
    pid_t pid = fork();

    if (pid == 0) {
        if (detach && (pid = fork()) != 0)
            _exit(pid < 0);
        close(w->orders);
        close(w->events);
        close_fd(&not_theirs);
        _exit(keep(k));
    }
    return pid < 0 || (detach && waitpid(pid, NULL, 0) != pid) ? -ECHILD : 0;
}

int workers_start(struct workers *w, worker_fn run, void *context, int not_theirs, bool detach)
{
    static struct keeper keeper;
    int orders[2] = {-1, -1}, events[2] = {-1, -1}, bytes = QUEUE_BYTES, ret;

    keeper = (struct keeper){.run = run, .context = context, .taken = {-1, -1}};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, orders) < 0 ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, events) < 0 ||
        pipe2(keeper.taken, O_CLOEXEC | O_NONBLOCK) < 0) {
        ret = -errno;
    } else {
        setsockopt(orders[0], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
        *w = (struct workers){.orders = orders[0], .events = events[0]};
        keeper.orders = orders[1];
        keeper.events = events[1];
        ret = start_keeper(&keeper, w, not_theirs, detach);
    }
    close_fd(&orders[1]);
    close_fd(&events[1]);
    close_fd(&keeper.taken[0]);
    close_fd(&keeper.taken[1]);
    if (ret < 0) {
        close_fd(&orders[0]);
        close_fd(&events[0]);
        *w = (struct workers){.orders = -1, .events = -1};
    }
    return ret;
}

int workers_order(const struct workers *w, uint32_t id, bool wait, const struct iovec *order, size_t parts)
{
    struct iovec all[MAX_PARTS + 1] = {{&id, sizeof(id)}};
    struct msghdr message = {.msg_iov = all, .msg_iovlen = parts + 1};

    if (parts > MAX_PARTS)
        return -E2BIG;
    memcpy(all + 1, order, parts * sizeof(*order));
    return sendmsg(w->orders, &message, MSG_NOSIGNAL | (wait ? 0 : MSG_DONTWAIT)) < 0 ? -errno : 0;
}

int workers_result(const struct workers *w, struct worker_result *result)
{
    ssize_t n = recv(w->events, result, sizeof(*result), MSG_DONTWAIT);

    if (n == sizeof(*result))
        return 1;
    return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -EPIPE;
}

void workers_cancel(const struct workers *w)
{
    send(w->events, "", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}
