/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "tool.h"

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int connect_manager(void)
{
    const char *path = getenv("QUBESD_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path ? path : "/var/run/qubesd.sock");
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    int saved = errno;
    complain("the domain manager does not answer at %s: %s", address.sun_path, strerror(saved));
    if (saved == EACCES)
        complain("your user must be in group qubes");
    else
        complain("is it running? systemctl status bulkhead-domain-manager");
    if (fd >= 0)
        close(fd);
    return -1;
}

static bool write_all(int fd, const char *data, size_t size)
{
    while (size) {
        ssize_t n = send(fd, data, size, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        data += n;
        size -= (size_t)n;
    }
    return true;
}

static int send_header(const char *method, const char *arg, const char *dest)
{
    int fd = connect_manager();
    char *header = NULL;
    if (fd < 0)
        return -1;
    int n = asprintf(&header, "%s+%s dom0 name %s", method, arg ? arg : "", dest);
    bool ok = n > 0 && write_all(fd, header, (size_t)n + 1);
    free(header);
    if (ok)
        return fd;
    complain("the domain manager hung up");
    close(fd);
    return -1;
}

int client_begin(const char *method, const char *arg, const char *dest, const char *payload)
{
    int fd = send_header(method, arg, dest);
    if (fd >= 0 && payload)
        write_all(fd, payload, strlen(payload)); /* a refusal shows in the answer */
    if (fd >= 0)
        shutdown(fd, SHUT_WR);
    return fd;
}

void answer_free(struct answer *a)
{
    free(a->data);
    *a = (struct answer){0};
}

static bool parse(struct answer *a)
{
    static const char *const no_answer = "the domain manager hung up without an answer";
    a->exception = "";
    a->message = no_answer;
    if (a->size >= 2 && memcmp(a->data, "0", 2) == 0) {
        a->ok = true;
        a->text = a->data + 2;
        a->size -= 2;
        return true;
    }
    if (a->size < 4 || memcmp(a->data, "2", 2) != 0)
        return false;
    char *end = a->data + a->size, *p = a->data + 2;
    a->exception = p;
    p += strlen(p) + 1;                    /* the traceback */
    p = p < end ? p + strlen(p) + 1 : end; /* the message */
    if (p >= end)
        return false;
    a->message = p;
    char *to = p;
    for (const char *from = p; *from; from++) { /* it is a format: %% stands for % */
        if (from[0] == '%' && from[1] == '%')
            from++;
        *to++ = *from;
    }
    *to = 0;
    return false;
}

static bool append(struct answer *a, size_t *room, int fd)
{
    if (a->size + 4096 > *room) {
        *room = *room ? *room * 2 : 16384;
        char *bigger = realloc(a->data, *room + 1);
        if (!bigger)
            return false;
        a->data = bigger;
    }
    ssize_t n = read(fd, a->data + a->size, *room - a->size);
    if (n < 0 && errno == EINTR)
        return true;
    if (n > 0)
        a->size += (size_t)n;
    return n > 0;
}

bool client_end(int fd, const char *what, double timeout_s, struct answer *a)
{
    double start = now();
    size_t room = 0;
    bool shown = false, more = true;
    *a = (struct answer){0};
    while (more) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        double passed = now() - start;
        if (timeout_s >= 0 && passed >= timeout_s) {
            a->exception = "Timeout";
            a->message = "no answer in time";
            break;
        }
        double left = timeout_s < 0 ? 1 : timeout_s - passed;
        int n = poll(&p, 1, left < 1 ? (int)(left * 1000) + 1 : 1000);
        if (n > 0)
            more = append(a, &room, fd);
        else if (what && !tool_quiet && isatty(2))
            shown = fprintf(stderr, "\r%s… %.0f s ", what, now() - start) > 0;
    }
    if (shown)
        fprintf(stderr, "\r\033[K");
    close(fd);
    if (more)
        return false;
    if (a->data)
        a->data[a->size] = 0;
    return parse(a);
}

void client_complain(const struct answer *a)
{
    complain("%s", a->message);
}

bool client_call(const char *method, const char *arg, const char *dest, const char *payload, struct answer *a)
{
    *a = (struct answer){0};
    int fd = client_begin(method, arg, dest, payload);
    if (fd < 0)
        return false;
    if (client_end(fd, dest, -1, a))
        return true;
    client_complain(a);
    return false;
}

bool client_do(const char *method, const char *arg, const char *dest, const char *payload)
{
    struct answer a;
    bool ok = client_call(method, arg, dest, payload, &a);
    answer_free(&a);
    return ok;
}

static void show_bar(unsigned long long done, unsigned long long size)
{
    int filled = size ? (int)(done * 40 / size) : 0;
    fprintf(stderr, "\r[%.*s%*s] %llu MiB", filled, "########################################", 40 - filled,
            "", done >> 20);
}

bool client_import(const char *volume, const char *dest, int fd, unsigned long long size)
{
    static char buffer[1 << 18];
    struct answer a = {0};
    unsigned long long done = 0;
    double shown = now();
    bool bar = false;
    int out = send_header("admin.vm.volume.Import", volume, dest);
    for (ssize_t n; out >= 0 && (n = read(fd, buffer, sizeof buffer)) > 0;) {
        if (!write_all(out, buffer, (size_t)n))
            break;
        done += (unsigned long long)n;
        if (!tool_quiet && isatty(2) && now() - shown > 1) {
            show_bar(done, size);
            shown = now();
            bar = true;
        }
    }
    if (out < 0)
        return false;
    if (bar)
        fprintf(stderr, "\r\033[K");
    shutdown(out, SHUT_WR);
    bool ok = client_end(out, "writing", -1, &a);
    if (!ok)
        client_complain(&a);
    answer_free(&a);
    return ok;
}
