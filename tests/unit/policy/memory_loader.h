/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A policy loader over texts in memory, and a system info for tests. */
#ifndef TESTS_POLICY_MEMORY_LOADER_H
#define TESTS_POLICY_MEMORY_LOADER_H

#include "../../../qrexec/policy/lib/policy.h"

struct memory_file {
    const char *path; /* "/etc/10-a.policy"; its directories exist by themselves */
    const char *text; /* NULL: an empty directory */
};

/* A loader over `files`, up to one with path NULL. */
struct policy_loader memory_loader(const struct memory_file *files);

/* Load "/run" and "/etc" with the old format in "/old". */
struct policy *memory_load(const struct memory_file *files, struct policy_error *error);

/* dom0, work (blue, tag t1), bank (halted), dvm and dvm2 (templates for disposables), nodef, internal,
 * remote… */
struct system_info *memory_info(void);

#endif
