/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-create, qvm-clone, qvm-remove. */
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client.h"
#include "commands.h"
#include "tool.h"

struct create {
    const char *klass, *template_name, *label, *root_file, *name;
    struct names properties;
};

static int help_classes(void)
{
    struct answer a;
    if (!client_call("admin.vmclass.List", "", "dom0", NULL, &a))
        return 1;
    fputs(a.text, stdout);
    answer_free(&a);
    return 0;
}

static bool set_properties(const struct create *c)
{
    for (size_t i = 0; i < c->properties.n; i++) {
        char *text = c->properties.v[i], *equals = strchr(text, '=');
        *equals = 0;
        if (!client_do("admin.vm.property.Set", text, c->name, equals + 1))
            return false;
    }
    return true;
}

static bool import_root(const char *name, const char *path)
{
    struct stat st = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool ok = fd >= 0 && fstat(fd, &st) == 0;
    if (!ok)
        complain("%s: %m", path);
    ok = ok && client_import("root", name, fd, (unsigned long long)st.st_size);
    if (fd >= 0)
        close(fd);
    return ok;
}

/* All or nothing: what a later step refuses is removed again. */
static int create(const struct create *c)
{
    char method[64], payload[256];
    snprintf(method, sizeof method, "admin.vm.Create.%s", c->klass);
    snprintf(payload, sizeof payload, "name=%s%s%s", c->name, c->label ? " label=" : "",
             c->label ? c->label : "");
    struct answer a;
    bool made = client_copy(method, c->template_name, "dom0", payload, c->name, &a);
    answer_free(&a);
    if (!made)
        return 1;
    if (set_properties(c) && (!c->root_file || import_root(c->name, c->root_file)))
        return 0;
    client_do("admin.vm.Remove", "", c->name, NULL);
    return 1;
}

/* A pool is named POOL or VOLUME=POOL, and there is one. */
static bool check_pools(const struct names *pools)
{
    for (size_t i = 0; i < pools->n; i++) {
        const char *equals = strchr(pools->v[i], '=');
        if (strcmp(equals ? equals + 1 : pools->v[i], "file") != 0) {
            complain("there is no pool \"%s\"; volumes are in pool file", pools->v[i]);
            return false;
        }
    }
    return true;
}

/* The template is part of the creation, all other properties are set after it. */
static bool sort_properties(struct create *c, const struct names *given)
{
    for (size_t i = 0; i < given->n; i++) {
        const char *text = given->v[i];
        if (!strchr(text, '='))
            return false;
        if (strncmp(text, "template=", strlen("template=")) != 0)
            names_add(&c->properties, text);
        else if (!c->template_name)
            c->template_name = text + strlen("template=");
    }
    return true;
}

int cmd_create(int argc, char **argv)
{
    struct create c = {.klass = "AppVM"};
    struct names properties = {0}, pools = {0};
    bool classes = false;
    int done;
    const struct tool_option options[] = {{"class", 'C', TOOL_TEXT, &c.klass, NULL},
                                          {"standalone", 0, TOOL_CONST, &c.klass, "StandaloneVM"},
                                          {"disp", 0, TOOL_CONST, &c.klass, "DispVM"},
                                          {"template", 't', TOOL_TEXT, &c.template_name, NULL},
                                          {"label", 'l', TOOL_TEXT, &c.label, NULL},
                                          {"prop", 0, TOOL_NAMES, &properties, NULL},
                                          {"property", 0, TOOL_NAMES, &properties, NULL},
                                          {"pool", 'P', TOOL_NAMES, &pools, NULL},
                                          {"vol-pool", 'p', TOOL_NAMES, &pools, NULL},
                                          {"root-copy-from", 'r', TOOL_TEXT, &c.root_file, NULL},
                                          {"root-move-from", 0, TOOL_TEXT, &c.root_file, NULL},
                                          {"help-classes", 0, TOOL_FLAG, &classes, NULL},
                                          {0}};
    if (!tool_options(argc, argv, options, false, &done))
        return done;
    if (classes)
        return help_classes();
    if (!sort_properties(&c, &properties) || optind + 1 != argc)
        return usage();
    if (!check_pools(&pools))
        return 1;
    c.name = argv[optind];
    if (!c.label && strcmp(c.klass, "DispVM") != 0) {
        complain("a label is needed: -l red, orange, yellow, green, gray, blue, purple or black");
        return EXIT_USAGE;
    }
    return create(&c);
}

/* A clone is of its source's class; asking for another one must not be answered by something else. */
static bool has_class(const char *name, const char *klass)
{
    struct answer a;
    if (!client_call("admin.vm.property.Get", "klass", name, NULL, &a))
        return false;
    const char *word = strrchr(a.text, ' ');
    bool same = word && strcmp(word + 1, klass) == 0;
    if (!same)
        complain("%s is no %s, and a clone is of the same class as its source", name, klass);
    answer_free(&a);
    return same;
}

int cmd_clone(int argc, char **argv)
{
    const char *klass = NULL;
    struct names pools = {0};
    int done;
    const struct tool_option options[] = {{"class", 'C', TOOL_TEXT, &klass, NULL},
                                          {"pool", 'P', TOOL_NAMES, &pools, NULL},
                                          {"vol-pool", 'p', TOOL_NAMES, &pools, NULL},
                                          {"ignore-errors", 0, TOOL_FLAG, NULL, NULL},
                                          {0}};
    if (!tool_options(argc, argv, options, false, &done))
        return done;
    if (optind + 2 != argc)
        return usage();
    if (!check_pools(&pools) || (klass && !has_class(argv[optind], klass)))
        return 1;
    struct answer a;
    bool ok = client_copy("bulkhead.vm.Clone", argv[optind + 1], argv[optind], NULL, argv[optind + 1], &a);
    answer_free(&a);
    return ok ? 0 : 1;
}

static bool confirm_removal(const struct names *names)
{
    fprintf(stderr, "This will completely remove the selected VM(s)…\n");
    for (size_t i = 0; i < names->n; i++)
        fprintf(stderr, "  %s\n", names->v[i]);
    return confirm("Are you sure?");
}

int cmd_remove(int argc, char **argv)
{
    struct names names = {0}, exclude = {0};
    bool force = false, all = false;
    int done, st = 0;
    const struct tool_option options[] = {{"force", 'f', TOOL_FLAG, &force, NULL},
                                          {"all", 0, TOOL_FLAG, &all, NULL},
                                          {"exclude", 0, TOOL_NAMES, &exclude, NULL},
                                          {0}};
    if (!tool_options(argc, argv, options, false, &done))
        return done;
    if (all ? optind != argc : optind == argc)
        return usage();
    for (int i = optind; i < argc; i++)
        names_add(&names, argv[i]);
    if (all && !names_all(&names, &exclude))
        return 1;
    if (!force && !confirm_removal(&names))
        return 1;
    for (size_t i = 0; i < names.n; i++)
        st |= !client_do("admin.vm.Remove", "", names.v[i], NULL);
    names_free(&names);
    names_free(&exclude);
    return st;
}
