/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Find the helper programs. */
#include "tool_path.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *tool_path(const char *installed)
{
    char self[PATH_MAX], *beside, *slash;
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

    if (n <= 0)
        return installed;
    self[n] = 0;
    slash = strrchr(self, '/');
    if (!slash || asprintf(&beside, "%.*s%s", (int)(slash - self), self, strrchr(installed, '/')) < 0)
        return installed;
    if (access(beside, X_OK) == 0)
        return beside;
    free(beside);
    return installed;
}
