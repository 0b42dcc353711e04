/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qvm-copy, qvm-move, qvm-copy-to-vm, qvm-move-to-vm: copy files to another domain. One program; its name
 * decides. The first two let the policy (or the user asked by it) choose the target. Works in VMs and in
 * dom0.
 */
#include <errno.h>
#include <ftw.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "filecopy.h"
#include "tool_path.h"
#include "util.h"

#define AGENT     "/usr/lib/qubes/qfile-agent"
#define CLIENT_VM "/usr/bin/qrexec-client-vm"
#define CLIENT    "/usr/bin/qrexec-client"
#define RING      "--buffer-size=524288"

struct copy {
    bool move, with_target, quiet, ignore_symlinks;
    const char *target;
    char **files;
    int count;
};

static int usage(const struct copy *c)
{
    fprintf(stderr, "usage: %s [--without-progress] [--ignore-symlinks] %sFILE...\n",
            program_invocation_short_name, c->with_target ? "TARGET " : "");
    return 2;
}

static int parse_options(int argc, char **argv, struct copy *c)
{
    static const struct option options[] = {{"without-progress", no_argument, NULL, 'p'},
                                            {"ignore-symlinks", no_argument, NULL, 's'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    const char *name = program_invocation_short_name;
    int o;

    c->move = strncmp(name, "qvm-move", 8) == 0;
    c->with_target = strstr(name, "-to-vm") != NULL;
    while ((o = getopt_long(argc, argv, "+h", options, NULL)) != -1) {
        if (o == 'p')
            c->quiet = true;
        else if (o == 's')
            c->ignore_symlinks = true;
        else
            return -EINVAL;
    }
    c->target = c->with_target && optind < argc ? argv[optind++] : "@default";
    c->files = argv + optind;
    c->count = argc - optind;
    return c->count > 0 ? 0 : -EINVAL;
}

/* The agent's command line. Returns the number of arguments. */
static int agent_arguments(const struct copy *c, char **argv)
{
    int n = 0;

    argv[n++] = (char *)tool_path(AGENT);
    if (c->ignore_symlinks)
        argv[n++] = "--ignore-symlinks";
    argv[n++] = "--";
    for (int i = 0; i < c->count; i++)
        argv[n++] = c->files[i];
    argv[n] = NULL;
    return n;
}

static void run_in_vm(const struct copy *c, const char *service)
{
    char **argv = calloc((size_t)c->count + 8, sizeof(*argv));

    if (!argv)
        return;
    argv[0] = (char *)tool_path(CLIENT_VM);
    argv[1] = RING;
    argv[2] = (char *)c->target;
    argv[3] = (char *)service;
    agent_arguments(c, argv + 4);
    execv(argv[0], argv);
}

/* qrexec-client takes the local program as a shell command: every word in quotes. */
static char *quote_words(char *const argv[])
{
    struct buffer b = {0};

    for (; *argv; argv++) {
        buffer_add(&b, "'", 1);
        for (const char *p = *argv; *p; p++)
            buffer_add(&b, *p == '\'' ? "'\\''" : p, *p == '\'' ? 4 : 1);
        buffer_add(&b, "' ", 2);
    }
    return buffer_add(&b, "", 1) < 0 ? NULL : b.data;
}

static void run_in_dom0(const struct copy *c, const char *service)
{
    char **words = calloc((size_t)c->count + 4, sizeof(*words));
    char *command, *local;

    if (!words || asprintf(&command, "DEFAULT:QUBESRPC %s dom0", service) < 0)
        return;
    agent_arguments(c, words);
    local = quote_words(words);
    if (local)
        execl(tool_path(CLIENT), "qrexec-client", "-d", c->target, "-l", local, command, NULL);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static int remove_sources(const struct copy *c)
{
    int ret = 0;

    for (int i = 0; i < c->count; i++) {
        if (nftw(c->files[i], remove_one, 32, FTW_DEPTH | FTW_PHYS) == 0)
            continue;
        qlog_errno("copied, but not removed: %s", c->files[i]);
        ret = 1;
    }
    return ret;
}

static int run(const struct copy *c, const char *service)
{
    bool dom0 = access(tool_path(CLIENT_VM), X_OK) != 0;
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        if (dom0 && c->with_target)
            run_in_dom0(c, service);
        else
            run_in_vm(c, service);
        qlog_errno("cannot run qrexec");
        _exit(125);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return 125;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int survey(const struct copy *c, const char **service)
{
    bool displayable = true;
    uint64_t bytes = 0;
    char text[24];

    for (int i = 0; i < c->count; i++)
        if (pack_survey(c->files[i], &bytes, &displayable, c->ignore_symlinks) < 0)
            return -EINVAL;
    *service = displayable ? "qubes.Filecopy+" : "qubes.Filecopy+allow-all-names";
    snprintf(text, sizeof(text), "%llu", (unsigned long long)bytes);
    if (!c->quiet && isatty(2))
        setenv("FILECOPY_TOTAL_BYTES", text, 1);
    else
        unsetenv("FILECOPY_TOTAL_BYTES");
    return 0;
}

int main(int argc, char **argv)
{
    struct copy copy = {0};
    const char *service;
    int ret;

    if (parse_options(argc, argv, &copy) < 0)
        return usage(&copy);
    if (survey(&copy, &service) < 0)
        return 1;
    ret = run(&copy, service);
    if (ret == 0 && copy.move)
        ret = remove_sources(&copy);
    return ret;
}
