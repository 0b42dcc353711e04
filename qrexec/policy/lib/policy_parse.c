/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One rule of a policy: from words to symbols. */
#include "policy_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *const policy_action_names[] = {
    [POLICY_DENY] = "deny", [POLICY_ALLOW] = "allow", [POLICY_ASK] = "ask"};

bool policy_line_error(struct policy_line *line, const char *at, const char *format, ...)
{
    struct policy_error *error = line->error;
    va_list args;

    error->kind = POLICY_ERROR_SYNTAX;
    error->line = line->number;
    error->column = at ? (unsigned)(at - line->start) + 1 : 0;
    snprintf(error->file, sizeof(error->file), "%s", line->policy->files[line->file]);
    va_start(args, format);
    vsnprintf(error->reason, sizeof(error->reason), format, args);
    va_end(args);
    return false;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

bool policy_line_word(struct policy_line *line, struct policy_word *word)
{
    while (line->next < line->end && is_blank(*line->next))
        line->next++;
    word->text = line->next;
    while (line->next < line->end && !is_blank(*line->next))
        line->next++;
    word->len = (size_t)(line->next - word->text);
    return word->len > 0;
}

static bool is_word(const struct policy_word *word, const char *text)
{
    return word->len == strlen(text) && !memcmp(word->text, text, word->len);
}

/* The first byte that no service or argument may have; NULL if all are fine. */
static const char *bad_call_char(const struct policy_word *word, bool plus)
{
    for (const char *c = word->text; c < word->text + word->len; c++) {
        bool alnum = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9');
        if (!alnum && *c != '-' && *c != '.' && *c != '_' && !(plus && *c == '+'))
            return c;
    }
    return NULL;
}

bool policy_parse_call(struct policy_line *line, const struct policy_word *service,
                       const struct policy_word *argument, uint32_t *service_symbol,
                       uint32_t *argument_symbol)
{
    struct policy *policy = line->policy;
    bool any_service = is_word(service, "*"), any_argument = is_word(argument, "*");
    const char *bad;

    if (!any_service && (bad = bad_call_char(service, false)))
        return policy_line_error(line, bad, "character '%c' is not allowed in a service name", *bad);
    if (!any_argument) {
        if ((bad = bad_call_char(argument, true)))
            return policy_line_error(line, bad, "character '%c' is not allowed in an argument", *bad);
        if (!argument->len || *argument->text != '+')
            return policy_line_error(line, argument->text, "argument must be '*' or begin with '+'");
        if (any_service)
            return policy_line_error(line, argument->text, "service '*' takes only the argument '*'");
    }
    *service_symbol =
        any_service ? POLICY_NONE : policy_intern(policy, POLICY_SYMBOL_SERVICE, service->text, service->len);
    *argument_symbol = any_argument
                           ? POLICY_NONE
                           : policy_intern(policy, POLICY_SYMBOL_ARGUMENT, argument->text, argument->len);
    return true;
}

static bool parse_token(struct policy_line *line, const struct policy_word *word, unsigned place,
                        const char *what, uint32_t *symbol)
{
    struct policy_token_text token;
    const char *wrong = policy_token_parse(word->text, word->len, place, &token);

    if (wrong)
        return policy_line_error(line, word->text, "%s '%.*s' %s", what,
                                 (int)(word->len < 64 ? word->len : 64), word->text, wrong);
    *symbol = policy_intern(line->policy, token.kind, token.value, token.len);
    return true;
}

enum { PARAM_TARGET, PARAM_DEFAULT_TARGET, PARAM_USER, PARAM_NOTIFY, PARAM_AUTOSTART, PARAMS };

#define FOR_ALLOW (1u << POLICY_ALLOW)
#define FOR_ASK   (1u << POLICY_ASK)
#define FOR_DENY  (1u << POLICY_DENY)

static const struct {
    const char *name;
    unsigned actions;
} params[PARAMS] = {
    [PARAM_TARGET] = {"target", FOR_ALLOW | FOR_ASK},
    [PARAM_DEFAULT_TARGET] = {"default_target", FOR_ASK},
    [PARAM_USER] = {"user", FOR_ALLOW | FOR_ASK},
    [PARAM_NOTIFY] = {"notify", FOR_ALLOW | FOR_ASK | FOR_DENY},
    [PARAM_AUTOSTART] = {"autostart", FOR_ALLOW | FOR_ASK},
};

static bool parse_yes_no(struct policy_line *line, const char *name, const struct policy_word *value,
                         bool *to)
{
    *to = is_word(value, "yes");
    if (!*to && !is_word(value, "no"))
        return policy_line_error(line, value->text, "%s= must be 'yes' or 'no'", name);
    return true;
}

static bool set_param(struct policy_line *line, struct policy_rule *rule, unsigned param,
                      const struct policy_word *value)
{
    const char *name = params[param].name;

    switch (param) {
    case PARAM_TARGET:
        return parse_token(line, value, POLICY_AS_REDIRECT, "target=", &rule->redirect);
    case PARAM_DEFAULT_TARGET:
        return parse_token(line, value, POLICY_AS_REDIRECT, "default_target=", &rule->default_target);
    case PARAM_USER:
        rule->user = policy_arena_strndup(&line->policy->arena, value->text, value->len);
        return true;
    case PARAM_NOTIFY:
        return parse_yes_no(line, name, value, &rule->notify);
    default:
        return parse_yes_no(line, name, value, &rule->autostart);
    }
}

static unsigned find_param(const struct policy_word *name)
{
    unsigned param = 0;

    while (param < PARAMS && !is_word(name, params[param].name))
        param++;
    return param;
}

static bool parse_param(struct policy_line *line, struct policy_rule *rule, const struct policy_word *word,
                        unsigned *seen)
{
    const char *equals = memchr(word->text, '=', word->len);
    if (!equals)
        return policy_line_error(line, word->text, "a parameter is written NAME=VALUE");
    struct policy_word name = {word->text, (size_t)(equals - word->text)};
    struct policy_word value = {equals + 1, word->len - name.len - 1};
    unsigned param = find_param(&name);
    int shown = (int)(name.len < 64 ? name.len : 64);

    if (param == PARAMS)
        return policy_line_error(line, word->text, "unknown parameter '%.*s'", shown, name.text);
    if (!(params[param].actions & 1u << rule->action))
        return policy_line_error(line, word->text, "parameter '%.*s' does not go with '%s'", shown, name.text,
                                 policy_action_names[rule->action]);
    if (*seen & 1u << param)
        return policy_line_error(line, word->text, "parameter '%.*s' is given twice", shown, name.text);
    *seen |= 1u << param;
    return set_param(line, rule, param, &value);
}

static bool parse_action(struct policy_line *line, const struct policy_word *word, struct policy_rule *rule)
{
    for (uint8_t action = POLICY_DENY; action <= POLICY_ASK; action++)
        if (is_word(word, policy_action_names[action])) {
            rule->action = action;
            rule->notify = action == POLICY_DENY;
            rule->autostart = true;
            return true;
        }
    return policy_line_error(line, word->text, "the action must be 'allow', 'ask' or 'deny'");
}

struct policy_rule *policy_add_rule(struct policy *policy)
{
    policy->rules =
        policy_grow(policy->rules, policy->rule_count, &policy->rule_room, sizeof(*policy->rules));
    return &policy->rules[policy->rule_count++];
}

bool policy_parse_rule(struct policy_line *line, uint32_t service, uint32_t argument)
{
    struct policy_rule rule = {.service = service,
                               .argument = argument,
                               .redirect = POLICY_NONE,
                               .default_target = POLICY_NONE,
                               .file = line->file,
                               .line = line->number};
    struct policy_word source, target, action, word;
    unsigned seen = 0;

    if (!policy_line_word(line, &source) || !policy_line_word(line, &target) ||
        !policy_line_word(line, &action))
        return policy_line_error(line, line->next,
                                 "the rule is too short: SOURCE, TARGET and ACTION are needed");
    if (!parse_token(line, &source, POLICY_AS_SOURCE, "source", &rule.source) ||
        !parse_token(line, &target, POLICY_AS_TARGET, "target", &rule.target) ||
        !parse_action(line, &action, &rule))
        return false;
    while (policy_line_word(line, &word))
        if (!parse_param(line, &rule, &word, &seen))
            return false;
    if (rule.action == POLICY_ALLOW && rule.redirect == POLICY_NONE &&
        policy_token_kind(line->policy, rule.target) == POLICY_TOKEN_DEFAULT)
        return policy_line_error(line, action.text, "'allow' for @default needs target=");
    *policy_add_rule(line->policy) = rule;
    return true;
}
