/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Start services and shell commands and connect them with their data channel. */
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "data.h"
#include "libvchan.h"
#include "service.h"
#include "util.h"
#include "wire.h"

extern char **environ;

/* Variables of an outer call must not leak into this one. */
static void clear_environment(void)
{
    static const char *const kept[] = {"QREXEC_SERVICE_PATH=", "QREXEC_AGENT_PID="};
    char **from, **to;

    if (!environ)
        return;
    for (from = to = environ; *from; from++) {
        bool drop = strncmp(*from, "QREXEC", 6) == 0;

        for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
            if (strncmp(*from, kept[i], strlen(kept[i])) == 0)
                drop = false;
        if (!drop)
            *to++ = *from;
    }
    *to = NULL;
}

int run_environment(const struct command *c)
{
    char pid[16];
    int bad;

    clear_environment();
    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    bad = setenv("QREXEC_AGENT_PID", pid, 1);
    if (c->shell)
        return bad ? -errno : 0;
    bad |= setenv("QREXEC_SERVICE_FULL_NAME", c->full_name, 1);
    bad |= setenv("QREXEC_REMOTE_DOMAIN", c->source, 1);
    bad |= setenv("QREXEC_REQUESTED_TARGET_TYPE", c->target_type ? c->target_type : "", 1);
    if (c->argument)
        bad |= setenv("QREXEC_SERVICE_ARGUMENT", c->argument, 1);
    if (c->target_type && strcmp(c->target_type, "name") == 0)
        bad |= setenv("QREXEC_REQUESTED_TARGET", c->target, 1);
    if (c->target_type && strcmp(c->target_type, "keyword") == 0)
        bad |= setenv("QREXEC_REQUESTED_TARGET_KEYWORD", c->target, 1);
    return bad ? -errno : 0;
}

/* posix_spawn() shares memory till exec: quicker than fork(). Signals become what a fresh program expects. */
static int spawn_attributes(posix_spawnattr_t *attributes)
{
    sigset_t all, none;

    sigfillset(&all);
    sigemptyset(&none);
    return posix_spawnattr_init(attributes) | posix_spawnattr_setsigdefault(attributes, &all) |
           posix_spawnattr_setsigmask(attributes, &none) |
           posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
}

pid_t run_spawn(const char *path, char *const argv[], int in, int out, int err)
{
    const int stdio[3] = {in, out, err};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    pid_t pid = -1;
    int ret = posix_spawn_file_actions_init(&actions) | spawn_attributes(&attributes);

    for (int i = 0; i < 3; i++)
        if (stdio[i] >= 0)
            ret |= posix_spawn_file_actions_adddup2(&actions, stdio[i], i);
    ret = ret ? ENOMEM : posix_spawn(&pid, path, &actions, &attributes, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (ret)
        qlog("cannot run %s: %s", path, strerror(ret));
    return ret ? -ret : pid;
}

void run_wait_for_session(const struct command *c, const char *user)
{
    char full[] = "qubes.WaitForSession", source[256];
    struct command session = {.full_name = full, .service = full, .source = source};
    char *argv[] = {full, NULL};
    struct service s;
    int in[2];
    pid_t pid;

    snprintf(source, sizeof(source), "%s", c->source ? c->source : "");
    if (service_find(&session, &s) != 0)
        return;
    if (s.kind == SERVICE_EXECUTABLE && pipe2(in, O_CLOEXEC) == 0) {
        run_environment(&session);
        pid = run_spawn(s.path, argv, in[0], -1, -1);
        close(in[0]);
        if (write_all(in[1], user, strlen(user)) == 0)
            write_all(in[1], "\n", 1);
        close(in[1]);
        if (pid > 0)
            waitpid(pid, NULL, 0);
    }
    service_free(&s);
}

/* The arguments of what is to be executed: a service, or a shell with a command. */
struct program {
    const char *path;
    char *argv[4];
    char *login_name;
};

static int shell_program(const struct run *run, struct program *p)
{
    const char *name;

    p->path = run->shell.path ? run->shell.path : "/bin/sh";
    name = strrchr(p->path, '/');
    name = name ? name + 1 : p->path;
    if (asprintf(&p->login_name, "%s%s", run->shell.login ? "-" : "", name) < 0)
        return -ENOMEM;
    p->argv[0] = p->login_name;
    p->argv[1] = "-c";
    p->argv[2] = (char *)run->command->shell;
    return 0;
}

static void service_program(const struct run *run, const struct service *s, struct program *p)
{
    const char *argument = run->command->argument;

    p->path = s->path;
    p->argv[0] = s->path;
    p->argv[1] = argument && *argument ? (char *)argument : NULL;
}

int run_fail(const struct run *run, int status)
{
    if (!run->vchan)
        return status;
    if (!run->just_exec && !run->capture_stderr) {
        /* dom0 never sends STDERR: its end comes first, as in a call that works */
        struct msg_header header = {MSG_DATA_STDERR, 0};

        libvchan_send(run->vchan, &header, sizeof(header));
    }
    data_send_status(run->vchan, !run->just_exec, run->capture_stderr, status);
    return status;
}

static int just_exec(struct run *run, const struct program *p)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    pid_t pid = run_spawn(p->path, p->argv, null, null, null);

    close_fd(&null);
    if (pid < 0)
        return run_fail(run, EXIT_QREXEC_PROBLEM);
    data_send_status(run->vchan, false, false, 0);
    libvchan_close(run->vchan); /* the caller is done; the program may go on for long */
    run->vchan = NULL;
    waitpid(pid, NULL, 0);
    return 0;
}

/* dom0 to dom0: the caller's stdio is ours. */
static int run_in_place(const struct program *p)
{
    pid_t pid = run_spawn(p->path, p->argv, -1, -1, -1);
    int status;

    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return EXIT_QREXEC_PROBLEM;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int run_program(struct run *run, const struct program *p)
{
    struct data_call call = {.vchan = run->vchan, .service = true, .chunk = run->chunk, .err_fd = -1};
    int in[2] = {-1, -1}, out[2] = {-1, -1}, err[2] = {-1, -1};

    if (run->just_exec)
        return just_exec(run, p);
    if (!run->vchan)
        return run_in_place(p);
    data_prepare_signals();
    /* stdin is a socket, so that the program may also answer on it */
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) < 0 || pipe2(out, O_CLOEXEC) < 0 ||
        (run->capture_stderr && pipe2(err, O_CLOEXEC) < 0))
        qlog_errno("cannot make the streams of %s", p->path);
    else
        call.pid = run_spawn(p->path, p->argv, in[1], out[1], err[1]);
    close_fd(&in[1]);
    close_fd(&out[1]);
    close_fd(&err[1]);
    call.out_fd = in[0];
    call.in_fd = out[0];
    call.err_fd = err[0];
    if (call.pid > 0)
        return data_run(&call);
    close_fd(&in[0]);
    close_fd(&out[0]);
    close_fd(&err[0]);
    return run_fail(run, EXIT_QREXEC_PROBLEM);
}

/* Carry our own stdio to a socket service (dom0 to dom0). */
static int copy_stdio(int fd)
{
    char piece[4096];
    pid_t writer = fork();
    ssize_t n;

    if (writer == 0) {
        while ((n = read(0, piece, sizeof(piece))) > 0)
            if (write_all(fd, piece, (size_t)n) < 0)
                break;
        shutdown(fd, SHUT_WR);
        _exit(0);
    }
    while ((n = read(fd, piece, sizeof(piece))) > 0)
        if (write_all(1, piece, (size_t)n) < 0)
            break;
    if (writer > 0)
        waitpid(writer, NULL, 0);
    return 0;
}

static int run_socket(struct run *run, const struct service *s)
{
    const struct service_config *config = run->config;
    struct data_call call = {.vchan = run->vchan,
                             .service = true,
                             .chunk = run->chunk,
                             .err_fd = -1,
                             .exit_on_client_eof = config->exit_on_client_eof,
                             .exit_on_service_eof = config->exit_on_service_eof};
    int fd = service_connect(s);

    if (fd < 0)
        return run_fail(run, EXIT_QREXEC_PROBLEM);
    data_prepare_signals();
    if (!config->skip_service_descriptor &&
        write_all(fd, run->command->descriptor, strlen(run->command->descriptor) + 1) < 0) {
        qlog("%s: the service closed the connection at once", s->path);
        close(fd);
        return run_fail(run, EXIT_QREXEC_PROBLEM);
    }
    if (run->just_exec) {
        close(fd);
        data_send_status(run->vchan, false, false, 0);
        return 0;
    }
    if (!run->vchan)
        return copy_stdio(fd);
    call.in_fd = fd;
    call.out_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    return data_run(&call);
}

int run_command(struct run *run)
{
    struct program program = {0};
    struct service service = {0};
    int ret;

    if (!run->command->shell) {
        ret = service_find(run->command, &service);
        if (ret)
            return run_fail(run, ret);
    }
    ret = run_environment(run->command);
    if (ret == 0 && run->command->shell)
        ret = shell_program(run, &program);
    else if (ret == 0)
        service_program(run, &service, &program);
    if (ret < 0)
        ret = run_fail(run, EXIT_QREXEC_PROBLEM);
    else if (!run->command->shell && service.kind != SERVICE_EXECUTABLE)
        ret = run_socket(run, &service);
    else
        ret = run_program(run, &program);
    free(program.login_name);
    service_free(&service);
    return ret;
}
