/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The service qubes.WaitForSession: ends when the graphical session of the user (a name on stdin, else who we
 * are) can take calls. It sleeps meanwhile: the domain that is starting has better things to do.
 */
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "util.h"

#define SOCKET_DIR "/run/qubes"
#define LIMIT_MS   120000
#define USER_MAX   64
#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"

/* The name on stdin, or that of our own user; NULL when it is no user's name. */
static const char *read_user(char untrusted_name[USER_MAX])
{
    const struct passwd *self;

    if (!fgets(untrusted_name, USER_MAX, stdin))
        untrusted_name[0] = '\0';
    untrusted_name[strcspn(untrusted_name, "\n")] = '\0';
    if (untrusted_name[strspn(untrusted_name, NAME_CHARS)])
        return NULL;
    if (untrusted_name[0])
        return untrusted_name;
    self = getpwuid(getuid());
    return self ? self->pw_name : NULL;
}

static bool gui_is_off(void)
{
    char answer[16] = "";
    FILE *pipe = popen("exec qubesdb-read /qubes-gui-enabled 2>/dev/null", "r");

    if (!pipe)
        return false;
    if (!fgets(answer, sizeof(answer), pipe))
        answer[0] = '\0';
    pclose(pipe);
    return strcmp(answer, "False\n") == 0;
}

/* Wait until the file is there; the directory's changes wake us. */
static bool wait_for(const char *path)
{
    char events[4096];
    int64_t end = now_ms() + LIMIT_MS, left;
    struct pollfd change = {.fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK), .events = POLLIN};

    inotify_add_watch(change.fd, SOCKET_DIR, IN_CREATE | IN_MOVED_TO);
    while (access(path, F_OK) < 0) {
        left = end - now_ms();
        if (left <= 0 || poll(&change, 1, (int)left) < 0)
            return false;
        while (read(change.fd, events, sizeof(events)) > 0)
            ;
    }
    return true;
}

int main(void)
{
    char name[USER_MAX], path[sizeof(SOCKET_DIR) + USER_MAX + 32];
    const char *user = read_user(name);

    if (!user) {
        qlog("bad user name");
        return EXIT_FAILURE;
    }
    snprintf(path, sizeof(path), SOCKET_DIR "/qrexec-server.%s.sock", user);
    if (access(path, F_OK) == 0 || gui_is_off() || wait_for(path))
        return EXIT_SUCCESS;
    qlog("no graphical session of %s", user);
    return EXIT_FAILURE;
}
