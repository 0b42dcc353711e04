/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tokens: names and @words, and in which column each may stand. */
#include "policy_private.h"

#include <string.h>

#define EVERYWHERE (POLICY_AS_SOURCE | POLICY_AS_TARGET | POLICY_AS_REDIRECT | POLICY_AS_INTENDED)
#define RULE       (POLICY_AS_SOURCE | POLICY_AS_TARGET)
#define ASKED      (POLICY_AS_TARGET | POLICY_AS_INTENDED)

static const struct token_rule {
    const char *prefix;
    unsigned places;
    bool exact;
} token_rules[POLICY_TOKEN_KINDS] = {
    [POLICY_TOKEN_NAME] = {"", EVERYWHERE, false},
    [POLICY_TOKEN_ANY] = {"*", RULE, true},
    [POLICY_TOKEN_ANYVM] = {"@anyvm", RULE, true},
    [POLICY_TOKEN_ADMINVM] = {"@adminvm", EVERYWHERE, true},
    [POLICY_TOKEN_DEFAULT] = {"@default", ASKED, true},
    [POLICY_TOKEN_DISPVM] = {"@dispvm", ASKED | POLICY_AS_REDIRECT, true},
    [POLICY_TOKEN_DISPVM_OF] = {"@dispvm:", EVERYWHERE, false},
    [POLICY_TOKEN_DISPVM_TAG] = {"@dispvm:@tag:", RULE, false},
    [POLICY_TOKEN_TAG] = {"@tag:", RULE, false},
    [POLICY_TOKEN_TYPE] = {"@type:", RULE, false},
};

const char *policy_token_prefix(enum policy_token_kind kind)
{
    return token_rules[kind].prefix;
}

static bool has_shape(const struct token_rule *rule, const char *text, size_t len)
{
    size_t prefix = strlen(rule->prefix);

    if (len < prefix || memcmp(text, rule->prefix, prefix) != 0)
        return false;
    return rule->exact ? len == prefix : len == prefix || text[prefix] != '@';
}

const char *policy_token_parse(const char *text, size_t len, unsigned place, struct policy_token_text *token)
{
    if (!len)
        return "is empty";
    if (*text != '@' && !(len == 1 && *text == '*')) {
        *token = (struct policy_token_text){POLICY_TOKEN_NAME, text, len};
        return NULL;
    }
    for (enum policy_token_kind kind = POLICY_TOKEN_ANY; kind < POLICY_TOKEN_KINDS; kind++) {
        const struct token_rule *rule = &token_rules[kind];
        if (!has_shape(rule, text, len))
            continue;
        size_t prefix = rule->exact ? 0 : strlen(rule->prefix);
        if (!(rule->places & place))
            return "cannot be used here";
        if (len == prefix)
            return "lacks a name after the colon";
        *token = (struct policy_token_text){kind, text + prefix, len - prefix};
        return NULL;
    }
    return "is not a known token";
}

/* Interned tokens have their prefix standing right before them, so that both texts are one. */
static size_t prefix_length(uint32_t kind)
{
    return kind < POLICY_TOKEN_KINDS && !token_rules[kind].exact ? strlen(token_rules[kind].prefix) : 0;
}

uint32_t policy_intern(struct policy *policy, uint32_t kind, const char *text, size_t len)
{
    uint32_t symbol = policy_symbols_find(&policy->symbols, kind, text, len);

    if (symbol != POLICY_NONE)
        return symbol;
    size_t prefix = prefix_length(kind);
    char *copy = policy_arena_alloc(&policy->arena, prefix + len + 1);
    if (prefix)
        memcpy(copy, token_rules[kind].prefix, prefix);
    memcpy(copy + prefix, text, len);
    return policy_symbols_add(&policy->symbols, kind, copy + prefix, len);
}

const char *policy_token_text(const struct policy *policy, uint32_t token)
{
    return policy_text(policy, token) - prefix_length((uint32_t)policy_token_kind(policy, token));
}
