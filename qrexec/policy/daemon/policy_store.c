/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy_store.h"
#include "../call/policy_log.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * A file counts when its writer is done with it, not at each write: the first half of a policy is a policy,
 * too, but not the one that is meant. A name that appears may be a file still being written, or a link: it
 * counts later.
 */
#define COUNTS_NOW                                                                                           \
    (IN_CLOSE_WRITE | IN_MOVE | IN_DELETE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_Q_OVERFLOW)
#define COUNTS_LATER IN_CREATE
#define WATCHED      (COUNTS_NOW | COUNTS_LATER)
#define MAX_DEPTH    6

/* ---- watching ---- */

/* False if `dir` is no directory. */
static bool watch(const struct policy_store *store, const char *dir)
{
    return inotify_add_watch(store->inotify, dir, WATCHED | IN_ONLYDIR | IN_EXCL_UNLINK) >= 0;
}

/* A directory and those below it: includes usually live there. */
static void watch_tree(const struct policy_store *store, const char *path, unsigned depth)
{
    char below[PATH_MAX];
    struct dirent *entry;
    DIR *dir;

    watch(store, path);
    if (depth >= MAX_DEPTH || !(dir = opendir(path)))
        return;
    while ((entry = readdir(dir))) {
        if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
            continue;
        if ((size_t)snprintf(below, sizeof(below), "%s/%s", path, entry->d_name) < sizeof(below))
            watch_tree(store, below, depth + 1);
    }
    closedir(dir);
}

static void watch_parent(const struct policy_store *store, const char *path)
{
    char parent[PATH_MAX];

    if ((size_t)snprintf(parent, sizeof(parent), "%s", path) >= sizeof(parent))
        return;
    char *slash = strrchr(parent, '/');
    if (!slash || slash == parent)
        return;
    *slash = '\0';
    watch(store, parent);
}

/* A directory is watched itself, a file through the directory it really is in. */
static void watch_input(const struct policy_store *store, const char *path)
{
    char real[PATH_MAX];

    if (watch(store, path))
        return;
    watch_parent(store, path);
    if (realpath(path, real))
        watch_parent(store, real);
}

/* Watches of earlier rounds stay: adding one twice is harmless, and a stray event costs one reading. */
static void watch_all(const struct policy_store *store)
{
    const char *path;

    for (size_t i = 0; i < store->sources.dir_count; i++)
        watch_tree(store, store->sources.dirs[i], 0);
    watch(store, store->sources.legacy_dir ? store->sources.legacy_dir : POLICY_DIR_LEGACY);
    for (size_t i = 0; store->policy && (path = policy_input(store->policy, i)); i++)
        watch_input(store, path);
    if (store->broken)
        watch_input(store, store->error.file);
}

static uint32_t event_mask(const char *events, size_t len)
{
    uint32_t mask = 0;

    for (size_t at = 0; at + sizeof(struct inotify_event) <= len;) {
        const struct inotify_event *event = (const struct inotify_event *)(const void *)(events + at);
        mask |= event->mask;
        at += sizeof(*event) + event->len;
    }
    return mask;
}

bool policy_store_events(struct policy_store *store)
{
    char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
    uint32_t mask = 0;
    ssize_t len;

    while ((len = read(store->inotify, events, sizeof(events))) > 0)
        mask |= event_mask(events, (size_t)len);
    store->changed |= (mask & COUNTS_NOW) != 0;
    store->created |= (mask & COUNTS_LATER) != 0;
    return mask != 0;
}

/* ---- the flat copy ---- */

/* False if a rule is too long to be written as one line. */
static bool write_rules(const struct policy *policy, FILE *out)
{
    char text[8192];

    for (size_t i = 0; i < policy_rule_count(policy); i++) {
        const struct policy_rule *rule = policy_rule_at(policy, i);
        if (!*policy_text(policy, rule->service))
            continue; /* of an old file "+ARGUMENT": a rule on no service at all */
        policy_rule_format(policy, rule, text, sizeof(text));
        if (strlen(text) == sizeof(text) - 1)
            return false;
        fprintf(out, "# %s:%u\n%s\n", policy_file(policy, rule->file), rule->line, text);
    }
    return !ferror(out);
}

static void keep_copy(const struct policy_store *store)
{
    char fresh[PATH_MAX];

    if (!store->last_good ||
        (size_t)snprintf(fresh, sizeof(fresh), "%s.new", store->last_good) >= sizeof(fresh))
        return;
    mode_t mask = umask(077);
    FILE *out = fopen(fresh, "we");
    umask(mask);
    bool good = out != NULL;
    if (out) {
        good = write_rules(store->policy, out);
        good = !fclose(out) && good;
    }
    if (!good || rename(fresh, store->last_good) < 0)
        policy_log(LOG_WARNING, "cannot keep a copy of the policy in %s: %m", store->last_good);
}

static struct policy *load_copy(const struct policy_store *store)
{
    struct policy_error error;
    char *text;
    size_t len;

    if (!store->last_good || policy_loader_files.read(NULL, store->last_good, &text, &len) < 0)
        return NULL;
    struct policy *policy = policy_load_text(&policy_loader_files, store->last_good, text, len, NULL, &error);
    free(text);
    return policy;
}

/* ---- reading ---- */

static void read_files(struct policy_store *store)
{
    struct policy_error error;
    struct policy *policy = policy_load(&policy_loader_files, &store->sources, &error);

    store->changed = store->created = false;
    store->broken = policy == NULL;
    store->error = error;
    if (policy) {
        policy_free(store->policy);
        store->policy = policy;
        keep_copy(store);
    }
    watch_all(store);
}

bool policy_store_reload(struct policy_store *store)
{
    if (!store->changed)
        return false;
    read_files(store);
    return true;
}

int policy_store_open(struct policy_store *store)
{
    store->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (store->inotify < 0)
        return -errno;
    read_files(store);
    if (!store->policy)
        store->policy = load_copy(store);
    return store->policy ? 0 : -EINVAL;
}

void policy_store_close(struct policy_store *store)
{
    policy_free(store->policy);
    store->policy = NULL;
    if (store->inotify >= 0)
        close(store->inotify);
}
