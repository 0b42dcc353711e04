/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parse a service's configuration file. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

enum kind { KIND_BOOL, KIND_NUMBER, KIND_STRING };

struct value {
    enum kind kind;
    bool on;          /* booleans, and the numbers 0 and 1 */
    bool on_or_off;   /* a boolean, 0 or 1 */
    const char *text; /* strings */
    size_t size;
};

enum key { KEY_WAIT, KEY_SKIP, KEY_CLIENT_EOF, KEY_SERVICE_EOF, KEY_USER, KEYS };

static const struct {
    const char *name;
    enum kind kind;
    bool number_too;
} keys[KEYS] = {
    [KEY_WAIT] = {"wait-for-session", KIND_BOOL, true},
    [KEY_SKIP] = {"skip-service-descriptor", KIND_BOOL, false},
    [KEY_CLIENT_EOF] = {"exit-on-client-eof", KIND_BOOL, false},
    [KEY_SERVICE_EOF] = {"exit-on-service-eof", KIND_BOOL, false},
    [KEY_USER] = {"force-user", KIND_STRING, false},
};

static bool blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool key_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static const char *skip_blanks(const char *p, const char *end)
{
    while (p < end && blank(*p))
        p++;
    return p;
}

/* Does the word stand at p? Moves p behind it. */
static bool take_word(const char **p, const char *end, const char *word)
{
    size_t len = strlen(word);

    if ((size_t)(end - *p) < len || memcmp(*p, word, len) != 0)
        return false;
    *p += len;
    return true;
}

/* A number without leading zeros. */
static bool take_number(const char **p, const char *end, struct value *v)
{
    const char *start = *p;

    while (*p < end && **p >= '0' && **p <= '9')
        ++*p;
    if (*p == start || (*start == '0' && *p != start + 1))
        return false;
    v->kind = KIND_NUMBER;
    v->on_or_off = *p == start + 1 && *start <= '1';
    v->on = *start == '1';
    return true;
}

static bool take_string(const char **p, const char *end, struct value *v)
{
    const char *close;

    if (*p == end || **p != '\'')
        return false;
    close = memchr(*p + 1, '\'', (size_t)(end - *p - 1));
    if (!close)
        return false;
    v->kind = KIND_STRING;
    v->text = *p + 1;
    v->size = (size_t)(close - *p - 1);
    *p = close + 1;
    return true;
}

/* A value, then at most blanks and a comment. */
static bool parse_value(const char *p, const char *end, struct value *v)
{
    memset(v, 0, sizeof(*v));
    if (take_word(&p, end, "true"))
        v->on = v->on_or_off = true;
    else if (take_word(&p, end, "false"))
        v->on_or_off = true;
    else if (!take_string(&p, end, v) && !take_number(&p, end, v))
        return false;
    p = skip_blanks(p, end);
    return p == end || *p == '#';
}

static const char *store(struct service_config *c, enum key key, const struct value *v)
{
    bool *flags[KEYS] = {[KEY_WAIT] = &c->wait_for_session,
                         [KEY_SKIP] = &c->skip_service_descriptor,
                         [KEY_CLIENT_EOF] = &c->exit_on_client_eof,
                         [KEY_SERVICE_EOF] = &c->exit_on_service_eof};

    if (keys[key].kind == KIND_STRING) {
        if (v->kind != KIND_STRING)
            return "a string in single quotes is expected";
        c->force_user = strndup(v->text, v->size);
        return c->force_user ? NULL : "out of memory";
    }
    if (v->kind != KIND_BOOL && !(keys[key].number_too && v->on_or_off))
        return "true or false is expected";
    *flags[key] = v->on;
    return NULL;
}

static const char *parse_line(const char *p, const char *end, struct service_config *c, bool seen[KEYS])
{
    const char *name = p;
    struct value v;
    size_t len;

    if (end > p && end[-1] == '\r')
        end--;
    if (skip_blanks(p, end) == end || *p == '#')
        return NULL;
    while (p < end && key_char(*p))
        p++;
    len = (size_t)(p - name);
    p = skip_blanks(p, end);
    if (!len || p == end || *p != '=')
        return "\"key = value\" is expected";
    if (!parse_value(skip_blanks(p + 1, end), end, &v))
        return "the value is not true, false, a number or a string in single quotes";
    for (enum key key = 0; key < KEYS; key++) {
        if (strlen(keys[key].name) != len || memcmp(keys[key].name, name, len) != 0)
            continue;
        if (seen[key])
            return "the key stands twice";
        seen[key] = true;
        return store(c, key, &v);
    }
    qlog("service configuration: unknown key \"%.*s\" ignored", (int)(len < 64 ? len : 64), name);
    return NULL;
}

int service_config_parse(const char *text, size_t size, struct service_config *c, unsigned *line,
                         const char **problem)
{
    const char *end = text + size;
    bool seen[KEYS] = {0};

    memset(c, 0, sizeof(*c));
    *line = 0;
    *problem = memchr(text, 0, size) ? "a NUL byte" : NULL;
    for (const char *p = text; !*problem && p < end;) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        const char *stop = newline ? newline : end;

        ++*line;
        *problem = parse_line(p, stop, c, seen);
        p = stop + 1;
    }
    if (!*problem && c->force_user && (seen[KEY_SKIP] || seen[KEY_CLIENT_EOF] || seen[KEY_SERVICE_EOF]))
        *problem = "force-user cannot be combined with the keys for socket services";
    if (!*problem)
        return 0;
    service_config_free(c);
    return -EINVAL;
}

void service_config_free(struct service_config *c)
{
    free(c->force_user);
    memset(c, 0, sizeof(*c));
}
