/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qrexec-daemon: dom0's end of one VM's calls. Options and the main loop. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "broker.h"
#include "daemon.h"
#include "dom0.h"
#include "sandbox.h"
#include "util.h"

#define POLICY_PROGRAM  "/usr/bin/qrexec-policy-exec"
#define LOG_DIR         "/var/log/qubes"
#define STARTUP_TIMEOUT 60
#define EXIT_TIMEOUT    3

struct options {
    bool direct, quiet;
    unsigned timeout; /* seconds; 0: no limit */
};

static struct daemon daemon_state = {.listen_fd = -1, .agent = {.fd = -1}};

static const struct option long_options[] = {
    {"help", no_argument, NULL, 'h'},
    {"quiet", no_argument, NULL, 'q'},
    {"socket-dir", required_argument, NULL, 'd'},
    {"policy-program", required_argument, NULL, 'p'},
    {"direct", no_argument, NULL, 'D'},
    {"uuid", required_argument, NULL, 'u'},
    {NULL, 0, NULL, 0},
};

static void usage(FILE *out)
{
    fprintf(out,
            "usage: qrexec-daemon [options] DOMID NAME [DEFAULT_USER]\n"
            "  -q, --quiet              no progress on stderr\n"
            "  --socket-dir=DIR         where the daemons' sockets are (" QREXEC_SOCKET_DIR ")\n"
            "  -p, --policy-program=P   asked when the policy daemon does not answer (" POLICY_PROGRAM ")\n"
            "  -D, --direct             stay in the foreground, log to stderr\n"
            "  -u, --uuid=UUID          the domain's uuid\n");
}

static int parse_options(int argc, char **argv, struct daemon *d, struct options *o)
{
    const char *timeout = getenv("QREXEC_STARTUP_TIMEOUT");
    uint32_t number;
    int c;

    o->timeout = STARTUP_TIMEOUT;
    if (getenv("QREXEC_STARTUP_NOWAIT"))
        o->timeout = 0;
    else if (timeout && parse_number(timeout, 86400, &number))
        o->timeout = number;
    d->settings.socket_dir = QREXEC_SOCKET_DIR;
    d->settings.policy_program = POLICY_PROGRAM;
    while ((c = getopt_long(argc, argv, "hqp:Du:", long_options, NULL)) != -1) {
        switch (c) {
        case 'q':
            o->quiet = true;
            break;
        case 'd':
            d->settings.socket_dir = optarg;
            break;
        case 'p':
            d->settings.policy_program = optarg;
            break;
        case 'D':
            o->direct = true;
            break;
        case 'u':
            d->uuid = strncmp(optarg, "uuid:", 5) == 0 ? optarg + 5 : optarg;
            break;
        default:
            usage(c == 'h' ? stdout : stderr);
            return c == 'h' ? 0 : -1;
        }
    }
    if (argc - optind < 2 || argc - optind > 3 ||
        !parse_number(argv[optind], 0x7fef, &d->settings.domain_id) || strchr(argv[optind + 1], '/')) {
        usage(stderr);
        return -1;
    }
    d->settings.domain_name = argv[optind + 1];
    d->default_user = argc - optind == 3 ? argv[optind + 2] : "user";
    return 1;
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

/* The three descriptors that are always there, then the clients. */
enum { POLL_SIGNALS, POLL_BROKER, POLL_AGENT, POLL_LISTEN, POLL_CLIENTS };

static struct pollfd polled[POLL_CLIENTS + MAX_CLIENTS];

static nfds_t fill_poll(const struct daemon *d, int signals)
{
    bool busy = d->agent.out.used >= QUEUE_LIMIT;
    nfds_t n = POLL_CLIENTS;

    polled[POLL_SIGNALS] = (struct pollfd){.fd = signals, .events = POLLIN};
    polled[POLL_BROKER] = (struct pollfd){.fd = d->broker.fd, .events = POLLIN};
    polled[POLL_AGENT] = (struct pollfd){.fd = agent_fd(d), .events = POLLIN};
    polled[POLL_LISTEN] = (struct pollfd){.fd = d->listen_fd, .events = POLLIN};
    for (int i = 0; i < MAX_CLIENTS; i++) {
        const struct client *c = &d->clients[i];

        if (c->used)
            n = POLL_CLIENTS + (nfds_t)i + 1;
        polled[POLL_CLIENTS + i] =
            (struct pollfd){.fd = c->used ? c->channel.fd : -1,
                            .events = (short)((busy ? 0 : POLLIN) | (c->channel.out.used ? POLLOUT : 0))};
    }
    return n;
}

/* One round. 0, -EINTR when asked to end, -ETIMEDOUT, or another -errno. */
static int round_trip(struct daemon *d, int signals, int timeout)
{
    nfds_t n = fill_poll(d, signals);
    int ready = poll(polled, n, timeout), ret = 0;

    if (ready == 0)
        return -ETIMEDOUT;
    if (ready < 0)
        return errno == EINTR ? 0 : -errno;
    if (polled[POLL_SIGNALS].revents)
        return -EINTR;
    if (polled[POLL_BROKER].revents)
        ret = agent_results(d);
    for (nfds_t i = POLL_CLIENTS; i < n; i++)
        if (polled[i].revents && d->clients[i - POLL_CLIENTS].used)
            client_event(d, (int)(i - POLL_CLIENTS));
    if (polled[POLL_LISTEN].revents && d->listen_fd >= 0)
        clients_accept(d);
    if (ret == 0 && polled[POLL_AGENT].revents)
        ret = agent_event(d);
    if (ret == -EAGAIN)
        ret = agent_connect(d); /* the agent ended: wait for the next one */
    return ret;
}

static int connect_first(struct daemon *d, int signals, unsigned seconds)
{
    int64_t end = seconds ? now_ms() + (int64_t)seconds * 1000 : 0;
    int ret = agent_connect(d);

    while (ret == 0 && !d->ready) {
        int64_t left = end - now_ms();

        ret = round_trip(d, signals, end == 0 ? -1 : left > 0 ? (int)left : 0);
    }
    return ret;
}

/* Tell the waiting parent how it went, then become a daemon. */
static void report(int pipe_fd, int ret)
{
    unsigned char status = ret == 0 ? 0 : ret == -ETIMEDOUT ? EXIT_TIMEOUT : 1;

    if (pipe_fd >= 0 && write(pipe_fd, &status, 1) != 1)
        qlog_errno("cannot tell the parent");
}

static int serve(struct daemon *d, const struct options *o, int parent)
{
    int signals = block_signals(), ret;
    bool started;

    ret = signals < 0 ? -errno : connect_first(d, signals, o->timeout);
    report(parent, ret);
    close_fd(&parent);
    if (ret == -ETIMEDOUT)
        qlog("cannot connect to the qrexec agent of %s within %u seconds", d->settings.domain_name,
             o->timeout);
    started = ret == 0;
    if (started)
        sandbox_enter();
    while (ret == 0)
        ret = round_trip(d, signals, -1);
    clients_close(d);
    channel_close(&d->agent);
    close(signals);
    if (ret == -ETIMEDOUT)
        return EXIT_TIMEOUT;
    return ret == -EINTR || (started && ret == -ESHUTDOWN) ? 0 : 1;
}

static void open_log(const struct daemon *d)
{
    char path[4096];
    int fd, null = open("/dev/null", O_RDWR | O_CLOEXEC);

    snprintf(path, sizeof(path), "%s/qrexec.%s.log", LOG_DIR, d->settings.domain_name);
    fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (null >= 0) {
        dup2(null, 0);
        dup2(null, 1);
        close_fd(&null);
    }
    if (fd < 0)
        return;
    dup2(fd, 2);
    close(fd);
}

/* Fork; the parent waits for the child's report and returns the exit status, the child returns -1. */
static int go_background(const struct daemon *d, const struct options *o, int *parent)
{
    unsigned char status = 1;
    int report_pipe[2];
    pid_t pid;

    if (pipe2(report_pipe, O_CLOEXEC) < 0 || (pid = fork()) < 0) {
        qlog_errno("cannot go into the background");
        return 1;
    }
    if (pid == 0) {
        close(report_pipe[0]);
        *parent = report_pipe[1];
        setsid();
        open_log(d);
        return -1;
    }
    close(report_pipe[1]);
    if (getenv("QREXEC_STARTUP_NOWAIT"))
        return 0;
    if (!o->quiet)
        fprintf(stderr, "Waiting for VM's qrexec agent.\n");
    if (read(report_pipe[0], &status, 1) != 1)
        status = 1;
    if (status == EXIT_TIMEOUT)
        qlog("cannot connect to the qrexec agent of %s for %u seconds, giving up", d->settings.domain_name,
             o->timeout);
    else if (!o->quiet)
        fprintf(stderr, status ? "failed\n" : "connected\n");
    return status;
}

int main(int argc, char **argv)
{
    struct daemon *d = &daemon_state;
    struct options options = {0};
    int parent = -1, ret;

    ret = parse_options(argc, argv, d, &options);
    if (ret <= 0)
        return ret < 0 ? 1 : 0;
    if (!options.direct) {
        ret = go_background(d, &options, &parent);
        if (ret >= 0)
            return ret;
    }
    ret = broker_start(&d->broker, &d->settings, parent, options.direct);
    if (ret < 0) {
        qlog("cannot start the broker: %s", strerror(-ret));
        report(parent, -EIO);
        return 1;
    }
    return serve(d, &options, parent);
}
