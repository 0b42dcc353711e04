/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qrexec-legacy-convert: write the policy of release 4.0 and before, one file a service, as one file of
 * today's format that decides the same. It changes nothing by itself: look at the result, put it into place
 * with qubes-policy, and then take away the old files and the line !compat-4.0.
 */
#include "../lib/policy.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const struct option options[] = {
    {"legacy-dir", required_argument, NULL, 'd'},
    {"help", no_argument, NULL, 'h'},
    {0},
};

static void usage(FILE *out)
{
    fputs("usage: qrexec-legacy-convert [-d|--legacy-dir DIR] > FILE\n", out);
}

static void print_rules(const struct policy *policy)
{
    uint32_t file = POLICY_NONE;
    char text[2048];

    for (size_t i = 0; i < policy_rule_count(policy); i++) {
        const struct policy_rule *rule = policy_rule_at(policy, i);
        /* rules implied by a file have a number of their own for the same path */
        if (file == POLICY_NONE || strcmp(policy_file(policy, file), policy_file(policy, rule->file)) != 0)
            printf("%s# %s\n", i ? "\n" : "", policy_file(policy, rule->file));
        file = rule->file;
        policy_rule_format(policy, rule, text, sizeof(text));
        puts(text);
    }
}

int main(int argc, char **argv)
{
    static const char all[] = "!compat-4.0\n";
    const char *dir = POLICY_DIR_LEGACY;
    struct policy_error error;
    char text[1024];
    int option;

    while ((option = getopt_long(argc, argv, "d:h", options, NULL)) >= 0) {
        if (option != 'd') {
            usage(option == 'h' ? stdout : stderr);
            return option == 'h' ? 0 : 2;
        }
        dir = optarg;
    }
    if (optind < argc) {
        usage(stderr);
        return 2;
    }
    struct policy *policy = policy_load_text(&policy_loader_files, "convert", all, strlen(all), dir, &error);
    if (!policy) {
        policy_error_format(&error, text, sizeof(text));
        fprintf(stderr, "the old policy is not valid: %s\n", text);
        return 1;
    }
    print_rules(policy);
    policy_free(policy);
    return 0;
}
