/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qrexec-agent: a VM's end of all its calls. Options and the main loop. */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent.h"
#include "libvchan.h"
#include "sandbox.h"
#include "util.h"

#define AGENT_SOCKET "/var/run/qubes/qrexec-agent"
#define FORK_SERVER  "/var/run/qubes/qrexec-server.%s.sock"
#define BACKLOG      256

static struct agent agent_state = {.listen_fd = -1, .dom0 = {.fd = -1}};

static const struct option long_options[] = {
    {"help", no_argument, NULL, 'h'},
    {"agent-socket", required_argument, NULL, 'a'},
    {"fork-server-socket", required_argument, NULL, 's'},
    {"no-fork-server", no_argument, NULL, 'S'},
    {NULL, 0, NULL, 0},
};

static int usage(FILE *out)
{
    fprintf(out, "usage: qrexec-agent [options]\n"
                 "  -a, --agent-socket=PATH        where qrexec-client-vm connects (" AGENT_SOCKET ")\n"
                 "  -s, --fork-server-socket=PATH  users' fork servers, %%s stands for the user\n"
                 "                                 (/var/run/qubes/qrexec-server.%%s.sock); empty: none\n"
                 "  -S, --no-fork-server           serve all calls itself\n");
    return out == stdout ? 0 : 1;
}

static int parse_options(int argc, char **argv, struct agent *a)
{
    int c;

    a->socket_path = AGENT_SOCKET;
    a->fork_server = FORK_SERVER;
    while ((c = getopt_long(argc, argv, "ha:s:S", long_options, NULL)) != -1) {
        switch (c) {
        case 'a':
            a->socket_path = optarg;
            break;
        case 's':
            a->fork_server = optarg;
            break;
        case 'S':
            a->fork_server = NULL;
            break;
        default:
            return 1 + usage(c == 'h' ? stdout : stderr);
        }
    }
    return optind == argc ? 0 : 1 + usage(stderr);
}

/* systemd's "I am ready", without its library. */
static void notify_ready(void)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd;

    if (!path || !*path || strlen(path) >= sizeof(addr.sun_path))
        return;
    strcpy(addr.sun_path, path);
    if (*path == '@')
        addr.sun_path[0] = 0;
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || sendto(fd, "READY=1", 7, MSG_NOSIGNAL, (struct sockaddr *)&addr,
                         (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path))) < 0)
        qlog_errno("cannot tell systemd");
    close_fd(&fd);
    unsetenv("NOTIFY_SOCKET");
}

static int block_signals(void)
{
    sigset_t set;

    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

enum { POLL_SIGNALS, POLL_WORKERS, POLL_DOM0, POLL_LISTEN, POLL_CLIENTS };

static struct pollfd polled[POLL_CLIENTS + MAX_CONNECTIONS];

static nfds_t fill_poll(const struct agent *a, int signals)
{
    nfds_t n = POLL_CLIENTS;

    polled[POLL_SIGNALS] = (struct pollfd){.fd = signals, .events = POLLIN};
    polled[POLL_WORKERS] = (struct pollfd){.fd = a->workers.fd, .events = POLLIN};
    polled[POLL_DOM0] = (struct pollfd){.fd = channel_fd(&a->dom0), .events = POLLIN};
    polled[POLL_LISTEN] = (struct pollfd){.fd = a->listen_fd, .events = POLLIN};
    for (int i = 0; i < MAX_CONNECTIONS; i++) {
        const struct connection *c = &a->connections[i];

        polled[POLL_CLIENTS + i] = (struct pollfd){.fd = c->used ? c->channel.fd : -1, .events = POLLIN};
        if (c->used)
            n = POLL_CLIENTS + (nfds_t)i + 1;
    }
    return n;
}

/* One round. 0, -EINTR when asked to end, or another -errno. */
static int round_trip(struct agent *a, int signals)
{
    nfds_t n = fill_poll(a, signals);
    int ret = 0;

    if (poll(polled, n, -1) < 0)
        return errno == EINTR ? 0 : -errno;
    if (polled[POLL_SIGNALS].revents)
        return -EINTR;
    if (polled[POLL_WORKERS].revents)
        ret = connection_results(a);
    for (nfds_t i = POLL_CLIENTS; i < n; i++) {
        struct connection *c = &a->connections[i - POLL_CLIENTS];

        if (polled[i].revents && c->used && c->channel.fd == polled[i].fd)
            connection_event(a, c);
    }
    if (polled[POLL_LISTEN].revents)
        connection_accept(a);
    if (ret == 0 && polled[POLL_DOM0].revents)
        ret = dom0_event(a);
    return ret;
}

int main(int argc, char **argv)
{
    struct agent *a = &agent_state;
    int ret = parse_options(argc, argv, a), signals;

    if (ret)
        return ret - 1;
    ret = connection_start_workers(a);
    if (ret < 0) {
        qlog("cannot start processes for calls: %s", strerror(-ret));
        return 1;
    }
    signals = block_signals();
    if (signals < 0 || dom0_offer(a) < 0) {
        qlog_errno("cannot offer the control channel to dom0");
        return 1;
    }
    a->listen_fd = unix_listen(a->socket_path, 0666, BACKLOG);
    if (a->listen_fd < 0) {
        qlog("cannot listen on %s: %s", a->socket_path, strerror(-a->listen_fd));
        return 1;
    }
    notify_ready();
    sandbox_enter();
    while (ret == 0)
        ret = round_trip(a, signals);
    unlink(a->socket_path);
    channel_close(&a->dom0);
    return ret == -EINTR ? 0 : 1;
}
