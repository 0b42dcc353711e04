/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-backup, qvm-backup-restore: what is to be done is chosen and shown here, the manager does it. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "commands.h"
#include "tool.h"

#define NAME_MAX_LENGTH 31

/* The manager's unit has ProtectHome=yes. */
static bool manager_sees(const char *path)
{
    static const char *const hidden[] = {"/home/", "/root/", "/run/user/"};
    for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++)
        if (strncmp(path, hidden[i], strlen(hidden[i])) == 0) {
            complain(
                "%s: the domain manager may not look into %s; choose a mounted disk, for example below /mnt",
                path, hidden[i]);
            return false;
        }
    return true;
}

static bool absolute_path(const char *path, char *out, size_t size)
{
    char here[PATH_MAX] = "";
    if (path[0] != '/' && !getcwd(here, sizeof here)) {
        complain("%s: %s", path, strerror(errno));
        return false;
    }
    int n = snprintf(out, size, "%s%s%s", path[0] == '/' ? "" : here, path[0] == '/' ? "" : "/", path);
    while (n > 1 && n < (int)size && out[n - 1] == '/')
        out[--n] = 0;
    return n > 0 && n < (int)size && manager_sees(out);
}

/* Text that grows. */
static void append(char **text, const char *line)
{
    char *longer = NULL;
    if (asprintf(&longer, "%s%s%s", *text ? *text : "", *text ? "\n" : "", line) < 0)
        abort();
    free(*text);
    *text = longer;
}

static int call(const char *method, const char *argument, const char *payload, const char *path)
{
    struct answer a;
    bool ok = client_copy(method, argument, "dom0", payload, path, &a);
    if (ok && !tool_quiet)
        fputs(a.text, stdout);
    answer_free(&a);
    return ok ? 0 : 1;
}

/* -- which domains -- */

struct selection {
    struct names given, exclude;
    bool yes;
    char *payload;     /* the directory, then a line for each domain that is chosen */
    size_t n, matched; /* chosen; of the given ones, how many there are */
};

/* The arguments: a directory, whose absolute path goes to path[PATH_MAX], and names of domains. 0 or the exit
 * code. */
static int take_arguments(struct selection *s, int argc, char **argv, char *path)
{
    if (optind == argc)
        return usage();
    if (!absolute_path(argv[optind], path, PATH_MAX))
        return 1;
    for (int i = optind + 1; i < argc; i++)
        names_add(&s->given, argv[i]);
    return 0;
}

/* Whether a domain is asked for, by name or by default. */
static bool wanted(struct selection *s, const char *name, bool by_default)
{
    bool given = names_have(&s->given, name);
    s->matched += given;
    return (s->given.n ? given : by_default) && !names_have(&s->exclude, name);
}

static void choose(struct selection *s, const char *line)
{
    append(&s->payload, line);
    s->n++;
}

/* After all rows: each name was found, and something is left to do. */
static bool complete(const struct selection *s, const char *unknown, const char *nothing)
{
    if (s->matched < s->given.n)
        complain("%s", unknown);
    else if (!s->n)
        complain("%s", nothing);
    return s->n && s->matched == s->given.n;
}

static bool proceed(const struct selection *s)
{
    return s->yes || confirm("Do you want to proceed?");
}

static void selection_free(struct selection *s)
{
    free(s->payload);
    names_free(&s->given);
    names_free(&s->exclude);
}

/* -- qvm-backup -- */

static void select_row(struct selection *s, char *line)
{
    const char *name = strsep(&line, "\t"), *klass = strsep(&line, "\t"), *state = strsep(&line, "\t");
    const char *include = strsep(&line, "\t"), *mebibytes = line ? line : "";
    bool halted = strcmp(state, "Halted") == 0 || strcmp(state, "Crashed") == 0;
    if (strcmp(klass, "AdminVM") == 0 || !wanted(s, name, *include == 'T'))
        return;
    choose(s, name);
    if (!tool_quiet)
        printf("%-32s  %-12s  %8s  %s\n", name, klass, mebibytes,
               halted ? "" : "running: as it was before its start");
}

static bool select_domains(struct selection *s)
{
    struct answer a;
    if (!client_call("bulkhead.vm.Table", "", "dom0", "name,class,state,include_in_backups,disk", &a))
        return false;
    char *text = (char *)a.text;
    if (!tool_quiet)
        printf("%-32s  %-12s  %8s\n", "NAME", "CLASS", "MIB");
    for (char *line; (line = next_line(&text));)
        select_row(s, line);
    answer_free(&a);
    return complete(s, "one of the domains that were named does not exist, or is dom0 (qvm-ls lists them)",
                    "no domain is to be backed up");
}

/* In a directory that exists the backup gets a name of its own. */
static void name_backup(char *path, size_t size)
{
    struct stat st;
    time_t now = time(NULL);
    struct tm tm;
    size_t n = strlen(path);
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode) && localtime_r(&now, &tm) && n + 64 < size)
        strftime(path + n, size - n, "/bulkhead-backup-%Y-%m-%dT%H%M%S", &tm);
}

int cmd_backup(int argc, char **argv)
{
    struct selection s = {0};
    int st;
    char path[PATH_MAX];
    const struct tool_option options[] = {
        {"exclude", 'x', TOOL_NAMES, &s.exclude, NULL}, {"yes", 'y', TOOL_FLAG, &s.yes, NULL}, {0}};
    if (!tool_options(argc, argv, options, false, &st) || (st = take_arguments(&s, argc, argv, path)))
        return st;
    name_backup(path, sizeof path);
    append(&s.payload, path);
    st = !select_domains(&s) || !proceed(&s) || call("bulkhead.backup.Create", "", s.payload, path);
    if (st == 0 && !tool_quiet)
        printf("%s is complete; it is not encrypted\n", path);
    selection_free(&s);
    return st;
}

/* -- qvm-backup-restore -- */

struct restore {
    struct selection s;
    struct names present;
    bool rename, skip, verify;
};

/* NAME, or NAME1, NAME2 … cut so that it is not too long. False: it is taken. */
static bool free_name(struct restore *r, const char *name, char *out)
{
    snprintf(out, NAME_MAX_LENGTH + 1, "%s", name);
    for (unsigned i = 1; r->rename && names_have(&r->present, out); i++) {
        char digits[12];
        int n = snprintf(digits, sizeof digits, "%u", i);
        snprintf(out, NAME_MAX_LENGTH + 1, "%.*s%s", NAME_MAX_LENGTH - n, name, digits);
    }
    return !names_have(&r->present, out);
}

/* "NAME CLASS BYTES" of the backup. */
static void choose_row(struct restore *r, char *line)
{
    const char *name = strsep(&line, " "), *klass = strsep(&line, " ");
    char new_name[NAME_MAX_LENGTH + 1], row[2 * NAME_MAX_LENGTH + 4];
    if (!wanted(&r->s, name, true))
        return;
    bool is_free = r->verify || free_name(r, name, new_name);
    const char *target = r->verify || !is_free ? name : new_name;
    if (!tool_quiet)
        printf("%-32s  %-12s  %s%s\n", name, klass,
               !is_free && r->skip         ? "exists already, left out"
               : strcmp(target, name) != 0 ? "as "
                                           : "",
               strcmp(target, name) != 0 ? target : "");
    if (!is_free && r->skip)
        return;
    names_add(&r->present, target);
    snprintf(row, sizeof row, "%s %s", name, target);
    choose(&r->s, row);
}

static bool choose_domains(struct restore *r, const char *path)
{
    struct names none = {0};
    struct answer a;
    if (!names_all(&r->present, &none) || !client_call("bulkhead.backup.Info", "", "dom0", path, &a))
        return false;
    names_add(&r->present, "dom0");
    char *text = (char *)a.text;
    for (char *line; (line = next_line(&text));)
        choose_row(r, line);
    answer_free(&a);
    return complete(&r->s, "one of the domains that were named is not in this backup",
                    "there is nothing to restore");
}

int cmd_backup_restore(int argc, char **argv)
{
    struct restore r = {0};
    bool ignore = false;
    int st;
    char path[PATH_MAX];
    const struct tool_option options[] = {{"verify-only", 0, TOOL_FLAG, &r.verify, NULL},
                                          {"rename-conflicting", 0, TOOL_FLAG, &r.rename, NULL},
                                          {"skip-conflicting", 0, TOOL_FLAG, &r.skip, NULL},
                                          {"ignore-missing", 0, TOOL_FLAG, &ignore, NULL},
                                          {"exclude", 'x', TOOL_NAMES, &r.s.exclude, NULL},
                                          {"yes", 'y', TOOL_FLAG, &r.s.yes, NULL},
                                          {0}};
    if (!tool_options(argc, argv, options, false, &st) || (st = take_arguments(&r.s, argc, argv, path)))
        return st;
    append(&r.s.payload, path);
    st = !choose_domains(&r, path) || !(r.verify || proceed(&r.s)) ||
         call("bulkhead.backup.Restore",
              r.verify ? "verify"
              : ignore ? "ignore-missing"
                       : "",
              r.s.payload, path);
    if (st == 0 && r.verify && !tool_quiet)
        printf("%s: all sums are right\n", path);
    selection_free(&r.s);
    names_free(&r.present);
    return st;
}
