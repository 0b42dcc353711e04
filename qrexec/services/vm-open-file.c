/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The service qubes.OpenInVM: receive one file, open it with the desktop's program for its type, and send its
 * content back if it was changed.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "filecopy.h"
#include "util.h"

#define PIECE 65536

/* An own empty folder, so that the file can keep its name. */
static int make_folder(char *path, size_t size)
{
    const char *home = getenv("HOME");

    snprintf(path, size, "%s/.qubes-open.XXXXXX", home ? home : "/tmp");
    if (!mkdtemp(path))
        return -1;
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* The viewer runs in front of us; stdout is the caller's, so it gets stderr for its messages. */
static int run_viewer(const char *file, int dir)
{
    const char *viewer = getenv("QUBES_OPEN_COMMAND");
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        int null = open("/dev/null", O_RDONLY);

        signal(SIGPIPE, SIG_DFL);
        dup2(null, 0);
        dup2(2, 1);
        if (fchdir(dir) < 0)
            _exit(125);
        /* the generic mode waits for the program instead of handing over to a desktop's launcher */
        setenv("XDG_CURRENT_DESKTOP", "X-Generic", 1);
        setenv("DE", "generic", 1);
        execlp(viewer ? viewer : "xdg-open", viewer ? viewer : "xdg-open", file, NULL);
        qlog_errno("cannot run the viewer");
        _exit(125);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return 125;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static bool same(const struct stat *a, const struct stat *b)
{
    return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec && a->st_ino == b->st_ino;
}

static int send_back(int dir, const char *name)
{
    static char piece[PIECE];
    int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), ret = 0;
    ssize_t n;

    if (fd < 0)
        return -errno;
    while (ret == 0 && (n = read(fd, piece, sizeof(piece))) > 0)
        ret = write_all(1, piece, (size_t)n);
    close(fd);
    return ret;
}

static int open_received(int dir, const char *folder, const char *name, bool view_only)
{
    struct stat before, after;
    char *path;
    int ret;

    if (fstatat(dir, name, &before, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(before.st_mode) ||
        asprintf(&path, "%s/%s", folder, name) < 0)
        return 1;
    if (view_only && fchmodat(dir, name, 0400, 0) < 0)
        qlog_errno("%s", path);
    fstatat(dir, name, &before, AT_SYMLINK_NOFOLLOW);
    ret = run_viewer(path, dir);
    free(path);
    if (!view_only && fstatat(dir, name, &after, AT_SYMLINK_NOFOLLOW) == 0 && !same(&before, &after) &&
        send_back(dir, name) < 0)
        ret = 1;
    unlinkat(dir, name, 0);
    return ret;
}

int main(int argc, char **argv)
{
    static char name[FILECOPY_NAME_MAX];
    bool view_only = argc > 1 && strcmp(argv[1], "view-only") == 0;
    struct unpack_options options = {.max_files = 1};
    char folder[4096];
    int ret;

    signal(SIGPIPE, SIG_IGN);
    options.dir = make_folder(folder, sizeof(folder));
    if (options.dir < 0) {
        qlog_errno("cannot make a folder for the file");
        return 1;
    }
    ret = unpack_receive(0, 1, &options, name);
    ret = ret < 0 ? 1 : open_received(options.dir, folder, name, view_only);
    rmdir(folder);
    return ret;
}
