/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qubes-policy-admin: the policy.* services. One program under many names; qrexec tells by
 * QREXEC_SERVICE_FULL_NAME which is meant. No change is made that would leave the whole policy invalid.
 */
#include "../lib/policy.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <grp.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#define MAX_PAYLOAD (16u << 20)

struct admin {
    const char *dir; /* of *.policy */
    char include_dir[PATH_MAX];
    bool usual_dir;
    const char *untrusted_argument;
    char *untrusted_payload;
    size_t payload_len;
    /* the file that is meant */
    char path[PATH_MAX];
    bool exists;
};

/* What the caller reads on stderr: a class that client libraries know, then a text. Always 1. */
__attribute__((format(printf, 2, 3))) static int refuse(const char *class, const char *format, ...)
{
    char text[1200];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    fprintf(stderr, "PolicyAdmin%sException %s", class, text);
    syslog(LOG_WARNING, "refused: %s", text);
    return 1;
}

/* ---- the file that is meant ---- */

static bool is_file(const char *path)
{
    return policy_loader_files.kind(NULL, path) == POLICY_PATH_FILE;
}

static int choose_file(struct admin *admin, bool include)
{
    const char *name = admin->untrusted_argument, *dir = include ? admin->include_dir : admin->dir;
    char real[PATH_MAX], real_dir[PATH_MAX];
    static const char legal[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

    if (!*name || strlen(name) > 200 || name[strspn(name, legal)])
        return refuse(
            "InvalidFileName",
            "Invalid policy file name: %.200s\nNames have only letters, digits, underscore and hyphen.",
            name);
    if ((size_t)snprintf(admin->path, sizeof(admin->path), "%s/%s%s", dir, name,
                         include ? "" : POLICY_SUFFIX) >= sizeof(admin->path))
        return refuse("InvalidFilePath", "The path is too long");
    admin->exists = is_file(admin->path);
    if (!realpath(admin->path, real))
        return 0;
    if (!realpath(dir, real_dir) || strncmp(real, real_dir, strlen(real_dir)) != 0 ||
        strchr(real + strlen(real_dir) + 1, '/'))
        return refuse("InvalidFilePath", "Expecting a path inside %s", dir);
    return 0;
}

/* ---- tokens ---- */

static int file_token(const char *path, char *token, size_t size, char **content, size_t *len)
{
    int status = policy_loader_files.read(NULL, path, content, len);

    if (status < 0)
        return status;
    char *sum = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)*content, *len);
    snprintf(token, size, "sha256:%s", sum);
    g_free(sum);
    return 0;
}

static int check_token(const struct admin *admin, const char *untrusted_token)
{
    char current[128], *content;
    size_t len;

    if (!strcmp(untrusted_token, "any"))
        return 0;
    if (!strcmp(untrusted_token, "new"))
        return admin->exists ? refuse("Token", "File exists but token is 'new'") : 0;
    if (strncmp(untrusted_token, "sha256:", 7) != 0)
        return refuse("Protocol", "Unrecognized token");
    if (!admin->exists)
        return refuse("Token", "File doesn't exist, but token isn't 'new'");
    if (file_token(admin->path, current, sizeof(current), &content, &len) < 0)
        return refuse("", "Cannot read %s", admin->path);
    free(content);
    return strcmp(current, untrusted_token) ? refuse("Token", "Token mismatch") : 0;
}

/* ---- what the policy would be after the change ---- */

struct change {
    const char *path, *dir;
    const char *content; /* NULL: the file is removed */
    size_t len;
};

static enum policy_path_kind changed_kind(void *context, const char *path)
{
    const struct change *change = context;

    if (!strcmp(path, change->path))
        return change->content ? POLICY_PATH_FILE : POLICY_PATH_NONE;
    return policy_loader_files.kind(NULL, path);
}

static int changed_list(void *context, const char *path, policy_entry_fn entry, void *data)
{
    const struct change *change = context;
    int status = policy_loader_files.list(NULL, path, entry, data);

    /* a removed one is still listed, but its kind says that it is none */
    if (!status && change->content && !is_file(change->path) && !strcmp(path, change->dir))
        entry(data, strrchr(change->path, '/') + 1);
    return status;
}

static int changed_read(void *context, const char *path, char **content, size_t *len)
{
    const struct change *change = context;

    if (strcmp(path, change->path) != 0 || !change->content)
        return policy_loader_files.read(NULL, path, content, len);
    *content = policy_calloc(1, change->len + 1);
    memcpy(*content, change->content, change->len);
    *len = change->len;
    return 0;
}

static int validate(const struct admin *admin, const char *content, size_t len)
{
    struct change change = {admin->path, admin->dir, content, len};
    const struct policy_loader loader = {&change, changed_kind, changed_list, changed_read};
    const char *dirs[] = {POLICY_DIR_RUNTIME, admin->dir};
    bool runtime = admin->usual_dir && policy_loader_files.kind(NULL, dirs[0]) == POLICY_PATH_DIR;
    struct policy_sources sources = {runtime ? dirs : dirs + 1, runtime ? 2 : 1, NULL};
    struct policy_error error;
    char text[1024];

    struct policy *policy = policy_load(&loader, &sources, &error);
    if (!policy) {
        policy_error_format(&error, text, sizeof(text));
        return refuse("Syntax", "Policy change validation failed: %s", text);
    }
    policy_free(policy);
    return 0;
}

/* ---- changes ---- */

static void set_owner(int fd)
{
    const struct group *qubes = getgrnam("qubes");

    if (qubes && fchown(fd, 0, qubes->gr_gid) < 0)
        syslog(LOG_INFO, "cannot set the owner of a policy file: %m");
}

static bool write_whole(int fd, const char *content, size_t len)
{
    while (len) {
        ssize_t written = write(fd, content, len);
        if (written < 0 && errno != EINTR)
            return false;
        if (written > 0) {
            content += written;
            len -= (size_t)written;
        }
    }
    return fchmod(fd, 0664) == 0 && fsync(fd) == 0;
}

/* A dot file is no policy file: nobody reads a half-written one. */
static int put_in_place(const struct admin *admin, const char *content, size_t len)
{
    char fresh[PATH_MAX];
    const char *name = strrchr(admin->path, '/') + 1;

    if ((size_t)snprintf(fresh, sizeof(fresh), "%.*s.%s.new", (int)(name - admin->path), admin->path, name) >=
        sizeof(fresh))
        return refuse("InvalidFilePath", "The path is too long");
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return refuse("", "Cannot write %s: %s", fresh, strerror(errno));
    set_owner(fd);
    bool good = write_whole(fd, content, len);
    good = !close(fd) && good && rename(fresh, admin->path) == 0;
    if (good)
        return 0;
    int status = refuse("", "Cannot write %s: %s", admin->path, strerror(errno));
    unlink(fresh);
    return status;
}

/* ---- methods ---- */

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

struct listing {
    const char *dir, *suffix;
    GPtrArray *names;
};

static void list_entry(void *data, const char *name)
{
    struct listing *listing = data;
    char *path = g_strdup_printf("%s/%s", listing->dir, name);

    if (g_str_has_suffix(name, listing->suffix) && *name != '.' && is_file(path))
        g_ptr_array_add(listing->names, g_strndup(name, strlen(name) - strlen(listing->suffix)));
    g_free(path);
}

static int run_list(struct admin *admin, bool include)
{
    struct listing listing = {include ? admin->include_dir : admin->dir, include ? "" : POLICY_SUFFIX,
                              g_ptr_array_new_with_free_func(g_free)};
    int status = policy_loader_files.list(NULL, listing.dir, list_entry, &listing);

    g_ptr_array_sort(listing.names, compare_texts);
    for (guint i = 0; i < listing.names->len; i++)
        puts(listing.names->pdata[i]);
    g_ptr_array_free(listing.names, TRUE);
    return status < 0 ? refuse("", "Cannot list %s: %s", listing.dir, strerror(-status)) : 0;
}

static int run_get(struct admin *admin, bool include)
{
    char token[128], *content;
    size_t len;
    int status = choose_file(admin, include);

    if (status)
        return status;
    if (!admin->exists || file_token(admin->path, token, sizeof(token), &content, &len) < 0)
        return refuse("FileNotFound", "Not found: %s", admin->path);
    printf("%s\n", token);
    fwrite(content, 1, len, stdout);
    free(content);
    return 0;
}

static int run_replace(struct admin *admin, bool include)
{
    int status = choose_file(admin, include);
    char *newline = memchr(admin->untrusted_payload, '\n', admin->payload_len);

    if (status)
        return status;
    if (!newline)
        return refuse("Protocol", "Payload needs to include first line with token");
    *newline = '\0';
    const char *content = newline + 1;
    size_t len = admin->payload_len - (size_t)(content - admin->untrusted_payload);
    status = check_token(admin, admin->untrusted_payload);
    if (!status)
        status = validate(admin, content, len);
    return status ? status : put_in_place(admin, content, len);
}

static int run_remove(struct admin *admin, bool include)
{
    int status = choose_file(admin, include);

    if (!status)
        status = check_token(admin, admin->untrusted_payload);
    if (status)
        return status;
    if (!admin->exists)
        return refuse("FileNotFound", "Not found: %s", admin->path);
    status = validate(admin, NULL, 0);
    if (!status && unlink(admin->path) < 0)
        status = refuse("", "Cannot remove %s: %s", admin->path, strerror(errno));
    return status;
}

/* A file of the policy directory by its bare name, others by path. */
static char *shown_file(const struct admin *admin, const char *path)
{
    size_t len = strlen(admin->dir);

    if (strncmp(path, admin->dir, len) != 0 || path[len] != '/')
        return g_strdup(path);
    char *name = g_path_get_basename(path), *dot = strrchr(name, '.');
    if (dot && dot != name)
        *dot = '\0';
    return name;
}

static void print_files(const struct admin *admin, const struct policy *policy, const char *service)
{
    GPtrArray *shown = g_ptr_array_new_with_free_func(g_free);

    for (size_t i = 0; i < policy_rule_count(policy); i++) {
        const struct policy_rule *rule = policy_rule_at(policy, i);
        if (rule->service != POLICY_NONE && strcmp(policy_text(policy, rule->service), service) != 0)
            continue;
        char *name = shown_file(admin, policy_file(policy, rule->file));
        if (g_ptr_array_find_with_equal_func(shown, name, g_str_equal, NULL)) {
            g_free(name);
            continue;
        }
        puts(name);
        g_ptr_array_add(shown, name);
    }
    g_ptr_array_free(shown, TRUE);
}

static int run_get_files(struct admin *admin, bool include)
{
    struct policy_sources sources = {&admin->dir, 1, NULL};
    struct policy_error error;
    char text[1024];

    (void)include;
    if (!*admin->untrusted_argument)
        return refuse("Protocol", "Service cannot be empty.");
    if (strchr(admin->untrusted_argument, '+'))
        return refuse("Protocol", "Service '%.200s' contains an argument", admin->untrusted_argument);
    struct policy *policy = policy_load(&policy_loader_files, &sources, &error);
    if (!policy) {
        policy_error_format(&error, text, sizeof(text));
        return refuse("", "%s", text);
    }
    print_files(admin, policy, admin->untrusted_argument);
    policy_free(policy);
    return 0;
}

static const struct method {
    const char *name;
    int (*run)(struct admin *admin, bool include);
    bool include, argument, payload;
} methods[] = {
    {"policy.List", run_list, false, false, false},
    {"policy.Get", run_get, false, true, false},
    {"policy.Replace", run_replace, false, true, true},
    {"policy.Remove", run_remove, false, true, true},
    {"policy.GetFiles", run_get_files, false, true, false},
    {"policy.include.List", run_list, true, false, false},
    {"policy.include.Get", run_get, true, true, false},
    {"policy.include.Replace", run_replace, true, true, true},
    {"policy.include.Remove", run_remove, true, true, true},
};

static const struct method *find_method(const char *name, size_t len)
{
    for (size_t i = 0; i < G_N_ELEMENTS(methods); i++)
        if (strlen(methods[i].name) == len && !memcmp(methods[i].name, name, len))
            return &methods[i];
    return NULL;
}

static bool read_payload(struct admin *admin)
{
    size_t room = 65536, got;
    char *text = policy_realloc(NULL, room, 1);

    while ((got = fread(text + admin->payload_len, 1, room - 1 - admin->payload_len, stdin)) > 0) {
        admin->payload_len += got;
        if (admin->payload_len > MAX_PAYLOAD)
            break;
        if (admin->payload_len == room - 1)
            text = policy_realloc(text, room *= 2, 1);
    }
    text[admin->payload_len < room ? admin->payload_len : room - 1] = '\0';
    admin->untrusted_payload = text;
    return admin->payload_len <= MAX_PAYLOAD;
}

/* One change at a time: the lock is on the directory itself. */
static int run_locked(struct admin *admin, const struct method *method)
{
    int lock = open(admin->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (lock < 0 || flock(lock, LOCK_EX) < 0)
        return refuse("", "Cannot lock %s: %s", admin->dir, strerror(errno));
    int status = method->run(admin, method->include);
    close(lock);
    return status;
}

static int handle(struct admin *admin, const char *untrusted_call)
{
    size_t len = strcspn(untrusted_call, "+");
    const struct method *method = find_method(untrusted_call, len);

    admin->untrusted_argument = untrusted_call[len] ? untrusted_call + len + 1 : "";
    if (!method)
        return refuse("Protocol", "unrecognized method: %.100s", untrusted_call);
    if (!method->argument && *admin->untrusted_argument)
        return refuse("Protocol", "Unexpected argument");
    if (!read_payload(admin))
        return refuse("Protocol", "The payload is too large");
    if (!method->payload && admin->payload_len)
        return refuse("Protocol", "Unexpected payload");
    return run_locked(admin, method);
}

int main(void)
{
    const char *call = getenv("QREXEC_SERVICE_FULL_NAME"), *source = getenv("QREXEC_REMOTE_DOMAIN");
    const char *dir = getenv("QREXEC_POLICY_DIR");
    struct admin admin = {.dir = dir ? dir : POLICY_DIR_ETC, .usual_dir = !dir};

    openlog("qubes-policy-admin", LOG_PID, LOG_AUTHPRIV);
    if (!call) {
        fputs("qubes-policy-admin is run by qrexec, as the services policy.*\n", stderr);
        return 2;
    }
    snprintf(admin.include_dir, sizeof(admin.include_dir), "%s/include", admin.dir);
    syslog(LOG_INFO, "%.200s from %.64s", call, source ? source : "?");
    int status = handle(&admin, call);
    free(admin.untrusted_payload);
    return status;
}
