/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy_lint.h"
#include "../lib/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct checked {
    const char *text;
    size_t len;
    bool show_line;
};

static void print_line(const struct checked *checked, unsigned number)
{
    const char *line = checked->text, *end = checked->text + checked->len;

    while (--number && line) {
        line = memchr(line, '\n', (size_t)(end - line));
        line = line ? line + 1 : NULL;
    }
    if (!line)
        return;
    const char *newline = memchr(line, '\n', (size_t)(end - line));
    printf(": %.*s", (int)((newline ? newline : end) - line), line);
}

static void print_error(void *data, const struct policy_error *error)
{
    const struct checked *checked = data;

    printf("%s:%u: error: %s (column %u)", error->file, error->line, error->reason, error->column);
    if (checked->show_line)
        print_line(checked, error->line);
    putchar('\n');
}

bool policy_lint_file(const char *path, bool old_format, bool show_line)
{
    char *text;
    size_t len;
    int status = policy_loader_files.read(NULL, strcmp(path, "-") ? path : "/dev/stdin", &text, &len);

    if (status < 0) {
        printf("%s:0: error: %s\n", path, strerror(-status));
        return false;
    }
    struct checked checked = {text, len, show_line};
    size_t errors = policy_lint(path, text, len, old_format, print_error, &checked);
    free(text);
    return errors == 0;
}
