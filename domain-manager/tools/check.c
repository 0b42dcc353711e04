/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-check: exit 0 when the named domains exist and are as asked. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "client.h"
#include "commands.h"
#include "tool.h"

struct check {
    bool running, paused, template, networked;
};

/* cells: state, class, netvm */
static bool matches(const struct check *c, const char *state, const char *klass, const char *netvm)
{
    return (!c->running || strcmp(state, "Running") == 0 || strcmp(state, "Paused") == 0) &&
           (!c->paused || strcmp(state, "Paused") == 0) &&
           (!c->template || strcmp(klass, "TemplateVM") == 0) && (!c->networked || strcmp(netvm, "-") != 0);
}

int cmd_check(int argc, char **argv)
{
    struct check c = {0};
    struct names names = {0}, exclude = {0};
    struct answer a;
    bool all = false;
    int done;
    const struct tool_option options[] = {{"running", 0, TOOL_FLAG, &c.running, NULL},
                                          {"paused", 0, TOOL_FLAG, &c.paused, NULL},
                                          {"template", 0, TOOL_FLAG, &c.template, NULL},
                                          {"networked", 0, TOOL_FLAG, &c.networked, NULL},
                                          {"all", 0, TOOL_FLAG, &all, NULL},
                                          {"exclude", 0, TOOL_NAMES, &exclude, NULL},
                                          {0}};
    if (!tool_options(argc, argv, options, false, &done))
        return done;
    for (int i = optind; i < argc; i++)
        names_add(&names, argv[i]);
    if (!names.n && !all)
        return usage();
    if (!client_call("bulkhead.vm.Table", "", "dom0", "name,state,class,netvm", &a))
        return 1;
    size_t found = 0;
    char *text = (char *)a.text;
    for (char *line; (line = next_line(&text));) {
        const char *name = strsep(&line, "\t"), *state = strsep(&line, "\t"), *klass = strsep(&line, "\t");
        if ((all ? names_have(&exclude, name) : !names_have(&names, name)) ||
            !matches(&c, state, klass, line))
            continue;
        if (tool_verbose)
            printf("%s\n", name);
        found++;
    }
    answer_free(&a);
    return all ? !found : found != names.n;
}
