/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The policy object, and the index over its rules (see policy_private.h). */
#include "policy_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Each rule's group; groups are numbered as they appear. */
static uint32_t group_of(struct policy *policy, const struct policy_rule *rule)
{
    uint32_t fresh_node = (uint32_t)policy->nodes.count;
    uint32_t node = *policy_map_insert(&policy->nodes, rule->service, rule->argument, fresh_node);
    uint32_t fresh = (uint32_t)policy->group_count;
    uint32_t group = *policy_map_insert(&policy->groups, node, rule->source, fresh);

    if (group == fresh) {
        policy->group_list = policy_grow(policy->group_list, policy->group_count, &policy->group_room,
                                         sizeof(*policy->group_list));
        policy->group_list[policy->group_count++] = (struct policy_group){0, 0};
    }
    return group;
}

void policy_index(struct policy *policy)
{
    uint32_t *group = policy_calloc(policy->rule_count, sizeof(*group)), start = 0;

    for (uint32_t i = 0; i < policy->rule_count; i++) {
        group[i] = group_of(policy, &policy->rules[i]);
        policy->group_list[group[i]].count++;
        policy_map_insert(&policy->firsts, group[i], policy->rules[i].target, i);
    }
    for (size_t i = 0; i < policy->group_count; i++) {
        policy->group_list[i].start = start;
        start += policy->group_list[i].count;
        policy->group_list[i].count = 0;
    }
    policy->grouped = policy_calloc(policy->rule_count, sizeof(*policy->grouped));
    for (uint32_t i = 0; i < policy->rule_count; i++) {
        struct policy_group *to = &policy->group_list[group[i]];
        policy->grouped[to->start + to->count++] = i;
    }
    free(group);
}

static void add_node(const struct policy *policy, uint32_t service, uint32_t argument,
                     struct policy_call *call)
{
    uint32_t node = policy_map_find(&policy->nodes, service, argument);

    if (node != POLICY_NONE)
        call->nodes[call->count++] = node;
}

void policy_index_call(const struct policy *policy, const struct policy_request *request,
                       struct policy_call *call)
{
    uint32_t service =
        policy_symbols_find(&policy->symbols, POLICY_SYMBOL_SERVICE, request->service, request->service_len);
    uint32_t argument = policy_symbols_find(&policy->symbols, POLICY_SYMBOL_ARGUMENT, request->argument,
                                            strlen(request->argument));

    call->count = 0;
    if (service != POLICY_NONE && argument != POLICY_NONE)
        add_node(policy, service, argument, call);
    if (service != POLICY_NONE)
        add_node(policy, service, POLICY_NONE, call);
    add_node(policy, POLICY_NONE, POLICY_NONE, call);
}

size_t policy_rule_count(const struct policy *policy)
{
    return policy->rule_count;
}

const struct policy_rule *policy_rule_at(const struct policy *policy, size_t index)
{
    return index < policy->rule_count ? &policy->rules[index] : NULL;
}

const char *policy_file(const struct policy *policy, uint32_t file)
{
    return policy->files[file];
}

const char *policy_text(const struct policy *policy, uint32_t symbol)
{
    return symbol == POLICY_NONE ? "*" : policy->symbols.items[symbol].text;
}

enum policy_token_kind policy_token_kind(const struct policy *policy, uint32_t token)
{
    return (enum policy_token_kind)policy->symbols.items[token].kind;
}

const char *policy_input(const struct policy *policy, size_t index)
{
    return index < policy->input_count ? policy->inputs[index] : NULL;
}

void policy_error_format(const struct policy_error *error, char *text, size_t size)
{
    if (error->line && error->column)
        snprintf(text, size, "%s:%u:%u: %s", error->file, error->line, error->column, error->reason);
    else if (error->line)
        snprintf(text, size, "%s:%u: %s", error->file, error->line, error->reason);
    else
        snprintf(text, size, "%s: %s", error->file, error->reason);
}

static void append(char *text, size_t size, const char *before, const char *value)
{
    size_t used = strlen(text);

    snprintf(text + used, size - used, "%s%s", before, value);
}

static void append_token(const struct policy *policy, char *text, size_t size, const char *before,
                         uint32_t token)
{
    if (token != POLICY_NONE)
        append(text, size, before, policy_token_text(policy, token));
}

void policy_rule_format(const struct policy *policy, const struct policy_rule *rule, char *text, size_t size)
{
    bool denies = rule->action == POLICY_DENY;

    snprintf(text, size, "%s", policy_text(policy, rule->service));
    append(text, size, " ", policy_text(policy, rule->argument));
    append_token(policy, text, size, " ", rule->source);
    append_token(policy, text, size, " ", rule->target);
    append(text, size, " ", policy_action_names[rule->action]);
    append_token(policy, text, size, " target=", rule->redirect);
    append_token(policy, text, size, " default_target=", rule->default_target);
    if (rule->user)
        append(text, size, " user=", rule->user);
    if (rule->notify != denies)
        append(text, size, " notify=", rule->notify ? "yes" : "no");
    if (!rule->autostart)
        append(text, size, " autostart=no", "");
}

void policy_free(struct policy *policy)
{
    if (!policy)
        return;
    policy_map_free(&policy->nodes);
    policy_map_free(&policy->groups);
    policy_map_free(&policy->firsts);
    policy_symbols_free(&policy->symbols);
    policy_arena_free(&policy->arena);
    free(policy->rules);
    free(policy->files);
    free(policy->inputs);
    free(policy->group_list);
    free(policy->grouped);
    free(policy);
}
