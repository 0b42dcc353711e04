/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loop devices over volume files, without losetup. */
#ifndef DM_LOOP_DEVICE_H
#define DM_LOOP_DEVICE_H

#include <glib.h>

struct loop_device {
    int fd;     /* keep open until the user of the device has opened it: it clears itself at last close */
    int number; /* /dev/loopN */
    char path[32];
    unsigned major, minor;
};

/* Attach `file`. Writable ones get direct I/O where the file system has it; read-only ones stay in the page
 * cache, which all users of a template share. */
gboolean loop_device_attach(struct loop_device *loop, const char *file, gboolean writable, GError **error);
void loop_device_close(struct loop_device *loop);

#endif
