/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One program for all qvm-* commands: the name that it is called by chooses. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "tool.h"

#define VERSION "0.1"

const char *tool_name;
bool tool_quiet, tool_verbose;
static const struct tool *current;

void complain(const char *format, ...)
{
    va_list ap;
    if (tool_quiet)
        return;
    fprintf(stderr, "%s: ", tool_name);
    va_start(ap, format);
    vfprintf(stderr, format, ap);
    va_end(ap);
    fputc('\n', stderr);
}

static void print_usage(FILE *f)
{
    fprintf(f, "usage: %s %s\n", tool_name, current->usage);
}

int usage(void)
{
    print_usage(stderr);
    return EXIT_USAGE;
}

/* Codes of the common long options, out of the range of characters. */
enum { OPT_HELP = 0x1000, OPT_VERSION };

int tool_getopt(int argc, char **argv, const char *shorts, const struct option *longs, int *done)
{
    static const struct option common[] = {{"help", 0, NULL, OPT_HELP},
                                           {"version", 0, NULL, OPT_VERSION},
                                           {"quiet", 0, NULL, 'q'},
                                           {"verbose", 0, NULL, 'v'}};
    struct option all[64] = {{0}};
    char short_all[64];
    size_t n = 0, m = sizeof common / sizeof common[0];
    memcpy(all, common, sizeof common);
    for (; longs && longs[n].name && n + m + 1 < 64; n++)
        all[m + n] = longs[n];
    snprintf(short_all, sizeof short_all, "%shqv", shorts);
    *done = -1;
    for (;;) {
        int c = getopt_long(argc, argv, short_all, all, NULL);
        if (c == 'q') {
            tool_quiet = true;
        } else if (c == 'v') {
            tool_verbose = true;
        } else if (c == OPT_HELP || c == 'h') {
            print_usage(stdout);
            *done = 0;
            return -1;
        } else if (c == OPT_VERSION) {
            printf("%s (Bulkhead) " VERSION "\n", tool_name);
            *done = 0;
            return -1;
        } else if (c == '?') {
            *done = usage();
            return -1;
        } else {
            return c;
        }
    }
}

void names_add(struct names *names, const char *name)
{
    char **v = realloc(names->v, (names->n + 1) * sizeof *v);
    if (!v)
        abort();
    names->v = v;
    names->v[names->n++] = strdup(name);
}

void names_free(struct names *names)
{
    for (size_t i = 0; i < names->n; i++)
        free(names->v[i]);
    free(names->v);
    *names = (struct names){0};
}

bool names_have(const struct names *names, const char *name)
{
    for (size_t i = 0; i < names->n; i++)
        if (strcmp(names->v[i], name) == 0)
            return true;
    return false;
}

char *next_line(char **text)
{
    char *line = *text;
    if (!line || !*line)
        return NULL;
    char *end = strchr(line, '\n');
    *text = end ? end + 1 : line + strlen(line);
    if (end)
        *end = 0;
    return line;
}

bool names_all(struct names *names, const struct names *exclude)
{
    struct answer a;
    if (!client_call("bulkhead.vm.Table", "", "dom0", "name", &a))
        return false;
    char *text = (char *)a.text;
    for (char *line; (line = next_line(&text));)
        if (strcmp(line, "dom0") != 0 && !names_have(exclude, line))
            names_add(names, line);
    answer_free(&a);
    return true;
}

static const struct tool *find(const char *name)
{
    for (const struct tool *t = tools; t->name; t++)
        if (strcmp(t->name, name) == 0)
            return t;
    return NULL;
}

int main(int argc, char **argv)
{
    const char *slash = strrchr(argv[0], '/');
    tool_name = slash ? slash + 1 : argv[0];
    current = find(tool_name);
    if (!current && argc > 1) { /* qvm ls … */
        static char name[64];
        snprintf(name, sizeof name, "qvm-%s", argv[1]);
        current = find(name);
        tool_name = current ? name : tool_name;
        argv[1] = name;
        argc--;
        argv++;
    }
    if (!current) {
        fprintf(stderr, "usage: qvm COMMAND …; commands:");
        for (const struct tool *t = tools; t->name; t++)
            fprintf(stderr, " %s", t->name);
        fputc('\n', stderr);
        return EXIT_USAGE;
    }
    return current->run(argc, argv);
}
