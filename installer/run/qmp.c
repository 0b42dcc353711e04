/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "qmp.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define ANSWER_TIMEOUT_MS 10000
#define CONNECT_TRIES     100

/* One line without its end; QEMU writes one JSON object a line. */
static int read_line(struct qmp *qmp, char *line, size_t size)
{
    size_t length = 0;

    for (;;) {
        struct pollfd poll_fd = {.fd = qmp->fd, .events = POLLIN};
        char c;

        if (poll(&poll_fd, 1, ANSWER_TIMEOUT_MS) <= 0)
            return -ETIMEDOUT;
        ssize_t got = read(qmp->fd, &c, 1);
        if (got <= 0)
            return -EPIPE;
        if (c == '\n')
            break;
        if (length + 1 < size)
            line[length++] = c;
    }
    line[length] = '\0';
    return 0;
}

static int wait_for_answer(struct qmp *qmp, char *answer, size_t size)
{
    for (;;) {
        int error = read_line(qmp, answer, size);
        if (error != 0)
            return error;
        if (strncmp(answer, "{\"return\"", 9) == 0)
            return 0;
        if (strncmp(answer, "{\"error\"", 8) == 0)
            return -EREMOTEIO;
    }
}

int qmp_command(struct qmp *qmp, const char *command, const char *arguments, char *answer, size_t size)
{
    char line[2048];
    int length;

    if (arguments)
        length =
            snprintf(line, sizeof(line), "{\"execute\": \"%s\", \"arguments\": %s}\n", command, arguments);
    else
        length = snprintf(line, sizeof(line), "{\"execute\": \"%s\"}\n", command);
    if (length >= (int)sizeof(line))
        return -E2BIG;
    if (send(qmp->fd, line, (size_t)length, MSG_NOSIGNAL) != length)
        return -EPIPE;
    return wait_for_answer(qmp, answer, size);
}

int qmp_connect(struct qmp *qmp, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const struct timespec pause = {.tv_nsec = 50000000};
    char text[1024];

    if (strlen(path) >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    memcpy(address.sun_path, path, strlen(path));
    qmp->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (qmp->fd < 0)
        return -errno;
    for (int tries = 0; connect(qmp->fd, (struct sockaddr *)&address, sizeof(address)) != 0; tries++) {
        if (tries == CONNECT_TRIES)
            return -errno;
        nanosleep(&pause, NULL);
    }
    int error = read_line(qmp, text, sizeof(text)); /* the greeting */
    return error != 0 ? error : qmp_command(qmp, "qmp_capabilities", NULL, text, sizeof(text));
}

int qmp_screenshot(struct qmp *qmp, const char *path)
{
    char arguments[1200], answer[1024];

    snprintf(arguments, sizeof(arguments), "{\"filename\": \"%s\", \"format\": \"png\"}", path);
    return qmp_command(qmp, "screendump", arguments, answer, sizeof(answer));
}

int qmp_string(const char *answer, const char *key, char *value, size_t size)
{
    char pattern[64];

    snprintf(pattern, sizeof(pattern), "\"%s\": \"", key);
    const char *start = strstr(answer, pattern);
    if (!start)
        return -ENOENT;
    start += strlen(pattern);
    snprintf(value, size, "%.*s", (int)strcspn(start, "\""), start);
    return 0;
}

void qmp_close(struct qmp *qmp)
{
    if (qmp->fd >= 0)
        close(qmp->fd);
    qmp->fd = -1;
}
