/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-create, qvm-clone, qvm-remove. */
#include <fcntl.h>
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
    if (!client_do(method, c->template_name, "dom0", payload))
        return 1;
    if (set_properties(c) && (!c->root_file || import_root(c->name, c->root_file)))
        return 0;
    client_do("admin.vm.Remove", "", c->name, NULL);
    return 1;
}

static const char *dup_template; /* --prop template=… */

int cmd_create(int argc, char **argv)
{
    static const struct option longs[] = {{"class", 1, NULL, 'C'},
                                          {"standalone", 0, NULL, 'S'},
                                          {"disp", 0, NULL, 'D'},
                                          {"template", 1, NULL, 't'},
                                          {"label", 1, NULL, 'l'},
                                          {"prop", 1, NULL, 'x'},
                                          {"property", 1, NULL, 'x'},
                                          {"pool", 1, NULL, 'P'},
                                          {"vol-pool", 1, NULL, 'p'},
                                          {"root-copy-from", 1, NULL, 'r'},
                                          {"root-move-from", 1, NULL, 'r'},
                                          {"help-classes", 0, NULL, 'H'},
                                          {0}};
    struct create c = {.klass = "AppVM"};
    int done, o;
    while ((o = tool_getopt(argc, argv, "C:t:l:P:p:r:", longs, &done)) != -1)
        switch (o) {
        case 'C':
            c.klass = optarg;
            break;
        case 'S':
            c.klass = "StandaloneVM";
            break;
        case 'D':
            c.klass = "DispVM";
            break;
        case 't':
            c.template_name = optarg;
            break;
        case 'l':
            c.label = optarg;
            break;
        case 'r':
            c.root_file = optarg;
            break;
        case 'H':
            return help_classes();
        case 'x':
            if (!strchr(optarg, '='))
                return usage();
            if (strncmp(optarg, "template=", 9) == 0)
                dup_template = optarg + 9;
            else
                names_add(&c.properties, optarg);
            break;
        default: /* one pool */
            if (strcmp(strchr(optarg, '=') ? strchr(optarg, '=') + 1 : optarg, "file") != 0) {
                complain("there is no pool \"%s\"; volumes are in pool file", optarg);
                return 1;
            }
        }
    if (done >= 0)
        return done;
    c.template_name = c.template_name ? c.template_name : dup_template;
    if (optind + 1 != argc)
        return usage();
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
    static const struct option longs[] = {{"class", 1, NULL, 'C'},
                                          {"pool", 1, NULL, 'P'},
                                          {"ignore-errors", 0, NULL, 'i'},
                                          {"vol-pool", 1, NULL, 'p'},
                                          {0}};
    const char *klass = NULL;
    int done, o;
    while ((o = tool_getopt(argc, argv, "C:P:p:", longs, &done)) != -1)
        klass = o == 'C' ? optarg : klass;
    if (done >= 0)
        return done;
    if (optind + 2 != argc)
        return usage();
    if (klass && !has_class(argv[optind], klass))
        return 1;
    return client_do("bulkhead.vm.Clone", argv[optind + 1], argv[optind], NULL) ? 0 : 1;
}

static bool confirm(const struct names *names)
{
    char line[16] = "";
    fprintf(stderr, "This will completely remove the selected VM(s)…\n");
    for (size_t i = 0; i < names->n; i++)
        fprintf(stderr, "  %s\n", names->v[i]);
    fprintf(stderr, "Are you sure? [y/N] ");
    return fgets(line, sizeof line, stdin) && (line[0] == 'y' || line[0] == 'Y');
}

int cmd_remove(int argc, char **argv)
{
    static const struct option longs[] = {
        {"force", 0, NULL, 'f'}, {"all", 0, NULL, 'A'}, {"exclude", 1, NULL, 'X'}, {0}};
    struct names names = {0}, exclude = {0};
    bool force = false, all = false;
    int done, o, st = 0;
    while ((o = tool_getopt(argc, argv, "f", longs, &done)) != -1)
        switch (o) {
        case 'f':
            force = true;
            break;
        case 'A':
            all = true;
            break;
        default:
            names_add(&exclude, optarg);
        }
    if (done >= 0)
        return done;
    if (all ? optind != argc : optind == argc)
        return usage();
    for (int i = optind; i < argc; i++)
        names_add(&names, argv[i]);
    if (all && !names_all(&names, &exclude))
        return 1;
    if (!force && !confirm(&names))
        return 1;
    for (size_t i = 0; i < names.n; i++)
        st |= !client_do("admin.vm.Remove", "", names.v[i], NULL);
    names_free(&names);
    names_free(&exclude);
    return st;
}
