/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Crash-safe small files and directories: after a power cut there is the old or the new state, nothing
 * between. */
#ifndef DM_STORE_H
#define DM_STORE_H

#include <glib.h>

/* Replace `path` with `data`: new file beside it, fsync, rename, fsync of the directory. */
gboolean store_write(const char *path, const char *data, gsize size, GError **error);
/* The same with a key file's text. */
gboolean store_write_keyfile(const char *path, GKeyFile *keyfile, GError **error);
/* fsync a directory so that renames in it last. */
gboolean store_sync_dir(const char *path, GError **error);
/* rename(2), then fsync of both parent directories. Refuses to replace. */
gboolean store_rename(const char *from, const char *to, GError **error);
/* Remove a directory of plain files (two levels of subdirectories too). Missing is fine. */
gboolean store_remove_tree(const char *path, GError **error);

#endif
