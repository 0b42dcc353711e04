/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The checks of qubes-policy-lint, also used by qubes-policy-editor. */
#ifndef QREXEC_POLICY_LINT_H
#define QREXEC_POLICY_LINT_H

#include <stdbool.h>

/*
 * Check a file ("-" is stdin) line by line and print "FILE:LINE: error: TEXT" to stdout for each error. True
 * if there is none.
 */
bool policy_lint_file(const char *path, bool old_format, bool show_line);

#endif
