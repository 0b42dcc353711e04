/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside of the policy library: the policy object, and what its files share. */
#ifndef QREXEC_POLICY_PRIVATE_H
#define QREXEC_POLICY_PRIVATE_H

#include "policy.h"

/* Symbol kinds: tokens use their enum policy_token_kind, the rest follows. */
enum { POLICY_SYMBOL_SERVICE = POLICY_TOKEN_KINDS, POLICY_SYMBOL_ARGUMENT };

/* Where a token may stand. */
enum {
    POLICY_AS_SOURCE = 1,
    POLICY_AS_TARGET = 2,
    POLICY_AS_REDIRECT = 4,
    POLICY_AS_INTENDED = 8,
};

/*
 * The index: (service, argument) leads to a node, (node, source token) to a group, (group, target token) to
 * the first rule of that group for that target. Rules of one group stand together in `grouped`, in policy
 * order.
 */
struct policy_group {
    uint32_t start, count;
};

struct policy {
    struct policy_arena arena;
    struct policy_symbols symbols; /* text without the token's prefix */
    struct policy_rule *rules;
    size_t rule_count, rule_room;
    const char **files; /* of rules */
    size_t file_count, file_room;
    const char **inputs;
    size_t input_count, input_room;

    struct policy_map nodes, groups, firsts;
    struct policy_group *group_list;
    size_t group_count, group_room;
    uint32_t *grouped;
};

/* Intern a text; for a token, what follows its prefix. */
uint32_t policy_intern(struct policy *policy, uint32_t kind, const char *text, size_t len);

/* ---- policy_token.c ---- */

struct policy_token_text {
    enum policy_token_kind kind;
    const char *value; /* what follows the prefix; the name itself */
    size_t len;
};

/* Read a token that stands in `place`. NULL, or what is wrong with it. */
const char *policy_token_parse(const char *text, size_t len, unsigned place, struct policy_token_text *token);
/* The prefix, or the whole token, of a kind. */
const char *policy_token_prefix(enum policy_token_kind kind);

/* ---- policy_parse.c ---- */

struct policy_word {
    const char *text;
    size_t len;
};

/* A line being read: position for errors, and words. */
struct policy_line {
    struct policy *policy;
    struct policy_error *error;
    const char *start; /* of the line, for columns */
    const char *next, *end;
    uint32_t file;
    unsigned number;
};

/* Fill in `error` for a place in the line; always false. */
bool policy_line_error(struct policy_line *line, const char *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool policy_line_word(struct policy_line *line, struct policy_word *word);
/* SERVICE and ARGUMENT columns into symbols. */
bool policy_parse_call(struct policy_line *line, const struct policy_word *service,
                       const struct policy_word *argument, uint32_t *service_symbol,
                       uint32_t *argument_symbol);
/* The rest of a rule, from SOURCE on; adds the rule to the policy. */
bool policy_parse_rule(struct policy_line *line, uint32_t service, uint32_t argument);
struct policy_rule *policy_add_rule(struct policy *policy);

/* ---- policy_index.c ---- */

void policy_index(struct policy *policy);

/* Up to this many (service, argument) nodes look at one call: S+A, S *, * *. */
#define POLICY_CALL_NODES 3
struct policy_call {
    uint32_t nodes[POLICY_CALL_NODES];
    size_t count;
};
void policy_index_call(const struct policy *policy, const struct policy_request *request,
                       struct policy_call *call);

/* ---- policy_match.c ---- */

/* The tokens of the policy that match one domain. `trap` of them only by accident of a broken default. */
struct policy_matches {
    uint32_t *tokens;
    size_t count, room;
    size_t first_trap; /* tokens from here on deny by what is wrong with the request */
    uint32_t inside[24];
};

void policy_match_source(const struct policy *policy, const struct system_info *info, const char *source,
                         struct policy_matches *matches);
void policy_match_target(const struct policy *policy, const struct system_info *info, const char *target,
                         const struct system_info_vm *source, struct policy_matches *matches);
void policy_matches_clear(struct policy_matches *matches);

/* ---- policy_ask.c ---- */

/* Collect `decision->targets`; false, with the reason in `why`, if there is no way to. */
bool policy_ask_collect(const struct policy *policy, const struct system_info *info,
                        const struct policy_request *request, struct policy_decision *decision, char *why,
                        size_t why_size);

#endif
