/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The caller's end of a call: own stdio, or a program. */
#include "local_io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util.h"
#include "wire.h"

/* A pipe is opened anew: making it non-blocking then does not change it for those who share it with us. */
static int take_output(int fd)
{
    int taken = -1, null;
    char path[32];
    struct stat st;

    if (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode)) {
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        taken = above_stdio(open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC));
    }
    if (taken < 0)
        taken = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (null >= 0) {
        dup2(null, fd);
        if (null != fd)
            close(null);
    }
    return taken;
}

/* A stream that was closed before we were started counts as empty. */
static int take_input(int fd)
{
    int taken = fcntl(fd, F_DUPFD_CLOEXEC, 3);

    return taken >= 0 ? taken : above_stdio(open("/dev/null", O_RDONLY | O_CLOEXEC));
}

static int attach_stdio(const struct local_call *l, struct data_call *call)
{
    call->in_fd = take_input(0);
    call->out_fd = l->stdin_socket ? fcntl(0, F_DUPFD_CLOEXEC, 3) : take_output(1);
    return call->in_fd < 0 || call->out_fd < 0 ? -errno : 0;
}

static int attach_nothing(struct data_call *call)
{
    call->in_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    call->out_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    return call->in_fd < 0 || call->out_fd < 0 ? -errno : 0;
}

/* Low numbers: a simple shell takes only one digit in ">&5". */
static void export_fd(const char *name, int fd, int as)
{
    char text[16];

    if (dup2(fd, as) < 0)
        return;
    snprintf(text, sizeof(text), "%d", as);
    setenv(name, text, 1);
}

static void become_program(const struct local_call *l, int in, int out)
{
    data_reset_signals();
    in = fcntl(in, F_DUPFD_CLOEXEC, 10);
    out = fcntl(out, F_DUPFD_CLOEXEC, 10);
    if (l->save_fds) {
        export_fd("SAVED_FD_0", 0, 3);
        export_fd("SAVED_FD_1", 1, 4);
        if (getenv("PASS_LOCAL_STDERR"))
            export_fd("SAVED_FD_2", 2, 5);
    }
    if (dup2(in, 0) >= 0 && dup2(out, 1) >= 0)
        execvp(l->argv[0], l->argv);
    qlog_errno("cannot run %s", l->argv[0]);
    _exit(EXIT_QREXEC_PROBLEM);
}

static int start_program(const struct local_call *l, struct data_call *call)
{
    int in[2] = {-1, -1}, out[2] = {-1, -1};
    char pid[16];
    int ret;

    data_prepare_signals();
    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    setenv("QREXEC_AGENT_PID", pid, 1);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) < 0 || pipe2(out, O_CLOEXEC) < 0 ||
        (call->pid = fork()) < 0) {
        ret = -errno;
        close_fd(&in[0]);
        close_fd(&in[1]);
        close_fd(&out[0]);
        close_fd(&out[1]);
        return ret;
    }
    if (call->pid == 0)
        become_program(l, in[1], out[1]);
    close(in[1]);
    close(out[1]);
    call->out_fd = in[0];
    call->in_fd = out[0];
    return 0;
}

int local_call_run(struct local_call *l)
{
    struct data_call call = {.vchan = l->vchan,
                             .prefix = l->prefix,
                             .replace_out = l->replace_out,
                             .replace_err = l->replace_err,
                             .in_fd = -1,
                             .out_fd = -1,
                             .err_fd = 2};
    int ret = data_wait_client(l->vchan, l->watch_fd, l->seconds);

    if (ret < 0) {
        qlog("%s did not connect: %s", l->peer, strerror(-ret));
        return l->no_peer_status;
    }
    call.chunk = data_handshake(l->vchan);
    if (!call.chunk)
        return l->no_peer_status;
    if (l->no_data)
        ret = attach_nothing(&call);
    else
        ret = l->argv ? start_program(l, &call) : attach_stdio(l, &call);
    if (ret < 0) {
        qlog("cannot start: %s", strerror(-ret));
        return EXIT_QREXEC_PROBLEM;
    }
    ret = data_run(&call);
    l->local_status = call.local_status;
    return ret;
}
