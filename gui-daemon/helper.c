/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "helper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* In the child: a byte means kill, end of file that the daemon has ended. */
static void serve(int fd, const char *domain)
{
    const char *program = getenv("QUBES_GUID_KILL");
    ssize_t got;
    char byte;

    do
        got = read(fd, &byte, 1);
    while (got < 0 && errno == EINTR);
    if (got == 1) {
        program = program ? program : "qvm-kill";
        execlp(program, program, domain, (char *)NULL);
        perror("qubes-guid: qvm-kill");
    }
    _exit(got != 0);
}

void helper_start(struct helper *helper, const char *domain)
{
    int fds[2];
    pid_t pid;

    helper->fd = -1;
    if (pipe2(fds, O_CLOEXEC))
        return;
    /* Nobody waits for it: let the kernel reap. */
    signal(SIGCHLD, SIG_IGN);
    pid = fork();
    if (pid == 0) {
        close(fds[1]);
        serve(fds[0], domain);
    }
    close(fds[0]);
    if (pid < 0)
        close(fds[1]);
    else
        helper->fd = fds[1];
}

void helper_kill_domain(struct helper *helper)
{
    if (helper->fd >= 0 && write(helper->fd, "", 1) != 1)
        perror("qubes-guid: helper");
}
