/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qrexec-client: run a command in a VM from dom0, or connect a VM's request with its target. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dom0.h"
#include "libvchan.h"
#include "qubesd.h"
#include "local_io.h"
#include "util.h"

#define USAGE_ERROR     1
#define CONNECT_SECONDS 60 /* a domain that starts, on a loaded machine, needs more than Qubes' 5 */

struct options {
    const char *domain, *local, *prefix, *socket_dir, *command;
    bool just_exec, no_exit_code, replace_out, replace_err, wait_end, kill, stdin_socket;
    unsigned seconds;
    char *ident, *source; /* -c; ident NULL: not given */
    uint32_t source_id;
};

enum { OPT_SOCKET_DIR = 256, OPT_STDIN_SOCKET };

static const struct option long_options[] = {
    {"help", no_argument, NULL, 'h'},
    {"no-exit-code", no_argument, NULL, 'E'},
    {"prefix-data", required_argument, NULL, 'p'},
    {"socket-dir", required_argument, NULL, OPT_SOCKET_DIR},
    {"use-stdin-socket", no_argument, NULL, OPT_STDIN_SOCKET},
    {NULL, 0, NULL, 0},
};

static int usage(FILE *out)
{
    fprintf(out,
            "usage: qrexec-client [options] -d DOMAIN [-l LOCAL_PROGRAM | -c IDENT,SOURCE,SOURCE_ID | -e] "
            "USER:COMMAND\n"
            "  -e                   only start the command\n"
            "  -E, --no-exit-code   always exit with 0 after the command ended\n"
            "  -t, -T               replace problematic bytes of its output, of its errors by '_'\n"
            "  -w SECONDS           how long to wait for the VM (60; 0: for ever)\n"
            "  -W                   wait for the end of the connection\n"
            "  -k                   kill the domain at the end\n"
            "  -p, --prefix-data=D  send this before stdin\n"
            "  --use-stdin-socket   stdin is a socket: use it as stdout, too\n"
            "  --socket-dir=DIR     where the daemons' sockets are\n");
    return out == stdout ? 0 : USAGE_ERROR;
}

/* "IDENT,SOURCE,ID" */
static int parse_connect(char *text, struct options *o)
{
    char *comma = strchr(text, ','), *last = comma ? strchr(comma + 1, ',') : NULL;

    if (!last || !parse_number(last + 1, 0x7fef, &o->source_id))
        return -EINVAL;
    *comma = *last = 0;
    o->ident = text;
    o->source = comma + 1;
    return dom0_is(o->source) || strlen(text) >= 32 ? -EINVAL : 0;
}

/* 0 go on, else the exit status + 1. */
static int parse_options(int argc, char **argv, struct options *o)
{
    uint32_t number;
    int c;

    while ((c = getopt_long(argc, argv, "hd:l:eEc:tTw:Wkp:", long_options, NULL)) != -1) {
        switch (c) {
        case 'd':
            o->domain = optarg;
            break;
        case 'l':
            o->local = optarg;
            break;
        case 'e':
            o->just_exec = true;
            break;
        case 'E':
            o->no_exit_code = true;
            break;
        case 'c':
            if (parse_connect(optarg, o) < 0) {
                qlog("-c needs IDENT,SOURCE,SOURCE_ID with a VM as source");
                return 1 + usage(stderr);
            }
            break;
        case 't':
            o->replace_out = true;
            break;
        case 'T':
            o->replace_err = true;
            break;
        case 'w':
            if (!parse_number(optarg, 86400, &number))
                return 1 + usage(stderr);
            o->seconds = number;
            break;
        case 'W':
            o->wait_end = true;
            break;
        case 'k':
            o->kill = true;
            break;
        case 'p':
            o->prefix = optarg;
            break;
        case OPT_SOCKET_DIR:
            o->socket_dir = optarg;
            break;
        case OPT_STDIN_SOCKET:
            o->stdin_socket = true;
            break;
        default:
            return 1 + usage(c == 'h' ? stdout : stderr);
        }
    }
    if (argc - optind != 1 || !o->domain || o->just_exec + (o->local != NULL) + (o->ident != NULL) > 1 ||
        (o->local && o->stdin_socket))
        return 1 + usage(stderr);
    o->command = argv[optind];
    return 0;
}

static int connect_source(const struct options *o)
{
    int fd = dom0_connect(o->socket_dir, o->source);

    if (fd < 0)
        qlog("cannot connect to the daemon of %s: %s", o->source, strerror(-fd));
    return fd;
}

/* The VM's request is served by dom0. */
static int serve_vm(const struct options *o)
{
    int fd = connect_source(o), ret;

    if (fd < 0)
        return EXIT_QREXEC_PROBLEM;
    ret = dom0_serve(fd, o->ident, o->command, o->seconds);
    close(fd);
    return ret < 0 ? EXIT_QREXEC_PROBLEM : ret;
}

static int run_dom0(const struct options *o)
{
    const char *command = o->command;

    if (o->ident)
        return serve_vm(o);
    if (strncmp(command, "DEFAULT:QUBESRPC ", 17) != 0) {
        qlog("in dom0 only services can be run: DEFAULT:QUBESRPC SERVICE+ARG SOURCE");
        return USAGE_ERROR;
    }
    return dom0_run_in_place(command + 8);
}

/* The VM's request is served by another VM: tell both daemons. */
static int connect_vms(const struct options *o, int fd)
{
    struct exec_params where;
    int source, ret;

    if (dom0_request_exec(fd, MSG_EXEC_CMDLINE, o->source_id, o->command, &where) < 0)
        return EXIT_QREXEC_PROBLEM;
    source = connect_source(o);
    if (source < 0)
        return EXIT_QREXEC_PROBLEM;
    ret = dom0_service_connect(source, &where, o->ident);
    close(source);
    return ret < 0 ? EXIT_QREXEC_PROBLEM : 0;
}

static int run_in_vm(const struct options *o, int fd)
{
    char *argv[] = {"/bin/sh", "-c", (char *)o->local, NULL};
    struct local_call call = {.peer = o->domain,
                              .watch_fd = fd,
                              .seconds = o->seconds,
                              .no_peer_status = EXIT_QREXEC_PROBLEM,
                              .argv = o->local ? argv : NULL,
                              .stdin_socket = o->stdin_socket,
                              .no_data = o->just_exec,
                              .replace_out = o->replace_out,
                              .replace_err = o->replace_err,
                              .prefix = o->prefix};
    struct exec_params where;
    int ret;

    if (dom0_request_exec(fd, o->just_exec ? MSG_JUST_EXEC : MSG_EXEC_CMDLINE, 0, o->command, &where) < 0)
        return EXIT_QREXEC_PROBLEM;
    call.vchan = libvchan_server_init((int)where.domain, (int)where.port, DATA_RING, DATA_RING);
    if (!call.vchan) {
        qlog_errno("cannot open the data channel to %s", o->domain);
        return EXIT_QREXEC_PROBLEM;
    }
    ret = local_call_run(&call);
    libvchan_close(call.vchan);
    return ret;
}

static int run_vm(const struct options *o)
{
    int fd = dom0_connect(o->socket_dir, o->domain), ret;

    if (fd < 0) {
        qlog("cannot connect to the daemon of %s: %s", o->domain, strerror(-fd));
        return EXIT_QREXEC_PROBLEM;
    }
    ret = o->ident ? connect_vms(o, fd) : run_in_vm(o, fd);
    if (o->wait_end || o->kill)
        dom0_wait_end(fd);
    close(fd);
    if (o->kill)
        qubesd_call("admin.vm.Kill", o->domain, "", NULL, 0);
    return ret;
}

int main(int argc, char **argv)
{
    struct options options = {.socket_dir = QREXEC_SOCKET_DIR, .seconds = CONNECT_SECONDS};
    int ret = parse_options(argc, argv, &options);

    if (ret)
        return ret - 1;
    signal(SIGPIPE, SIG_IGN);
    ret = dom0_is(options.domain) ? run_dom0(&options) : run_vm(&options);
    return options.no_exit_code ? 0 : ret;
}
