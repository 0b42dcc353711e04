/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy_question.h"
#include "agent_client.h"
#include "policy_log.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the question ---- */

enum { KEY_SOURCE, KEY_TARGET, KEY_SERVICE, KEY_REQUESTED, KEY_ASSUME, KEY_EVALUATE, KEYS };

static const char *const keys[KEYS] = {
    [KEY_SOURCE] = "source",
    [KEY_TARGET] = "intended_target",
    [KEY_SERVICE] = "service_and_arg",
    [KEY_REQUESTED] = "requested_source",
    [KEY_ASSUME] = "assume_yes_for_ask",
    [KEY_EVALUATE] = "just_evaluate",
};

static bool is_flag(unsigned key)
{
    return key == KEY_ASSUME || key == KEY_EVALUATE;
}

static unsigned find_key(const char *name, size_t len)
{
    unsigned key = 0;

    while (key < KEYS && (strlen(keys[key]) != len || memcmp(keys[key], name, len) != 0))
        key++;
    return key;
}

static bool take_line(char *untrusted_line, const char **values)
{
    char *equals = strchr(untrusted_line, '=');
    unsigned key = equals ? find_key(untrusted_line, (size_t)(equals - untrusted_line)) : (unsigned)KEYS;

    if (key == KEYS || values[key])
        return false;
    if (is_flag(key) && strcmp(equals + 1, "yes") != 0 && strcmp(equals + 1, "no") != 0)
        return false;
    values[key] = equals + 1;
    return true;
}

/* Where the empty line begins, or the end of the text; NULL: not there yet. */
static char *find_end(char *text, size_t len, bool end)
{
    if (len && *text == '\n')
        return text;
    char *found = memmem(text, len, "\n\n", 2);
    if (found)
        return found + 1;
    return end ? text + len : NULL;
}

static bool is_clean(const char *text, const char *stop)
{
    for (; text < stop; text++)
        if ((unsigned char)*text >= 0x80 || !*text)
            return false;
    return true;
}

int policy_question_parse(char *untrusted_text, size_t len, bool end, struct policy_question *question)
{
    const char *values[KEYS] = {0};
    char *stop = find_end(untrusted_text, len, end);

    if (!stop)
        return len < POLICY_QUESTION_MAX ? 0 : -EINVAL;
    if (!is_clean(untrusted_text, stop))
        return -EINVAL;
    *stop = '\0'; /* over the empty line, or in the caller's spare byte */
    for (char *line = untrusted_text, *next; line && *line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        if (!take_line(line, values))
            return -EINVAL;
    }
    if (!values[KEY_SOURCE] || !values[KEY_TARGET] || !values[KEY_SERVICE])
        return -EINVAL;
    *question = (struct policy_question){
        .source = values[KEY_SOURCE],
        .target = values[KEY_TARGET],
        .service = values[KEY_SERVICE],
        .requested_source = values[KEY_REQUESTED],
        .assume_yes = values[KEY_ASSUME] && !strcmp(values[KEY_ASSUME], "yes"),
        .just_evaluate = values[KEY_EVALUATE] && !strcmp(values[KEY_EVALUATE], "yes"),
    };
    return 1;
}

/* ---- the way to a decision ---- */

static void refuse(struct policy_call *call, const char *why)
{
    call->decision.action = POLICY_DENY;
    call->decision.failure = POLICY_FAILURE_DENIED;
    snprintf(call->decision.reason, sizeof(call->decision.reason), "%s", why);
}

/* "yes" is assumed for the target that was asked for, written as the list of targets writes it. */
static void assume_yes(struct policy_call *call)
{
    const char *target = call->decision.requested_target;
    const struct system_info_vm *vm, *source = system_info_find(call->info, call->decision.source);

    if (!strcmp(target, "@dispvm") && source && source->default_dispvm) {
        vm = system_info_find(call->info, source->default_dispvm);
        target = vm ? vm->dispvm_name : target;
    } else if (system_info_is_dom0(target)) {
        target = SYSTEM_INFO_DOM0;
    } else if ((vm = system_info_find(call->info, target))) {
        target = vm->name;
    }
    policy_decision_choose(call->policy, call->info, &call->decision, target);
}

void policy_call_start(struct policy_call *call, const struct policy *policy, const struct system_info *info,
                       const struct policy_question *question)
{
    call->policy = policy;
    call->info = info;
    call->question = *question;
    call->request = (struct policy_request){.source = question->source,
                                            .target = question->target,
                                            .requested_source = question->requested_source};
    policy_request_set_service(&call->request, question->service);
    policy_decide(policy, info, &call->request, &call->decision);
    if (call->decision.action != POLICY_ASK)
        return;
    if (question->assume_yes)
        assume_yes(call);
    else if (question->just_evaluate)
        refuse(call, "the user would have to be asked");
}

static const char *gui_domain(const struct policy_call *call, const char *name)
{
    const struct system_info_vm *vm = system_info_find(call->info, name);

    return vm ? vm->guivm : NULL;
}

static json_t *icons(const struct system_info *info)
{
    json_t *all = json_object();
    char disposable[128];

    for (size_t i = 0; i < info->count; i++) {
        const struct system_info_vm *vm = &info->vms[i];
        const char *icon = vm->icon ? vm->icon : "", *app = strstr(icon, "app");
        json_object_set_new(all, vm->name, json_string(icon));
        if (!vm->template_for_dispvms)
            continue;
        /* appvm-red of the template is dispvm-red of its disposables */
        snprintf(disposable, sizeof(disposable), "%.*s%s%s", app ? (int)(app - icon) : 0, icon,
                 app ? "disp" : "", app ? app + 3 : icon);
        json_object_set_new(all, vm->dispvm_name, json_string(disposable));
    }
    return all;
}

static json_t *ask_message(const struct policy_call *call)
{
    const struct policy_decision *decision = &call->decision;
    const struct system_info_vm *source = system_info_find(call->info, decision->source);
    json_t *targets = json_array(), *message = json_object();

    for (size_t i = 0; i < decision->target_count; i++)
        json_array_append_new(targets, json_string(decision->targets[i]));
    json_object_set_new(message, "source", json_string(decision->source));
    json_object_set_new(message, "service", json_stringn(call->request.service, call->request.service_len));
    json_object_set_new(message, "argument", json_string(call->request.argument));
    json_object_set_new(message, "targets", targets);
    json_object_set_new(message, "default_target",
                        json_string(decision->default_target ? decision->default_target : ""));
    json_object_set_new(message, "icons", icons(call->info));
    if (source && source->label)
        json_object_set_new(message, "source_label", json_string(source->label));
    return message;
}

void policy_call_ask(struct policy_call *call, int asker)
{
    const char *gui = gui_domain(call, call->decision.source);
    json_t *message = ask_message(call);
    char reply[256], why[200];
    int status = gui ? agent_client_call(gui, "policy.Ask", message, asker, reply, sizeof(reply)) : -ENODEV;

    json_decref(message);
    call->decision.notify = call->decision.rule->notify;
    if (status < 0) {
        snprintf(why, sizeof(why), "the user could not be asked in '%.64s': %s", gui ? gui : "no GUI domain",
                 strerror(-status));
        refuse(call, why);
    } else if (!strncmp(reply, "allow:", 6)) {
        policy_decision_choose(call->policy, call->info, &call->decision, reply + 6);
    } else {
        refuse(call, strcmp(reply, "deny") ? "the agent gave no legal answer" : "denied by the user");
    }
}

/* ---- the answer ---- */

struct text {
    char *start;
    size_t len, size;
};

__attribute__((format(printf, 2, 3))) static void append(struct text *text, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int added = vsnprintf(text->start + text->len, text->size - text->len, format, args);
    va_end(args);
    text->len += (size_t)(added < 0 ? 0 : added);
    if (text->len >= text->size)
        text->len = text->size - 1; /* noticed by the caller */
}

static const char *uuid_of(const struct system_info *info, const char *name)
{
    const struct system_info_vm *vm = system_info_find(info, name);

    return vm && vm->uuid ? vm->uuid : NULL;
}

static void append_target(struct text *text, const struct policy_call *call)
{
    const struct policy_decision *decision = &call->decision;
    const char *target = decision->target, *prefix = "";

    if (system_info_is_dom0(target)) {
        append(text, "\ntarget=%s", SYSTEM_INFO_DOM0);
        return;
    }
    if (decision->relayed)
        target = decision->relayed->relayvm;
    append(text, "\ntarget=%s", target);
    if (!strncmp(target, "@dispvm:", 8)) {
        prefix = "@dispvm:";
        target += 8;
    }
    const char *uuid = uuid_of(call->info, target);
    if (uuid)
        append(text, "\ntarget_uuid=%s%s", prefix, uuid);
}

static void format_allow(struct text *text, const struct policy_call *call)
{
    const struct policy_decision *decision = &call->decision;
    const struct policy_request *request = &call->request;
    const char *user = decision->user && *decision->user && !decision->relayed ? decision->user : "DEFAULT";

    if (call->question.just_evaluate) {
        append(text, "result=allow");
        return;
    }
    append(text, "user=%s\nresult=allow", user);
    append_target(text, call);
    append(text, "\nautostart=%s\nrequested_target=%s", decision->autostart ? "True" : "False",
           decision->requested_target);
    if (decision->relayed)
        append(text, "\nservice=%s+%s+%.*s%s", decision->relayed->transport_rpc, decision->requested_target,
               (int)request->service_len, request->service, request->argument);
    if (request->requested_source && *request->requested_source && !system_info_is_dom0(decision->target))
        append(text, "\npolicy_source=%s", decision->source);
}

static void log_decision(const struct policy_call *call)
{
    const struct policy_question *question = &call->question;
    const struct policy_decision *decision = &call->decision;
    bool allowed = decision->action == POLICY_ALLOW;

    policy_log(allowed ? LOG_INFO : LOG_NOTICE, "qrexec: %.256s: %s -> %.64s: %s%s", question->service,
               decision->source, question->target,
               allowed ? "allowed to " : "denied: ", allowed ? decision->target : decision->reason);
}

size_t policy_call_answer(struct policy_call *call, char *answer, size_t size)
{
    struct text text = {answer, 0, size};

    if (call->decision.action == POLICY_ALLOW)
        format_allow(&text, call);
    append(&text, "\n");
    if (text.len >= size - 1)
        refuse(call, "the answer would be too long");
    if (call->decision.action != POLICY_ALLOW) {
        text.len = 0;
        append(&text, "result=deny\n");
    }
    log_decision(call);
    return text.len;
}

const char *policy_call_notify_whom(const struct policy_call *call)
{
    const struct policy_decision *decision = &call->decision;

    if (!decision->notify || call->question.just_evaluate)
        return NULL;
    return gui_domain(call, decision->action == POLICY_ALLOW ? decision->source : call->question.source);
}

void policy_call_notify(const struct policy_call *call)
{
    const struct policy_decision *decision = &call->decision;
    const char *gui = policy_call_notify_whom(call);
    bool allowed = decision->action == POLICY_ALLOW;

    if (!gui)
        return;
    json_t *message = json_object();
    json_object_set_new(message, "resolution", json_string(allowed ? "allow" : "deny"));
    json_object_set_new(message, "service", json_stringn(call->request.service, call->request.service_len));
    json_object_set_new(message, "argument", json_string(call->request.argument));
    json_object_set_new(message, "source", json_string(allowed ? decision->source : call->question.source));
    json_object_set_new(message, "target", json_string(allowed ? decision->target : call->question.target));
    int status = agent_client_call(gui, "policy.Notify", message, -1, NULL, 0);
    if (status < 0)
        policy_log(LOG_WARNING, "policy.Notify in %s: %s", gui, strerror(-status));
    json_decref(message);
}

void policy_call_clear(struct policy_call *call)
{
    policy_decision_clear(&call->decision);
}
