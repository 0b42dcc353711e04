/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "background.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOG_DIR "/var/log/qubes"

/* One byte says "ready"; end of file that the child died. */
static int wait_for_end(int fd, pid_t pid)
{
    char byte;
    ssize_t got;
    int status;

    do
        got = read(fd, &byte, 1);
    while (got < 0 && errno == EINTR);
    if (got == 1)
        return EXIT_SUCCESS;
    if (waitpid(pid, &status, 0) == pid && WIFEXITED(status))
        return WEXITSTATUS(status);
    return EXIT_FAILURE;
}

static void redirect(const struct config *config)
{
    g_autofree char *path = g_strdup_printf("%s/guid.%s.log", LOG_DIR, config->name);
    int log = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0640), null;

    null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null >= 0) {
        dup2(null, STDIN_FILENO);
        close(null);
    }
    /* Without the directory (tests) messages stay where they went. */
    if (log >= 0) {
        dup2(log, STDOUT_FILENO);
        dup2(log, STDERR_FILENO);
        close(log);
    }
}

bool background_enter(struct background *background, const struct config *config, int *status)
{
    int fds[2];
    pid_t pid;

    *status = EXIT_FAILURE;
    if (pipe2(fds, O_CLOEXEC))
        return false;
    pid = fork();
    if (pid < 0)
        return false;
    if (pid) {
        close(fds[1]);
        *status = wait_for_end(fds[0], pid);
        return false;
    }
    close(fds[0]);
    background->fd = fds[1];
    setsid();
    redirect(config);
    return true;
}

void background_ready(struct background *background)
{
    if (!background->fd)
        return;
    if (write(background->fd, "", 1) != 1)
        perror("qubes-guid: parent");
    close(background->fd);
    background->fd = 0;
}
