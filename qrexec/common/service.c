/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The search paths of services and of their configuration; TCP services. */
#include "service.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util.h"
#include "wire.h"

#define SERVICE_PATH "/run/qubes-rpc:/usr/local/etc/qubes-rpc:/etc/qubes-rpc"
#define CONFIG_PATH  "/run/qubes/rpc-config:/usr/local/etc/qubes/rpc-config:/etc/qubes/rpc-config"
#define TCP_PREFIX   "/dev/tcp"
#define MAX_CONFIG   65536

/* First DIR/name that exists in the colon-separated list. 0 with *found, -ENOENT, or another -errno. */
static int find_in(const char *list, const char *name, char **found)
{
    struct stat st;

    if (strlen(name) > NAME_MAX)
        return -ENOENT;
    for (const char *dir = list; *dir;) {
        size_t len = strcspn(dir, ":");

        if (asprintf(found, "%.*s/%s", (int)len, dir, name) < 0)
            return -ENOMEM;
        if (lstat(*found, &st) == 0)
            return 0;
        if (errno != ENOENT) {
            int error = errno;

            qlog_errno("%s", *found);
            free(*found);
            return -error;
        }
        free(*found);
        dir += len + (dir[len] == ':');
    }
    return -ENOENT;
}

/* The name with its argument first ("SERVICE+" when called without one), then the plain name. */
static int find_name(const char *list, const struct command *c, char **found)
{
    char *with_argument;
    int ret;

    if (asprintf(&with_argument, "%s+%s", c->service, c->argument ? c->argument : "") < 0)
        return -ENOMEM;
    ret = find_in(list, with_argument, found);
    free(with_argument);
    return ret == -ENOENT ? find_in(list, c->service, found) : ret;
}

static const char *search_path(const char *variable, const char *fallback)
{
    const char *value = getenv(variable);

    return value && *value ? value : fallback;
}

/* Numeric address and port, without what getaddrinfo would also take (names, signs, zeros). */
static bool numeric_address(const char *host, const char *port)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM}, *list;
    uint32_t number;

    if (!parse_number(port, 65535, &number) || number == 0 || port[0] == '0' || !*host)
        return false;
    if (getaddrinfo(host, port, &hints, &list) != 0)
        return false;
    freeaddrinfo(list);
    return true;
}

static int copy_text(char *to, size_t size, const char *from, size_t len)
{
    if (len >= size)
        return -EINVAL;
    memcpy(to, from, len);
    to[len] = 0;
    return 0;
}

int service_tcp_address(const char *link, const char *argument, struct service *s)
{
    const char *host = link + strlen(TCP_PREFIX), *port;

    if (!argument)
        argument = "";
    if (*host == '/') {
        const char *slash = strchr(++host, '/');

        port = slash ? slash + 1 : argument;
        if (copy_text(s->host, sizeof(s->host), host, slash ? (size_t)(slash - host) : strlen(host)) < 0)
            return -EINVAL;
    } else {
        port = strrchr(argument, '+');
        if (*host || !port || copy_text(s->host, sizeof(s->host), argument, (size_t)(port - argument)) < 0)
            return -EINVAL;
        port++;
        for (char *p = s->host; *p; p++)
            if (*p == '+')
                *p = ':';
    }
    if (copy_text(s->port, sizeof(s->port), port, strlen(port)) < 0 || strchr(s->host, '_') ||
        !numeric_address(s->host, s->port))
        return -EINVAL;
    return 0;
}

static int classify(const struct command *c, struct service *s)
{
    char link[PATH_MAX];
    struct stat st;
    ssize_t n = readlink(s->path, link, sizeof(link) - 1);

    if (n > 0) {
        link[n] = 0;
        if (strncmp(link, TCP_PREFIX, strlen(TCP_PREFIX)) == 0 &&
            (link[strlen(TCP_PREFIX)] == 0 || link[strlen(TCP_PREFIX)] == '/')) {
            s->kind = SERVICE_TCP;
            if (service_tcp_address(link, c->argument, s) == 0)
                return 0;
            qlog("%s: no usable numeric host and port in \"%s\" and the argument", s->path, link);
            return EXIT_QREXEC_PROBLEM;
        }
    }
    if (stat(s->path, &st) < 0) {
        qlog_errno("%s", s->path);
        return EXIT_QREXEC_PROBLEM;
    }
    s->kind = S_ISSOCK(st.st_mode) ? SERVICE_SOCKET : SERVICE_EXECUTABLE;
    if (s->kind == SERVICE_SOCKET || (S_ISREG(st.st_mode) && (st.st_mode & 0111)))
        return 0;
    qlog("%s is neither an executable nor a socket", s->path);
    return EXIT_QREXEC_PROBLEM;
}

int service_find(const struct command *c, struct service *s)
{
    int ret;

    memset(s, 0, sizeof(*s));
    ret = find_name(search_path("QREXEC_SERVICE_PATH", SERVICE_PATH), c, &s->path);
    if (ret == -ENOENT) {
        qlog("service %s not found", c->service);
        return EXIT_SERVICE_NOT_FOUND;
    }
    if (ret < 0)
        return EXIT_QREXEC_PROBLEM;
    ret = classify(c, s);
    if (ret)
        service_free(s);
    return ret;
}

void service_free(struct service *s)
{
    free(s->path);
    memset(s, 0, sizeof(*s));
}

static int read_file(const char *path, char *text, size_t *size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY), ret = 0;

    if (fd < 0)
        return -errno;
    for (*size = 0; *size <= MAX_CONFIG;) {
        ssize_t n = read(fd, text + *size, MAX_CONFIG + 1 - *size);

        if (n < 0)
            ret = -errno;
        if (n <= 0)
            break;
        *size += (size_t)n;
    }
    close(fd);
    return *size > MAX_CONFIG ? -EFBIG : ret;
}

int service_read_config(const struct command *c, struct service_config *config)
{
    const char *problem = NULL;
    char *path, *text;
    unsigned line = 0;
    size_t size = 0;
    int ret;

    memset(config, 0, sizeof(*config));
    ret = find_name(search_path("QUBES_RPC_CONFIG_PATH", CONFIG_PATH), c, &path);
    if (ret < 0)
        return ret == -ENOENT ? 0 : ret;
    text = malloc(MAX_CONFIG + 1);
    ret = text ? read_file(path, text, &size) : -ENOMEM;
    if (ret < 0)
        qlog("%s: %s", path, strerror(-ret));
    else if ((ret = service_config_parse(text, size, config, &line, &problem)) < 0)
        qlog("%s:%u: %s", path, line, problem ? problem : strerror(-ret));
    free(text);
    free(path);
    return ret;
}

static int tcp_connect(const struct service *s)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM}, *list;
    int fd, ret = 0;

    if (getaddrinfo(s->host, s->port, &hints, &list) != 0)
        return -EINVAL;
    fd = socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, list->ai_addr, list->ai_addrlen) < 0) {
        ret = -errno;
        close_fd(&fd);
    }
    freeaddrinfo(list);
    return ret < 0 ? ret : fd;
}

int service_connect(const struct service *s)
{
    int fd = s->kind == SERVICE_TCP ? tcp_connect(s) : unix_connect(s->path);

    if (fd < 0 && s->kind == SERVICE_TCP)
        qlog("%s: cannot connect to %s port %s: %s", s->path, s->host, s->port, strerror(-fd));
    else if (fd < 0)
        qlog("%s: cannot connect: %s", s->path, strerror(-fd));
    return fd;
}
