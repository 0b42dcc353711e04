/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-firewall: rules for what a domain may reach through its netvm. The manager checks what a rule may say.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client.h"
#include "commands.h"
#include "tool.h"

#define RULE_MAX 1024

static const char *rule_number, *before;
static bool raw, reload;

struct rules {
    struct answer answer;
    char *line[1024];
    size_t n;
};

static bool rules_read(const char *dest, struct rules *rules)
{
    if (!client_call("admin.vm.firewall.Get", "", dest, NULL, &rules->answer))
        return false;
    char *text = (char *)rules->answer.text;
    const size_t most = sizeof rules->line / sizeof rules->line[0] - 1; /* one more may be added */
    for (char *line; rules->n < most && (line = next_line(&text));)
        rules->line[rules->n++] = line;
    return true;
}

static bool rules_write(const char *dest, const struct rules *rules)
{
    size_t size = 1;
    for (size_t i = 0; i < rules->n; i++)
        size += strlen(rules->line[i]) + 1;
    char *text = calloc(size, 1);
    for (size_t i = 0; text && i < rules->n; i++)
        strcat(strcat(text, rules->line[i]), "\n");
    bool good = text && client_do("admin.vm.firewall.Set", "", dest, text);
    free(text);
    return good;
}

/* Value of a key in a rule: to the next blank, a comment's to the end. */
static const char *value_of(const char *rule, const char *key, char value[RULE_MAX])
{
    size_t length = strlen(key);
    value[0] = 0;
    for (const char *word = rule; word; word = strchr(word, ' ') ? strchr(word, ' ') + 1 : NULL)
        if (strncmp(word, key, length) == 0 && word[length] == '=') {
            snprintf(value, RULE_MAX, "%s", word + length + 1);
            if (strcmp(key, "comment") != 0)
                value[strcspn(value, " ")] = 0;
            break;
        }
    return value;
}

static int list(const char *dest, int n, char **words)
{
    static const struct {
        const char *title, *keys[3];
        int width;
    } columns[] = {{"ACTION", {"action"}, 6},
                   {"HOST", {"dst4", "dst6", "dsthost"}, 18},
                   {"PROTOCOL", {"proto"}, 8},
                   {"PORT(S)", {"dstports"}, 11},
                   {"SPECIAL TARGET", {"specialtarget"}, 14},
                   {"ICMP TYPE", {"icmptype"}, 9},
                   {"EXPIRE", {"expire"}, 10},
                   {"COMMENT", {"comment"}, 0}};
    static struct rules rules;
    (void)words;
    if (n)
        return usage();
    if (!rules_read(dest, &rules))
        return 1;
    if (!raw)
        printf("NO  ");
    for (size_t c = 0; !raw && c < sizeof columns / sizeof columns[0]; c++)
        printf("%-*s%s", columns[c].width, columns[c].title, columns[c].width ? "  " : "\n");
    for (size_t i = 0; i < rules.n; i++) {
        if (raw) {
            puts(rules.line[i]);
            continue;
        }
        printf("%-4zu", i);
        for (size_t c = 0; c < sizeof columns / sizeof columns[0]; c++) {
            char value[RULE_MAX] = "";
            for (int k = 0; k < 3 && columns[c].keys[k] && !value[0]; k++)
                value_of(rules.line[i], columns[c].keys[k], value);
            printf("%-*s%s", columns[c].width, value[0] ? value : "-", columns[c].width ? "  " : "\n");
        }
    }
    answer_free(&rules.answer);
    return 0;
}

/* "accept 192.0.2.1 tcp 80-443 comment=…": words without '=' have their place; expire=+SECONDS counts from
 * now. */
static bool compose(char rule[RULE_MAX], int n, char **words)
{
    static const char *const places[] = {"action", "dsthost", "proto", "dstports", "icmptype"};
    size_t place = 0, at = 0;
    for (int i = 0; i < n; i++) {
        const char *key = "", *equals = "";
        long long soon = 0;
        if (strncmp(words[i], "expire=+", 8) == 0)
            soon = (long long)time(NULL) + atoll(words[i] + 8);
        else if (!strchr(words[i], '=') && place < sizeof places / sizeof places[0])
            key = places[place++], equals = "=";
        int length =
            soon ? snprintf(rule + at, RULE_MAX - at, "%sexpire=%lld", at ? " " : "", soon)
                 : snprintf(rule + at, RULE_MAX - at, "%s%s%s%s", at ? " " : "", key, equals, words[i]);
        at += (size_t)length;
        if (at >= RULE_MAX)
            return false;
    }
    return at > 0;
}

/* Number of a rule; `end` when none is given. -1: there is no such rule (said). */
static long position(const char *text, const struct rules *rules, long end)
{
    char *rest = NULL;
    long n = text ? strtol(text, &rest, 10) : end;
    if (text && (rest == text || *rest || n < 0 || (size_t)n >= rules->n)) {
        complain("there is no rule %s; numbers are in: qvm-firewall NAME list", text);
        return -1;
    }
    return n;
}

static int add(const char *dest, int n, char **words)
{
    static struct rules rules;
    char rule[RULE_MAX] = "";
    if (!compose(rule, n, words))
        return usage();
    if (!rules_read(dest, &rules))
        return 1;
    long at = position(before, &rules, (long)rules.n);
    if (at >= 0) {
        memmove(&rules.line[at + 1], &rules.line[at], (rules.n++ - (size_t)at) * sizeof rules.line[0]);
        rules.line[at] = rule;
    }
    bool good = at >= 0 && rules_write(dest, &rules);
    answer_free(&rules.answer);
    return good ? 0 : 1;
}

static int del(const char *dest, int n, char **words)
{
    static struct rules rules;
    char rule[RULE_MAX] = "";
    bool composed = compose(rule, n, words);
    if (composed == (rule_number != NULL))
        return usage();
    if (!rules_read(dest, &rules))
        return 1;
    long at = 0;
    while (composed && at < (long)rules.n && strcmp(rules.line[at], rule) != 0)
        at++;
    if (composed && at == (long)rules.n) {
        complain("there is no such rule; write it as qvm-firewall --raw NAME list does, or use --rule-no");
        at = -1;
    } else if (rule_number) {
        at = position(rule_number, &rules, 0);
    }
    if (at >= 0)
        memmove(&rules.line[at], &rules.line[at + 1], (--rules.n - (size_t)at) * sizeof rules.line[0]);
    bool good = at >= 0 && rules_write(dest, &rules);
    answer_free(&rules.answer);
    return good ? 0 : 1;
}

static int reset(const char *dest, int n, char **words)
{
    (void)words;
    if (n)
        return usage();
    return client_do("admin.vm.firewall.Set", "", dest, "action=accept\n") ? 0 : 1;
}

static const struct {
    const char *name;
    int (*run)(const char *dest, int n, char **words);
} verbs[] = {{"list", list}, {"add", add}, {"del", del}, {"reset", reset}};

int cmd_firewall(int argc, char **argv)
{
    int done;
    const struct tool_option options[] = {{"raw", 0, TOOL_FLAG, &raw, NULL},
                                          {"reload", 'r', TOOL_FLAG, &reload, NULL},
                                          {"before", 0, TOOL_TEXT, &before, NULL},
                                          {"rule-no", 0, TOOL_TEXT, &rule_number, NULL},
                                          {0}};
    if (!tool_options(argc, argv, options, false, &done))
        return done;
    if (optind == argc)
        return usage();
    const char *dest = argv[optind], *verb = optind + 1 < argc ? argv[optind + 1] : "list";
    if (reload && !client_do("admin.vm.firewall.Reload", "", dest, NULL))
        return 1;
    if (reload && optind + 1 == argc)
        return 0;
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (strcmp(verb, verbs[i].name) == 0)
            return verbs[i].run(dest, argc - optind > 2 ? argc - optind - 2 : 0, argv + optind + 2);
    return usage();
}
