/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Directories and files outside /rw that a domain keeps all the same: the original goes to /rw/bind-dirs once
 * and is mounted over its place at each start. Which ones is said, as in Qubes, by files *.conf with lines
 * like binds+=( '/var/lib/tor' '/etc/hosts' ) in /usr/lib/qubes-bind-dirs.d, /etc/qubes-bind-dirs.d and
 * /rw/config/qubes-bind-dirs.d. They were shell scripts there; here only these lines count: "binds=(" forgets
 * what came before.
 */
#ifndef BULKHEAD_BIND_DIRS_H
#define BULKHEAD_BIND_DIRS_H

#include <stddef.h>

#define BIND_DIRS_MAX  64
#define BIND_DIRS_PATH 256

struct bind_dirs {
    char path[BIND_DIRS_MAX][BIND_DIRS_PATH]; /* absolute */
    size_t count;
};

/** Take one line of a file. Paths that are not absolute, have ".." in them or are too long are left out. */
void bind_dirs_parse_line(struct bind_dirs *dirs, const char *line);

/** Read all configuration below `root` (where the future / is mounted) and mount. Failures are logged, and
 * leave that one out. */
void bind_dirs_mount(const char *root);

#endif
