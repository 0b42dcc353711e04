/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qrexec-policy-restore: put the policy files of a backup beside those in force. Nothing is overwritten, and
 * files that would leave the whole policy invalid are taken out again.
 */
#include "../lib/policy.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define INCLUDE_DIR "include/"
#define FILE_MODE   0664
#define DIR_MODE    0775

struct restore {
    const char *from, *to;
    const char *folder; /* below both: "" or INCLUDE_DIR */
    char **made;        /* paths of what was put into place */
    size_t count, room;
    bool failed;
};

static char *join(const char *dir, const char *folder, const char *name)
{
    char *path;

    if (asprintf(&path, "%s/%s%s", dir, folder, name) < 0)
        abort();
    return path;
}

static bool fail(struct restore *r, const char *path, int error)
{
    fprintf(stderr, "qrexec-policy-restore: %s: %s\n", path, strerror(error));
    r->failed = true;
    return false;
}

static bool write_file(const char *path, const char *content, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
    bool good = fd >= 0 && write(fd, content, len) == (ssize_t)len && fsync(fd) == 0;

    return (fd < 0 || close(fd) == 0) && good;
}

/* Under a name that no reader takes for a policy file first, then at once in place, unless something is
 * there.
 */
static void put_file(struct restore *r, const char *name, const char *content, size_t len)
{
    char *path = join(r->to, r->folder, name), *hidden;

    if (asprintf(&hidden, "%s/%s!%s", r->to, r->folder, name) < 0)
        abort();
    if (!write_file(hidden, content, len)) {
        fail(r, hidden, errno);
    } else if (link(hidden, path) == 0) {
        r->made = policy_grow(r->made, r->count, &r->room, sizeof(*r->made));
        r->made[r->count++] = path;
        path = NULL;
    } else if (errno == EEXIST) {
        fprintf(stderr, "not overwriting %s\n", path);
    } else {
        fail(r, path, errno);
    }
    unlink(hidden);
    free(hidden);
    free(path);
}

/* Policy files, and all of the include folder; dot files, backups and folders stay behind. */
static void restore_entry(void *data, const char *name)
{
    struct restore *r = data;
    bool include = strcmp(r->folder, INCLUDE_DIR) == 0;
    const char *suffix = strrchr(name, '.');
    char *path = join(r->from, r->folder, name), *content;
    size_t len;
    int ret;

    if (name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_.-")] == 0 && *name != '.' &&
        (include || (suffix && strcmp(suffix, POLICY_SUFFIX) == 0)) &&
        policy_loader_files.kind(NULL, path) == POLICY_PATH_FILE) {
        ret = policy_loader_files.read(NULL, path, &content, &len);
        if (ret < 0) {
            fail(r, path, -ret);
        } else {
            put_file(r, name, content, len);
            free(content);
        }
    }
    free(path);
}

static void restore_folder(struct restore *r, const char *folder, bool must)
{
    char *path = join(r->from, folder, "");
    int ret;

    r->folder = folder;
    ret = policy_loader_files.list(NULL, path, restore_entry, r);
    if (ret < 0 && (must || ret != -ENOENT))
        fail(r, path, -ret);
    free(path);
}

static bool make_folder(struct restore *r, const char *folder)
{
    char *path = join(r->to, folder, "");
    bool good = mkdir(path, DIR_MODE) == 0 || errno == EEXIST || fail(r, path, errno);

    free(path);
    return good;
}

static bool still_valid(const struct restore *r, const char *legacy_dir)
{
    struct policy_sources sources = {&r->to, 1, legacy_dir};
    struct policy_error error;
    struct policy *policy = policy_load(&policy_loader_files, &sources, &error);
    char text[1024];

    if (!policy) {
        policy_error_format(&error, text, sizeof(text));
        fprintf(stderr, "the policy would not be valid, nothing is restored: %s\n", text);
    }
    policy_free(policy);
    return policy != NULL;
}

static int restore(struct restore *r, const char *legacy_dir)
{
    if (!make_folder(r, "") || !make_folder(r, INCLUDE_DIR))
        return 1;
    restore_folder(r, INCLUDE_DIR, false); /* policy files refer to them */
    restore_folder(r, "", true);
    if (r->failed || !still_valid(r, legacy_dir)) {
        for (size_t i = 0; i < r->count; i++)
            unlink(r->made[i]);
        return 1;
    }
    for (size_t i = 0; i < r->count; i++)
        printf("%s\n", r->made[i]);
    return 0;
}

static int usage(FILE *out)
{
    fputs("usage: qrexec-policy-restore [--dest DIR] [--legacy-dir DIR] DIRECTORY\n", out);
    return out == stdout ? 0 : 2;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"dest", required_argument, NULL, 'd'},
        {"legacy-dir", required_argument, NULL, 'l'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    struct restore r = {.to = POLICY_DIR_ETC};
    const char *legacy_dir = NULL;
    int option, ret;

    while ((option = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
        if (option == 'd')
            r.to = optarg;
        else if (option == 'l')
            legacy_dir = optarg;
        else
            return usage(option == 'h' ? stdout : stderr);
    }
    if (optind + 1 != argc)
        return usage(stderr);
    r.from = argv[optind];
    ret = restore(&r, legacy_dir);
    for (size_t i = 0; i < r.count; i++)
        free(r.made[i]);
    free(r.made);
    return ret;
}
