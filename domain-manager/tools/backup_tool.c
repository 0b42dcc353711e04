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

static bool confirm(bool yes)
{
    char line[16] = "";
    if (yes)
        return true;
    fprintf(stderr, "Do you want to proceed? [y/N] ");
    return fgets(line, sizeof line, stdin) && (line[0] == 'y' || line[0] == 'Y');
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

/* -- qvm-backup -- */

struct selection {
    struct names given, exclude;
    char *payload;
    size_t n, matched; /* domains to be backed up; of the given ones, how many there are */
};

static void select_row(struct selection *s, char *line)
{
    const char *name = strsep(&line, "\t"), *klass = strsep(&line, "\t"), *state = strsep(&line, "\t");
    const char *include = strsep(&line, "\t"), *mebibytes = line ? line : "";
    bool guest = strcmp(klass, "AdminVM") != 0, given = guest && names_have(&s->given, name);
    bool halted = strcmp(state, "Halted") == 0 || strcmp(state, "Crashed") == 0;
    s->matched += given;
    if (!(s->given.n ? given : guest && *include == 'T') || names_have(&s->exclude, name))
        return;
    append(&s->payload, name);
    s->n++;
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
    if (s->matched < s->given.n)
        complain("one of the domains that were named does not exist, or is dom0 (qvm-ls lists them)");
    else if (!s->n)
        complain("no domain is to be backed up");
    return s->n && s->matched == s->given.n;
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
    bool yes = false;
    int done;
    char path[PATH_MAX];
    const struct tool_option options[] = {
        {"exclude", 'x', TOOL_NAMES, &s.exclude, NULL}, {"yes", 'y', TOOL_FLAG, &yes, NULL}, {0}};
    if (!tool_options(argc, argv, options, false, &done))
        return done;
    if (optind == argc)
        return usage();
    if (!absolute_path(argv[optind], path, sizeof path))
        return 1;
    for (int i = optind + 1; i < argc; i++)
        names_add(&s.given, argv[i]);
    name_backup(path, sizeof path);
    append(&s.payload, path);
    int st = !select_domains(&s) || !confirm(yes) || call("bulkhead.backup.Create", "", s.payload, path);
    if (st == 0 && !tool_quiet)
        printf("%s is complete; it is not encrypted\n", path);
    free(s.payload);
    names_free(&s.given);
    names_free(&s.exclude);
    return st;
}

/* -- qvm-backup-restore -- */

struct restore {
    struct names given, exclude, present;
    bool rename, skip, verify;
    char *payload;
    size_t n, matched;
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
static void choose(struct restore *r, char *line)
{
    const char *name = strsep(&line, " "), *klass = strsep(&line, " ");
    char new_name[NAME_MAX_LENGTH + 1], row[2 * NAME_MAX_LENGTH + 4];
    bool given = names_have(&r->given, name);
    r->matched += given;
    if ((r->given.n && !given) || names_have(&r->exclude, name))
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
    append(&r->payload, row);
    r->n++;
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
        choose(r, line);
    answer_free(&a);
    if (r->matched < r->given.n)
        complain("one of the domains that were named is not in this backup");
    else if (!r->n)
        complain("there is nothing to restore");
    return r->n && r->matched == r->given.n;
}

int cmd_backup_restore(int argc, char **argv)
{
    struct restore r = {0};
    bool yes = false, ignore = false;
    int done;
    char path[PATH_MAX];
    const struct tool_option options[] = {{"verify-only", 0, TOOL_FLAG, &r.verify, NULL},
                                          {"rename-conflicting", 0, TOOL_FLAG, &r.rename, NULL},
                                          {"skip-conflicting", 0, TOOL_FLAG, &r.skip, NULL},
                                          {"ignore-missing", 0, TOOL_FLAG, &ignore, NULL},
                                          {"exclude", 'x', TOOL_NAMES, &r.exclude, NULL},
                                          {"yes", 'y', TOOL_FLAG, &yes, NULL},
                                          {0}};
    if (!tool_options(argc, argv, options, false, &done))
        return done;
    if (optind == argc)
        return usage();
    if (!absolute_path(argv[optind], path, sizeof path))
        return 1;
    for (int i = optind + 1; i < argc; i++)
        names_add(&r.given, argv[i]);
    append(&r.payload, path);
    int st = !choose_domains(&r, path) || !confirm(yes || r.verify) ||
             call("bulkhead.backup.Restore",
                  r.verify ? "verify"
                  : ignore ? "ignore-missing"
                           : "",
                  r.payload, path);
    if (st == 0 && r.verify && !tool_quiet)
        printf("%s: all sums are right\n", path);
    free(r.payload);
    names_free(&r.given);
    names_free(&r.exclude);
    names_free(&r.present);
    return st;
}
