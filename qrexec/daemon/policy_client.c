/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ask the policy. */
#include "policy_client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run.h"
#include "util.h"

#define POLICY_SOCKET "/run/qubes/policy.sock"

/* Read all till its end, then parse. */
static int read_answer(int fd, struct answer *answer)
{
    char untrusted_text[ANSWER_MAX + 1];
    size_t got = 0;
    ssize_t n;

    while (got < sizeof(untrusted_text)) {
        n = read(fd, untrusted_text + got, sizeof(untrusted_text) - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        got += (size_t)n;
    }
    return answer_parse(untrusted_text, got, answer);
}

static int ask_daemon(const char *source, const char *requested_source, const char *target,
                      const char *service, struct answer *answer)
{
    const char *path = getenv("QREXEC_POLICY_SOCKET");
    bool remote = *requested_source;
    char *question;
    int fd, ret;

    fd = unix_connect(path && *path ? path : POLICY_SOCKET);
    if (fd < 0)
        return fd;
    ret = asprintf(&question, "source=%s\nintended_target=%s\nservice_and_arg=%s\n%s%s%s\n", source, target,
                   service, remote ? "requested_source=" : "", requested_source, remote ? "\n" : "");
    if (ret < 0) {
        close(fd);
        return -ENOMEM;
    }
    ret = write_all(fd, question, strlen(question));
    free(question);
    if (ret == 0)
        ret = read_answer(fd, answer);
    close(fd);
    return ret;
}

static int ask_program(const char *program, const char *source, const char *target, const char *service,
                       struct answer *answer)
{
    char *argv[] = {(char *)program, "--", (char *)source, (char *)target, (char *)service, NULL};
    int out[2], ret;
    pid_t pid;

    if (pipe2(out, O_CLOEXEC) < 0)
        return -errno;
    pid = run_spawn(program, argv, -1, out[1], -1);
    close(out[1]);
    ret = pid < 0 ? (int)pid : read_answer(out[0], answer);
    close(out[0]);
    if (pid > 0)
        waitpid(pid, NULL, 0);
    return ret;
}

int policy_ask(const char *program, const char *source, const char *requested_source, const char *target,
               const char *service, struct answer *answer)
{
    int ret = ask_daemon(source, requested_source, target, service, answer);

    if (ret == 0)
        return 0;
    if (ret != -ENOENT && ret != -ECONNREFUSED)
        qlog("no valid answer from the policy daemon (%s): asking %s", strerror(-ret), program);
    if (*requested_source) {
        qlog("calls on behalf of %s need the policy daemon: denied", requested_source);
        return -EACCES;
    }
    ret = ask_program(program, source, target, service, answer);
    if (ret < 0)
        qlog("no valid answer from %s: %s", program, strerror(-ret));
    return ret;
}
