/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the user may choose from: all rules on the call from last to first, each adding its targets or, if it
 * denies, taking them away. The set is two bits for each domain: itself, and a disposable based on it.
 */
#include "policy_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ITSELF = 1, DISPOSABLE = 2 };

struct choice {
    const struct policy *policy;
    const struct system_info *info;
    uint8_t *vms; /* parallel to info->vms */
    bool default_dispvm, adminvm;
    char *why;
    size_t why_size;
    /* for explanations: the rule that last changed one target */
    size_t traced_vm;
    uint8_t traced_bits;
    uint32_t rule, traced, traced_default, traced_adminvm;
};

static size_t index_of(const struct choice *choice, const struct system_info_vm *vm)
{
    return (size_t)(vm - choice->info->vms);
}

static void set(struct choice *choice, size_t vm, uint8_t bits, bool add)
{
    if (vm == choice->traced_vm && bits & choice->traced_bits)
        choice->traced = choice->rule;
    if (add)
        choice->vms[vm] |= bits;
    else
        choice->vms[vm] &= (uint8_t)~bits;
}

typedef bool (*wanted_fn)(const struct system_info_vm *vm, const char *value);

static bool is_any(const struct system_info_vm *vm, const char *value)
{
    (void)vm;
    (void)value;
    return true;
}

static bool is_not_dom0(const struct system_info_vm *vm, const char *value)
{
    (void)value;
    return !system_info_is_dom0(vm->name);
}

static bool is_of_type(const struct system_info_vm *vm, const char *value)
{
    return !strcmp(vm->type, value);
}

static bool is_template(const struct system_info_vm *vm, const char *value)
{
    (void)value;
    return vm->template_for_dispvms;
}

static bool is_tagged_template(const struct system_info_vm *vm, const char *value)
{
    return vm->template_for_dispvms && system_info_has_tag(vm, value);
}

/* What a token stands for, apart from the kinds that name one thing. */
static const struct expansion {
    wanted_fn itself, disposable;
    bool default_dispvm;
} expansions[POLICY_TOKEN_KINDS] = {
    [POLICY_TOKEN_ANY] = {is_any, is_template, true},
    [POLICY_TOKEN_ANYVM] = {is_not_dom0, is_template, true},
    [POLICY_TOKEN_DISPVM] = {NULL, NULL, true},
    [POLICY_TOKEN_DISPVM_TAG] = {NULL, is_tagged_template, false},
    [POLICY_TOKEN_TAG] = {system_info_has_tag, NULL, false},
    [POLICY_TOKEN_TYPE] = {is_of_type, NULL, false},
};

static void expand_all(struct choice *choice, const struct expansion *expansion, const char *value, bool add)
{
    for (size_t i = 0; i < choice->info->count; i++) {
        const struct system_info_vm *vm = &choice->info->vms[i];
        if (expansion->itself && expansion->itself(vm, value))
            set(choice, i, ITSELF, add);
        if (expansion->disposable && expansion->disposable(vm, value))
            set(choice, i, DISPOSABLE, add);
    }
    if (expansion->default_dispvm) {
        choice->default_dispvm = add;
        choice->traced_default = choice->rule;
    }
}

static bool expand(struct choice *choice, uint32_t token, bool add)
{
    enum policy_token_kind kind = policy_token_kind(choice->policy, token);
    const char *value = policy_text(choice->policy, token);

    if (kind == POLICY_TOKEN_ADMINVM) {
        choice->adminvm = add;
        choice->traced_adminvm = choice->rule;
    } else if (kind == POLICY_TOKEN_NAME || kind == POLICY_TOKEN_DISPVM_OF) {
        const struct system_info_vm *vm = system_info_find(choice->info, value);
        if (vm && kind == POLICY_TOKEN_NAME)
            set(choice, index_of(choice, vm), ITSELF, add);
        else if (vm && vm->template_for_dispvms)
            set(choice, index_of(choice, vm), DISPOSABLE, add);
        else if (!vm && kind == POLICY_TOKEN_DISPVM_OF) {
            snprintf(choice->why, choice->why_size, "a rule names '@dispvm:%.64s', which does not exist",
                     value);
            return false;
        }
    } else {
        expand_all(choice, &expansions[kind], value, add);
    }
    return true;
}

/* ---- the rules on a call ---- */

struct rule_list {
    uint32_t *items;
    size_t count, room;
};

static int last_first(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? 1 : x > y ? -1 : 0;
}

static void list_rules(const struct policy *policy, const struct policy_call *call,
                       const struct policy_matches *sources, struct rule_list *list)
{
    for (size_t n = 0; n < call->count; n++)
        for (size_t s = 0; s < sources->count; s++) {
            uint32_t number = policy_map_find(&policy->groups, call->nodes[n], sources->tokens[s]);
            if (number == POLICY_NONE)
                continue;
            const struct policy_group *group = &policy->group_list[number];
            list->items = policy_realloc(list->items, list->count + group->count, sizeof(*list->items));
            memcpy(list->items + list->count, policy->grouped + group->start,
                   group->count * sizeof(*list->items));
            list->count += group->count;
        }
    if (list->count)
        qsort(list->items, list->count, sizeof(*list->items), last_first);
}

static bool apply_rules(struct choice *choice, const struct policy_request *request, const char *source)
{
    const struct policy *policy = choice->policy;
    struct policy_call call;
    struct policy_matches sources;
    struct rule_list list = {0};
    bool good = true;

    policy_index_call(policy, request, &call);
    policy_match_source(policy, choice->info, source, &sources);
    list_rules(policy, &call, &sources, &list);
    for (size_t i = 0; good && i < list.count; i++) {
        const struct policy_rule *rule = &policy->rules[list.items[i]];
        choice->rule = list.items[i];
        uint32_t token = rule->redirect != POLICY_NONE ? rule->redirect : rule->target;
        good = expand(choice, token, rule->action != POLICY_DENY);
    }
    policy_matches_clear(&sources);
    free(list.items);
    return good;
}

/* ---- what remains is shown ---- */

static bool resolve_words(struct choice *choice, const struct system_info_vm *source)
{
    const struct system_info_vm *vm;

    if (choice->default_dispvm && source->default_dispvm) {
        vm = system_info_find(choice->info, source->default_dispvm);
        if (!vm) {
            snprintf(choice->why, choice->why_size, "default_dispvm '%.64s' of '%.64s' does not exist",
                     source->default_dispvm, source->name);
            return false;
        }
        choice->rule = choice->traced_default;
        set(choice, index_of(choice, vm), DISPOSABLE, true);
    }
    if (choice->adminvm) {
        vm = system_info_find(choice->info, SYSTEM_INFO_DOM0);
        if (!vm) {
            snprintf(choice->why, choice->why_size, "there is no domain 'dom0'");
            return false;
        }
        choice->rule = choice->traced_adminvm;
        set(choice, index_of(choice, vm), ITSELF, true);
    }
    return true;
}

static void remove_unwanted(struct choice *choice, const struct system_info_vm *source)
{
    set(choice, index_of(choice, source), ITSELF, false);
    for (size_t i = 0; i < choice->info->count; i++)
        if (choice->info->vms[i].internal)
            choice->vms[i] = 0;
}

/* '@' sorts before letters: the result is sorted. */
static void write_targets(const struct choice *choice, struct policy_decision *decision)
{
    const struct system_info *info = choice->info;

    decision->targets = policy_calloc(info->count * 2, sizeof(*decision->targets));
    for (size_t i = 0; i < info->count; i++)
        if (choice->vms[index_of(choice, info->sorted[i])] & DISPOSABLE)
            decision->targets[decision->target_count++] = info->sorted[i]->dispvm_name;
    for (size_t i = 0; i < info->count; i++)
        if (choice->vms[index_of(choice, info->sorted[i])] & ITSELF)
            decision->targets[decision->target_count++] = info->sorted[i]->name;
}

bool policy_ask_collect(const struct policy *policy, const struct system_info *info,
                        const struct policy_request *request, struct policy_decision *decision, char *why,
                        size_t why_size)
{
    const struct system_info_vm *source = system_info_find(info, decision->source);
    struct choice choice = {.policy = policy, .info = info, .why = why, .why_size = why_size};

    if (!source) {
        snprintf(why, why_size, "the source '%.64s' does not exist", decision->source);
        return false;
    }
    choice.vms = policy_calloc(info->count, sizeof(*choice.vms));
    bool good = apply_rules(&choice, request, decision->source) && resolve_words(&choice, source);
    if (good) {
        remove_unwanted(&choice, source);
        write_targets(&choice, decision);
    }
    free(choice.vms);
    return good;
}

const struct policy_rule *policy_ask_origin(const struct policy *policy, const struct system_info *info,
                                            const struct policy_request *request,
                                            const struct policy_decision *decision, const char *target)
{
    const char *prefix = policy_token_prefix(POLICY_TOKEN_DISPVM_OF);
    bool disposable = !strncmp(target, prefix, strlen(prefix));
    const struct system_info_vm *vm = system_info_find(info, disposable ? target + strlen(prefix) : target);
    const struct system_info_vm *source = system_info_find(info, decision->source);
    char why[200];
    struct choice choice = {
        .policy = policy, .info = info, .why = why, .why_size = sizeof(why), .traced = POLICY_NONE};

    if (!vm || !source || (decision->rule && decision->rule->redirect != POLICY_NONE))
        return NULL;
    choice.traced_vm = index_of(&choice, vm);
    choice.traced_bits = disposable ? DISPOSABLE : ITSELF;
    choice.vms = policy_calloc(info->count, sizeof(*choice.vms));
    bool good = apply_rules(&choice, request, decision->source) && resolve_words(&choice, source);
    free(choice.vms);
    return good ? policy_rule_at(policy, choice.traced) : NULL;
}
