/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qfile-agent: send files on stdout, read the receiver's answer on stdin; run by qvm-copy as a call's local
 * end. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "filecopy.h"
#include "util.h"

#define PROGRESS_MS 200
#define PIPE_BYTES  (1 << 20)

static uint64_t total_bytes;

static void show(const struct pack *p, const char *end)
{
    double done = total_bytes ? (double)p->bytes_sent / (double)total_bytes : 1;
    int width = done > 1 ? 40 : (int)(done * 40);
    bool large = total_bytes >= 10 << 20;
    unsigned unit = large ? 1 << 20 : 1 << 10;

    fprintf(stderr, "\rsent %llu/%llu %s [%.*s%*s] %3d%%%s",
            (unsigned long long)((p->bytes_sent + unit - 1) / unit),
            (unsigned long long)((total_bytes + unit - 1) / unit), large ? "MiB" : "KiB", width,
            "########################################", 40 - width, "", (int)(done * 100), end);
}

static void on_progress(struct pack *p)
{
    static int64_t last;
    int64_t now = now_ms();

    if (now - last < PROGRESS_MS)
        return;
    last = now;
    show(p, "");
}

/* An error of ours counts; a broken pipe most often means that the receiver has something to say. */
static int finish(struct pack *p, int ret)
{
    if (ret == 0)
        ret = pack_end(p);
    if (ret < 0 && ret != -EPIPE) {
        qlog("copying failed: %s", strerror(-ret));
        return ret;
    }
    return pack_result(p, 0) < 0 ? -EREMOTEIO : ret;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"ignore-symlinks", no_argument, NULL, 'i'}, {NULL, 0, NULL, 0}};
    const char *total = getenv("FILECOPY_TOTAL_BYTES");
    struct pack pack = {.out = 1};
    int c, ret = 0;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c != 'i') {
            fprintf(stderr, "usage: qfile-agent [--ignore-symlinks] FILE...\n");
            return 2;
        }
        pack.ignore_symlinks = true;
    }
    if (total) {
        total_bytes = strtoull(total, NULL, 10);
        pack.progress = on_progress;
    }
    signal(SIGPIPE, SIG_IGN);
    fcntl(1, F_SETPIPE_SZ, PIPE_BYTES);
    for (int i = optind; i < argc && ret == 0; i++)
        ret = pack_send(&pack, argv[i]);
    ret = finish(&pack, ret);
    if (total && ret == 0)
        show(&pack, "\n");
    else if (total)
        fprintf(stderr, "\n");
    pack_free(&pack);
    return ret < 0 ? 1 : 0;
}
