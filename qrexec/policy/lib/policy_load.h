/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files that read a policy share: where reading is, and access to directories. */
#ifndef QREXEC_POLICY_LOAD_H
#define QREXEC_POLICY_LOAD_H

#include "policy_private.h"

/* The old format gives service and argument per file. */
struct old_call {
    uint32_t service, argument;
};

struct including {
    const struct including *outer;
    const char *path;
    unsigned depth;
};

struct loading {
    struct policy *policy;
    const struct policy_loader *loader;
    struct policy_error *error;
    const char *base; /* relative includes start here */
    const char *legacy_dir;
    const struct including *current; /* innermost file being read */
    unsigned files;
    policy_report_fn report; /* lint: go on after an error, and do not follow includes */
    void *report_data;
    size_t reported;
};

struct names {
    char **items;
    size_t count, room;
};

/* Fill in the error for a file or directory as a whole; always false. */
bool policy_load_error(struct loading *loading, const char *path, const char *reason);
/* DIR/NAME, or NAME if it is absolute; lives as long as the policy. */
const char *policy_load_join(struct loading *loading, const char *dir, const char *name, size_t len);
/* Number of a file for rules. */
uint32_t policy_load_add_file(struct policy *policy, const char *path);
/* All names in a directory. False with the error set. */
bool policy_load_list(struct loading *loading, const char *dir, struct names *names);
void policy_load_free_names(struct names *names);
bool policy_load_has_suffix(const char *name, const char *suffix);
/* Read a file: rules of the new format, or of the old one if `old` tells for what call. */
bool policy_load_file(struct loading *loading, const char *path, const struct old_call *old);

/* ---- policy_old_format.c ---- */

/* All files of the old directory, here. */
bool policy_old_format_load(struct loading *loading);
/* Old signs become new ones, byte for byte, so that columns stay true. */
void policy_old_format_modernise(char *text, size_t len);

/* ---- policy_bytes.c ---- */

/* Whether the rest of the line has only bytes that a comment, or a rule, may have. False with the error set.
 */
bool policy_bytes_comment(struct policy_line *line);
bool policy_bytes_rule(struct policy_line *line);

#endif
