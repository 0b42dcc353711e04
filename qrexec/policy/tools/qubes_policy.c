/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qubes-policy: list, get, replace and remove policy files through the policy.* services. */
#include "../lib/policy.h"
#include "policy_admin_client.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct option options[] = {
    {"list", no_argument, NULL, 'l'},   {"get", no_argument, NULL, 'g'},  {"replace", no_argument, NULL, 'r'},
    {"remove", no_argument, NULL, 'd'}, {"help", no_argument, NULL, 'h'}, {0},
};

static void usage(FILE *out)
{
    fputs("usage: qubes-policy [-l|--list] [include/]\n"
          "       qubes-policy {-g|--get | -r|--replace | -d|--remove} [include/]NAME\n",
          out);
}

static int list(const struct policy_admin_file *file)
{
    char *answer;
    size_t len;
    int status = policy_admin_call("List", file, "", 0, &answer, &len);

    if (!status)
        fwrite(answer, 1, len, stdout);
    free(answer);
    return status;
}

/* The first line of the answer is the token for a later change. */
static int get(const struct policy_admin_file *file)
{
    char *answer;
    size_t len;
    int status = policy_admin_call("Get", file, "", 0, &answer, &len);

    if (!status) {
        const char *content = memchr(answer, '\n', len);
        content = content ? content + 1 : answer + len;
        fwrite(content, 1, (size_t)(answer + len - content), stdout);
    }
    free(answer);
    return status;
}

static int replace(const struct policy_admin_file *file)
{
    static const char token[] = "any\n";
    size_t room = 65536, len = strlen(token), got;
    char *payload = policy_realloc(NULL, room, 1), *answer;

    memcpy(payload, token, len);
    while ((got = fread(payload + len, 1, room - len, stdin)) > 0) {
        len += got;
        if (len == room)
            payload = policy_realloc(payload, room *= 2, 1);
    }
    int status = policy_admin_call("Replace", file, payload, len, &answer, &got);
    free(payload);
    free(answer);
    return status;
}

static int remove_file(const struct policy_admin_file *file)
{
    char *answer;
    size_t len;
    int status = policy_admin_call("Remove", file, "any", 3, &answer, &len);

    free(answer);
    return status;
}

int main(int argc, char **argv)
{
    static const struct {
        int option;
        int (*run)(const struct policy_admin_file *file);
    } methods[] = {{'l', list}, {'g', get}, {'r', replace}, {'d', remove_file}};
    struct policy_admin_file file = {"", false};
    size_t method = 0;
    int option;

    while ((option = getopt_long(argc, argv, "lgrdh", options, NULL)) >= 0) {
        size_t i = 0;
        while (i < sizeof(methods) / sizeof(*methods) && methods[i].option != option)
            i++;
        if (i == sizeof(methods) / sizeof(*methods)) {
            usage(option == 'h' ? stdout : stderr);
            return option == 'h' ? 0 : 2;
        }
        method = i;
    }
    if (optind < argc && !policy_admin_name(argv[optind++], &file))
        return 2;
    if (optind < argc || (method == 0) != !*file.name) {
        usage(stderr);
        return 2;
    }
    return methods[method].run(&file);
}
