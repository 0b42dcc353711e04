/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qubes-policy-lint: check policy files wherever they are; what they include is not followed. */
#include "policy_lint.h"

#include <getopt.h>
#include <stdio.h>

static const struct option options[] = {
    {"show-line", no_argument, NULL, 's'},
    {"include-service", no_argument, NULL, 'i'},
    {"help", no_argument, NULL, 'h'},
    {0},
};

static void usage(FILE *out)
{
    fputs("usage: qubes-policy-lint [-s|--show-line] [-i|--include-service] FILE...\n"
          "FILE may be '-' for standard input. -i: the files are of the format of !include-service.\n",
          out);
}

int main(int argc, char **argv)
{
    bool old_format = false, show_line = false, good = true;
    int option;

    while ((option = getopt_long(argc, argv, "sih", options, NULL)) >= 0) {
        if (option == 's') {
            show_line = true;
        } else if (option == 'i') {
            old_format = true;
        } else {
            usage(option == 'h' ? stdout : stderr);
            return option == 'h' ? 0 : 2;
        }
    }
    if (optind == argc) {
        usage(stderr);
        return 2;
    }
    for (; optind < argc; optind++)
        good &= policy_lint_file(argv[optind], old_format, show_line);
    return good ? 0 : 1;
}
