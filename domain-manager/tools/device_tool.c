/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-device and qvm-block: block devices of dom0 for domains. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "commands.h"
#include "tool.h"

#define METHOD "admin.vm.device.block."

/* The value of KEY='VALUE' in a line of an answer. */
static const char *value_of(const char *line, const char *key, char *to, size_t size)
{
    char pattern[32];
    snprintf(pattern, sizeof pattern, " %s='", key);
    const char *from = strstr(line, pattern);
    from = from ? from + strlen(pattern) : "";
    snprintf(to, size, "%.*s", (int)strcspn(from, "'"), from);
    return to;
}

static void print_row(const char *device, const char *what, const char *user)
{
    printf("%-20s  %-40s  %s\n", device, what, user);
}

static void list_free(void)
{
    struct answer a;
    if (client_call(METHOD "Available", "", "dom0", NULL, &a)) {
        char *text = (char *)a.text, device[64], what[128], description[80], size[32];
        for (char *line; (line = next_line(&text));) {
            snprintf(device, sizeof device, "dom0:%.*s", (int)strcspn(line, " "), line);
            unsigned long long bytes = strtoull(value_of(line, "size", size, sizeof size), NULL, 10);
            snprintf(what, sizeof what, "%llu MiB %s", bytes >> 20,
                     value_of(line, "desc", description, sizeof description));
            print_row(device, what, "");
        }
    }
    answer_free(&a);
}

/* Attached or Assigned ones of one domain. */
static void list_of(const char *name, const char *method, const char *word)
{
    struct answer a;
    if (client_call(method, "", name, NULL, &a)) {
        char *text = (char *)a.text, device[64], user[96];
        for (char *line; (line = next_line(&text));) {
            size_t identity = strcspn(line, " ");
            const char *options = line[identity] ? line + identity + 1 : "";
            snprintf(device, sizeof device, "dom0:%.*s", (int)identity - (int)strlen("dom0+"),
                     line + strlen("dom0+"));
            snprintf(user, sizeof user, "%s (%s)", name, word);
            print_row(device, options, user);
        }
    }
    answer_free(&a);
}

static int list(const struct names *given, const char *payload)
{
    struct names all = {0}, none = {0};
    (void)payload;
    if (!given->n && !names_all(&all, &none))
        return 1;
    const struct names *names = given->n ? given : &all;
    print_row("BACKEND:DEVID", "DESCRIPTION", "USED BY");
    if (!given->n)
        list_free();
    for (size_t i = 0; i < names->n; i++) {
        list_of(names->v[i], METHOD "Attached", "attached");
        list_of(names->v[i], METHOD "Assigned", "assigned");
    }
    names_free(&all);
    return 0;
}

/* "dom0:sdb" as the methods' arguments have it, "dom0+sdb". */
static int change(const char *method, const char *domain, const char *device, const char *payload)
{
    char argument[128];
    snprintf(argument, sizeof argument, "%s", device);
    char *colon = strchr(argument, ':');
    if (colon)
        *colon = '+';
    return client_do(method, argument, domain, payload) ? 0 : 1;
}

static int attach(const struct names *n, const char *payload)
{
    return change(METHOD "Attach", n->v[0], n->v[1], payload);
}

static int detach(const struct names *n, const char *payload)
{
    (void)payload;
    return change(METHOD "Detach", n->v[0], n->v[1], NULL);
}

static int assign(const struct names *n, const char *payload)
{
    return change(METHOD "Assign", n->v[0], n->v[1], payload);
}

static int unassign(const struct names *n, const char *payload)
{
    (void)payload;
    return change(METHOD "Unassign", n->v[0], n->v[1], NULL);
}

static const struct verb {
    const char *name;
    int (*run)(const struct names *words, const char *payload);
    size_t min, max; /* number of words after it */
} verbs[] = {
    {"list", list, 0, 1000},  {"ls", list, 0, 1000}, {"attach", attach, 2, 2}, {"a", attach, 2, 2},
    {"detach", detach, 2, 2}, {"d", detach, 2, 2},   {"assign", assign, 2, 2}, {"unassign", unassign, 2, 2},
};

int cmd_device(int argc, char **argv)
{
    bool read_only = false, required = false;
    struct names options_given = {0}, words = {0};
    char payload[256] = "";
    int done;
    const struct tool_option options[] = {{"ro", 0, TOOL_FLAG, &read_only, NULL},
                                          {"required", 0, TOOL_FLAG, &required, NULL},
                                          {"option", 'o', TOOL_NAMES, &options_given, NULL},
                                          {0}};
    if (!tool_options(argc, argv, options, false, &done))
        return done;
    if (strcmp(tool_name, "qvm-device") == 0 && optind < argc && strcmp(argv[optind++], "block") != 0) {
        complain("there is one class of devices: block");
        return 1;
    }
    const char *verb = optind < argc ? argv[optind] : "list";
    for (int i = optind + 1; i < argc; i++)
        names_add(&words, argv[i]);
    if (read_only)
        names_add(&options_given, "read-only=yes");
    if (required)
        names_add(&options_given, "required=yes");
    for (size_t i = 0, at = 0; i < options_given.n && at < sizeof payload; i++)
        at += (size_t)snprintf(payload + at, sizeof payload - at, "%s%s", i ? " " : "", options_given.v[i]);
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (strcmp(verb, verbs[i].name) == 0 && words.n >= verbs[i].min && words.n <= verbs[i].max)
            return verbs[i].run(&words, payload);
    return usage();
}
