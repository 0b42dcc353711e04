/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One program for all qvm-* commands: the name that it is called by chooses. */
#include <getopt.h>
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

bool confirm(const char *question)
{
    char line[16] = "";
    fprintf(stderr, "%s [y/N] ", question);
    return fgets(line, sizeof line, stdin) && (line[0] == 'y' || line[0] == 'Y');
}

int usage(void)
{
    print_usage(stderr);
    return EXIT_USAGE;
}

#define OPTIONS_MAX 32
/* What getopt_long returns for the option at an index of the table, out of the range of letters. */
#define OPTION_CODE 0x1000

static bool version;
static bool help;

static const struct tool_option common_options[] = {{"help", 'h', TOOL_FLAG, &help, NULL},
                                                    {"version", 0, TOOL_FLAG, &version, NULL},
                                                    {"quiet", 'q', TOOL_FLAG, &tool_quiet, NULL},
                                                    {"verbose", 'v', TOOL_FLAG, &tool_verbose, NULL},
                                                    {0}};

const struct tool_option tool_no_options[] = {{0}};

/* getopt's own tables of the options of both lists. */
struct option_table {
    const struct tool_option *option[OPTIONS_MAX];
    struct option longs[OPTIONS_MAX + 1];
    char shorts[3 * OPTIONS_MAX + 2];
    size_t n;
};

static void table_add(struct option_table *t, const struct tool_option *options)
{
    static const int arguments[] = {[TOOL_FLAG] = no_argument,        [TOOL_NO_FLAG] = no_argument,
                                    [TOOL_CONST] = no_argument,       [TOOL_TEXT] = required_argument,
                                    [TOOL_NAMES] = required_argument, [TOOL_OPTIONAL] = optional_argument};
    for (; options->name && t->n < OPTIONS_MAX; options++, t->n++) {
        int argument = arguments[options->kind];
        char letter[] = {options->letter, argument == required_argument ? ':' : 0, 0};
        t->option[t->n] = options;
        t->longs[t->n] = (struct option){options->name, argument, NULL, OPTION_CODE + (int)t->n};
        strcat(t->shorts, letter);
    }
}

static const struct tool_option *table_find(const struct option_table *t, int code)
{
    if (code >= OPTION_CODE)
        return t->option[code - OPTION_CODE];
    for (size_t i = 0; i < t->n; i++)
        if (t->option[i]->letter == code)
            return t->option[i];
    return NULL;
}

static void take(const struct tool_option *option, const char *argument)
{
    if (!option->to)
        return;
    if (option->kind == TOOL_NAMES)
        names_add(option->to, argument);
    else if (option->kind == TOOL_FLAG || option->kind == TOOL_NO_FLAG)
        *(bool *)option->to = option->kind == TOOL_FLAG;
    else
        *(const char **)option->to = option->kind == TOOL_CONST ? option->value : argument ? argument : "";
}

bool tool_options(int argc, char **argv, const struct tool_option *options, bool to_command, int *done)
{
    struct option_table table = {.shorts = {to_command ? '+' : 0}};
    const struct tool_option *option;
    int code;
    table_add(&table, common_options);
    table_add(&table, options);
    while ((code = getopt_long(argc, argv, table.shorts, table.longs, NULL)) != -1) {
        option = table_find(&table, code);
        if (!option) {
            *done = usage();
            return false;
        }
        take(option, optarg);
    }
    *done = 0;
    if (help)
        print_usage(stdout);
    else if (version)
        printf("%s (Bulkhead) " VERSION "\n", tool_name);
    return !help && !version;
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
