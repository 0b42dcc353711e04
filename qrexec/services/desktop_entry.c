/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parse a .desktop file (Desktop Entry Specification 1.5, "The Exec key"). */
#include "desktop_entry.h"

#include <errno.h>
#include <string.h>

static bool take_value(const char *line, size_t len, const char *key, char *value, size_t size)
{
    size_t n = strlen(key);

    if (len <= n || memcmp(line, key, n) != 0)
        return false;
    line += n;
    len -= n;
    while (len && *line == ' ') {
        line++;
        len--;
    }
    if (len && *line == '=') {
        line++;
        len--;
        while (len && *line == ' ') {
            line++;
            len--;
        }
        if (len < size && !memchr(line, 0, len)) {
            memcpy(value, line, len);
            value[len] = 0;
            return true;
        }
    }
    return false;
}

/* "\\" stands for "\" in string values. */
static void unescape(char *text)
{
    char *to = text;

    for (const char *p = text; *p; p++) {
        if (p[0] == '\\' && p[1] == '\\')
            p++;
        *to++ = *p;
    }
    *to = 0;
}

/* One word, in place; *p moves behind it, *to is where the word ends. False at a stray quote. */
static bool take_word(const char **p, char **to)
{
    bool quoted = false;

    for (; **p && (quoted || **p != ' '); ++*p) {
        if (**p == '"') {
            quoted = !quoted;
        } else if (quoted && **p == '\\' && (*p)[1]) {
            *(*to)++ = *++*p;
        } else if (**p == '%' && (*p)[1]) {
            if (*++*p == '%')
                *(*to)++ = '%';
        } else {
            *(*to)++ = **p;
        }
    }
    return !quoted;
}

static int split(struct desktop_entry *e)
{
    const char *p = e->exec;
    char *to = e->exec;
    int n = 0;

    while (*p) {
        char *word = to;
        bool plain = *p != '%';

        if (*p == ' ') {
            p++;
            continue;
        }
        if (n == DESKTOP_MAX_WORDS || !take_word(&p, &to))
            return -EINVAL;
        if (*p)
            p++; /* before it is overwritten by the NUL */
        *to++ = 0;
        if (*word || plain)
            e->argv[n++] = word;
        else
            to = word; /* a field code alone is no argument */
    }
    e->argv[n] = NULL;
    return n && *e->argv[0] ? 0 : -EINVAL;
}

int desktop_entry_parse(const char *text, size_t size, struct desktop_entry *e)
{
    const char *end = text + size;
    bool inside = false;
    char flag[8] = "";

    memset(e, 0, sizeof(*e));
    for (const char *line = text; line < end;) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        size_t len = (size_t)((newline ? newline : end) - line);

        if (len && *line == '[')
            inside = len == 15 && memcmp(line, "[Desktop Entry]", 15) == 0;
        else if (inside && !take_value(line, len, "Exec", e->exec, sizeof(e->exec)) &&
                 !take_value(line, len, "Path", e->path, sizeof(e->path)))
            take_value(line, len, "Terminal", flag, sizeof(flag));
        line += len + 1;
    }
    e->terminal = strcmp(flag, "true") == 0;
    unescape(e->exec);
    return split(e);
}
