/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The service qubes.StartApp+NAME: start the program of NAME.desktop. It runs in place of this process, so a
 * disposable lives as long as the program.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "desktop_entry.h"
#include "util.h"

#define DATA_DIRS "/usr/local/share:/usr/share"
#define MAX_FILE  65536

/* DIR/applications/NAME.desktop; a '-' in the name may stand for a subfolder. */
static int open_in(const char *dir, size_t len, const char *name)
{
    char path[4096], *dash;
    int fd;

    if (snprintf(path, sizeof(path), "%.*s/applications/%s.desktop", (int)len, dir, name) >=
        (int)sizeof(path))
        return -1;
    fd = open(path, O_RDONLY | O_CLOEXEC);
    dash = path + len + strlen("/applications/");
    while (fd < 0 && (dash = strchr(dash, '-'))) {
        *dash = '/';
        fd = open(path, O_RDONLY | O_CLOEXEC);
    }
    return fd;
}

static int find_entry(const char *name)
{
    const char *home = getenv("XDG_DATA_HOME"), *dirs = getenv("XDG_DATA_DIRS");
    char own[4096];
    int fd;

    if (home && *home)
        snprintf(own, sizeof(own), "%s", home);
    else
        snprintf(own, sizeof(own), "%s/.local/share", getenv("HOME") ? getenv("HOME") : "");
    fd = open_in(own, strlen(own), name);
    for (const char *dir = dirs && *dirs ? dirs : DATA_DIRS; fd < 0 && *dir;) {
        size_t len = strcspn(dir, ":");

        fd = open_in(dir, len, name);
        dir += len + (dir[len] == ':');
    }
    return fd;
}

static int run_entry(struct desktop_entry *e)
{
    char *argv[DESKTOP_MAX_WORDS + 3] = {"x-terminal-emulator", "-e"};
    int null = open("/dev/null", O_RDWR);

    if (null >= 0) {
        dup2(null, 0);
        dup2(null, 1);
    }
    if (*e->path && chdir(e->path) < 0)
        qlog_errno("%s", e->path);
    if (e->terminal)
        memcpy(argv + 2, e->argv, sizeof(e->argv));
    execvp(e->terminal ? argv[0] : e->argv[0], e->terminal ? argv : e->argv);
    qlog_errno("cannot run %s", e->argv[0]);
    return 125;
}

int main(int argc, char **argv)
{
    static struct desktop_entry entry;
    static char text[MAX_FILE];
    ssize_t n;
    int fd;

    if (argc != 2 || strchr(argv[1], '/') || argv[1][0] == '.') {
        qlog("the argument is the name of a .desktop file without its ending");
        return 125;
    }
    fd = find_entry(argv[1]);
    if (fd < 0) {
        qlog("no application %s here", argv[1]);
        return 127;
    }
    n = read(fd, text, sizeof(text));
    close(fd);
    if (n < 0 || desktop_entry_parse(text, (size_t)n, &entry) < 0) {
        qlog("%s.desktop has no command that can be run", argv[1]);
        return 125;
    }
    return run_entry(&entry);
}
