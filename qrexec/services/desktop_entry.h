/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command of a .desktop file. Pure. */
#ifndef QREXEC_DESKTOP_ENTRY_H
#define QREXEC_DESKTOP_ENTRY_H

#include <stdbool.h>
#include <stddef.h>

#define DESKTOP_MAX_WORDS 64

struct desktop_entry {
    char exec[4096]; /* the words are in here */
    char path[1024]; /* working directory, may be empty */
    bool terminal;
    char *argv[DESKTOP_MAX_WORDS + 1];
};

/**
 * Take Exec, Path and Terminal of the [Desktop Entry] group; Exec is split into words, field codes (%f …) go
 * away.
 * @return 0, or -EINVAL when there is no usable command
 */
int desktop_entry_parse(const char *text, size_t size, struct desktop_entry *entry);

#endif
