/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-template: template packages are RPMs named bulkhead-template-NAME (or qubes-template-NAME) that put
 * root.img into the templates directory; rpm checks signatures and files, the manager registers what is
 * there. */
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

static int execute(char *const *argv)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        execvp(argv[0], argv);
        complain("%s: %s", argv[0], strerror(errno));
        _exit(127);
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return pid > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static int list(void)
{
    struct answer a;
    if (!client_call("bulkhead.vm.Table", "", "dom0", "name,class,installed_by_rpm,root-curr,state", &a))
        return 1;
    char *text = (char *)a.text;
    printf("%-32s  %-9s  %8s  %s\n", "NAME", "PACKAGE", "MIB", "STATE");
    for (char *line; (line = next_line(&text));) {
        const char *name = strsep(&line, "\t"), *klass = strsep(&line, "\t"), *rpm = strsep(&line, "\t");
        const char *size = strsep(&line, "\t");
        if (strcmp(klass, "TemplateVM") == 0)
            printf("%-32s  %-9s  %8s  %s\n", name, strcmp(rpm, "True") == 0 ? "yes" : "no", size, line);
    }
    answer_free(&a);
    return 0;
}

static int install(int n, char **files, bool again, bool no_check)
{
    char **argv = calloc((size_t)n + 9, sizeof *argv);
    int i = 0;
    if (!argv || n < 1)
        return usage();
    argv[i++] = "rpm";
    argv[i++] = again ? "-U" : "-i";
    if (isatty(STDOUT_FILENO) && !tool_quiet)
        argv[i++] = "-vh"; /* rpm's own bar */
    if (again)
        argv[i++] = "--replacepkgs";
    if (no_check)
        argv[i++] = "--nosignature";
    else
        argv[i++] = "--define=_pkgverify_level all"; /* else rpm takes unsigned packages */
    for (int f = 0; f < n; f++)
        argv[i++] = files[f];
    int st = execute(argv);
    free(argv);
    if (st != 0) {
        complain("nothing was installed");
        return 1;
    }
    return client_do("bulkhead.template.Scan", "", "dom0", NULL) ? 0 : 1;
}

static bool is_packaged(const char *name)
{
    struct answer a;
    bool yes =
        client_call("admin.vm.property.Get", "installed_by_rpm", name, NULL, &a) && strstr(a.text, "True");
    answer_free(&a);
    return yes;
}

static int remove_one(const char *name)
{
    char package[128];
    struct answer a;
    bool packaged = is_packaged(name);
    if (!client_call("admin.vm.Remove", "", name, NULL, &a)) {
        answer_free(&a);
        return 1;
    }
    answer_free(&a);
    if (!packaged)
        return 0;
    snprintf(package, sizeof package, "bulkhead-template-%s", name);
    char *ask[] = {"rpm", "-q", "--quiet", package, NULL};
    char *erase[] = {"rpm", "-e", package, NULL};
    return execute(ask) == 0 ? execute(erase) : 0; /* one that came without a package is gone already */
}

static int info(const char *name)
{
    struct answer a;
    if (!client_call("admin.vm.volume.Info", "root", name, NULL, &a))
        return 1;
    printf("Name: %s\n%s", name, a.text);
    answer_free(&a);
    return 0;
}

int cmd_template(int argc, char **argv)
{
    int done, st = 0;
    bool no_check = false;
    const struct tool_option options[] = {{"nogpgcheck", 0, TOOL_FLAG, &no_check, NULL},
                                          {"installed", 0, TOOL_FLAG, NULL, NULL},
                                          {"yes", 'y', TOOL_FLAG, NULL, NULL},
                                          {"pool", 0, TOOL_TEXT, NULL, NULL},
                                          {0}};
    if (!tool_options(argc, argv, options, false, &done))
        return done;
    if (optind == argc)
        return usage();
    const char *verb = argv[optind++];
    int n = argc - optind;
    if (strcmp(verb, "list") == 0)
        return list();
    if (strcmp(verb, "install") == 0 || strcmp(verb, "reinstall") == 0 || strcmp(verb, "upgrade") == 0)
        return install(n, argv + optind, verb[0] != 'i', no_check);
    if (n < 1)
        return usage();
    if (strcmp(verb, "info") == 0)
        return info(argv[optind]);
    if (strcmp(verb, "remove") != 0 && strcmp(verb, "purge") != 0)
        return usage();
    for (int i = 0; i < n; i++)
        st |= remove_one(argv[optind + i]);
    return st;
}
