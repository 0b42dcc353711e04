/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common.h"

#include <stdio.h>

bool common_take_option(struct common_sources *sources, int option, const char *value)
{
    if (option == COMMON_OPT_DIR && sources->dir_count < COMMON_MAX_DIRS)
        sources->dirs[sources->dir_count++] = value;
    else if (option == COMMON_OPT_LEGACY)
        sources->legacy_dir = value;
    else if (option == COMMON_OPT_INFO)
        sources->info.file = value;
    else
        return false;
    return true;
}

struct policy *common_load(struct common_sources *sources, char *why, size_t size)
{
    static const char *const usual[] = {POLICY_DIR_RUNTIME, POLICY_DIR_ETC};
    struct policy_sources from = {usual, 2, sources->legacy_dir};
    struct policy_error error;

    if (sources->dir_count) {
        from.dirs = sources->dirs;
        from.dir_count = sources->dir_count;
    }
    struct policy *policy = policy_load(&policy_loader_files, &from, &error);
    if (!policy)
        policy_error_format(&error, why, size);
    return policy;
}

struct policy *common_load_or_tell(struct common_sources *sources)
{
    char why[1024];
    struct policy *policy = common_load(sources, why, sizeof(why));

    if (!policy)
        fprintf(stderr, "the policy is not valid: %s\n", why);
    return policy;
}

const struct system_info *common_info(struct common_sources *sources)
{
    char error[256];
    const struct system_info *info = info_source_get(&sources->info, error, sizeof(error));

    if (!info)
        fprintf(stderr, "no system info: %s\n", error);
    return info;
}
