/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The service qubes.WaitForSession: ends when the graphical session of the user (a name on stdin, else the
 * default user) can take calls. It sleeps meanwhile: the domain that is starting has better things to do.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "util.h"

#define SOCKET_DIR "/run/qubes"
#define LIMIT_MS   120000
#define LOOK_MS    1000 /* should there be no word of changes */
#define WORD_MAX   64
#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"

/* What dom0 says of this domain; empty when nothing is to be learned. */
static void read_qubesdb(const char *key, char answer[WORD_MAX])
{
    char command[WORD_MAX + 32];
    FILE *pipe;

    answer[0] = '\0';
    snprintf(command, sizeof(command), "exec qubesdb-read %s 2>/dev/null", key);
    pipe = popen(command, "r");
    if (!pipe)
        return;
    if (!fgets(answer, WORD_MAX, pipe))
        answer[0] = '\0';
    pclose(pipe);
    answer[strcspn(answer, "\n")] = '\0';
}

/* The name on stdin, or the domain's default user. False when it is no user's name. */
static bool read_user(char untrusted_name[WORD_MAX])
{
    if (!fgets(untrusted_name, WORD_MAX, stdin))
        untrusted_name[0] = '\0';
    untrusted_name[strcspn(untrusted_name, "\n")] = '\0';
    if (!untrusted_name[0])
        read_qubesdb("/default-user", untrusted_name);
    if (!untrusted_name[0])
        strcpy(untrusted_name, "user");
    return !untrusted_name[strspn(untrusted_name, NAME_CHARS)];
}

static bool gui_is_off(void)
{
    char answer[WORD_MAX];

    read_qubesdb("/qubes-gui-enabled", answer);
    return strcmp(answer, "False") == 0;
}

/* The agent's own test: without a fork server that takes calls, it would run them outside of the session. */
static bool is_served(const char *path)
{
    int fd = unix_connect(path);

    if (fd < 0)
        return false;
    close(fd);
    return true;
}

/* Wait until the fork server is there: the directory's changes wake us. */
static bool wait_for(const char *path)
{
    char events[4096];
    int64_t end = now_ms() + LIMIT_MS;
    struct pollfd change = {.fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK), .events = POLLIN};

    inotify_add_watch(change.fd, SOCKET_DIR, IN_CREATE | IN_MOVED_TO);
    while (!is_served(path)) {
        if (now_ms() >= end)
            return false;
        poll(&change, 1, LOOK_MS);
        while (read(change.fd, events, sizeof(events)) > 0)
            ;
    }
    return true;
}

int main(void)
{
    char name[WORD_MAX], path[sizeof(SOCKET_DIR) + WORD_MAX + 32];

    if (!read_user(name)) {
        qlog("bad user name");
        return EXIT_FAILURE;
    }
    snprintf(path, sizeof(path), SOCKET_DIR "/qrexec-server.%s.sock", name);
    if (is_served(path) || gui_is_off() || wait_for(path))
        return EXIT_SUCCESS;
    qlog("no graphical session of %s", name);
    return EXIT_FAILURE;
}
