/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qfile-unpacker: the service qubes.Filecopy. Receives a stream on stdin into QubesIncoming/<source> of the
 * user's home, answers on stdout. Before the first byte is read the process confines itself to that folder.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/landlock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "filecopy.h"
#include "util.h"

#define INCOMING "QubesIncoming"

enum { OPT_UNSAFE = 256, OPT_BYTES, OPT_FILES };

static const struct option long_options[] = {
    {"directory", required_argument, NULL, 'd'},
    {"wait-for-space", no_argument, NULL, 'w'},
    {"allow-all-names", no_argument, NULL, 'a'},
    {"allow-unsafe-symlinks", no_argument, NULL, OPT_UNSAFE},
    {"max-bytes", required_argument, NULL, OPT_BYTES},
    {"max-files", required_argument, NULL, OPT_FILES},
    {NULL, 0, NULL, 0},
};

static int usage(void)
{
    fprintf(stderr, "usage: qfile-unpacker [options] [allow-all-names]\n"
                    "  -d, --directory=DIR      instead of ~/" INCOMING "/SOURCE\n"
                    "  -w, --wait-for-space     wait while the disk is full\n"
                    "  -a, --allow-all-names    accept names that may not be displayed as they are\n"
                    "  --allow-unsafe-symlinks  accept symlinks that leave the copied folder\n"
                    "  --max-bytes=N, --max-files=N\n");
    return 2;
}

/* Everything on disk but the folder is out of reach from here on, where the kernel has Landlock. */
static void confine(int dir)
{
    struct landlock_ruleset_attr all = {.handled_access_fs = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1};
    struct landlock_path_beneath_attr beneath = {
        .allowed_access = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE |
                          LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
                          LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_SYM |
                          LANDLOCK_ACCESS_FS_REMOVE_FILE,
        .parent_fd = dir};
    int rules;

    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    rules = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof(all), 0);
    if (rules < 0)
        return;
    if (syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) < 0 ||
        syscall(SYS_landlock_restrict_self, rules, 0) < 0)
        qlog_errno("cannot confine the receiver");
    close(rules);
}

static int open_folder(int parent, const char *name)
{
    if (mkdirat(parent, name, 0700) < 0 && errno != EEXIST)
        return -1;
    return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* ~/QubesIncoming/SOURCE */
static int open_incoming(void)
{
    const char *home = getenv("HOME"), *source = getenv("QREXEC_REMOTE_DOMAIN");
    int base, incoming, dir;

    if (!home || !source || !*source || strchr(source, '/') || source[0] == '.') {
        errno = EINVAL;
        return -1;
    }
    base = open(home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    incoming = base < 0 ? -1 : open_folder(base, INCOMING);
    dir = incoming < 0 ? -1 : open_folder(incoming, source);
    close_fd(&base);
    close_fd(&incoming);
    return dir;
}

static int parse_options(int argc, char **argv, struct unpack_options *o, const char **dir)
{
    int c;

    while ((c = getopt_long(argc, argv, "d:wa", long_options, NULL)) != -1) {
        switch (c) {
        case 'd':
            *dir = optarg;
            break;
        case 'w':
            o->wait_for_space = true;
            break;
        case 'a':
            o->allow_all_names = true;
            break;
        case OPT_UNSAFE:
            o->allow_unsafe_symlinks = true;
            break;
        case OPT_BYTES:
            o->max_bytes = strtoull(optarg, NULL, 10);
            break;
        case OPT_FILES:
            o->max_files = strtoull(optarg, NULL, 10);
            break;
        default:
            return -EINVAL;
        }
    }
    if (optind < argc && strcmp(argv[optind], "allow-all-names") == 0) {
        o->allow_all_names = true;
        optind++;
    }
    return optind == argc ? 0 : -EINVAL;
}

int main(int argc, char **argv)
{
    struct unpack_options options = {0};
    const char *dir = NULL;
    int ret;

    if (parse_options(argc, argv, &options, &dir) < 0)
        return usage();
    umask(022);
    options.dir = dir ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : open_incoming();
    if (options.dir < 0) {
        qlog_errno("cannot open the folder for incoming files");
        return 1;
    }
    confine(options.dir);
    ret = unpack_receive(0, 1, &options, NULL);
    if (ret < 0)
        qlog("receiving failed: %s", strerror(-ret));
    return ret < 0 ? 1 : 0;
}
