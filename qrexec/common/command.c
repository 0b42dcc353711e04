/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parse the text of a command. */
#include "command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "wire.h"

#define NOGUI "nogui:"
#define RPC   "QUBESRPC "
#define WORDS 4

/* Cut at single spaces. Returns the number of words, WORDS + 1 for more; 0 when a word is empty. */
static int split(char *text, char *words[WORDS])
{
    int n = 0;

    for (char *word = text; word; n++) {
        char *end = strchr(word, ' ');

        if (n == WORDS)
            return WORDS + 1;
        if (end)
            *end++ = 0;
        if (!*word)
            return 0;
        words[n] = word;
        word = end;
    }
    return n;
}

static int parse_service(const char *text, struct command *c)
{
    char *words[WORDS] = {0}, *copy, *plus;
    int n;

    c->descriptor = strdup(text);
    copy = strdup(text);
    if (!c->descriptor || !copy) {
        free(copy);
        return -ENOMEM;
    }
    n = split(copy, words);
    if ((n != 2 && n != 4) || words[0][0] == '+' || strchr(words[0], '/')) {
        free(copy);
        return -EINVAL;
    }
    c->full_name = copy;
    c->source = words[1];
    c->target_type = words[2];
    c->target = words[3];
    plus = strchr(copy, '+');
    c->argument = plus ? plus + 1 : NULL;
    c->service = plus ? strndup(copy, (size_t)(plus - copy)) : strdup(copy);
    if (!c->service)
        return -ENOMEM;
    return strlen(c->service) > MAX_SERVICE_NAME ? -ENAMETOOLONG : 0;
}

int command_parse(const char *text, struct command *c)
{
    int ret;

    memset(c, 0, sizeof(*c));
    if (strncmp(text, NOGUI, strlen(NOGUI)) == 0) {
        c->nogui = true;
        text += strlen(NOGUI);
    }
    if (strncmp(text, RPC, strlen(RPC)) != 0) {
        c->shell = text;
        return 0;
    }
    if (strlen(text) > MAX_SERVICE + 256)
        return -ENAMETOOLONG;
    ret = parse_service(text + strlen(RPC), c);
    if (ret < 0)
        command_free(c);
    return ret;
}

void command_free(struct command *c)
{
    free(c->descriptor);
    free(c->full_name);
    free(c->service);
    memset(c, 0, sizeof(*c));
}

const char *command_user(const char *text, char **user)
{
    const char *colon = strchr(text, ':');

    *user = colon ? strndup(text, (size_t)(colon - text)) : NULL;
    return *user ? colon + 1 : NULL;
}
