/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-label: the colours that domains can have. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "client.h"
#include "commands.h"
#include "tool.h"

static int list(void)
{
    struct answer names;
    int st = 0;
    if (!client_call("admin.label.List", "", "dom0", NULL, &names))
        return 1;
    char *text = (char *)names.text;
    printf("%-31s  COLOR\n", "NAME");
    for (char *name; (name = next_line(&text));) {
        struct answer colour;
        if (client_call("admin.label.Get", name, "dom0", NULL, &colour))
            printf("%-31s  %s\n", name, colour.text);
        else
            st = 1;
        answer_free(&colour);
    }
    answer_free(&names);
    return st;
}

int cmd_label(int argc, char **argv)
{
    int done;
    if (!tool_options(argc, argv, tool_no_options, false, &done))
        return done;
    const char *const *words = (const char *const *)argv + optind;
    int n = argc - optind;
    if (n == 0 || (n == 1 && strcmp(words[0], "list") == 0))
        return list();
    if (n == 3 && strcmp(words[0], "create") == 0)
        return client_do("admin.label.Create", words[1], "dom0", words[2]) ? 0 : 1;
    if (n == 2 && strcmp(words[0], "remove") == 0)
        return client_do("admin.label.Remove", words[1], "dom0", NULL) ? 0 : 1;
    return usage();
}
