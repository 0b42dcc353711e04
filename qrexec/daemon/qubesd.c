/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The domain manager's admin API: METHOD+ SOURCE name DEST NUL payload; answer "0 NUL data" or "2 NUL type
 * ...". */
#include "qubesd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util.h"

#define QUBESD_SOCKET "/var/run/qubesd.sock"
#define ANSWER_LIMIT  65536

static ssize_t read_to_end(int fd, char *text, size_t size)
{
    size_t got = 0;
    ssize_t n;

    while (got < size - 1 && (n = read(fd, text + got, size - 1 - got)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        got += (size_t)n;
    }
    text[got] = 0;
    return (ssize_t)got;
}

/* "2 NUL type NUL traceback NUL message NUL": log it. */
static int exception(const char *method, const char *domain, const char *text, size_t size)
{
    const char *end = text + size, *type = text + 2, *message = type;

    if (strcmp(type, "QubesVMNotHaltedError") == 0 || strcmp(type, "QubesVMAlreadyRunningError") == 0)
        return -EALREADY;
    for (int i = 0; i < 2 && message < end; i++)
        message += strlen(message) + 1;
    qlog("%s of %s failed: %s: %s", method, domain, type, message < end ? message : "");
    return -EREMOTEIO;
}

static int parse(const char *method, const char *domain, const char *text, size_t size, char *value,
                 size_t value_size)
{
    if (size >= 2 && memcmp(text, "0", 2) == 0) {
        if (value)
            snprintf(value, value_size, "%s", text + 2);
        return 0;
    }
    if (size > 2 && memcmp(text, "2", 2) == 0)
        return exception(method, domain, text, size);
    qlog("%s of %s: no answer from the domain manager", method, domain);
    return -EPROTO;
}

int qubesd_call(const char *method, const char *domain, const char *payload, char *value, size_t value_size)
{
    const char *path = getenv("QUBESD_SOCKET");
    char *header = NULL, *text = NULL;
    int fd, ret = -ENOMEM;
    ssize_t size;

    fd = unix_connect(path && *path ? path : QUBESD_SOCKET);
    if (fd < 0) {
        qlog("cannot reach the domain manager for %s of %s: %s", method, domain, strerror(-fd));
        return fd;
    }
    text = malloc(ANSWER_LIMIT);
    if (!text || asprintf(&header, "%s+ dom0 name %s", method, domain) < 0)
        goto done;
    ret = write_all(fd, header, strlen(header) + 1);
    if (ret == 0)
        ret = write_all(fd, payload, strlen(payload));
    if (ret < 0)
        goto done;
    shutdown(fd, SHUT_WR);
    size = read_to_end(fd, text, ANSWER_LIMIT);
    ret = size < 0 ? (int)size : parse(method, domain, text, (size_t)size, value, value_size);
done:
    free(header);
    free(text);
    close(fd);
    return ret;
}
