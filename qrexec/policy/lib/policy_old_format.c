/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The format of release 4.0 and before: one file for each service, in a directory of its own. */
#include "policy_load.h"

#include <stdlib.h>
#include <string.h>

/* An old file SERVICE or SERVICE+ARGUMENT; the one without argument is for all and comes last. */
struct old_file {
    const char *name;
    size_t service_len;
    const char *argument; /* NULL: none */
};

static int compare_old_files(const void *a, const void *b)
{
    const struct old_file *x = a, *y = b;
    size_t common = x->service_len < y->service_len ? x->service_len : y->service_len;
    int order = memcmp(x->name, y->name, common);

    if (order || x->service_len != y->service_len)
        return order ? order : x->service_len < y->service_len ? -1 : 1;
    if (!x->argument || !y->argument)
        return (x->argument == NULL) - (y->argument == NULL);
    return strcmp(x->argument, y->argument);
}

static bool is_old_file(struct loading *loading, const char *name)
{
    static const char *const ignored[] = {".rpmsave", ".rpmnew", ".swp"};

    if (*name == '.' || name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                          "0123456789+-._")] != '\0')
        return false;
    for (size_t i = 0; i < sizeof(ignored) / sizeof(*ignored); i++)
        if (policy_load_has_suffix(name, ignored[i]))
            return false;
    const char *path = policy_load_join(loading, loading->legacy_dir, name, strlen(name));
    return loading->loader->kind(loading->loader->context, path) == POLICY_PATH_FILE;
}

/* After a file for one argument everything else is denied. */
static void add_implied_deny(struct policy *policy, uint32_t file, const struct old_call *old,
                             enum policy_token_kind target)
{
    const char *target_text = policy_token_prefix(target), *anyvm = policy_token_prefix(POLICY_TOKEN_ANYVM);
    struct policy_rule rule = {
        .service = old->service,
        .argument = old->argument,
        .source = policy_intern(policy, POLICY_TOKEN_ANYVM, anyvm, strlen(anyvm)),
        .target = policy_intern(policy, target, target_text, strlen(target_text)),
        .redirect = POLICY_NONE,
        .default_target = POLICY_NONE,
        .file = file,
        .action = POLICY_DENY,
        .notify = true,
        .autostart = true,
    };

    *policy_add_rule(policy) = rule;
}

static bool load_old_file(struct loading *loading, const struct old_file *file)
{
    struct policy *policy = loading->policy;
    const char *path = policy_load_join(loading, loading->legacy_dir, file->name, strlen(file->name));
    struct old_call old = {
        .service = policy_intern(policy, POLICY_SYMBOL_SERVICE, file->name, file->service_len),
        .argument = POLICY_NONE,
    };

    if (file->argument)
        old.argument = policy_intern(policy, POLICY_SYMBOL_ARGUMENT, file->argument, strlen(file->argument));
    if (!policy_load_file(loading, path, &old))
        return false;
    if (file->argument) {
        uint32_t number = policy_load_add_file(policy, path);
        add_implied_deny(policy, number, &old, POLICY_TOKEN_ANYVM);
        add_implied_deny(policy, number, &old, POLICY_TOKEN_ADMINVM);
    }
    return true;
}

bool policy_old_format_load(struct loading *loading)
{
    struct names names = {0};
    const char *base = loading->base;
    size_t count = 0;

    bool good = policy_load_list(loading, loading->legacy_dir, &names);
    struct old_file *files = policy_calloc(names.count, sizeof(*files));
    for (size_t i = 0; good && i < names.count; i++) {
        const char *name = names.items[i], *plus = strchr(name, '+');
        if (is_old_file(loading, name))
            files[count++] = (struct old_file){name, plus ? (size_t)(plus - name) : strlen(name), plus};
    }
    qsort(files, count, sizeof(*files), compare_old_files);
    loading->base = loading->legacy_dir;
    for (size_t i = 0; good && i < count; i++)
        good = load_old_file(loading, &files[i]);
    loading->base = base;
    free(files);
    policy_load_free_names(&names);
    return good;
}

void policy_old_format_modernise(char *text, size_t len)
{
    static const char old_include[] = "$include:", new_include[] = "!include ";

    for (size_t i = 0; i + sizeof(old_include) - 1 <= len; i++)
        if (!memcmp(text + i, old_include, sizeof(old_include) - 1))
            memcpy(text + i, new_include, sizeof(new_include) - 1);
    for (size_t i = 0; i < len; i++)
        text[i] = text[i] == '$' ? '@' : text[i] == ',' ? ' ' : text[i];
}
