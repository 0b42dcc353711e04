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

/* -- what a terminal is shown of something that takes longer than a second -- */

#define BAR_WIDTH 40

static void show_bar(unsigned long long done, unsigned long long all)
{
    if (!all) {
        fprintf(stderr, "\r%llu MiB ", done >> 20);
        return;
    }
    int filled = (int)(done * BAR_WIDTH / all);
    fprintf(stderr, "\r[%.*s%*s] %3llu%% %llu of %llu MiB ", filled,
            "########################################", BAR_WIDTH - filled, "", done * 100 / all, done >> 20,
            all >> 20);
}

/* The manager's events, of which those named "progress" with name=`name` are looked at. */
struct progress {
    const char *name; /* NULL: nothing is known but the time that passes */
    int fd;           /* -1: not asked for yet */
    char text[8192];
    size_t n;
    unsigned long long done, expected;
};

/* "1" NUL subject NUL event NUL (key NUL value NUL)… NUL. Returns its length, 0 when it is not whole. */
static size_t take_event(struct progress *p)
{
    const char *field[3] = {"", "", ""}, *key = NULL, *end = p->text + p->n;
    unsigned long long done = 0, expected = 0;
    bool ours = false;
    size_t i = 0;
    for (const char *s = p->text; s < end; i++) {
        const char *next = memchr(s, 0, (size_t)(end - s));
        if (!next)
            return 0;
        if (i < 3)
            field[i] = s;
        else if (i % 2 && !*s) {
            if (ours && strcmp(field[2], "progress") == 0 && expected && done <= expected) {
                p->done = done;
                p->expected = expected;
            }
            return (size_t)(next + 1 - p->text);
        } else if (i % 2)
            key = s;
        else if (strcmp(key, "name") == 0)
            ours = strcmp(s, p->name) == 0;
        else if (strcmp(key, "done") == 0)
            done = strtoull(s, NULL, 10);
        else if (strcmp(key, "expected") == 0)
            expected = strtoull(s, NULL, 10);
        s = next + 1;
    }
    return 0;
}

static void read_events(struct progress *p)
{
    ssize_t n = read(p->fd, p->text + p->n, sizeof p->text - p->n);
    p->n += n > 0 ? (size_t)n : 0;
    for (size_t used; (used = take_event(p)) > 0;) {
        p->n -= used;
        memmove(p->text, p->text + used, p->n);
    }
    if (n <= 0) { /* hung up, or an event that is too long: the time will do */
        close(p->fd);
        p->fd = -1;
        p->name = NULL;
    }
}

static bool show(struct progress *p, const char *what, double seconds)
{
    if (p->name && p->fd < 0)
        p->fd = client_begin("admin.Events", "", "dom0", NULL);
    if (p->expected)
        show_bar(p->done, p->expected);
    else
        fprintf(stderr, "\r%s… %.0f s ", what, seconds);
    return true;
}

/* progress_of: name that the events of a copy have, or NULL */
static bool await(int fd, const char *what, const char *progress_of, double timeout_s, struct answer *a)
{
    struct progress progress = {.name = progress_of, .fd = -1};
    double start = now();
    size_t room = 0;
    bool shown = false, more = true, visible = what && !tool_quiet && isatty(2);
    *a = (struct answer){0};
    while (more) {
        struct pollfd p[] = {{.fd = fd, .events = POLLIN}, {.fd = progress.fd, .events = POLLIN}};
        double passed = now() - start;
        if (timeout_s >= 0 && passed >= timeout_s) {
            a->exception = "Timeout";
            a->message = "no answer in time";
            break;
        }
        double left = timeout_s < 0 ? 1 : timeout_s - passed;
        int n = poll(p, 2, left < 1 ? (int)(left * 1000) + 1 : 1000);
        if (n > 0 && p[1].revents)
            read_events(&progress);
        if (n > 0 && p[0].revents)
            more = append(a, &room, fd);
        else if (visible && (n == 0 || progress.expected))
            shown = show(&progress, what, now() - start);
    }
    if (shown)
        fprintf(stderr, "\r\033[K");
    if (progress.fd >= 0)
        close(progress.fd);
    close(fd);
    if (more)
        return false;
    if (a->data)
        a->data[a->size] = 0;
    return parse(a);
}

bool client_end(int fd, const char *what, double timeout_s, struct answer *a)
{
    return await(fd, what, NULL, timeout_s, a);
}

void client_complain(const struct answer *a)
{
    complain("%s", a->message);
}

bool client_copy(const char *method, const char *arg, const char *dest, const char *payload, const char *name,
                 struct answer *a)
{
    *a = (struct answer){0};
    int fd = client_begin(method, arg, dest, payload);
    if (fd < 0)
        return false;
    if (await(fd, dest, name, -1, a))
        return true;
    client_complain(a);
    return false;
}

bool client_call(const char *method, const char *arg, const char *dest, const char *payload, struct answer *a)
{
    return client_copy(method, arg, dest, payload, NULL, a);
}

bool client_do(const char *method, const char *arg, const char *dest, const char *payload)
{
    struct answer a;
    bool ok = client_call(method, arg, dest, payload, &a);
    answer_free(&a);
    return ok;
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
            show_bar(done, size && done <= size ? size : 0);
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
