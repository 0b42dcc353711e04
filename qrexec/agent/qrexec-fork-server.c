/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qrexec-fork-server: runs calls inside a user's graphical session, on behalf of the agent. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "serve.h"
#include "util.h"
#include "wire.h"

#define BACKLOG 32

/* The agent's process hangs up when the call is to end before it is connected: then SIGUSR2 ends this
 * process. */
static void end_with(int fd)
{
    signal(SIGUSR2, SIG_DFL);
    fcntl(fd, F_SETOWN, getpid());
    fcntl(fd, F_SETSIG, SIGUSR2);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_ASYNC);
}

static int serve_one(int fd)
{
    const char *shell = getenv("SHELL");
    struct serve serve = {.connect_seconds = SERVE_CONNECT_SECONDS,
                          .shell = {.path = shell && *shell ? shell : NULL}};
    struct fork_request request;
    char *command;

    if (read_all(fd, &request, sizeof(request)) < 0 || request.len < 1 || request.len > MAX_FORWARDED)
        return 1;
    command = malloc(request.len);
    if (!command || read_all(fd, command, request.len) < 0 || command[request.len - 1]) {
        qlog("malformed request from the agent");
        free(command);
        return 1;
    }
    end_with(fd);
    serve.type = (uint32_t)request.type;
    serve.domain = (uint32_t)request.domain;
    serve.port = (uint32_t)request.port;
    serve.command = command;
    serve_call(&serve);
    free(command);
    return 0;
}

/* Only the agent (root) and the session's user may ask. */
static bool peer_allowed(int fd)
{
    struct ucred peer;
    socklen_t size = sizeof(peer);

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           (peer.uid == 0 || peer.uid == geteuid());
}

static int serve_all(int listener)
{
    for (;;) {
        struct pollfd p = {.fd = listener, .events = POLLIN};
        int fd;

        if (poll(&p, 1, -1) < 0 && errno != EINTR)
            return 1;
        fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            continue;
        if (peer_allowed(fd) && fork() == 0) {
            close(listener);
            signal(SIGCHLD, SIG_DFL);
            _exit(serve_one(fd)); /* fd stays open to the end: its closing tells the agent */
        }
        close(fd);
    }
}

int main(int argc, char **argv)
{
    char path[128];
    struct passwd *pw = getpwuid(geteuid());
    int listener;

    if (argc > 2 || (argc == 2 && argv[1][0] == '-') || (argc == 1 && !pw)) {
        fprintf(stderr, "usage: qrexec-fork-server [SOCKET]\n");
        return 1;
    }
    snprintf(path, sizeof(path), "/var/run/qubes/qrexec-server.%s.sock", pw ? pw->pw_name : "");
    listener = unix_listen(argc == 2 ? argv[1] : path, 0600, BACKLOG);
    if (listener < 0) {
        qlog("cannot listen on %s: %s", argc == 2 ? argv[1] : path, strerror(-listener));
        return 1;
    }
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_IGN); /* no zombies */
    return serve_all(listener);
}
