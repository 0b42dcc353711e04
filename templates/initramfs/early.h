/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the first process of a kernel needs before the real root is there, shared by the guest's init
 * (templates/initramfs) and the live dom0's (installer/initramfs). One static binary, no shell, no udev:
 * under emulation a fork and exec of a dynamic program costs 40 ms, a mount(2) costs nothing.
 */
#ifndef BULKHEAD_EARLY_H
#define BULKHEAD_EARLY_H

#include <stdbool.h>
#include <stddef.h>

/** Write one line, prefixed with the seconds since the kernel started, to the kernel's log. */
void early_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** Say why there is no way on, then wait for ever (the kernel would panic if init ended). */
void early_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/** Mount /dev, /proc and /sys. */
void early_mount_kernel_filesystems(void);

/**
 * Device nodes that kmod would make for modules not loaded yet (fuse, tun), and Xen's devices for the group
 * qubes: without this, two programs at each start.
 */
void early_device_nodes(void);

/** mkdir -p. Returns 0 or a negative errno. */
int early_mkdirs(const char *path);

/** mount(2) on a directory that is made when missing. Returns 0 or a negative errno, and logs failures. */
int early_mount(const char *source, const char *target, const char *type, unsigned long flags,
                const char *options);

/** Move a mount of this name below new_root, e.g. /dev to new_root/dev. */
int early_move(const char *mount_point, const char *new_root);

/**
 * Insert the kernel modules that /modules/<group>.list names, one file name a line, in that order.
 * A module that is already there is no error. Returns how many could not be loaded.
 */
int early_load_modules(const char *group);

/** Run a program inside a root: so the initramfs can use the template's own mke2fs and cp instead of carrying
 * them. 0, or -EIO. */
int early_run_in(const char *root, char *const arguments[]);

/** Wait until the path exists, at most so many milliseconds. */
bool early_wait_for(const char *path, unsigned int milliseconds);

/** Is this word on the kernel's command line? With value, also accepts "word=…" and copies the value. */
bool early_word(const char *word, char *value, size_t size);

/** Set up a read-only loop device on a file; device gets its path. Returns 0 or a negative errno. */
int early_loop(const char *file, char device[32]);

/** Free the initramfs's memory, make new_root the root and become its /sbin/init. Returns only on failure. */
int early_switch_root(const char *new_root);

#endif
