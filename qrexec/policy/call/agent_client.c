/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent_client.h"
#include "stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int exchange(int fd, const char *header, size_t header_len, const char *text, int asker, char *reply,
                    size_t size)
{
    char *answer = NULL;
    size_t room = 0, len = 0;
    int status = stream_write(fd, header, header_len);

    if (!status)
        status = stream_write(fd, text, strlen(text));
    if (!status && shutdown(fd, SHUT_WR) < 0)
        status = -errno;
    if (!status)
        status = stream_wait(fd, asker);
    if (!status)
        status = stream_read_all(fd, &answer, &room, &len, 65536);
    if (!status && reply) {
        if (len >= size)
            len = size - 1;
        memcpy(reply, answer, len);
        reply[len] = '\0';
    }
    free(answer);
    return status;
}

static int call_here(const char *service, const char *text, int asker, char *reply, size_t size)
{
    const char *dir = getenv("QREXEC_POLICY_RPC_DIR");
    char path[256], header[128];
    int path_len = snprintf(path, sizeof(path), "%s/%s", dir ? dir : AGENT_CLIENT_RPC_DIR, service);
    int header_len = snprintf(header, sizeof(header), "%s dom0 name dom0", service);

    if (path_len < 0 || (size_t)path_len >= sizeof(path) || header_len < 0)
        return -ENAMETOOLONG;
    int fd = stream_connect(path, 0);
    if (fd < 0)
        return fd;
    int status = exchange(fd, header, (size_t)header_len + 1, text, asker, reply, size);
    close(fd);
    return status;
}

/* In the child: become qrexec-client with the socket as its stdin and stdout. */
static void run_client(int fd, const char *domain, const char *service)
{
    char command[256];

    snprintf(command, sizeof(command), "DEFAULT:QUBESRPC %s dom0", service);
    if (dup2(fd, STDIN_FILENO) >= 0 && dup2(fd, STDOUT_FILENO) >= 0)
        execl(AGENT_CLIENT_QREXEC, AGENT_CLIENT_QREXEC, "-d", domain, "--", command, (char *)NULL);
    _exit(125);
}

static int wait_for(pid_t child)
{
    int status;

    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EIO;
}

static int call_there(const char *domain, const char *service, const char *text, int asker, char *reply,
                      size_t size)
{
    int fds[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
        return -errno;
    pid_t child = fork();
    if (child == 0)
        run_client(fds[1], domain, service);
    close(fds[1]);
    int status = child < 0 ? -errno : exchange(fds[0], "", 0, text, asker, reply, size);
    close(fds[0]);
    int ended = child < 0 ? 0 : wait_for(child);
    return status < 0 ? status : ended;
}

int agent_client_call(const char *domain, const char *service, const json_t *message, int asker, char *reply,
                      size_t size)
{
    char *text = json_dumps(message, JSON_ENSURE_ASCII);

    if (!text)
        return -EINVAL;
    int status = strcmp(domain, "dom0") ? call_there(domain, service, text, asker, reply, size)
                                        : call_here(service, text, asker, reply, size);
    free(text);
    return status;
}

int agent_client_report(const char *where, const char *effect)
{
    static const char *const empty[] = {"service", "argument", "target"};
    json_t *message = json_object();

    for (size_t i = 0; i < sizeof(empty) / sizeof(*empty); i++)
        json_object_set_new(message, empty[i], json_string(""));
    json_object_set_new(message, "resolution", json_string("fail"));
    json_object_set_new(message, "source", json_string("dom0"));
    json_object_set_new(message, "message", json_sprintf("%s. %s", where, effect));
    int status = agent_client_call("dom0", "policy.Notify", message, -1, NULL, 0);
    json_decref(message);
    return status;
}
