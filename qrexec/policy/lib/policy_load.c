/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Directories, includes and lines of a policy, in the order that decides. Files come through the loader. */
#include "policy_load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bounds against includes that include each other; no honest policy comes near. */
#define MAX_DEPTH 64u
#define MAX_FILES 20000u
#define MAX_RULES 4000000u

/* ---- errors and small helpers ---- */

bool policy_load_error(struct loading *loading, const char *path, const char *reason)
{
    struct policy_error *error = loading->error;

    error->kind = POLICY_ERROR_LOAD;
    error->line = error->column = 0;
    snprintf(error->file, sizeof(error->file), "%s", path);
    snprintf(error->reason, sizeof(error->reason), "%s", reason);
    return false;
}

const char *policy_load_join(struct loading *loading, const char *dir, const char *name, size_t len)
{
    struct policy_arena *arena = &loading->policy->arena;
    const char *slash = *dir && dir[strlen(dir) - 1] == '/' ? "" : "/";

    if (*name == '/')
        return policy_arena_strndup(arena, name, len);
    return policy_arena_printf(arena, "%s%s%.*s", dir, slash, (int)len, name);
}

static void add_input(struct policy *policy, const char *path)
{
    policy->inputs =
        policy_grow(policy->inputs, policy->input_count, &policy->input_room, sizeof(*policy->inputs));
    policy->inputs[policy->input_count++] = path;
}

uint32_t policy_load_add_file(struct policy *policy, const char *path)
{
    policy->files =
        policy_grow(policy->files, policy->file_count, &policy->file_room, sizeof(*policy->files));
    policy->files[policy->file_count] = path;
    return (uint32_t)policy->file_count++;
}

static void add_name(void *data, const char *name)
{
    struct names *names = data;

    names->items = policy_grow(names->items, names->count, &names->room, sizeof(*names->items));
    names->items[names->count] = policy_calloc(1, strlen(name) + 1);
    strcpy(names->items[names->count++], name);
}

void policy_load_free_names(struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->items[i]);
    free(names->items);
}

bool policy_load_list(struct loading *loading, const char *dir, struct names *names)
{
    int status = loading->loader->list(loading->loader->context, dir, add_name, names);

    add_input(loading->policy, dir);
    if (status < 0)
        return policy_load_error(loading, dir, strerror(-status));
    return true;
}

/* ---- which files of a directory count ---- */

bool policy_load_has_suffix(const char *name, const char *suffix)
{
    size_t len = strlen(name), end = strlen(suffix);

    return len > end && !strcmp(name + len - end, suffix);
}

static bool is_policy_name(const char *name)
{
    return *name != '.' && policy_load_has_suffix(name, POLICY_SUFFIX);
}

static bool is_legal_name(const char *name)
{
    return name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_.-")] == '\0';
}

struct entry {
    const char *name, *dir, *path;
};

struct entries {
    struct entry *items;
    size_t count, room;
};

static int compare_entries(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static bool has_entry(const struct entries *entries, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(entries->items[i].name, name))
            return true;
    return false;
}

/* Add the policy files of `dir` that no earlier directory hides. */
static bool add_entries(struct loading *loading, const char *dir, struct entries *entries)
{
    struct names names = {0};
    bool good = policy_load_list(loading, dir, &names);
    size_t before = entries->count;

    for (size_t i = 0; good && i < names.count; i++) {
        const char *name = names.items[i];
        const char *path = policy_load_join(loading, dir, name, strlen(name));
        if (!is_policy_name(name) ||
            loading->loader->kind(loading->loader->context, path) != POLICY_PATH_FILE)
            continue;
        if (!is_legal_name(name))
            good =
                policy_load_error(loading, path, "a policy file's name has only a-z, 0-9, '_', '.' and '-'");
        if (has_entry(entries, before, name))
            continue;
        entries->items = policy_grow(entries->items, entries->count, &entries->room, sizeof(*entries->items));
        entries->items[entries->count++] = (struct entry){strrchr(path, '/') + 1, dir, path};
    }
    policy_load_free_names(&names);
    return good;
}

/* ---- directives ---- */

static bool include_path(struct loading *loading, struct policy_line *line, const struct policy_word *word,
                         enum policy_path_kind kind, const char **path)
{
    *path = policy_load_join(loading, loading->base, word->text, word->len);
    if (loading->loader->kind(loading->loader->context, *path) != kind) {
        add_input(loading->policy, *path);
        return policy_line_error(line, word->text, "not a %s: %s",
                                 kind == POLICY_PATH_DIR ? "directory" : "file", *path);
    }
    return true;
}

/* Guard against endless inclusion, then read. `at` is the word that asks for it. */
static bool load_included(struct loading *loading, struct policy_line *line, const char *at, const char *path,
                          const struct old_call *old)
{
    for (const struct including *outer = loading->current; outer; outer = outer->outer)
        if (!strcmp(outer->path, path))
            return policy_line_error(line, at, "%s includes itself", path);
    if (loading->current && loading->current->depth >= MAX_DEPTH)
        return policy_line_error(line, at, "includes are nested deeper than %u files", MAX_DEPTH);
    return policy_load_file(loading, path, old);
}

static bool include_file(struct loading *loading, struct policy_line *line, const struct policy_word *word,
                         const struct old_call *old)
{
    const char *path;

    if (loading->report)
        return true;
    return include_path(loading, line, word, POLICY_PATH_FILE, &path) &&
           load_included(loading, line, word->text, path, old);
}

static bool do_include(struct loading *loading, struct policy_line *line, const struct policy_word *words)
{
    return include_file(loading, line, &words[0], NULL);
}

static bool do_include_service(struct loading *loading, struct policy_line *line,
                               const struct policy_word *words)
{
    struct old_call old;

    if (!policy_parse_call(line, &words[0], &words[1], &old.service, &old.argument))
        return false;
    return include_file(loading, line, &words[2], &old);
}

static bool do_include_dir(struct loading *loading, struct policy_line *line, const struct policy_word *words)
{
    struct entries entries = {0};
    const char *dir;

    if (loading->report)
        return true;
    if (!include_path(loading, line, &words[0], POLICY_PATH_DIR, &dir))
        return false;
    bool good = add_entries(loading, dir, &entries);
    if (entries.count)
        qsort(entries.items, entries.count, sizeof(*entries.items), compare_entries);
    for (size_t i = 0; good && i < entries.count; i++)
        good = load_included(loading, line, words[0].text, entries.items[i].path, NULL);
    free(entries.items);
    return good;
}

#define MAX_DIRECTIVE_WORDS 3

static bool do_compat(struct loading *loading, struct policy_line *line, const struct policy_word *words)
{
    (void)line;
    (void)words;
    return loading->report || policy_old_format_load(loading);
}

static const struct directive {
    const char *name;
    unsigned words;
    bool (*run)(struct loading *loading, struct policy_line *line, const struct policy_word *words);
} directives[] = {
    {"!include", 1, do_include},
    {"!include-dir", 1, do_include_dir},
    {"!include-service", 3, do_include_service},
    {"!compat-4.0", 0, do_compat},
};

static const struct directive *find_directive(const struct policy_word *name)
{
    for (size_t i = 0; i < sizeof(directives) / sizeof(*directives); i++)
        if (name->len == strlen(directives[i].name) && !memcmp(name->text, directives[i].name, name->len))
            return &directives[i];
    return NULL;
}

/* The words after a directive's name: exactly `count`. */
static bool directive_words(struct policy_line *line, unsigned count, struct policy_word *words)
{
    struct policy_word extra;

    for (unsigned i = 0; i < count; i++)
        if (!policy_line_word(line, &words[i]))
            return policy_line_error(line, line->next, "the directive needs %u words after it", count);
    if (policy_line_word(line, &extra))
        return policy_line_error(line, extra.text, "the directive takes only %u words after it", count);
    return true;
}

static bool run_directive(struct loading *loading, struct policy_line *line)
{
    struct policy_word name, words[MAX_DIRECTIVE_WORDS] = {0};

    policy_line_word(line, &name);
    const struct directive *directive = find_directive(&name);
    if (!directive)
        return policy_line_error(line, name.text, "unknown directive");
    return directive_words(line, directive->words, words) && directive->run(loading, line, words);
}

/* ---- lines ---- */

static bool parse_line(struct loading *loading, struct policy_line *line)
{
    struct policy_word service, argument;
    uint32_t service_symbol, argument_symbol;

    if (*line->next == '!')
        return run_directive(loading, line);
    if (!policy_line_word(line, &service) || !policy_line_word(line, &argument))
        return policy_line_error(line, line->next,
                                 "the rule is too short: SERVICE ARGUMENT SOURCE TARGET ACTION");
    return policy_parse_call(line, &service, &argument, &service_symbol, &argument_symbol) &&
           policy_parse_rule(line, service_symbol, argument_symbol);
}

static bool parse_old_line(struct loading *loading, struct policy_line *line, const struct old_call *old)
{
    struct policy_word name, path;

    if (*line->next != '!')
        return policy_parse_rule(line, old->service, old->argument);
    policy_line_word(line, &name);
    if (find_directive(&name) != &directives[0])
        return policy_line_error(line, name.text, "only !include can be used in an old-format file");
    return directive_words(line, 1, &path) && include_file(loading, line, &path, old);
}

static bool load_line(struct loading *loading, struct policy_line *line, char *text,
                      const struct old_call *old)
{
    while (line->next < line->end && (*line->next == ' ' || *line->next == '\t'))
        line->next++;
    if (line->next == line->end)
        return true;
    if (*line->next == '#')
        return policy_bytes_comment(line);
    if (!policy_bytes_rule(line))
        return false;
    if (loading->policy->rule_count >= MAX_RULES)
        return policy_line_error(line, line->next, "more than %u rules", MAX_RULES);
    if (!old)
        return parse_line(loading, line);
    policy_old_format_modernise(text, (size_t)(line->end - line->start));
    return parse_old_line(loading, line, old);
}

static bool load_content(struct loading *loading, const char *path, char *content, size_t len,
                         const struct old_call *old)
{
    struct policy *policy = loading->policy;
    uint32_t file = policy_load_add_file(policy, path);
    char *end = content + len;
    unsigned number = 0;

    for (char *next, *text = content; text < end; text = next) {
        char *newline = memchr(text, '\n', (size_t)(end - text)), *stop = newline ? newline : end;
        next = newline ? newline + 1 : end;
        if (newline && stop > text && stop[-1] == '\r')
            stop--;
        struct policy_line line = {policy, loading->error, text, text, stop, file, ++number};
        if (load_line(loading, &line, text, old))
            continue;
        if (!loading->report)
            return false;
        loading->report(loading->report_data, loading->error);
        loading->reported++;
    }
    return true;
}

bool policy_load_file(struct loading *loading, const char *path, const struct old_call *old)
{
    struct including self = {loading->current, path, loading->current ? loading->current->depth + 1 : 0};
    char *content = NULL;
    size_t len = 0;

    add_input(loading->policy, path);
    if (++loading->files > MAX_FILES)
        return policy_load_error(loading, path, "too many files are included");
    int status = loading->loader->read(loading->loader->context, path, &content, &len);
    if (status < 0)
        return policy_load_error(loading, path, strerror(-status));
    loading->current = &self;
    bool good = load_content(loading, path, content, len, old);
    loading->current = self.outer;
    free(content);
    return good;
}

/* ---- the whole policy ---- */

static bool load_dirs(struct loading *loading, const struct policy_sources *sources)
{
    struct entries entries = {0};
    bool good = true;

    for (size_t i = 0; good && i < sources->dir_count; i++)
        good = add_entries(
            loading,
            policy_arena_strndup(&loading->policy->arena, sources->dirs[i], strlen(sources->dirs[i])),
            &entries);
    if (entries.count)
        qsort(entries.items, entries.count, sizeof(*entries.items), compare_entries);
    for (size_t i = 0; good && i < entries.count; i++) {
        loading->base = entries.items[i].dir;
        good = policy_load_file(loading, entries.items[i].path, NULL);
    }
    free(entries.items);
    return good;
}

static struct policy *finish(struct policy *policy, bool good)
{
    if (!good) {
        policy_free(policy);
        return NULL;
    }
    policy_index(policy);
    return policy;
}

struct policy *policy_load(const struct policy_loader *loader, const struct policy_sources *sources,
                           struct policy_error *error)
{
    struct policy *policy = policy_calloc(1, sizeof(*policy));
    struct loading loading = {.policy = policy,
                              .loader = loader,
                              .error = error,
                              .legacy_dir = sources->legacy_dir ? sources->legacy_dir : POLICY_DIR_LEGACY};

    *error = (struct policy_error){0};
    loading.legacy_dir = policy_arena_strndup(&policy->arena, loading.legacy_dir, strlen(loading.legacy_dir));
    return finish(policy, load_dirs(&loading, sources));
}

struct policy *policy_load_text(const struct policy_loader *loader, const char *path, const char *text,
                                size_t len, const char *legacy_dir, struct policy_error *error)
{
    struct policy *policy = policy_calloc(1, sizeof(*policy));
    const char *slash = strrchr(path, '/');
    struct loading loading = {.policy = policy, .loader = loader, .error = error};
    struct including self = {NULL, path, 0};

    *error = (struct policy_error){0};
    loading.legacy_dir = legacy_dir ? legacy_dir : POLICY_DIR_LEGACY;
    loading.base = slash ? policy_arena_strndup(&policy->arena, path, (size_t)(slash - path)) : ".";
    loading.current = &self;
    char *content = policy_arena_strndup(&policy->arena, text, len);
    path = policy_arena_strndup(&policy->arena, path, strlen(path));
    return finish(policy, load_content(&loading, path, content, len, NULL));
}

size_t policy_lint(const char *path, const char *text, size_t len, bool old_format, policy_report_fn report,
                   void *data)
{
    struct policy *policy = policy_calloc(1, sizeof(*policy));
    struct policy_error error = {0};
    struct including self = {NULL, path, 0};
    struct loading loading = {.policy = policy,
                              .error = &error,
                              .base = ".",
                              .legacy_dir = ".",
                              .current = &self,
                              .report = report,
                              .report_data = data};
    struct old_call any = {POLICY_NONE, POLICY_NONE};

    load_content(&loading, path, policy_arena_strndup(&policy->arena, text, len), len,
                 old_format ? &any : NULL);
    policy_free(policy);
    return loading.reported;
}
