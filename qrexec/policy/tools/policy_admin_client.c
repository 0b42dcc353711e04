/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy_admin_client.h"
#include "../call/stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define CLIENT_DOM0 "/usr/bin/qrexec-client"
#define CLIENT_VM   "/usr/bin/qrexec-client-vm"
#define MAX_ANSWER  (64u << 20)

bool policy_admin_name(char *name, struct policy_admin_file *file)
{
    static const char legal[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-._";
    static const char include[] = "include";
    size_t prefix = strlen(include);

    file->include = !strncmp(name, include, prefix) && (name[prefix] == '/' || !name[prefix]);
    if (file->include)
        name += name[prefix] ? prefix + 1 : prefix;
    file->name = name;
    size_t len = strlen(name);
    if (name[strspn(name, legal)]) {
        fprintf(stderr, "invalid character '%c' in the file name\n", name[strspn(name, legal)]);
        return false;
    }
    if (!file->include && len > 7 && !strcmp(name + len - 7, ".policy"))
        name[len - 7] = '\0';
    return true;
}

/* In the child: become the client, or the service itself. */
static void run_client(int fd, const char *call)
{
    const char *direct = getenv("QUBES_POLICY_ADMIN");
    char command[512];

    if (dup2(fd, STDIN_FILENO) < 0 || dup2(fd, STDOUT_FILENO) < 0)
        _exit(125);
    if (direct) {
        setenv("QREXEC_SERVICE_FULL_NAME", call, 1);
        setenv("QREXEC_REMOTE_DOMAIN", "dom0", 1);
        execl(direct, direct, (char *)NULL);
        _exit(125);
    }
    snprintf(command, sizeof(command), "DEFAULT:QUBESRPC %s dom0", call);
    execl(CLIENT_DOM0, CLIENT_DOM0, "-d", "dom0", command, (char *)NULL);
    execl(CLIENT_VM, CLIENT_VM, "--", "dom0", call, (char *)NULL);
    fputs("qrexec is not available\n", stderr);
    _exit(125);
}

static int exchange(int fd, const char *payload, size_t len, char **answer, size_t *answer_len)
{
    size_t room = 0;
    int status = stream_write(fd, payload, len);

    if (status == -EPIPE)
        status = 0; /* a refusal may come before all is read */
    if (!status && shutdown(fd, SHUT_WR) < 0)
        status = -errno;
    if (!status)
        status = stream_read_all(fd, answer, &room, answer_len, MAX_ANSWER);
    if (!status && *answer_len < room)
        (*answer)[*answer_len] = '\0';
    return status;
}

static int exit_status(pid_t child)
{
    int status;

    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return 125;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 125;
}

int policy_admin_call(const char *method, const struct policy_admin_file *file, const char *payload,
                      size_t len, char **answer, size_t *answer_len)
{
    char call[400];
    int fds[2];

    *answer = NULL;
    *answer_len = 0;
    snprintf(call, sizeof(call), "policy.%s%s%s%.300s", file->include ? "include." : "", method,
             file->name && *file->name ? "+" : "", file->name ? file->name : "");
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
        return 125;
    pid_t child = fork();
    if (child == 0)
        run_client(fds[1], call);
    close(fds[1]);
    int status = child < 0 ? -errno : exchange(fds[0], payload, len, answer, answer_len);
    close(fds[0]);
    int ended = child < 0 ? 125 : exit_status(child);
    return ended ? ended : status < 0 ? 125 : 0;
}
