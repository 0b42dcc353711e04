/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qrexec-client-vm: call a service in another domain, from a VM. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "channel.h"
#include "libvchan.h"
#include "local_io.h"
#include "util.h"
#include "wire.h"

#define AGENT_SOCKET "/var/run/qubes/qrexec-agent"
#define MAX_RING     (1u << 20)
#define PEER_SECONDS 300 /* the service may first wait for its user's session */

struct options {
    const char *agent_socket, *prefix, *source, *target, *service;
    char **program; /* argv of the local program, or NULL */
    bool replace_out, replace_err, stdin_socket;
    uint32_t ring;
};

enum { OPT_NO_FILTER_OUT = 256, OPT_NO_FILTER_ERR, OPT_BUFFER, OPT_STDIN_SOCKET };

static const struct option long_options[] = {
    {"help", no_argument, NULL, 'h'},
    {"buffer-size", required_argument, NULL, OPT_BUFFER},
    {"filter-escape-chars-stdout", no_argument, NULL, 't'},
    {"filter-escape-chars-stderr", no_argument, NULL, 'T'},
    {"no-filter-escape-chars-stdout", no_argument, NULL, OPT_NO_FILTER_OUT},
    {"no-filter-escape-chars-stderr", no_argument, NULL, OPT_NO_FILTER_ERR},
    {"agent-socket", required_argument, NULL, 'a'},
    {"prefix-data", required_argument, NULL, 'p'},
    {"use-stdin-socket", no_argument, NULL, OPT_STDIN_SOCKET},
    {"source-qube", required_argument, NULL, 's'},
    {NULL, 0, NULL, 0},
};

static int usage(FILE *out)
{
    fprintf(out, "usage: qrexec-client-vm [options] TARGET SERVICE[+ARGUMENT] [PROGRAM [ARGUMENTS...]]\n"
                 "  --buffer-size=BYTES  size of the data channel's rings, at least (64k)\n"
                 "  -t, --filter-escape-chars-stdout, -T, --filter-escape-chars-stderr\n"
                 "                       replace problematic bytes (default on a terminal)\n"
                 "  --no-filter-escape-chars-stdout, --no-filter-escape-chars-stderr\n"
                 "  -a, --agent-socket=PATH (" AGENT_SOCKET ")\n"
                 "  -p, --prefix-data=D  send this before stdin\n"
                 "  --use-stdin-socket   stdin is a socket: use it as stdout, too\n"
                 "  -s, --source-qube=Q  call on behalf of the RemoteVM Q\n");
    return out == stdout ? 0 : EXIT_QREXEC_PROBLEM;
}

static bool is_socket(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

static int take_arguments(int argc, char **argv, struct options *o)
{
    if (argc < 2)
        return 1 + usage(stderr);
    for (char *p = argv[0]; *p; p++)
        if (*p == '$') /* old way to write keywords */
            *p = '@';
    o->target = argv[0];
    o->service = argv[1];
    o->program = argc > 2 ? argv + 2 : NULL;
    if (strlen(o->target) > 63 || strlen(o->service) >= MAX_SERVICE ||
        (o->source && strlen(o->source) > 63)) {
        qlog("the name of the target, the source or the service is too long");
        return 1 + EXIT_QREXEC_PROBLEM;
    }
    if (o->stdin_socket && (o->program || !is_socket(0))) {
        qlog("--use-stdin-socket needs a socket as stdin and no local program");
        return 1 + EXIT_QREXEC_PROBLEM;
    }
    return 0;
}

/* 0 go on, else the exit status + 1. */
static int parse_options(int argc, char **argv, struct options *o)
{
    int c;

    o->replace_out = isatty(1);
    o->replace_err = isatty(2);
    while ((c = getopt_long(argc, argv, "+htTa:p:s:", long_options, NULL)) != -1) {
        switch (c) {
        case 't':
            o->replace_out = true;
            break;
        case 'T':
            o->replace_err = true;
            break;
        case OPT_NO_FILTER_OUT:
            o->replace_out = false;
            break;
        case OPT_NO_FILTER_ERR:
            o->replace_err = false;
            break;
        case OPT_BUFFER:
            if (!parse_number(optarg, MAX_RING, &o->ring) || !o->ring) {
                qlog("--buffer-size is a number of bytes up to %u", MAX_RING);
                return 1 + EXIT_QREXEC_PROBLEM;
            }
            break;
        case OPT_STDIN_SOCKET:
            o->stdin_socket = true;
            break;
        case 'a':
            o->agent_socket = optarg;
            break;
        case 'p':
            o->prefix = optarg;
            break;
        case 's':
            o->source = optarg;
            break;
        default:
            return 1 + usage(c == 'h' ? stdout : stderr);
        }
    }
    return take_arguments(argc - optind, argv + optind, o);
}

/* Ask the agent; 0 with the place to serve, else an exit status. */
static int ask_agent(const struct options *o, int fd, struct exec_params *where)
{
    struct trigger_service4 trigger = {.ident = "SOCKET"};
    int ret;

    memcpy(trigger.target, o->target, strlen(o->target));
    if (o->source)
        memcpy(trigger.source, o->source, strlen(o->source));
    ret =
        socket_send(fd, MSG_TRIGGER_SERVICE4, &trigger, sizeof(trigger), o->service, strlen(o->service) + 1);
    if (ret == 0)
        ret = read_all(fd, where, sizeof(*where));
    if (ret == -EPIPE || ret == -ECONNRESET) {
        fprintf(stderr, "Request refused\n");
        return EXIT_REFUSED;
    }
    if (ret < 0)
        qlog("cannot ask the agent: %s", strerror(-ret));
    return ret < 0 ? EXIT_QREXEC_PROBLEM : 0;
}

static int serve_data(const struct options *o, struct libvchan *vchan, int agent)
{
    struct local_call call = {.vchan = vchan,
                              .peer = "the other side",
                              .watch_fd = agent,
                              .seconds = PEER_SECONDS,
                              .no_peer_status = EXIT_NO_STATUS,
                              .argv = o->program,
                              .save_fds = true,
                              .stdin_socket = o->stdin_socket,
                              .replace_out = o->replace_out && !o->program,
                              .replace_err = o->replace_err,
                              .prefix = o->prefix};
    int ret = local_call_run(&call);

    return ret == 0 ? call.local_status : ret;
}

int main(int argc, char **argv)
{
    struct options options = {.agent_socket = AGENT_SOCKET, .ring = DATA_RING};
    struct exec_params where;
    struct libvchan *vchan;
    int ret = parse_options(argc, argv, &options), agent;

    if (ret)
        return ret - 1;
    signal(SIGPIPE, SIG_IGN);
    agent = unix_connect(options.agent_socket);
    if (agent < 0) {
        qlog("cannot connect to the agent at %s: %s", options.agent_socket, strerror(-agent));
        return EXIT_QREXEC_PROBLEM;
    }
    ret = ask_agent(&options, agent, &where);
    if (ret)
        return ret;
    vchan = libvchan_server_init((int)where.domain, (int)where.port, options.ring, options.ring);
    if (!vchan) {
        qlog_errno("cannot open the data channel");
        return EXIT_QREXEC_PROBLEM;
    }
    ret = serve_data(&options, vchan, agent);
    libvchan_close(vchan);
    close(agent); /* tells the agent that the call has ended */
    return ret;
}
