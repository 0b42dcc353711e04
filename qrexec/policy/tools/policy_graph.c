/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qrexec-policy-graph: all calls that the policy allows, as a graph for graphviz. */
#include "common.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPT_ASK = COMMON_OPTIONS_END, OPT_SOURCE, OPT_TARGET, OPT_SERVICE, OPT_OUTPUT, OPT_SKIP, OPT_FULL };

static const struct option options[] = {
    COMMON_OPTIONS,
    {"include-ask", no_argument, NULL, OPT_ASK},
    {"source", required_argument, NULL, OPT_SOURCE},
    {"target", required_argument, NULL, OPT_TARGET},
    {"service", required_argument, NULL, OPT_SERVICE},
    {"output", required_argument, NULL, OPT_OUTPUT},
    {"skip-labels", no_argument, NULL, OPT_SKIP},
    {"full-output", no_argument, NULL, OPT_FULL},
    {"help", no_argument, NULL, 'h'},
    {0},
};

struct names {
    const char **items;
    size_t count, room;
};

struct graph {
    struct common_sources from;
    struct names sources, targets, services; /* limits; empty: none */
    bool include_ask, skip_labels, full;
    const char *output;
    FILE *out;
    const struct policy *policy;
    const struct system_info *info;
    struct policy_symbols written; /* lines already written */
    struct policy_arena texts;
};

static void add(struct names *names, const char *name)
{
    names->items = policy_grow(names->items, names->count, &names->room, sizeof(*names->items));
    names->items[names->count++] = name;
}

static bool has(const struct names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (!strcmp(names->items[i], name))
            return true;
    return false;
}

/* ---- lines ---- */

static void write_once(struct graph *graph, const char *line)
{
    if (policy_symbols_find(&graph->written, 0, line, strlen(line)) != POLICY_NONE)
        return;
    policy_symbols_add(&graph->written, 0, line, strlen(line));
    fputs(line, graph->out);
}

/* Label colours may come as 0xRRGGBB or by name. */
static void write_node(struct graph *graph, const char *name)
{
    const struct system_info_vm *vm = system_info_find(graph->info, name);
    const char *label = vm && vm->label ? vm->label : "black";
    bool number = !strncmp(label, "0x", 2);

    write_once(graph, *name == '@'
                          ? policy_arena_printf(&graph->texts, "  \"%s\" [style = dotted];\n", name)
                          : policy_arena_printf(&graph->texts, "  \"%s\" [color = \"%s%s\", penwidth = 3];\n",
                                                name, number ? "#" : "", number ? label + 2 : label));
}

static const char *action_text(struct graph *graph, const struct policy_rule *rule)
{
    char text[1024];

    if (!graph->full)
        return "";
    policy_rule_format(graph->policy, rule, text, sizeof(text));
    const char *action = text;
    for (unsigned column = 0; column < 4; column++)
        action = strchr(action, ' ') + 1;
    return policy_arena_printf(&graph->texts, " %s", action);
}

static void write_call(struct graph *graph, const struct policy_decision *decision, const char *service)
{
    const struct policy_rule *rule = decision->rule;
    const char *target = rule->redirect != POLICY_NONE ? policy_token_text(graph->policy, rule->redirect)
                                                       : decision->requested_target;
    bool ask = decision->action == POLICY_ASK;

    if ((ask && !graph->include_ask && !graph->full) ||
        (graph->targets.count && !has(&graph->targets, target)))
        return;
    write_node(graph, decision->source);
    write_node(graph, target);
    write_once(graph, policy_arena_printf(&graph->texts, "  \"%s\" -> \"%s\" [label=\"%s%s\" color=%s];\n",
                                          decision->source, target, graph->skip_labels ? "" : service,
                                          action_text(graph, rule), ask ? "orange" : "red"));
}

/* ---- all calls ---- */

static void try_call(struct graph *graph, const char *source, const char *target, const char *service)
{
    struct policy_request request = {.source = source, .target = target};
    struct policy_decision decision;
    const char *label = service;

    policy_request_set_service(&request, service);
    if (*service == '*')
        request.service_len = 0; /* no service of its own: only rules for all services match */
    policy_decide(graph->policy, graph->info, &request, &decision);
    if (decision.action != POLICY_DENY) {
        if (!graph->full)
            label = policy_arena_strndup(&graph->texts, service, strcspn(service, "+"));
        write_call(graph, &decision, label);
    }
    policy_decision_clear(&decision);
}

static void try_targets(struct graph *graph, const char *source, const char *service)
{
    const struct system_info *info = graph->info;

    for (size_t i = 0; i < info->count; i++)
        try_call(graph, source, info->vms[i].name, service);
    try_call(graph, source, "@dispvm", service);
    for (size_t i = 0; i < info->count; i++)
        if (info->vms[i].template_for_dispvms)
            try_call(graph, source, info->vms[i].dispvm_name, service);
    try_call(graph, source, "@default", service);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool is_wanted(const struct graph *graph, const char *call)
{
    char service[300];

    snprintf(service, sizeof(service), "%.*s", (int)strcspn(call, "+"), call);
    return !graph->services.count || has(&graph->services, call) || has(&graph->services, service);
}

/* Every service and argument that the policy or the command line speaks of. */
static struct names list_calls(struct graph *graph)
{
    struct names calls = {0};

    for (size_t i = 0; i < policy_rule_count(graph->policy); i++) {
        const struct policy_rule *rule = policy_rule_at(graph->policy, i);
        const char *argument =
            rule->argument == POLICY_NONE ? "" : policy_text(graph->policy, rule->argument);
        const char *call =
            policy_arena_printf(&graph->texts, "%s%s", policy_text(graph->policy, rule->service), argument);
        if (is_wanted(graph, call))
            add(&calls, call);
    }
    for (size_t i = 0; i < graph->services.count; i++)
        add(&calls, graph->services.items[i]);
    if (calls.count)
        qsort(calls.items, calls.count, sizeof(*calls.items), compare_names);
    return calls;
}

static void write_graph(struct graph *graph)
{
    struct names calls = list_calls(graph);
    const char *before = "";

    fputs("digraph g {\n", graph->out);
    for (size_t c = 0; c < calls.count; c++) {
        if (!strcmp(calls.items[c], before))
            continue;
        before = calls.items[c];
        for (size_t i = 0; i < graph->sources.count; i++)
            try_targets(graph, graph->sources.items[i], before);
        for (size_t i = 0; !graph->sources.count && i < graph->info->count; i++)
            try_targets(graph, graph->info->vms[i].name, before);
    }
    fputs("}\n", graph->out);
    free(calls.items);
}

/* ---- command line ---- */

static void usage(FILE *out)
{
    fputs("usage: qrexec-policy-graph [--include-ask] [--source NAME...] [--target NAME...] [--service "
          "SERVICE...]\n"
          "           [--output FILE] [--policy-dir DIR]... [--system-info FILE] [--skip-labels] "
          "[--full-output]\n",
          out);
}

/* An option with several values: those up to the next option. */
static void take_values(struct names *names, int argc, char **argv)
{
    add(names, optarg);
    while (optind < argc && argv[optind][0] != '-')
        add(names, argv[optind++]);
}

static bool take_option(struct graph *graph, int option, int argc, char **argv)
{
    switch (option) {
    case OPT_ASK:
        return graph->include_ask = true;
    case OPT_SKIP:
        return graph->skip_labels = true;
    case OPT_FULL:
        return graph->full = true;
    case OPT_SOURCE:
        take_values(&graph->sources, argc, argv);
        return true;
    case OPT_TARGET:
        take_values(&graph->targets, argc, argv);
        return true;
    case OPT_SERVICE:
        take_values(&graph->services, argc, argv);
        return true;
    case OPT_OUTPUT:
        graph->output = optarg;
        return true;
    default:
        return common_take_option(&graph->from, option, optarg);
    }
}

static int run(struct graph *graph)
{
    struct policy *policy = common_load_or_tell(&graph->from);

    graph->policy = policy;
    graph->info = policy ? common_info(&graph->from) : NULL;
    graph->out = graph->output ? fopen(graph->output, "we") : stdout;
    if (!graph->out)
        perror(graph->output);
    bool good = graph->info && graph->out;
    if (good) {
        write_graph(graph);
        good = !ferror(graph->out);
    }
    if (graph->out)
        good = !fclose(graph->out) && good;
    policy_free(policy);
    return good ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct graph graph = {0};
    int option;

    while ((option = getopt_long(argc, argv, "+h", options, NULL)) >= 0)
        if (!take_option(&graph, option, argc, argv)) {
            usage(option == 'h' ? stdout : stderr);
            return option == 'h' ? 0 : 2;
        }
    if (optind < argc) {
        usage(stderr);
        return 2;
    }
    int status = run(&graph);
    info_source_clear(&graph.from.info);
    policy_symbols_free(&graph.written);
    policy_arena_free(&graph.texts);
    free(graph.sources.items);
    free(graph.targets.items);
    free(graph.services.items);
    return status;
}
