/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the qvm-* commands share. Exit codes: 0 done, 1 failed, 2 wrong usage. */
#ifndef QVM_TOOL_H
#define QVM_TOOL_H

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>

#define EXIT_USAGE 2

extern const char *tool_name; /* "qvm-ls" */
extern bool tool_quiet, tool_verbose;

struct tool {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *usage; /* after the name; further lines describe options */
};

extern const struct tool tools[]; /* ended by a NULL name */

/* "PROGRAM: message" on stderr; not when --quiet. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Print the usage and return EXIT_USAGE. */
int usage(void);
/* getopt_long with the options that every tool has (-v -q -h --help --version). Returns -1 at the end, '?'
 * for a wrong option; after --help or --version the process has its exit code in *done (>= 0). */
int tool_getopt(int argc, char **argv, const char *shorts, const struct option *longs, int *done);

/* List of domain names. */
struct names {
    char **v;
    size_t n;
};
void names_add(struct names *names, const char *name);
void names_free(struct names *names);
bool names_have(const struct names *names, const char *name);
/* All domains of the manager but dom0 and those in `exclude`. */
bool names_all(struct names *names, const struct names *exclude);

/* Next line of a text, NUL-terminated in place; NULL at the end. */
char *next_line(char **text);

#endif
