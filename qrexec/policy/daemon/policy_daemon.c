/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qrexec-policy-daemon: answers qrexec-daemon's questions by the policy. Started by systemd as root with
 * group qubes; see docs/policy.md.
 */
#include "policy_daemon.h"
#include "../call/agent_client.h"
#include "../call/policy_log.h"
#include "../call/stream.h"
#include "policy_client.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_CLIENTS    1024u
#define MAX_DIRS       8
#define SETTLE_MS      150 /* an editor's several writes become one reading */
#define DEFAULT_SOCKET "/run/qubes/policy.sock"
#define DEFAULT_EVAL   "/run/qubes/policy.EvalSimple.sock"
#define DEFAULT_GUI    "/run/qubes/policy.EvalGUI.sock"
#define DEFAULT_COPY   "/run/qubes-policy/last-good"

TAILQ_HEAD(client_list, policy_client);

struct loop {
    struct policy_daemon daemon;
    int epoll, signals;
    int listeners[POLICY_SERVICES];
    struct client_list clients;
    unsigned client_count;
    long long settle_at; /* monotonic milliseconds; 0: nothing changed */
    bool stopping;
};

static const char *policy_dirs[MAX_DIRS] = {POLICY_DIR_RUNTIME, POLICY_DIR_ETC};

/* ---- policy and info ---- */

static void tell_broken(struct policy_daemon *daemon)
{
    char where[1024];

    if (!daemon->store.broken) {
        policy_log(LOG_NOTICE, "policy read: %zu rules", policy_rule_count(daemon->store.policy));
        return;
    }
    policy_error_format(&daemon->store.error, where, sizeof(where));
    policy_log(LOG_ERR, "the policy files are broken, the last good policy stays in force: %s", where);
    if (policy_daemon_fork(daemon, POLICY_MAX_NOTICES, -1) != 0)
        return;
    if (agent_client_report(where, "The last good policy stays in force.") < 0)
        policy_log(LOG_WARNING, "no agent to show that to the user");
    _exit(0);
}

const struct policy *policy_daemon_policy(struct policy_daemon *daemon)
{
    /* The outcome is told later: perhaps an editor is still writing. */
    policy_store_events(&daemon->store);
    daemon->untold |= policy_store_reload(&daemon->store);
    return daemon->store.policy;
}

static long long now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* When the files have been quiet for a while, read them (if no question did) and tell what came of it. */
static int settle(struct loop *loop)
{
    struct policy_daemon *daemon = &loop->daemon;

    if (!daemon->untold && !daemon->store.changed && !daemon->store.created)
        return -1;
    if (!loop->settle_at)
        loop->settle_at = now_ms() + SETTLE_MS;
    long long left = loop->settle_at - now_ms();
    if (left > 0)
        return (int)left;
    loop->settle_at = 0;
    daemon->store.changed |= daemon->store.created;
    policy_store_reload(&daemon->store);
    daemon->untold = false;
    tell_broken(daemon);
    return -1;
}

const struct system_info *policy_daemon_info(struct policy_daemon *daemon)
{
    char error[256];
    const struct system_info *info = info_source_get(&daemon->info, error, sizeof(error));

    if (!info)
        policy_log(LOG_ERR, "no system info, the call is denied: %s", error);
    return info;
}

/* ---- processes ---- */

static void keep_only(int fd)
{
    if (fd >= 0)
        dup2(fd, POLICY_CHILD_FD);
    close_range(fd < 0 ? POLICY_CHILD_FD : POLICY_CHILD_FD + 1, ~0u, 0);
}

int policy_daemon_fork(struct policy_daemon *daemon, unsigned limit, int keep)
{
    sigset_t none;

    if (daemon->children >= limit)
        return -1;
    pid_t child = fork();
    if (child > 0)
        daemon->children++;
    if (child == 0) {
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        keep_only(keep);
    }
    return child;
}

static void reap(struct policy_daemon *daemon)
{
    while (waitpid(-1, NULL, WNOHANG) > 0)
        daemon->children--;
}

static void take_signal(struct loop *loop)
{
    struct signalfd_siginfo signal;

    if (read(loop->signals, &signal, sizeof(signal)) != sizeof(signal))
        return;
    if (signal.ssi_signo == SIGCHLD)
        reap(&loop->daemon);
    else if (signal.ssi_signo == SIGHUP)
        loop->daemon.store.changed = true;
    else
        loop->stopping = true;
}

/* ---- the loop ---- */

static bool watch_fd(const struct loop *loop, int fd, void *data)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = data};

    return epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static void drop(struct loop *loop, struct policy_client *client)
{
    /* explicitly: a child may still hold the descriptor, and then close() would not end the watching */
    epoll_ctl(loop->epoll, EPOLL_CTL_DEL, client->fd, NULL);
    TAILQ_REMOVE(&loop->clients, client, all);
    loop->client_count--;
    policy_client_free(client);
}

static void accept_client(struct loop *loop, enum policy_service service)
{
    int fd = accept4(loop->listeners[service], NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd < 0)
        return;
    if (loop->client_count == MAX_CLIENTS) {
        policy_log(LOG_WARNING, "too many connections, the oldest is dropped");
        drop(loop, TAILQ_FIRST(&loop->clients));
    }
    struct policy_client *client = policy_client_new(fd, service);
    TAILQ_INSERT_TAIL(&loop->clients, client, all);
    loop->client_count++;
    /* the question is often there already */
    if (policy_client_read(client, &loop->daemon) || !watch_fd(loop, fd, client))
        drop(loop, client);
}

static void take_changes(struct loop *loop)
{
    if (policy_store_events(&loop->daemon.store))
        loop->settle_at = now_ms() + SETTLE_MS;
}

/* What an event belongs to is told by its pointer: into `loop` for our own descriptors, else a client. */
static void handle(struct loop *loop, const struct epoll_event *event)
{
    void *at = event->data.ptr;

    if (at == &loop->signals)
        take_signal(loop);
    else if (at == &loop->daemon.store.inotify)
        take_changes(loop);
    else if ((int *)at >= loop->listeners && (int *)at < loop->listeners + POLICY_SERVICES)
        accept_client(loop, (enum policy_service)((int *)at - loop->listeners));
    else if (policy_client_read(at, &loop->daemon))
        drop(loop, at);
}

/* One event at a time: handling one may drop a client that a second event is about. */
static void run(struct loop *loop)
{
    struct epoll_event event;

    while (!loop->stopping) {
        int count = epoll_wait(loop->epoll, &event, 1, settle(loop));
        if (count > 0)
            handle(loop, &event);
        else if (count < 0 && errno != EINTR)
            return;
    }
}

/* ---- start and end ---- */

static int open_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static bool open_loop(struct loop *loop, const char *const *sockets)
{
    TAILQ_INIT(&loop->clients);
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    loop->signals = open_signals();
    if (loop->epoll < 0 || loop->signals < 0 || !watch_fd(loop, loop->signals, &loop->signals) ||
        !watch_fd(loop, loop->daemon.store.inotify, &loop->daemon.store.inotify))
        return false;
    for (unsigned i = 0; i < POLICY_SERVICES; i++) {
        int fd = loop->listeners[i] = stream_listen(sockets[i]);
        if (fd < 0 || !watch_fd(loop, fd, &loop->listeners[i])) {
            policy_log(LOG_CRIT, "cannot listen on %s: %s", sockets[i], strerror(fd < 0 ? -fd : errno));
            return false;
        }
    }
    return true;
}

static void close_loop(struct loop *loop)
{
    while (!TAILQ_EMPTY(&loop->clients))
        drop(loop, TAILQ_FIRST(&loop->clients));
    for (unsigned i = 0; i < POLICY_SERVICES; i++)
        close(loop->listeners[i]);
    close(loop->signals);
    close(loop->epoll);
}

/* The start-up message of systemd's notification protocol (sd_notify(3)); a library only for this is too
 * much. */
static void tell_systemd(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (!path || strlen(path) >= sizeof(address.sun_path))
        return;
    strcpy(address.sun_path, path);
    if (*path == '@')
        address.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&address,
               (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path)));
        close(fd);
    }
}

static int serve(struct loop *loop, const char *const *sockets)
{
    char where[1024];

    if (policy_store_open(&loop->daemon.store) < 0) {
        policy_error_format(&loop->daemon.store.error, where, sizeof(where));
        policy_log(LOG_CRIT, "no valid policy to start with: %s", where);
        return 1;
    }
    if (!open_loop(loop, sockets))
        return 1;
    tell_broken(&loop->daemon);
    tell_systemd("READY=1");
    run(loop);
    close_loop(loop);
    return 0;
}

/* ---- command line ---- */

enum { OPT_PATH = 256, OPT_LEGACY, OPT_SOCKET, OPT_EVAL, OPT_GUI, OPT_INFO, OPT_INFO_SOCKET, OPT_COPY };

static const struct option options[] = {
    {"policy-path", required_argument, NULL, OPT_PATH},
    {"legacy-path", required_argument, NULL, OPT_LEGACY},
    {"socket-path", required_argument, NULL, OPT_SOCKET},
    {"eval-socket-path", required_argument, NULL, OPT_EVAL},
    {"gui-socket-path", required_argument, NULL, OPT_GUI},
    {"system-info", required_argument, NULL, OPT_INFO},
    {"system-info-socket", required_argument, NULL, OPT_INFO_SOCKET},
    {"last-good", required_argument, NULL, OPT_COPY},
    {"help", no_argument, NULL, 'h'},
    {0},
};

static void usage(FILE *out)
{
    fputs("usage: qrexec-policy-daemon [--policy-path DIR]... [--legacy-path DIR] [--socket-path PATH]\n"
          "           [--eval-socket-path PATH] [--gui-socket-path PATH] [--last-good PATH]\n"
          "           [--system-info FILE | --system-info-socket PATH]\n",
          out);
}

int main(int argc, char **argv)
{
    const char *sockets[POLICY_SERVICES] = {DEFAULT_SOCKET, DEFAULT_EVAL, DEFAULT_GUI};
    struct loop loop = {.daemon.store = {.inotify = -1, .last_good = DEFAULT_COPY}};
    size_t dirs = 0;
    int option;

    while ((option = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
        const char **texts[] = {&loop.daemon.store.sources.legacy_dir,
                                &sockets[0],
                                &sockets[1],
                                &sockets[2],
                                &loop.daemon.info.file,
                                &loop.daemon.info.socket,
                                &loop.daemon.store.last_good};
        if (option == OPT_PATH && dirs < MAX_DIRS) {
            policy_dirs[dirs++] = optarg;
        } else if (option >= OPT_LEGACY && option <= OPT_COPY) {
            *texts[option - OPT_LEGACY] = optarg;
        } else {
            usage(option == 'h' ? stdout : stderr);
            return option == 'h' ? 0 : 2;
        }
    }
    if (optind < argc) {
        usage(stderr);
        return 2;
    }
    loop.daemon.store.sources.dirs = policy_dirs;
    loop.daemon.store.sources.dir_count = dirs ? dirs : 2;
    if (loop.daemon.store.last_good && !*loop.daemon.store.last_good)
        loop.daemon.store.last_good = NULL;
    int status = serve(&loop, sockets);
    policy_store_close(&loop.daemon.store);
    info_source_clear(&loop.daemon.info);
    return status;
}
