/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-appmenus: the applications of a domain. --update asks its qubes.GetAppmenus; --receive takes the list
 * on stdin (dom0's qubes.SyncAppMenus service). */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"
#include "commands.h"
#include "tool.h"

#define LIST_MAX (256 * 1024)

static int list(const char *name)
{
    struct answer a;
    if (!client_call("bulkhead.vm.appmenus.Get", "", name, NULL, &a))
        return 1;
    char *text = (char *)a.text;
    for (char *line; (line = next_line(&text));) {
        char *id = strsep(&line, "\t"), *title = strsep(&line, "\t");
        printf("%-32s  %s\n", id, title ? title : "");
    }
    answer_free(&a);
    return 0;
}

static bool read_all(int fd, char *to, size_t size)
{
    size_t done = 0;
    for (ssize_t n;
         done + 1 < size && ((n = read(fd, to + done, size - 1 - done)) > 0 || (n < 0 && errno == EINTR));)
        done += n > 0 ? (size_t)n : 0;
    to[done] = 0;
    return done > 0 && strlen(to) == done;
}

static int store(const char *name, int fd)
{
    static char text[LIST_MAX];
    if (!read_all(fd, text, sizeof text)) {
        complain("%s sent no list of applications", name);
        return 1;
    }
    return client_do("bulkhead.vm.appmenus.Set", "", name, text) ? 0 : 1;
}

static int update(const char *name)
{
    const char *set = getenv("QREXEC_CLIENT"), *client = set ? set : "qrexec-client";
    int pipes[2], status = 0;
    if (!client_do("admin.vm.Start", "", name, NULL) || pipe(pipes) < 0)
        return 1;
    pid_t pid = fork();
    if (pid == 0) {
        dup2(pipes[1], 1);
        close(pipes[0]);
        execlp(client, client, "-d", name, "DEFAULT:QUBESRPC qubes.GetAppmenus dom0", (char *)NULL);
        _exit(125);
    }
    close(pipes[1]);
    int st = store(name, pipes[0]);
    close(pipes[0]);
    waitpid(pid, &status, 0);
    return st;
}

int cmd_appmenus(int argc, char **argv)
{
    struct names names = {0}, none = {0};
    const char *action = strcmp(tool_name, "qvm-sync-appmenus") == 0 ? "update" : "list";
    bool all = false;
    int done, st = 0;
    const struct tool_option options[] = {{"list", 'l', TOOL_CONST, &action, "list"},
                                          {"get-available", 0, TOOL_CONST, &action, "list"},
                                          {"update", 0, TOOL_CONST, &action, "update"},
                                          {"receive", 0, TOOL_CONST, &action, "receive"},
                                          {"all", 0, TOOL_FLAG, &all, NULL},
                                          {0}};
    if (!tool_options(argc, argv, options, false, &done))
        return done;
    for (int i = optind; i < argc; i++)
        names_add(&names, argv[i]);
    if (all && !names_all(&names, &none))
        return 1;
    if (!names.n)
        return usage();
    for (size_t i = 0; i < names.n; i++)
        st |= action[0] == 'u'   ? update(names.v[i])
              : action[0] == 'r' ? store(names.v[i], 0)
                                 : list(names.v[i]);
    return st;
}
