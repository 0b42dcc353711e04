/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the policy tools share: the options that say where policy and system info come from. */
#ifndef QREXEC_POLICY_TOOLS_COMMON_H
#define QREXEC_POLICY_TOOLS_COMMON_H

#include "../call/info_source.h"
#include "../lib/policy.h"

#define COMMON_MAX_DIRS 8

struct common_sources {
    const char *dirs[COMMON_MAX_DIRS];
    size_t dir_count;
    const char *legacy_dir;
    struct info_source info;
};

/* Long-option values of common_take_option(); a tool's own start at COMMON_OPTIONS_END. */
enum { COMMON_OPT_DIR = 256, COMMON_OPT_LEGACY, COMMON_OPT_INFO, COMMON_OPTIONS_END };

#define COMMON_OPTIONS                                                                                       \
    {"policy-dir", required_argument, NULL, COMMON_OPT_DIR},                                                 \
        {"path", required_argument, NULL, COMMON_OPT_DIR},                                                   \
        {"legacy-dir", required_argument, NULL, COMMON_OPT_LEGACY},                                          \
    {                                                                                                        \
        "system-info", required_argument, NULL, COMMON_OPT_INFO                                              \
    }

/* False if the option is none of these, or too many directories are given. */
bool common_take_option(struct common_sources *sources, int option, const char *value);
/* Load the policy from the directories given, or from the usual ones. NULL: the reason is in `why`. */
struct policy *common_load(struct common_sources *sources, char *why, size_t size);
/* The same; the reason is printed. */
struct policy *common_load_or_tell(struct common_sources *sources);
const struct system_info *common_info(struct common_sources *sources);

#endif
