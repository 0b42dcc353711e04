/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-volume and qvm-pool. */
#include <errno.h>
#include <fcntl.h>
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
    const char *volume = argc ? split_volume(argv[0]) : NULL;
    struct answer a;
    int st = argc > 1;
    if (!argc)
        return usage();
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
    const char *volume = argc == 3 ? split_volume(argv[0]) : NULL;
    if (argc != 3)
        return usage();
    if (!volume)
        return 1;
    if (strcmp(argv[1], "revisions_to_keep") != 0) {
        complain("property \"%s\" cannot be set; revisions_to_keep can", argv[1]);
        return 1;
    }
    return client_do("admin.vm.volume.Set.revisions_to_keep", volume, argv[0], argv[2]) ? 0 : 1;
}

static int change(const char *method, int argc, char **argv, int min, int max)
{
    if (argc < min || argc > max)
        return usage();
    const char *volume = split_volume(argv[0]);
    return volume && client_do(method, volume, argv[0], argc > 1 ? argv[1] : NULL) ? 0 : 1;
}

static int import(int argc, char **argv)
{
    struct stat st = {0};
    if (argc != 2)
        return usage();
    const char *volume = split_volume(argv[0]);
    int fd = strcmp(argv[1], "-") == 0 ? STDIN_FILENO : open(argv[1], O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0) {
        complain("%s: %s", argv[1], strerror(errno));
        return 1;
    }
    return volume && client_import(volume, argv[0], fd, (unsigned long long)st.st_size) ? 0 : 1;
}

int cmd_volume(int argc, char **argv)
{
    static const struct option longs[] = {{"force", 0, NULL, 'f'},     {"pool", 1, NULL, 'p'},
                                          {"size", 1, NULL, 's'},      {"full", 0, NULL, 'F'},
                                          {"no-resize", 0, NULL, 'N'}, {0}};
    int done, o;
    while ((o = tool_getopt(argc, argv, "fp:", longs, &done)) != -1)
        ;
    if (done >= 0)
        return done;
    if (optind == argc)
        return usage();
    const char *verb = argv[optind++];
    int n = argc - optind;
    char **rest = argv + optind;
    if (strcmp(verb, "list") == 0 || strcmp(verb, "ls") == 0)
        return list(n, rest);
    if (strcmp(verb, "info") == 0)
        return info(n, rest);
    if (strcmp(verb, "config") == 0)
        return config(n, rest);
    if (strcmp(verb, "resize") == 0 || strcmp(verb, "extend") == 0)
        return change("admin.vm.volume.Resize", n, rest, 2, 2);
    if (strcmp(verb, "revert") == 0)
        return change("admin.vm.volume.Revert", n, rest, 1, 2);
    if (strcmp(verb, "clear") == 0)
        return change("admin.vm.volume.Clear", n, rest, 1, 1);
    return strcmp(verb, "import") == 0 ? import(n, rest) : usage();
}

int cmd_pool(int argc, char **argv)
{
    int done, o;
    struct answer a;
    while ((o = tool_getopt(argc, argv, "", NULL, &done)) != -1)
        ;
    if (done >= 0)
        return done;
    const char *verb = optind < argc ? argv[optind] : "list",
               *name = optind + 1 < argc ? argv[optind + 1] : "file";
    if (strcmp(verb, "info") == 0) {
        if (!client_call("admin.pool.Info", name, "dom0", NULL, &a))
            return 1;
    } else if (strcmp(verb, "drivers") == 0) {
        if (!client_call("admin.pool.ListDrivers", "", "dom0", NULL, &a))
            return 1;
    } else if (strcmp(verb, "list") == 0) {
        if (!client_call("admin.pool.List", "", "dom0", NULL, &a))
            return 1;
        printf("NAME  DRIVER\nfile  file\n");
        answer_free(&a);
        return 0;
    } else {
        return usage();
    }
    fputs(a.text, stdout);
    answer_free(&a);
    return 0;
}
