/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-volume and qvm-pool. */
#include <errno.h>
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

/* "NAME:VOLUME" in place. */
static const char *split_volume(char *text)
{
    char *colon = strchr(text, ':');
    if (!colon || !colon[1]) {
        complain("\"%s\": a volume is written NAME:VOLUME, for example work:private", text);
        return NULL;
    }
    *colon = 0;
    return colon + 1;
}

static bool has_snapshots(const char *domain, const char *volume)
{
    struct answer a;
    bool has = client_call("admin.vm.volume.ListSnapshots", volume, domain, NULL, &a) && a.text[0];
    answer_free(&a);
    return has;
}

static void list_domain(const char *domain)
{
    struct answer a;
    if (client_call("admin.vm.volume.List", "", domain, NULL, &a)) {
        char *text = (char *)a.text, pool[128];
        for (char *line; (line = next_line(&text));) {
            snprintf(pool, sizeof pool, "file:%s/%s", domain, line);
            printf("%-44s  %-20s  %-12s  %s\n", pool, domain, line,
                   has_snapshots(domain, line) ? "Yes" : "No");
        }
    }
    answer_free(&a);
}

static int list(int argc, char **argv)
{
    struct names names = {0}, none = {0};
    for (int i = 0; i < argc; i++)
        names_add(&names, argv[i]);
    if (!names.n && !names_all(&names, &none))
        return 1;
    printf("%-44s  %-20s  %-12s  %s\n", "POOL:VOLUME", "VMNAME", "VOLUME_NAME", "REVERT_POSSIBLE");
    for (size_t i = 0; i < names.n; i++)
        list_domain(names.v[i]);
    names_free(&names);
    return 0;
}

static void print_revisions(const char *domain, const char *volume)
{
    struct answer a;
    if (client_call("admin.vm.volume.ListSnapshots", volume, domain, NULL, &a)) {
        char *text = (char *)a.text;
        printf("%s\n",
               a.text[0] ? "Available revisions (for revert):" : "Available revisions (for revert): none");
        for (char *line; (line = next_line(&text));)
            printf("  %s\n", line);
    }
    answer_free(&a);
}

static int info(int argc, char **argv)
{
    const char *volume = split_volume(argv[0]);
    struct answer a;
    int st = argc > 1;
    if (!volume || !client_call("admin.vm.volume.Info", volume, argv[0], NULL, &a))
        return 1;
    char *text = (char *)a.text;
    for (char *line; (line = next_line(&text));) {
        char *equals = strchr(line, '=');
        *equals = 0;
        if (argc == 1)
            printf("%-18s %s\n", line, equals + 1);
        else if (strcmp(line, argv[1]) == 0)
            st = printf("%s\n", equals + 1) < 0;
    }
    if (argc == 1)
        print_revisions(argv[0], volume);
    else if (st)
        complain("volume %s has no property \"%s\"", volume, argv[1]);
    answer_free(&a);
    return st;
}

static int config(int argc, char **argv)
{
    const char *volume = split_volume(argv[0]);
    (void)argc;
    if (!volume)
        return 1;
    if (strcmp(argv[1], "revisions_to_keep") != 0) {
        complain("property \"%s\" cannot be set; revisions_to_keep can", argv[1]);
        return 1;
    }
    return client_do("admin.vm.volume.Set.revisions_to_keep", volume, argv[0], argv[2]) ? 0 : 1;
}

static int change(const char *method, int argc, char **argv)
{
    const char *volume = split_volume(argv[0]);
    struct answer a = {0};
    bool ok = volume && client_copy(method, volume, argv[0], argc > 1 ? argv[1] : NULL, argv[0], &a);
    answer_free(&a);
    return ok ? 0 : 1;
}

static const char *import_size; /* --size: so many bytes must come */

static int import(int argc, char **argv)
{
    struct stat st = {0};
    (void)argc;
    const char *volume = split_volume(argv[0]);
    int fd = strcmp(argv[1], "-") == 0 ? STDIN_FILENO : open(argv[1], O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0) {
        complain("%s: %s", argv[1], strerror(errno));
        return 1;
    }
    unsigned long long size = import_size ? strtoull(import_size, NULL, 10) : (unsigned long long)st.st_size;
    return volume && client_import(volume, argv[0], fd, size) ? 0 : 1;
}

/* What the words after the verb are for, and the method of those verbs that only pass them on. */
static const struct verb {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *method;
    int min, max; /* number of words */
} verbs[] = {
    {"list", list, NULL, 0, -1},
    {"ls", list, NULL, 0, -1},
    {"info", info, NULL, 1, 2},
    {"config", config, NULL, 3, 3},
    {"import", import, NULL, 2, 2},
    {"resize", NULL, "admin.vm.volume.Resize", 2, 2},
    {"extend", NULL, "admin.vm.volume.Resize", 2, 2},
    {"revert", NULL, "admin.vm.volume.Revert", 1, 2},
    {"clear", NULL, "admin.vm.volume.Clear", 1, 1},
};

int cmd_volume(int argc, char **argv)
{
    int done;
    const struct tool_option options[] = {
        {"force", 'f', TOOL_FLAG, NULL, NULL},      {"pool", 'p', TOOL_TEXT, NULL, NULL},
        {"size", 0, TOOL_TEXT, &import_size, NULL}, {"full", 0, TOOL_FLAG, NULL, NULL},
        {"no-resize", 0, TOOL_FLAG, NULL, NULL},    {0}};
    if (!tool_options(argc, argv, options, false, &done))
        return done;
    int n = argc - optind - 1;
    for (size_t i = 0; n >= 0 && i < sizeof verbs / sizeof verbs[0]; i++) {
        const struct verb *v = &verbs[i];
        if (strcmp(argv[optind], v->name) != 0)
            continue;
        if (n < v->min || (v->max >= 0 && n > v->max))
            return usage();
        return v->run ? v->run(n, argv + optind + 1) : change(v->method, n, argv + optind + 1);
    }
    return usage();
}

int cmd_pool(int argc, char **argv)
{
    static const struct {
        const char *verb, *method, *header, *row; /* row: how a line of the answer is shown */
    } verbs_of_pools[] = {
        {"list", "admin.pool.List", "NAME  DRIVER\n", "%s  file\n"},
        {"info", "admin.pool.Info", "", "%s\n"},
        {"drivers", "admin.pool.ListDrivers", "", "%s\n"},
    };
    int done;
    if (!tool_options(argc, argv, tool_no_options, false, &done))
        return done;
    const char *verb = optind < argc ? argv[optind] : "list";
    const char *name = optind + 1 < argc ? argv[optind + 1] : "file";
    for (size_t i = 0; i < sizeof verbs_of_pools / sizeof verbs_of_pools[0]; i++) {
        struct answer a;
        if (strcmp(verb, verbs_of_pools[i].verb) != 0)
            continue;
        if (!client_call(verbs_of_pools[i].method, strcmp(verb, "info") == 0 ? name : "", "dom0", NULL, &a))
            return 1;
        fputs(verbs_of_pools[i].header, stdout);
        char *text = (char *)a.text;
        for (char *line; (line = next_line(&text));)
            printf(verbs_of_pools[i].row, line);
        answer_free(&a);
        return 0;
    }
    return usage();
}
