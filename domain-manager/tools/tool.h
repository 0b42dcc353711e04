/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the qvm-* commands share. Exit codes: 0 done, 1 failed, 2 wrong usage. */
#ifndef QVM_TOOL_H
#define QVM_TOOL_H

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
/* Ask on stderr; true when the answer on standard input is yes. */
bool confirm(const char *question);
/* List of domain names. */
struct names {
    char **v;
    size_t n;
};

/* An option of a command and where its value goes. */
struct tool_option {
    const char *name; /* "force" for --force */
    char letter;      /* 'f' for -f, or 0 */
    enum {
        TOOL_FLAG,     /* *(bool *)to becomes true */
        TOOL_NO_FLAG,  /* … false */
        TOOL_TEXT,     /* *(const char **)to is the argument */
        TOOL_OPTIONAL, /* … or "" when none is given */
        TOOL_CONST,    /* … is `value`: one of several words for one setting */
        TOOL_NAMES,    /* the argument is appended to *(struct names *)to */
    } kind;
    void *to; /* NULL: taken and ignored, for scripts written for Qubes */
    const char *value;
};

extern const struct tool_option tool_no_options[];

/* Take the options in `options` (ended by a NULL name) and those that every tool has (-v -q -h --help
 * --version). TRUE: go on with the arguments from optind. FALSE: end with the exit code *done. With
 * to_command the first word that is no option ends the options: what follows belongs to another program. */
bool tool_options(int argc, char **argv, const struct tool_option *options, bool to_command, int *done);
void names_add(struct names *names, const char *name);
void names_free(struct names *names);
bool names_have(const struct names *names, const char *name);
/* All domains of the manager but dom0 and those in `exclude`. */
bool names_all(struct names *names, const struct names *exclude);

/* Next line of a text, NUL-terminated in place; NULL at the end. */
char *next_line(char **text);

#endif
