/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "qubesdb.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenstore.h>

#include "../common/guest_store.h"

#define DEPTH_MAX 16

struct db {
    struct xs_handle *xs;
    char base[128];        /* "qubesdb", or "/local/domain/N/qubesdb" */
    const char *otherwise; /* -e */
    bool full, quiet, raw, wait;
};

struct command {
    const char *name;
    int (*run)(struct db *db, int argc, char **argv);
    int args; /* at least */
};

static int fail(const struct db *db, const char *key)
{
    if (!db->quiet)
        fprintf(stderr, "%s: %s\n", key, errno == ENOENT ? "no such key" : strerror(errno));
    return 1;
}

/* "base/key" in xenstore's form; false for keys outside the rules. */
static bool make_path(const struct db *db, char path[GUEST_STORE_PATH_MAX], const char *key)
{
    if (!guest_store_key_valid(key)) {
        fprintf(stderr, "%s: a key starts with / and has at most %d characters of A-Z a-z 0-9 _ - / . : @\n",
                key, GUEST_STORE_KEY_MAX);
        return false;
    }
    snprintf(path, GUEST_STORE_PATH_MAX, "%s", db->base);
    guest_store_path(path, key);
    return true;
}

static bool is_subtree(const char *key)
{
    return key[strlen(key) - 1] == '/';
}

/* Wait till the key is there. */
static bool wait_for(struct db *db, const char *path)
{
    unsigned n;
    if (!xs_watch(db->xs, path, "wait"))
        return false;
    for (;;) {
        char **event = xs_read_watch(db->xs, &n);
        char *value = event ? xs_read(db->xs, XBT_NULL, path, NULL) : NULL;
        free(event);
        if (value || !event) {
            free(value);
            xs_unwatch(db->xs, path, "wait");
            return value != NULL;
        }
    }
}

static int cmd_read(struct db *db, int argc, char **argv)
{
    int st = 0;
    for (int i = 0; i < argc; i++) {
        char path[GUEST_STORE_PATH_MAX];
        unsigned size = 0;
        if (!make_path(db, path, argv[i]))
            return 2;
        char *value = xs_read(db->xs, XBT_NULL, path, &size);
        if (!value && db->wait && wait_for(db, path))
            value = xs_read(db->xs, XBT_NULL, path, &size);
        if (!value && !db->otherwise) {
            st = fail(db, argv[i]);
            continue;
        }
        if (db->full)
            printf("%s = ", argv[i]);
        if (value)
            fwrite(value, 1, size, stdout);
        else
            fputs(db->otherwise, stdout);
        if (!db->raw)
            putchar('\n');
        free(value);
    }
    return st;
}

/* Print path and everything below it; `shown` is what the user sees of it. A directory that holds no text of
 * its own is only shown for its children. */
static void walk(struct db *db, const char *path, const char *shown, bool values, int depth)
{
    unsigned n = 0, size = 0;
    char **names = xs_directory(db->xs, XBT_NULL, path, &n);
    char *value = xs_read(db->xs, XBT_NULL, path, &size);
    if (value && shown[0] && (size || n == 0)) {
        fputs(shown, stdout);
        if (values) {
            fputs(" = ", stdout);
            fwrite(value, 1, size, stdout);
        }
        putchar('\n');
    }
    free(value);
    for (unsigned i = 0; i < n && depth < DEPTH_MAX; i++) {
        char *below = NULL, *below_shown = NULL, *name = strdup(names[i]);
        if (name)
            guest_store_decode(name);
        if (name && asprintf(&below, "%s/%s", path, names[i]) > 0 &&
            asprintf(&below_shown, "%s%s%s", shown, shown[0] && shown[strlen(shown) - 1] != '/' ? "/" : "",
                     name) > 0)
            walk(db, below, below_shown, values, depth + 1);
        free(name);
        free(below);
        free(below_shown);
    }
    free(names);
}

static int list(struct db *db, int argc, char **argv, bool values)
{
    for (int i = 0; i < argc; i++) {
        char path[GUEST_STORE_PATH_MAX];
        if (!make_path(db, path, argv[i]))
            return 2;
        walk(db, path, db->full ? argv[i] : "", values, 0);
    }
    return 0;
}

static int cmd_list(struct db *db, int argc, char **argv)
{
    return list(db, argc, argv, false);
}

static int cmd_multiread(struct db *db, int argc, char **argv)
{
    return list(db, argc, argv, true);
}

static int cmd_write(struct db *db, int argc, char **argv)
{
    if (argc % 2) {
        fprintf(stderr, "qubesdb-write: KEY VALUE pairs are needed\n");
        return 2;
    }
    for (int i = 0; i < argc; i += 2) {
        char path[GUEST_STORE_PATH_MAX];
        if (!make_path(db, path, argv[i]) || is_subtree(argv[i]))
            return 2;
        if (!xs_write(db->xs, XBT_NULL, path, argv[i + 1], (unsigned)strlen(argv[i + 1])))
            return fail(db, argv[i]);
    }
    return 0;
}

static int cmd_rm(struct db *db, int argc, char **argv)
{
    for (int i = 0; i < argc; i++) {
        char path[GUEST_STORE_PATH_MAX];
        if (!make_path(db, path, argv[i]))
            return 2;
        if (!xs_rm(db->xs, XBT_NULL, path) && errno != ENOENT)
            return fail(db, argv[i]);
    }
    return 0;
}

/* Print the first key that changes. The event that xenstore sends at registration is not a change. */
static int cmd_watch(struct db *db, int argc, char **argv)
{
    unsigned n;
    int first = argc;
    size_t skip = strlen(db->base);
    for (int i = 0; i < argc; i++) {
        char path[GUEST_STORE_PATH_MAX];
        if (!make_path(db, path, argv[i]))
            return 2;
        if (!xs_watch(db->xs, path, argv[i]))
            return fail(db, argv[i]);
    }
    for (;;) {
        char **event = xs_read_watch(db->xs, &n);
        if (!event)
            return fail(db, argv[0]);
        if (first-- > 0) {
            free(event);
            continue;
        }
        char *path = event[XS_WATCH_PATH], *key = strstr(path, "qubesdb/");
        key = strncmp(path, db->base, skip) == 0 ? path + skip : key ? key + strlen("qubesdb") : path;
        guest_store_decode(key);
        printf("%s\n", key);
        free(event);
        return 0;
    }
}

static const struct command commands[] = {
    {"read", cmd_read, 1},   {"list", cmd_list, 1}, {"multiread", cmd_multiread, 1},
    {"write", cmd_write, 2}, {"rm", cmd_rm, 1},     {"watch", cmd_watch, 1},
};

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (name && strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

/* dom0: the running domain of that name. */
static bool find_domain(struct db *db, const char *name)
{
    unsigned n = 0;
    char **ids = xs_directory(db->xs, XBT_NULL, "/local/domain", &n);
    bool found = false;
    for (unsigned i = 0; i < n && !found; i++) {
        char path[128];
        snprintf(path, sizeof path, "/local/domain/%s/name", ids[i]);
        char *have = xs_read(db->xs, XBT_NULL, path, NULL);
        found = have && strcmp(have, name) == 0;
        free(have);
        if (found)
            snprintf(db->base, sizeof db->base, "/local/domain/%s/qubesdb", ids[i]);
    }
    free(ids);
    if (!found)
        fprintf(stderr, "qubesdb: domain %s is not running\n", name);
    return found;
}

static int usage(void)
{
    fprintf(stderr,
            "usage: qubesdb-{read,list,multiread,write,rm,watch} [-d VM] [-f] [-q] [-r] [-w] [-e DEFAULT] "
            "KEY [VALUE]…\n"
            "  -f full keys  -q no messages  -r no newline  -w wait for the key  -e when there is none\n");
    return 2;
}

int qubesdb_main(int argc, char **argv)
{
    static const struct option longs[] = {
        {"default", 1, NULL, 'e'}, {"help", 0, NULL, 'h'}, {NULL, 0, NULL, 0}};
    struct db db = {.base = "qubesdb"};
    const char *dash = strrchr(argv[0], '-'), *domain = NULL;
    const struct command *command = find(dash ? dash + 1 : NULL);
    int c;
    while ((c = getopt_long(argc, argv, "c:d:fqrwe:h", longs, NULL)) != -1)
        switch (c) {
        case 'c':
            command = find(optarg);
            break;
        case 'd':
            domain = optarg;
            break;
        case 'f':
            db.full = true;
            break;
        case 'q':
            db.quiet = true;
            break;
        case 'r':
            db.raw = true;
            break;
        case 'w':
            db.wait = true;
            break;
        case 'e':
            db.otherwise = optarg;
            break;
        default:
            return usage();
        }
    if (!command || argc - optind < command->args)
        return usage();
    db.xs = xs_open(0);
    if (!db.xs) {
        fprintf(stderr, "qubesdb: xenstore: %s\n", strerror(errno));
        return 1;
    }
    int st = domain && !find_domain(&db, domain) ? 1 : command->run(&db, argc - optind, argv + optind);
    xs_close(db.xs);
    return st;
}
