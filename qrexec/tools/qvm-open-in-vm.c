/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qvm-open-in-vm TARGET WHAT, qvm-open-in-dvm WHAT: open a file or a URL in another domain; a changed file
 * comes back. Run again by qrexec-client-vm as the call's local end (--send).
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "filecopy.h"
#include "tool_path.h"
#include "util.h"

#define CLIENT_VM "/usr/bin/qrexec-client-vm"
#define PIECE     65536

static bool is_url(const char *text)
{
    static const char *const schemes[] = {"http://", "https://", "ftp://", "mailto:"};

    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
        if (strncmp(text, schemes[i], strlen(schemes[i])) == 0)
            return true;
    return false;
}

/* Copy stdin into the file till its end; returns bytes or -errno. */
static ssize_t receive_change(int fd)
{
    static char piece[PIECE];
    ssize_t total = 0, n;

    while ((n = read(0, piece, sizeof(piece))) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (write_all(fd, piece, (size_t)n) < 0)
            return -EIO;
        total += n;
    }
    return total;
}

/* The new content replaces the file as a whole, keeping its mode. */
static int replace_if_changed(const char *path)
{
    char *fresh, *target = realpath(path, NULL);
    struct stat st;
    ssize_t got;
    int fd, ret = -1;

    if (!target || stat(target, &st) < 0 || asprintf(&fresh, "%s.XXXXXX", target) < 0)
        return -errno;
    fd = mkstemp(fresh);
    if (fd < 0)
        return -errno;
    got = receive_change(fd);
    if (got > 0 && fchmod(fd, st.st_mode & 07777) == 0 && fsync(fd) == 0)
        ret = rename(fresh, target);
    if (ret < 0)
        unlink(fresh);
    close(fd);
    free(fresh);
    free(target);
    return got < 0 ? (int)got : got > 0 && ret < 0 ? -EIO : 0;
}

static int send_file(const char *path, bool view_only)
{
    struct pack pack = {.out = 1};
    int ret = pack_send(&pack, path);

    if (ret == 0)
        ret = pack_end(&pack);
    if (ret == 0 || ret == -EPIPE)
        ret = pack_result(&pack, 0);
    pack_free(&pack);
    if (ret < 0)
        return 1;
    /* Our stdout stays open: its end would tell the other side that we do not wait for the change. */
    if (view_only)
        return 0;
    ret = replace_if_changed(path);
    if (ret < 0)
        qlog("%s: the changed file could not be stored: %s", path, strerror(-ret));
    return ret < 0 ? 1 : 0;
}

static int open_file(const char *target, const char *path, bool view_only)
{
    const char *client = tool_path(CLIENT_VM);
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    struct stat st;

    if (stat(path, &st) < 0 || !S_ISREG(st.st_mode)) {
        qlog("%s is not a file", path);
        return 1;
    }
    self[n < 0 ? 0 : n] = 0;
    execl(client, client, target, view_only ? "qubes.OpenInVM+view-only" : "qubes.OpenInVM+", self,
          view_only ? "--send-view" : "--send", path, NULL);
    qlog_errno("cannot run %s", client);
    return 125;
}

static int open_url(const char *target, const char *url)
{
    const char *client = tool_path(CLIENT_VM);
    int pipe_fd[2];

    if (strlen(url) > 4000 || pipe(pipe_fd) < 0 || write_all(pipe_fd[1], url, strlen(url)) < 0 ||
        write_all(pipe_fd[1], "\n", 1) < 0 || dup2(pipe_fd[0], 0) < 0) {
        qlog("cannot send the URL");
        return 1;
    }
    close(pipe_fd[0]);
    close(pipe_fd[1]);
    execl(client, client, target, "qubes.OpenURL+", NULL);
    qlog_errno("cannot run %s", client);
    return 125;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"view-only", no_argument, NULL, 'v'}, {NULL, 0, NULL, 0}};
    bool dvm = strstr(program_invocation_short_name, "dvm") != NULL, view_only = false;
    const char *target = "@dispvm";
    int c;

    signal(SIGPIPE, SIG_IGN);
    if (argc == 3 && strncmp(argv[1], "--send", 6) == 0)
        return send_file(argv[2], strcmp(argv[1], "--send-view") == 0);
    while ((c = getopt_long(argc, argv, "+", options, NULL)) == 'v')
        view_only = true;
    if (!dvm && optind < argc)
        target = argv[optind++];
    if (c != -1 || argc - optind != 1) {
        fprintf(stderr, "usage: %s [--view-only] %sFILE|URL\n", program_invocation_short_name,
                dvm ? "" : "TARGET ");
        return 2;
    }
    signal(SIGPIPE, SIG_DFL);
    return is_url(argv[optind]) ? open_url(target, argv[optind]) : open_file(target, argv[optind], view_only);
}
