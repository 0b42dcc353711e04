/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-prefs and qubes-prefs. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "client.h"
#include "commands.h"
#include "tool.h"

struct prefs {
    const char *prefix; /* "admin.vm.property." or "admin.property." */
    const char *dest;
    bool unset, hide_default;
};

/* "default=True type=str VALUE" → VALUE; *is_default. */
static char *value_of(char *text, bool *is_default)
{
    *is_default = strncmp(text, "default=True", 12) == 0;
    for (int i = 0; i < 2 && text; i++) {
        text = strchr(text, ' ');
        text = text ? text + 1 : NULL;
    }
    return text ? text : "";
}

static int list(const struct prefs *p)
{
    char method[64];
    struct answer a;
    snprintf(method, sizeof method, "%sGetAll", p->prefix);
    if (!client_call(method, "", p->dest, NULL, &a))
        return 1;
    char *text = (char *)a.text;
    for (char *line; (line = next_line(&text));) {
        char *space = strchr(line, ' ');
        bool is_default;
        if (!space)
            continue;
        *space = 0;
        const char *value = value_of(space + 1, &is_default);
        if (!p->hide_default || !is_default)
            printf("%-24s  %c  %s\n", line, is_default ? 'D' : '-', value[0] ? value : "None");
    }
    answer_free(&a);
    return 0;
}

static int get(const struct prefs *p, const char *name)
{
    char method[64];
    struct answer a;
    bool is_default;
    snprintf(method, sizeof method, "%sGet", p->prefix);
    if (!client_call(method, name, p->dest, NULL, &a))
        return 1;
    printf("%s\n", value_of((char *)a.text, &is_default));
    answer_free(&a);
    return 0;
}

static int help_properties(const struct prefs *p)
{
    char method[64];
    struct answer a, help;
    snprintf(method, sizeof method, "%sList", p->prefix);
    if (!client_call(method, "", "dom0", NULL, &a))
        return 1;
    snprintf(method, sizeof method, "%sHelp", p->prefix);
    char *text = (char *)a.text;
    for (char *line; (line = next_line(&text));) {
        if (client_call(method, line, "dom0", NULL, &help))
            printf("%s\n        %s\n", line, help.text);
        answer_free(&help);
    }
    answer_free(&a);
    return 0;
}

static int run(struct prefs *p, int argc, char **argv, bool with_name)
{
    int done;
    char method[64];
    bool explain = false;
    const struct tool_option options[] = {{"default", 'D', TOOL_FLAG, &p->unset, NULL},
                                          {"unset", 0, TOOL_FLAG, &p->unset, NULL},
                                          {"delete", 0, TOOL_FLAG, &p->unset, NULL},
                                          {"hide-default", 0, TOOL_FLAG, &p->hide_default, NULL},
                                          {"help-properties", 0, TOOL_FLAG, &explain, NULL},
                                          {"get", 'g', TOOL_FLAG, NULL, NULL},
                                          {"set", 's', TOOL_FLAG, NULL, NULL},
                                          {"list", 'l', TOOL_FLAG, NULL, NULL},
                                          {0}};
    if (!tool_options(argc, argv, options, false, &done))
        return done;
    if (explain)
        return help_properties(p);
    if (with_name && optind == argc)
        return usage();
    if (with_name)
        p->dest = argv[optind++];
    int left = argc - optind;
    if (left > 2 || (p->unset && left != 1))
        return usage();
    if (left == 0)
        return list(p);
    if (left == 1 && !p->unset)
        return get(p, argv[optind]);
    snprintf(method, sizeof method, "%s%s", p->prefix, p->unset ? "Reset" : "Set");
    return client_do(method, argv[optind], p->dest, p->unset ? NULL : argv[optind + 1]) ? 0 : 1;
}

int cmd_prefs(int argc, char **argv)
{
    struct prefs p = {.prefix = "admin.vm.property."};
    return run(&p, argc, argv, true);
}

int cmd_system_prefs(int argc, char **argv)
{
    struct prefs p = {.prefix = "admin.property.", .dest = "dom0"};
    return run(&p, argc, argv, false);
}
