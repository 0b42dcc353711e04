/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy_log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LINE_SIZE 2048

void policy_log(int level, const char *format, ...)
{
    char line[LINE_SIZE];
    va_list args;
    /* the journal reads a level from "<N>"; a terminal should not show it */
    int prefix = getenv("JOURNAL_STREAM") ? snprintf(line, sizeof(line), "<%d>", level) : 0;

    va_start(args, format);
    int len = vsnprintf(line + prefix, sizeof(line) - (size_t)prefix - 1, format, args);
    va_end(args);
    size_t end = (size_t)prefix + (size_t)(len < 0 ? 0 : len);
    if (end > sizeof(line) - 2)
        end = sizeof(line) - 2;
    for (size_t i = 0; i < end; i++)
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = '?';
    line[end] = '\n';
    if (write(STDERR_FILENO, line, end + 1) < 0)
        return; /* nowhere to tell it */
}
