/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy.h"

#include <errno.h>
#include <glib-unix.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define POLICY_SOCKET "/run/qubes/policy.sock"
#define ANSWER_MAX    4096

struct policy_question {
    int fd;
    guint watch;
    char *target;
    void (*answer)(void *data, bool allowed);
    void *data;
    size_t have;
    char text[ANSWER_MAX + 1];
};

/* ---- the answer ---- */

enum { KEY_RESULT, KEY_USER, KEY_TARGET, KEY_AUTOSTART, KEY_REQUESTED, KEY_COUNT };

static const char *const key_names[KEY_COUNT] = {"result", "user", "target", "autostart", "requested_target"};

static bool take_line(char *line, const char *values[KEY_COUNT])
{
    char *equal = strchr(line, '=');

    if (!equal)
        return false;
    *equal = 0;
    for (int i = 0; i < KEY_COUNT; i++) {
        if (strcmp(line, key_names[i]))
            continue;
        if (values[i])
            return false;
        values[i] = equal + 1;
    }
    return true;
}

bool policy_answer_allows(const char *text, size_t length, const char *target)
{
    g_autofree char *copy = g_strndup(text, length);
    g_auto(GStrv) lines = NULL;
    const char *values[KEY_COUNT] = {NULL};
    guint count;

    if (!length || length > ANSWER_MAX || strlen(copy) != length || copy[length - 1] != '\n')
        return false;
    lines = g_strsplit(copy, "\n", -1);
    count = g_strv_length(lines);
    for (guint i = 0; i + 1 < count; i++) {
        if (!take_line(lines[i], values))
            return false;
    }
    for (int i = 0; i < KEY_COUNT; i++) {
        if (!values[i])
            return false;
    }
    return !strcmp(values[KEY_RESULT], "allow") && !strcmp(values[KEY_TARGET], target);
}

/* ---- the question ---- */

static void question_free(struct policy_question *q)
{
    if (q->watch)
        g_source_remove(q->watch);
    close(q->fd);
    g_free(q->target);
    g_free(q);
}

void policy_cancel(struct policy_question *q)
{
    if (q)
        question_free(q);
}

static gboolean on_answer(gint fd, GIOCondition condition, gpointer data)
{
    struct policy_question *q = data;
    ssize_t got = read(fd, q->text + q->have, sizeof(q->text) - q->have);
    bool allowed;

    (void)condition;
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return G_SOURCE_CONTINUE;
    if (got > 0) {
        q->have += (size_t)got;
        if (q->have <= ANSWER_MAX)
            return G_SOURCE_CONTINUE;
    }
    allowed = got == 0 && policy_answer_allows(q->text, q->have, q->target);
    q->answer(q->data, allowed);
    q->watch = 0;
    question_free(q);
    return G_SOURCE_REMOVE;
}

static int connect_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd;

    if (strlen(path) >= sizeof(address.sun_path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path));
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address))) {
        close(fd);
        return -1;
    }
    return fd;
}

struct policy_question *policy_ask(const char *socket_path, const char *source, const char *target,
                                   const char *service, void (*answer)(void *data, bool allowed), void *data)
{
    g_autofree char *request =
        g_strdup_printf("source=%s\nintended_target=%s\nservice_and_arg=%s+\n\n", source, target, service);
    const char *from_env = getenv("QUBES_POLICY_SOCKET");
    struct policy_question *q;
    int fd;

    if (!socket_path)
        socket_path = from_env ? from_env : POLICY_SOCKET;
    fd = connect_socket(socket_path);
    if (fd < 0)
        return NULL;
    /* A new socket's buffer takes so short a text at once. */
    if (send(fd, request, strlen(request), MSG_NOSIGNAL) != (ssize_t)strlen(request)) {
        close(fd);
        return NULL;
    }
    q = g_new0(struct policy_question, 1);
    q->fd = fd;
    q->target = g_strdup(target);
    q->answer = answer;
    q->data = data;
    q->watch = g_unix_fd_add(fd, G_IO_IN | G_IO_HUP | G_IO_ERR, on_answer, q);
    return q;
}
