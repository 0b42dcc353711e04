/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qrexec-policy-eval: pure evaluation for scripts and tests. No daemon, no dialog, no log: a question in, one
 * line of JSON out. In batch mode files are read once for each path.
 */
#include "../lib/policy.h"

#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_DIRS 16

struct question {
    const char *dirs[MAX_DIRS];
    size_t dir_count;
    const char *legacy_dir, *system_info;
    const char *source, *service, *target, *requested_source;
};

/* ---- files read so far: found by name, in the order of reading ---- */

struct cached_policy {
    struct policy *policy;
    struct policy_error error;
};

struct cached_info {
    struct system_info *info;
    char error[256];
};

struct cache {
    struct policy_symbols policy_names, info_names;
    struct cached_policy **policies;
    struct cached_info **infos;
    size_t policy_room, info_room;
};

/* Directories, each with its length, so that no name can be taken for two. */
static char *policy_key(const struct question *question, size_t *len)
{
    char *key = NULL;
    FILE *out = open_memstream(&key, len);

    if (!out)
        abort();
    for (size_t i = 0; i < question->dir_count; i++)
        fprintf(out, "%zu:%s\n", strlen(question->dirs[i]), question->dirs[i]);
    fprintf(out, "\n%s", question->legacy_dir ? question->legacy_dir : "");
    fclose(out);
    return key;
}

static const struct cached_policy *get_policy(struct cache *cache, const struct question *question)
{
    struct policy_sources sources = {question->dirs, question->dir_count, question->legacy_dir};
    size_t len;
    char *key = policy_key(question, &len);
    uint32_t number = policy_symbols_find(&cache->policy_names, 0, key, len);

    if (number != POLICY_NONE) {
        free(key);
        return cache->policies[number];
    }
    struct cached_policy *entry = policy_calloc(1, sizeof(*entry));
    entry->policy = policy_load(&policy_loader_files, &sources, &entry->error);
    number = policy_symbols_add(&cache->policy_names, 0, key, len);
    cache->policies = policy_grow(cache->policies, number, &cache->policy_room, sizeof(*cache->policies));
    return cache->policies[number] = entry;
}

static const struct cached_info *get_info(struct cache *cache, const char *path)
{
    uint32_t number = policy_symbols_find(&cache->info_names, 0, path, strlen(path));

    if (number != POLICY_NONE)
        return cache->infos[number];
    struct cached_info *entry = policy_calloc(1, sizeof(*entry));
    entry->info = system_info_read(path, entry->error, sizeof(entry->error));
    number = policy_symbols_add(&cache->info_names, 0, strdup(path), strlen(path));
    cache->infos = policy_grow(cache->infos, number, &cache->info_room, sizeof(*cache->infos));
    return cache->infos[number] = entry;
}

static void free_names(struct policy_symbols *names)
{
    for (size_t i = 0; i < names->count; i++)
        free((char *)names->items[i].text);
    policy_symbols_free(names);
}

static void free_cache(struct cache *cache)
{
    for (size_t i = 0; i < cache->policy_names.count; i++) {
        policy_free(cache->policies[i]->policy);
        free(cache->policies[i]);
    }
    for (size_t i = 0; i < cache->info_names.count; i++) {
        system_info_free(cache->infos[i]->info);
        free(cache->infos[i]);
    }
    free(cache->policies);
    free(cache->infos);
    free_names(&cache->policy_names);
    free_names(&cache->info_names);
}

/* ---- answers ---- */

static json_t *text_or_null(const char *text)
{
    return text ? json_string(text) : json_null();
}

/* "KIND: WHY" as ASCII; a name cut in the middle may not be UTF-8 any more. */
static json_t *error_text(const char *kind, const char *why)
{
    char text[1200];

    snprintf(text, sizeof(text), "%s: %s", kind, why);
    for (char *c = text; *c; c++)
        if ((unsigned char)*c >= 0x80)
            *c = '?';
    return json_string(text);
}

static json_t *new_answer(json_t *id)
{
    json_t *answer = json_object();

    if (id)
        json_object_set(answer, "id", id);
    return answer;
}

static json_t *refuse(json_t *id, const char *kind, const char *why)
{
    json_t *answer = new_answer(id);

    json_object_set_new(answer, "decision", json_string("deny"));
    json_object_set_new(answer, "target", json_null());
    json_object_set_new(answer, "user", json_null());
    json_object_set_new(answer, "autostart", json_null());
    json_object_set_new(answer, "notify", json_true());
    json_object_set_new(answer, "targets_for_ask", json_null());
    json_object_set_new(answer, "default_target", json_null());
    json_object_set_new(answer, "error", error_text(kind, why));
    return answer;
}

static json_t *ask_targets(const struct policy_decision *decision)
{
    if (decision->action != POLICY_ASK)
        return json_null();
    json_t *targets = json_array();
    for (size_t i = 0; i < decision->target_count; i++)
        json_array_append_new(targets, json_string(decision->targets[i]));
    return targets;
}

static json_t *decision_error(const struct policy_decision *decision)
{
    if (decision->action != POLICY_DENY)
        return json_null();
    return error_text(decision->failure == POLICY_FAILURE_REQUEST ? "request" : "denied", decision->reason);
}

static json_t *describe(json_t *id, const struct policy_decision *decision)
{
    bool denied = decision->action == POLICY_DENY;
    json_t *answer = new_answer(id);

    json_object_set_new(answer, "decision", json_string(policy_action_names[decision->action]));
    json_object_set_new(answer, "target", text_or_null(decision->target));
    json_object_set_new(answer, "user", text_or_null(decision->user));
    json_object_set_new(answer, "autostart", denied ? json_null() : json_boolean(decision->autostart));
    json_object_set_new(answer, "notify", json_boolean(decision->notify));
    json_object_set_new(answer, "targets_for_ask", ask_targets(decision));
    json_object_set_new(answer, "default_target", text_or_null(decision->default_target));
    json_object_set_new(answer, "error", decision_error(decision));
    return answer;
}

static json_t *evaluate(struct cache *cache, json_t *id, const struct question *question)
{
    const struct cached_policy *policy = get_policy(cache, question);
    struct policy_request request = {.source = question->source,
                                     .target = question->target,
                                     .requested_source = question->requested_source};
    struct policy_decision decision;
    char why[1024];

    if (!policy->policy) {
        policy_error_format(&policy->error, why, sizeof(why));
        return refuse(id, policy->error.kind == POLICY_ERROR_LOAD ? "load" : "syntax", why);
    }
    const struct cached_info *info = get_info(cache, question->system_info);
    if (!info->info)
        return refuse(id, "load", info->error);
    policy_request_set_service(&request, question->service);
    policy_decide(policy->policy, info->info, &request, &decision);
    json_t *answer = describe(id, &decision);
    policy_decision_clear(&decision);
    return answer;
}

static void print_answer(json_t *answer)
{
    char *text = json_dumps(answer, JSON_ENSURE_ASCII);

    puts(text ? text : "{\"decision\": \"deny\", \"error\": \"request: text is not UTF-8\"}");
    fflush(stdout);
    free(text);
    json_decref(answer);
}

/* ---- batch ---- */

static bool read_dirs(const json_t *value, struct question *question)
{
    if (json_is_string(value)) {
        question->dirs[question->dir_count++] = json_string_value(value);
        return true;
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        const char *dir = json_string_value(json_array_get(value, i));
        if (!dir || question->dir_count == MAX_DIRS)
            return false;
        question->dirs[question->dir_count++] = dir;
    }
    return question->dir_count > 0;
}

/* The name of what is missing, or NULL. */
static const char *read_question(const json_t *line, struct question *question)
{
    struct {
        const char *key, **to;
        bool must;
    } texts[] = {
        {"legacy_dir", &question->legacy_dir, false},
        {"system_info", &question->system_info, true},
        {"source", &question->source, true},
        {"service", &question->service, true},
        {"intended_target", &question->target, true},
        {"requested_source", &question->requested_source, false},
    };

    if (!read_dirs(json_object_get(line, "policy_dir"), question))
        return "policy_dir";
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        *texts[i].to = json_string_value(json_object_get(line, texts[i].key));
        if (texts[i].must && !*texts[i].to)
            return texts[i].key;
    }
    return NULL;
}

static void answer_line(struct cache *cache, const char *text, size_t len)
{
    struct question question = {0};
    json_error_t trouble;
    json_t *line = json_loadb(text, len, 0, &trouble);
    json_t *id = json_object_get(line, "id");
    char why[300];

    if (!line) {
        snprintf(why, sizeof(why), "not JSON: %s", trouble.text);
        print_answer(refuse(json_null(), "request", why));
        return;
    }
    const char *missing = read_question(line, &question);
    if (missing) {
        snprintf(why, sizeof(why), "\"%s\" is missing or not a text", missing);
        print_answer(refuse(id ? id : json_null(), "request", why));
    } else {
        print_answer(evaluate(cache, id ? id : json_null(), &question));
    }
    json_decref(line);
}

static bool is_empty_line(const char *text)
{
    return text[strspn(text, " \t\r\n")] == '\0';
}

static void run_batch(struct cache *cache)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t len;

    while ((len = getline(&line, &room, stdin)) >= 0)
        if (!is_empty_line(line))
            answer_line(cache, line, (size_t)len);
    free(line);
}

/* ---- command line ---- */

enum {
    OPT_DIR = 256,
    OPT_LEGACY,
    OPT_INFO,
    OPT_SOURCE,
    OPT_SERVICE,
    OPT_TARGET,
    OPT_REQUESTED,
    OPT_BATCH,
    OPT_HELP
};

static const struct option options[] = {
    {"policy-dir", required_argument, NULL, OPT_DIR},
    {"legacy-dir", required_argument, NULL, OPT_LEGACY},
    {"system-info", required_argument, NULL, OPT_INFO},
    {"source", required_argument, NULL, OPT_SOURCE},
    {"service", required_argument, NULL, OPT_SERVICE},
    {"intended-target", required_argument, NULL, OPT_TARGET},
    {"requested-source", required_argument, NULL, OPT_REQUESTED},
    {"batch", no_argument, NULL, OPT_BATCH},
    {"help", no_argument, NULL, OPT_HELP},
    {0},
};

static void usage(FILE *out)
{
    fputs("usage: qrexec-policy-eval --policy-dir DIR [--policy-dir DIR2] [--legacy-dir DIR] --system-info "
          "FILE\n"
          "           --source SOURCE --service SERVICE[+ARGUMENT] --intended-target TARGET\n"
          "           [--requested-source REMOTEVM]\n"
          "       qrexec-policy-eval --batch < QUESTIONS\n",
          out);
}

static bool add_dir(struct question *question, const char *dir)
{
    if (question->dir_count == MAX_DIRS)
        return false;
    question->dirs[question->dir_count++] = dir;
    return true;
}

static bool take_option(int option, struct question *question, bool *batch)
{
    const char **texts[] = {
        [OPT_LEGACY - OPT_DIR] = &question->legacy_dir,
        [OPT_INFO - OPT_DIR] = &question->system_info,
        [OPT_SOURCE - OPT_DIR] = &question->source,
        [OPT_SERVICE - OPT_DIR] = &question->service,
        [OPT_TARGET - OPT_DIR] = &question->target,
        [OPT_REQUESTED - OPT_DIR] = &question->requested_source,
    };

    if (option == OPT_DIR)
        return add_dir(question, optarg);
    if (option == OPT_BATCH)
        return *batch = true;
    if (option < OPT_DIR || option > OPT_REQUESTED)
        return false;
    *texts[option - OPT_DIR] = optarg;
    return true;
}

int main(int argc, char **argv)
{
    struct question question = {0};
    struct cache cache = {0};
    bool batch = false;
    int option;

    while ((option = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
        if (option == OPT_HELP || option == 'h') {
            usage(stdout);
            return 0;
        }
        if (!take_option(option, &question, &batch)) {
            usage(stderr);
            return 2;
        }
    }
    bool complete =
        question.dir_count && question.system_info && question.source && question.service && question.target;
    if (optind < argc || (!batch && !complete)) {
        usage(stderr);
        return 2;
    }
    if (batch)
        run_batch(&cache);
    else
        print_answer(evaluate(&cache, NULL, &question));
    free_cache(&cache);
    return 0;
}
