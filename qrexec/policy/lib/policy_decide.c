/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One call decided: normalise the request, find the first rule, do what it says. */
#include "policy_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_TARGET "@default"
#define DISPVM         "@dispvm"
#define DISPVM_OF      "@dispvm:"

__attribute__((format(printf, 3, 4))) static void deny(struct policy_decision *decision,
                                                       enum policy_failure failure, const char *format, ...)
{
    va_list args;

    decision->action = POLICY_DENY;
    decision->failure = failure;
    decision->target = decision->user = decision->default_target = NULL;
    decision->relayed = NULL;
    va_start(args, format);
    vsnprintf(decision->reason, sizeof(decision->reason), format, args);
    va_end(args);
}

/* "at FILE:LINE" for reasons. */
static const char *place(const struct policy *policy, const struct policy_decision *decision, char *text,
                         size_t size)
{
    const struct policy_rule *rule = decision->rule;

    snprintf(text, size, "%s:%u", policy_file(policy, rule->file), rule->line);
    return text;
}

void policy_request_set_service(struct policy_request *request, const char *service_and_argument)
{
    const char *plus = strchr(service_and_argument, '+');

    request->service = service_and_argument;
    request->service_len = plus ? (size_t)(plus - service_and_argument) : strlen(service_and_argument);
    request->argument = plus ? plus : "+";
}

/* ---- the request ---- */

static bool is_dispvm_template(const struct system_info *info, const char *name)
{
    const struct system_info_vm *vm = system_info_find(info, name);

    return vm && vm->template_for_dispvms;
}

/* Unknown domains become @default. False, with the call denied, if the target is no legal one. */
static bool normalise_target(const struct system_info *info, const char *target, enum policy_failure failure,
                             struct policy_decision *decision, const char **normal)
{
    struct policy_token_text token;

    *normal = *target ? target : DEFAULT_TARGET;
    const char *wrong = policy_token_parse(*normal, strlen(*normal), POLICY_AS_INTENDED, &token);
    if (wrong) {
        deny(decision, failure, "target '%.64s' %s", target, wrong);
        return false;
    }
    if (token.kind == POLICY_TOKEN_NAME && !system_info_find(info, target))
        *normal = DEFAULT_TARGET;
    if (token.kind == POLICY_TOKEN_DISPVM_OF && !is_dispvm_template(info, token.value)) {
        deny(decision, failure, "'%.64s' is not a template for disposables", token.value);
        return false;
    }
    return true;
}

static bool check_requested_source(const struct system_info *info, const struct policy_request *request,
                                   struct policy_decision *decision)
{
    const char *name = request->requested_source;

    if (!name || !*name)
        return true;
    const struct system_info_vm *vm = system_info_find(info, name);
    if (!vm)
        deny(decision, POLICY_FAILURE_REQUEST, "requested source '%.64s' does not exist", name);
    else if (strcmp(vm->type, "RemoteVM") != 0)
        deny(decision, POLICY_FAILURE_REQUEST, "requested source '%.64s' is not a RemoteVM", name);
    else if (!vm->relayvm || strcmp(vm->relayvm, request->source) != 0)
        deny(decision, POLICY_FAILURE_REQUEST, "'%.64s' is not the relay of '%.64s'", request->source, name);
    else
        decision->source = name;
    return decision->failure == POLICY_FAILURE_NONE;
}

/* ---- the first rule ---- */

struct found {
    uint32_t rule;
    bool trap;
};

static void find_in_group(const struct policy *policy, uint32_t group, const struct policy_matches *targets,
                          struct found *found)
{
    for (size_t i = 0; i < targets->count; i++) {
        uint32_t rule = policy_map_find(&policy->firsts, group, targets->tokens[i]);
        if (rule < found->rule) /* POLICY_NONE is larger than all */
            *found = (struct found){rule, i >= targets->first_trap};
    }
}

static void find_rule(const struct policy *policy, const struct policy_request *request,
                      const struct policy_matches *sources, const struct policy_matches *targets,
                      struct found *found)
{
    struct policy_call call;

    policy_index_call(policy, request, &call);
    for (size_t n = 0; n < call.count; n++)
        for (size_t s = 0; s < sources->count; s++) {
            uint32_t group = policy_map_find(&policy->groups, call.nodes[n], sources->tokens[s]);
            if (group != POLICY_NONE)
                find_in_group(policy, group, targets, found);
        }
}

static bool find_first(const struct policy *policy, const struct system_info *info,
                       const struct policy_request *request, struct policy_decision *decision)
{
    const struct system_info_vm *source = system_info_find(info, decision->source);
    struct policy_matches sources, targets;
    struct found found = {POLICY_NONE, false};
    char at[600];

    policy_match_source(policy, info, decision->source, &sources);
    policy_match_target(policy, info, decision->requested_target, source, &targets);
    find_rule(policy, request, &sources, &targets, &found);
    policy_matches_clear(&sources);
    policy_matches_clear(&targets);
    if (found.rule == POLICY_NONE) {
        deny(decision, POLICY_FAILURE_DENIED, "no rule matches");
        return false;
    }
    decision->rule = &policy->rules[found.rule];
    if (found.trap)
        deny(decision, POLICY_FAILURE_DENIED,
             "the rule at %s is about a disposable of a certain template, but '%.64s' has no usable "
             "default_dispvm",
             place(policy, decision, at, sizeof(at)), decision->source);
    return !found.trap;
}

/* ---- allow ---- */

/* What @dispvm stands for; NULL: nothing. The template may not exist. */
static const char *default_dispvm(const struct system_info *info, const char *source)
{
    const struct system_info_vm *vm = system_info_find(info, source);

    return vm ? vm->default_dispvm_target : NULL;
}

/* The domain that a target names, for a disposable its template; NULL: there is none. */
static const struct system_info_vm *named_domain(const struct system_info *info, const char *target)
{
    bool disposable = !strncmp(target, DISPVM_OF, strlen(DISPVM_OF));

    return system_info_find(info, disposable ? target + strlen(DISPVM_OF) : target);
}

static bool runs(const struct system_info *info, const char *target)
{
    if (system_info_is_dom0(target))
        return true;
    const struct system_info_vm *vm = system_info_find(info, target);
    return vm && vm->power_state && !strcmp(vm->power_state, "Running");
}

/* What every allowed call must pass, be it by rule or by the user's word. */
static void check_reachable(const struct system_info *info, struct policy_decision *decision)
{
    const struct system_info_vm *vm = system_info_find(info, decision->target);

    decision->notify = true; /* refusals from here on are told */
    if (!system_info_is_dom0(decision->target) && !named_domain(info, decision->target)) {
        deny(decision, POLICY_FAILURE_DENIED, "target '%.64s' does not exist", decision->target);
    } else if (!strcmp(decision->source, decision->target)) {
        deny(decision, POLICY_FAILURE_DENIED, "source and target are the same domain");
    } else if (vm && !strcmp(vm->type, "RemoteVM") && !system_info_is_dom0(decision->target)) {
        decision->relayed = vm;
        if (!vm->relayvm || !system_info_find(info, vm->relayvm))
            deny(decision, POLICY_FAILURE_DENIED, "RemoteVM '%.64s' has no relayvm", vm->name);
        else if (!vm->transport_rpc)
            deny(decision, POLICY_FAILURE_DENIED, "RemoteVM '%.64s' has no transport_rpc", vm->name);
    }
    if (decision->action == POLICY_ALLOW)
        decision->notify = decision->rule->notify;
}

static bool resolve_target(const struct policy *policy, const struct system_info *info,
                           struct policy_decision *decision)
{
    const struct policy_rule *rule = decision->rule;
    const char *target = decision->requested_target;
    char at[600];

    if (rule->redirect != POLICY_NONE)
        target = policy_token_text(policy, rule->redirect);
    decision->notify = true;
    if (!normalise_target(info, target, POLICY_FAILURE_DENIED, decision, &target))
        return false;
    if (!strcmp(target, DISPVM))
        target = default_dispvm(info, decision->source);
    else if (!strcmp(target, "@adminvm"))
        target = SYSTEM_INFO_DOM0;
    if (!target)
        deny(decision, POLICY_FAILURE_DENIED,
             "the rule at %s allows @dispvm, but '%.64s' has no default_dispvm",
             place(policy, decision, at, sizeof(at)), decision->source);
    else if (!strcmp(target, DEFAULT_TARGET))
        deny(decision, POLICY_FAILURE_DENIED,
             "the rule at %s allows, but neither it nor the caller names a target",
             place(policy, decision, at, sizeof(at)));
    else
        decision->target = target;
    return decision->target != NULL;
}

static void do_allow(const struct policy *policy, const struct system_info *info,
                     const struct policy_request *request, struct policy_decision *decision)
{
    (void)request; /* all three actions have one shape */
    if (!resolve_target(policy, info, decision))
        return;
    decision->notify = decision->rule->notify;
    if (!decision->autostart && !runs(info, decision->target)) {
        deny(decision, POLICY_FAILURE_DENIED,
             "target '%.64s' would have to be started, and the rule says autostart=no", decision->target);
        return;
    }
    check_reachable(info, decision);
}

/* ---- deny ---- */

static void do_deny(const struct policy *policy, const struct system_info *info,
                    const struct policy_request *request, struct policy_decision *decision)
{
    char at[600];

    (void)info;
    (void)request;
    deny(decision, POLICY_FAILURE_DENIED, "denied by the rule at %s",
         place(policy, decision, at, sizeof(at)));
}

/* ---- ask ---- */

static bool is_choice(const struct policy_decision *decision, const char *target)
{
    for (size_t i = 0; i < decision->target_count; i++)
        if (!strcmp(decision->targets[i], target))
            return true;
    return false;
}

/* The rule names the one target. */
static void ask_redirect(const struct policy *policy, const struct system_info *info,
                         struct policy_decision *decision)
{
    const char *target = policy_token_text(policy, decision->rule->redirect);

    if (system_info_is_dom0(target))
        target = SYSTEM_INFO_DOM0;
    else if (!strcmp(target, DISPVM)) {
        target = default_dispvm(info, decision->source);
        if (target && !named_domain(info, target))
            target = NULL;
    }
    decision->targets = policy_calloc(1, sizeof(*decision->targets));
    if (target)
        decision->targets[decision->target_count++] = target;
}

static void keep_running(const struct system_info *info, struct policy_decision *decision)
{
    size_t kept = 0;

    for (size_t i = 0; i < decision->target_count; i++)
        if (runs(info, decision->targets[i]))
            decision->targets[kept++] = decision->targets[i];
    decision->target_count = kept;
}

static void set_default_target(const struct policy *policy, const struct system_info *info,
                               struct policy_decision *decision)
{
    if (decision->rule->default_target == POLICY_NONE)
        return;
    const char *target = policy_token_text(policy, decision->rule->default_target);
    if (!strcmp(target, DISPVM))
        target = default_dispvm(info, decision->source);
    else if (system_info_is_dom0(target))
        target = SYSTEM_INFO_DOM0;
    if (target && is_choice(decision, target))
        decision->default_target = target;
}

static void do_ask(const struct policy *policy, const struct system_info *info,
                   const struct policy_request *request, struct policy_decision *decision)
{
    const struct policy_rule *rule = decision->rule;
    const struct system_info_vm *source = system_info_find(info, decision->source);
    char at[600], why[200];

    place(policy, decision, at, sizeof(at));
    decision->notify = true; /* where asking is impossible the user is told */
    if (rule->redirect != POLICY_NONE) {
        ask_redirect(policy, info, decision);
    } else if (!policy_ask_collect(policy, info, request, decision, why, sizeof(why))) {
        deny(decision, POLICY_FAILURE_DENIED, "the rule at %s asks, but %s", at, why);
        return;
    }
    if (!decision->autostart)
        keep_running(info, decision);
    if (!decision->target_count)
        deny(decision, POLICY_FAILURE_DENIED, "the rule at %s asks, but there is no target to choose from",
             at);
    else if (source && info->guivm_told && !source->guivm)
        deny(decision, POLICY_FAILURE_DENIED, "the rule at %s asks, but '%.64s' has no GUI domain to ask in",
             at, decision->source);
    else
        set_default_target(policy, info, decision);
    if (decision->action == POLICY_ASK)
        decision->notify = rule->notify;
}

void policy_decision_choose(const struct policy *policy, const struct system_info *info,
                            struct policy_decision *decision, const char *target)
{
    (void)policy;
    const char *chosen = NULL;

    for (size_t i = 0; i < decision->target_count; i++)
        if (!strcmp(decision->targets[i], target))
            chosen = decision->targets[i];
    decision->notify = true;
    if (!chosen) {
        deny(decision, POLICY_FAILURE_DENIED, "'%.64s' is not one of the targets to choose from", target);
        return;
    }
    decision->target = chosen;
    decision->action = POLICY_ALLOW;
    check_reachable(info, decision);
}

/* ---- all together ---- */

typedef void (*action_fn)(const struct policy *policy, const struct system_info *info,
                          const struct policy_request *request, struct policy_decision *decision);

static const action_fn actions[] = {
    [POLICY_DENY] = do_deny, [POLICY_ALLOW] = do_allow, [POLICY_ASK] = do_ask};

void policy_decide(const struct policy *policy, const struct system_info *info,
                   const struct policy_request *request, struct policy_decision *decision)
{
    /* the text of a reason needs no clearing */
    memset(decision, 0, offsetof(struct policy_decision, reason));
    decision->reason[0] = '\0';
    decision->source = request->source;
    decision->notify = true;
    if (!normalise_target(info, request->target, POLICY_FAILURE_REQUEST, decision,
                          &decision->requested_target) ||
        !check_requested_source(info, request, decision) || !find_first(policy, info, request, decision))
        return;
    const struct policy_rule *rule = decision->rule;
    decision->action = rule->action;
    decision->user = rule->user;
    decision->notify = rule->notify;
    decision->autostart = rule->autostart;
    actions[rule->action](policy, info, request, decision);
    if (decision->action == POLICY_DENY) {
        decision->autostart = false;
        policy_decision_clear(decision);
    }
}

void policy_decision_clear(struct policy_decision *decision)
{
    free(decision->targets);
    decision->targets = NULL;
    decision->target_count = 0;
}

static bool holds(const struct policy_matches *matches, uint32_t token)
{
    for (size_t i = 0; i < matches->count; i++)
        if (matches->tokens[i] == token)
            return true;
    return false;
}

enum policy_mismatch policy_rule_check(const struct policy *policy, const struct system_info *info,
                                       const struct policy_request *request,
                                       const struct policy_decision *decision, const struct policy_rule *rule)
{
    const char *service = policy_text(policy, rule->service);
    struct policy_matches sources, targets;

    if (rule->service != POLICY_NONE && (strlen(service) != request->service_len ||
                                         memcmp(service, request->service, request->service_len) != 0))
        return POLICY_MISMATCH_SERVICE;
    if (rule->argument != POLICY_NONE && strcmp(policy_text(policy, rule->argument), request->argument) != 0)
        return POLICY_MISMATCH_ARGUMENT;
    policy_match_source(policy, info, decision->source, &sources);
    policy_match_target(policy, info, decision->requested_target, system_info_find(info, decision->source),
                        &targets);
    bool source = holds(&sources, rule->source), target = holds(&targets, rule->target);
    policy_matches_clear(&sources);
    policy_matches_clear(&targets);
    return !source ? POLICY_MISMATCH_SOURCE : !target ? POLICY_MISMATCH_TARGET : POLICY_MATCHES;
}
