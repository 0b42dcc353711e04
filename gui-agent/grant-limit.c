/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "grant-limit.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PARAMETER "/sys/module/xen_gntalloc/parameters/limit"
#define PAGES     "1073741824"

void grant_limit_raise(void)
{
    int fd = open(PARAMETER, O_WRONLY | O_CLOEXEC);

    if (fd < 0)
        return;
    if (write(fd, PAGES, strlen(PAGES)) < 0)
        perror("qubes-gui: " PARAMETER);
    close(fd);
}
