/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which file names and symlinks a receiver accepts. Pure functions. */
#ifndef FILECOPY_NAMES_H
#define FILECOPY_NAMES_H

#include <stdbool.h>

/** Is every character printable ASCII, or of a script that is displayed left to right without combining? */
bool name_displayable(const char *untrusted_name);

/** Is it a relative path of plain parts: no empty part, ".", "..", and no slash at either end? */
bool name_is_path(const char *untrusted_name);

/**
 * Does a symlink stay inside the copied top directory?
 * @param name    its own path (valid)
 * @param untrusted_target  relative; only leading "..", at most (parts of name - 2)
 */
bool name_symlink_safe(const char *name, const char *untrusted_target);

#endif
