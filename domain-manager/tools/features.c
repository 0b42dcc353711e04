/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-features, qvm-service, qvm-tags, qvm-notes. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "client.h"
#include "commands.h"
#include "tool.h"

/* Print "name  value" of all features whose name starts with prefix; services as on/off. */
static int list_features(const char *dest, const char *prefix, bool on_off)
{
    struct answer a, v;
    if (!client_call("admin.vm.feature.List", "", dest, NULL, &a))
        return 1;
    char *text = (char *)a.text;
    size_t skip = strlen(prefix);
    for (char *line; (line = next_line(&text));) {
        if (strncmp(line, prefix, skip) != 0 || !client_call("admin.vm.feature.Get", line, dest, NULL, &v))
            continue;
        if (on_off)
            printf("%-30s %s\n", line + skip, v.text[0] && strcmp(v.text, "0") != 0 ? "on" : "off");
        else
            printf("%-30s  %s\n", line, v.text);
        answer_free(&v);
    }
    answer_free(&a);
    return 0;
}

static int print_feature(const char *dest, const char *name)
{
    struct answer a;
    if (!client_call("admin.vm.feature.Get", name, dest, NULL, &a))
        return 1;
    printf("%s\n", a.text);
    answer_free(&a);
    return 0;
}

int cmd_features(int argc, char **argv)
{
    bool unset = false;
    int done;
    const struct tool_option options[] = {{"delete", 'D', TOOL_FLAG, &unset, NULL},
                                          {"default", 0, TOOL_FLAG, &unset, NULL},
                                          {"unset", 0, TOOL_FLAG, &unset, NULL},
                                          {0}};
    if (!tool_options(argc, argv, options, false, &done))
        return done;
    int left = argc - optind;
    if (left < 1 || left > 3 || (unset && left != 2))
        return usage();
    const char *dest = argv[optind], *name = left > 1 ? argv[optind + 1] : NULL;
    if (left == 1)
        return list_features(dest, "", false);
    if (unset)
        return client_do("admin.vm.feature.Remove", name, dest, NULL) ? 0 : 1;
    if (left == 2)
        return print_feature(dest, name);
    return client_do("admin.vm.feature.Set", name, dest, argv[optind + 2]) ? 0 : 1;
}

static int set_service(const char *dest, const char *name, const char *state)
{
    char feature[256];
    bool on = strcmp(state, "on") == 0 || strcmp(state, "1") == 0 || strcmp(state, "enable") == 0;
    bool off = strcmp(state, "off") == 0 || strcmp(state, "0") == 0 || strcmp(state, "disable") == 0;
    snprintf(feature, sizeof feature, "service.%s", name);
    if (strcmp(state, "default") == 0)
        return client_do("admin.vm.feature.Remove", feature, dest, NULL) ? 0 : 1;
    if (!on && !off)
        return usage();
    return client_do("admin.vm.feature.Set", feature, dest, on ? "1" : "") ? 0 : 1;
}

int cmd_service(int argc, char **argv)
{
    const char *state = NULL;
    bool list = false;
    int done;
    char feature[256];
    const struct tool_option options[] = {{"list", 'l', TOOL_FLAG, &list, NULL},
                                          {"enable", 'e', TOOL_CONST, &state, "on"},
                                          {"disable", 'd', TOOL_CONST, &state, "off"},
                                          {"default", 'D', TOOL_CONST, &state, "default"},
                                          {"delete", 0, TOOL_CONST, &state, "default"},
                                          {"unset", 0, TOOL_CONST, &state, "default"},
                                          {0}};
    if (!tool_options(argc, argv, options, false, &done))
        return done;
    int left = argc - optind;
    if (left < 1 || left > 3)
        return usage();
    const char *dest = argv[optind];
    if (left == 1)
        return state ? usage() : list_features(dest, "service.", true);
    if (state && !list)
        return left == 2 ? set_service(dest, argv[optind + 1], state) : usage();
    if (left == 3)
        return set_service(dest, argv[optind + 1], argv[optind + 2]);
    struct answer a;
    snprintf(feature, sizeof feature, "service.%s", argv[optind + 1]);
    if (!client_call("admin.vm.feature.Get", feature, dest, NULL, &a))
        return 1;
    printf("%s\n", a.text[0] && strcmp(a.text, "0") != 0 ? "on" : "off");
    answer_free(&a);
    return 0;
}

static int list_tags(const char *dest, const char *tag)
{
    struct answer a;
    if (!client_call(tag ? "admin.vm.tag.Get" : "admin.vm.tag.List", tag, dest, NULL, &a))
        return 1;
    int st = tag && strcmp(a.text, "1") != 0;
    if (!st)
        printf("%s%s", tag ? tag : a.text, tag ? "\n" : "");
    answer_free(&a);
    return st;
}

int cmd_tags(int argc, char **argv)
{
    int done, st = 0;
    if (!tool_options(argc, argv, tool_no_options, false, &done))
        return done;
    int left = argc - optind;
    if (left < 1)
        return usage();
    const char *dest = argv[optind], *verb = left > 1 ? argv[optind + 1] : "list";
    bool add = strcmp(verb, "add") == 0 || strcmp(verb, "set") == 0 || strcmp(verb, "a") == 0;
    bool del = strcmp(verb, "del") == 0 || strcmp(verb, "unset") == 0 || strcmp(verb, "d") == 0;
    if (strcmp(verb, "list") == 0 || strcmp(verb, "ls") == 0 || strcmp(verb, "l") == 0)
        return left > 3 ? usage() : list_tags(dest, left == 3 ? argv[optind + 2] : NULL);
    if ((!add && !del) || left < 3)
        return usage();
    for (int i = optind + 2; i < argc; i++)
        st |= !client_do(add ? "admin.vm.tag.Set" : "admin.vm.tag.Remove", argv[i], dest, NULL);
    return st;
}

int cmd_notes(int argc, char **argv)
{
    const char *text = NULL;
    int done;
    const struct tool_option options[] = {{"print", 'p', TOOL_FLAG, NULL, NULL},
                                          {"set", 's', TOOL_TEXT, &text, NULL},
                                          {"delete", 'D', TOOL_CONST, &text, ""},
                                          {0}};
    if (!tool_options(argc, argv, options, false, &done))
        return done;
    if (optind + 1 != argc)
        return usage();
    if (text)
        return client_do("admin.vm.notes.Set", "", argv[optind], text) ? 0 : 1;
    struct answer a;
    if (!client_call("admin.vm.notes.Get", "", argv[optind], NULL, &a))
        return 1;
    if (a.text[0])
        printf("%s\n", a.text);
    answer_free(&a);
    return 0;
}
