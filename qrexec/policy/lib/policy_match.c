/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which tokens of the policy match a domain. A call has few properties and the policy's tokens are interned,
 * so each property is looked up instead of each rule being tried.
 */
#include "policy_private.h"

#include <stdlib.h>
#include <string.h>

static void add_symbol(struct policy_matches *matches, uint32_t symbol)
{
    if (matches->count == matches->room) {
        matches->room *= 2;
        uint32_t *more = policy_calloc(matches->room, sizeof(*more));
        memcpy(more, matches->tokens, matches->count * sizeof(*more));
        policy_matches_clear(matches);
        matches->tokens = more;
    }
    matches->tokens[matches->count++] = symbol;
}

static void add(const struct policy *policy, struct policy_matches *matches, enum policy_token_kind kind,
                const char *text)
{
    uint32_t symbol = policy_symbols_find(&policy->symbols, (uint32_t)kind, text, strlen(text));

    if (symbol != POLICY_NONE)
        add_symbol(matches, symbol);
}

static void add_word(const struct policy *policy, struct policy_matches *matches, enum policy_token_kind kind)
{
    add(policy, matches, kind, policy_token_prefix(kind));
}

/* A name and a uuid match each other through the system info; also in "@dispvm:…". */
static void add_names(const struct policy *policy, struct policy_matches *matches,
                      enum policy_token_kind kind, const char *name, const struct system_info_vm *vm)
{
    bool by_uuid = !strncmp(name, "uuid:", 5);

    add(policy, matches, kind, name);
    if (vm && by_uuid && !(kind == POLICY_TOKEN_NAME && system_info_is_dom0(vm->name)))
        add(policy, matches, kind, vm->name);
    if (vm && !by_uuid && vm->uuid)
        add(policy, matches, kind, vm->uuid);
}

static void add_dom0(const struct policy *policy, struct policy_matches *matches)
{
    add_word(policy, matches, POLICY_TOKEN_ADMINVM);
    add(policy, matches, POLICY_TOKEN_NAME, SYSTEM_INFO_DOM0);
    add(policy, matches, POLICY_TOKEN_NAME, SYSTEM_INFO_DOM0_UUID);
}

static void add_properties(const struct policy *policy, struct policy_matches *matches,
                           const struct system_info_vm *vm)
{
    add(policy, matches, POLICY_TOKEN_TYPE, vm->type);
    for (size_t i = 0; i < vm->tag_count; i++)
        add(policy, matches, POLICY_TOKEN_TAG, vm->tags[i]);
}

static void add_domain(const struct policy *policy, const struct system_info *info, const char *name,
                       struct policy_matches *matches)
{
    const struct system_info_vm *vm = system_info_find(info, name);
    bool dom0 = system_info_is_dom0(name);

    add_word(policy, matches, POLICY_TOKEN_ANY);
    if (!dom0)
        add_word(policy, matches, POLICY_TOKEN_ANYVM);
    if (dom0)
        add_dom0(policy, matches);
    if (!dom0 || (vm && vm->uuid && strcmp(vm->uuid, SYSTEM_INFO_DOM0_UUID) != 0))
        add_names(policy, matches, POLICY_TOKEN_NAME, name, vm);
    if (vm)
        add_properties(policy, matches, vm);
}

static void start(struct policy_matches *matches)
{
    matches->tokens = matches->inside;
    matches->room = sizeof(matches->inside) / sizeof(*matches->inside);
    matches->count = 0;
}

void policy_match_source(const struct policy *policy, const struct system_info *info, const char *source,
                         struct policy_matches *matches)
{
    start(matches);
    add_domain(policy, info, source, matches);
    matches->first_trap = matches->count;
}

static void add_dispvm_tags(const struct policy *policy, struct policy_matches *matches,
                            const struct system_info_vm *base)
{
    for (size_t i = 0; base->template_for_dispvms && i < base->tag_count; i++)
        add(policy, matches, POLICY_TOKEN_DISPVM_TAG, base->tags[i]);
}

static void add_kind(const struct policy *policy, struct policy_matches *matches, enum policy_token_kind kind)
{
    for (uint32_t i = 0; i < policy->symbols.count; i++)
        if (policy->symbols.items[i].kind == kind)
            add_symbol(matches, i);
}

/*
 * Plain @dispvm stands for the source's default. Where that is missing, a rule on a particular disposable
 * cannot be judged: meeting one refuses the call, as it does in Qubes.
 */
static void add_default_dispvm(const struct policy *policy, const struct system_info *info,
                               const struct system_info_vm *source, struct policy_matches *matches)
{
    const char *name = source ? source->default_dispvm : NULL;
    const struct system_info_vm *base = name ? system_info_find(info, name) : NULL;

    add_word(policy, matches, POLICY_TOKEN_DISPVM);
    if (name)
        add(policy, matches, POLICY_TOKEN_DISPVM_OF, name);
    if (base)
        add_dispvm_tags(policy, matches, base);
    matches->first_trap = matches->count;
    if (!name)
        add_kind(policy, matches, POLICY_TOKEN_DISPVM_OF);
    else if (!base)
        add_kind(policy, matches, POLICY_TOKEN_DISPVM_TAG);
}

void policy_match_target(const struct policy *policy, const struct system_info *info, const char *target,
                         const struct system_info_vm *source, struct policy_matches *matches)
{
    const char *dispvm = policy_token_prefix(POLICY_TOKEN_DISPVM_OF);
    size_t prefix = strlen(dispvm);

    start(matches);
    if (!strncmp(target, dispvm, prefix)) {
        const struct system_info_vm *base = system_info_find(info, target + prefix);
        add_word(policy, matches, POLICY_TOKEN_ANY);
        add_word(policy, matches, POLICY_TOKEN_ANYVM);
        add_names(policy, matches, POLICY_TOKEN_DISPVM_OF, target + prefix, base);
        if (base)
            add_dispvm_tags(policy, matches, base);
    } else if (!strcmp(target, policy_token_prefix(POLICY_TOKEN_DISPVM))) {
        add_word(policy, matches, POLICY_TOKEN_ANY);
        add_word(policy, matches, POLICY_TOKEN_ANYVM);
        add_default_dispvm(policy, info, source, matches);
        return;
    } else if (!strcmp(target, policy_token_prefix(POLICY_TOKEN_DEFAULT))) {
        add_word(policy, matches, POLICY_TOKEN_ANY);
        add_word(policy, matches, POLICY_TOKEN_ANYVM);
        add_word(policy, matches, POLICY_TOKEN_DEFAULT);
    } else {
        add_domain(policy, info, target, matches);
    }
    matches->first_trap = matches->count;
}

void policy_matches_clear(struct policy_matches *matches)
{
    if (matches->tokens != matches->inside)
        free(matches->tokens);
}
