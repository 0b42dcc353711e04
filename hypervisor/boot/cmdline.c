/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bh/cmdline.h"
#include "bh/lib.h"
#include "bh/xen.h"

struct word {
    const char *text;
    size_t len;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool word_equals(const char *word, size_t len, const char *text)
{
    return strlen(text) == len && !strncmp(word, text, len);
}

static void copy_word(char *dst, size_t size, const char *word, size_t len)
{
    if (!size)
        return;
    len = MIN(len, size - 1);
    memcpy(dst, word, len);
    dst[len] = '\0';
}

static bool next_word(const char **cursor, const char **word, size_t *len)
{
    const char *p = *cursor;

    while (is_blank(*p))
        p++;
    *word = p;
    while (*p && !is_blank(*p))
        p++;
    *cursor = p;
    *len = (size_t)(p - *word);
    return *len > 0;
}

bool cmdline_next(const char **cursor, const char **word, size_t *len)
{
    if (!next_word(cursor, word, len))
        return false;
    if (word_equals(*word, *len, "--")) {
        *cursor = *word; /* stay here: the next call stops as well */
        return false;
    }
    return true;
}

const char *cmdline_dom0_part(const char *cmdline)
{
    const char *word;
    size_t len;

    while (next_word(&cmdline, &word, &len)) {
        if (word_equals(word, len, "--")) {
            while (is_blank(*cmdline))
                cmdline++;
            return cmdline;
        }
    }
    return "";
}

/* The value of `word` if it is `name` or `name=value`; false otherwise. */
static bool word_value(const char *word, size_t len, const char *name, struct word *value)
{
    size_t name_len = strlen(name);

    if (len < name_len || strncmp(word, name, name_len))
        return false;
    if (len == name_len) {
        *value = (struct word){word + len, 0};
        return true;
    }
    if (word[name_len] != '=')
        return false;
    *value = (struct word){word + name_len + 1, len - name_len - 1};
    return true;
}

bool cmdline_get(const char *cmdline, const char *name, char *value, size_t size)
{
    const char *word;
    size_t len;
    struct word v;
    bool found = false;

    while (cmdline_next(&cmdline, &word, &len)) {
        if (word_value(word, len, name, &v)) {
            copy_word(value, size, v.text, v.len);
            found = true;
        }
    }
    return found;
}

/* 1 yes, 0 no, -1 neither. */
static int parse_bool(const char *text, size_t len)
{
    static const char *const words[2][5] = {{"no", "off", "false", "disable", "0"},
                                            {"yes", "on", "true", "enable", "1"}};

    for (int value = 0; value < 2; value++)
        for (unsigned i = 0; i < ARRAY_SIZE(words[0]); i++)
            if (word_equals(text, len, words[value][i]))
                return value;
    return -1;
}

/* What one word says about the boolean `name`: 1, 0, -1 nothing, -2 it is `name` with another value. */
static int word_bool(const char *word, size_t len, const char *name)
{
    struct word v;
    int value;

    if (len > 3 && !strncmp(word, "no-", 3) && word_equals(word + 3, len - 3, name))
        return 0;
    if (!word_value(word, len, name, &v))
        return -1;
    if (word[len - 1] != '=' && v.len == 0)
        return 1;
    value = parse_bool(v.text, v.len);
    return value < 0 ? -2 : value;
}

bool cmdline_bool(const char *cmdline, const char *name, bool fallback)
{
    const char *word;
    size_t len;
    bool result = fallback;

    while (cmdline_next(&cmdline, &word, &len)) {
        int value = word_bool(word, len, name);

        if (value != -1)
            result = value < 0 ? fallback : value;
    }
    return result;
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

/* C's number syntax. Returns the first character behind it, or NULL if there is no number or it overflows. */
static const char *parse_number(const char *s, uint64_t *out)
{
    unsigned base = 10;
    uint64_t value = 0;
    const char *start;

    if (s[0] == '0' && (s[1] | 0x20) == 'x') {
        base = 16;
        s += 2;
    } else if (s[0] == '0') {
        base = 8;
    }
    for (start = s; (unsigned)digit_value(*s) < base; s++) {
        if (__builtin_mul_overflow(value, base, &value) ||
            __builtin_add_overflow(value, (uint64_t)digit_value(*s), &value))
            return NULL;
    }
    if (s == start)
        return NULL;
    *out = value;
    return s;
}

int cmdline_parse_u64(const char *s, uint64_t *value)
{
    return parse_number(s, value) ? 0 : -XEN_EINVAL;
}

uint64_t cmdline_number(const char *cmdline, const char *name, uint64_t fallback)
{
    char text[32];
    uint64_t value;
    const char *end;

    if (!cmdline_get(cmdline, name, text, sizeof(text)))
        return fallback;
    end = parse_number(text, &value);
    return end && !*end ? value : fallback;
}

static int size_shift(char suffix)
{
    static const char suffixes[] = "BKMGT";

    for (int i = 0; suffixes[i]; i++)
        if ((suffix & ~0x20) == suffixes[i])
            return 10 * i;
    return -1;
}

int cmdline_parse_size(const char *s, const char **end, uint64_t *bytes)
{
    uint64_t value;
    int shift;

    s = parse_number(s, &value);
    if (!s)
        return -XEN_EINVAL;
    shift = *s ? size_shift(*s) : -1;
    if (shift >= 0)
        s++;
    else
        shift = 10;
    if (value > UINT64_MAX >> shift)
        return -XEN_EINVAL;
    *bytes = value << shift;
    *end = s;
    return 0;
}

uint64_t cmdline_size(const char *cmdline, const char *name, uint64_t fallback)
{
    char text[32];
    uint64_t value;
    const char *end;

    if (!cmdline_get(cmdline, name, text, sizeof(text)) || cmdline_parse_size(text, &end, &value) || *end)
        return fallback;
    return value;
}

static bool list_next(const char **cursor, struct word *item)
{
    const char *p = *cursor;

    while (*p == ',')
        p++;
    item->text = p;
    while (*p && *p != ',')
        p++;
    item->len = (size_t)(p - item->text);
    *cursor = p;
    return item->len > 0;
}

bool cmdline_list_next(const char **cursor, char *item, size_t size)
{
    struct word word;

    if (!list_next(cursor, &word))
        return false;
    copy_word(item, size, word.text, word.len);
    return true;
}

bool cmdline_list_bool(const char *value, const char *item, bool fallback)
{
    struct word word;
    bool result = fallback;

    while (list_next(&value, &word)) {
        int said = word_bool(word.text, word.len, item);

        if (said >= 0)
            result = said;
    }
    return result;
}

static bool is_known(const char *word, size_t len, const char *const known[], size_t nr_known)
{
    struct word v;

    for (size_t i = 0; i < nr_known; i++) {
        if (word_value(word, len, known[i], &v))
            return true;
        if (len > 3 && !strncmp(word, "no-", 3) && word_equals(word + 3, len - 3, known[i]))
            return true;
    }
    return false;
}

bool cmdline_next_unknown(const char **cursor, const char *const known[], size_t nr_known, char *word,
                          size_t size)
{
    const char *text;
    size_t len;

    while (cmdline_next(cursor, &text, &len)) {
        if (!is_known(text, len, known, nr_known)) {
            copy_word(word, size, text, len);
            return true;
        }
    }
    return false;
}

int cmdline_parse_dom0_mem(const char *value, struct dom0_mem *out)
{
    const char *end;
    struct word item;

    *out = (struct dom0_mem){0};
    while (list_next(&value, &item)) {
        struct dom0_mem_limit *limit = &out->amount;

        if (item.len > 4 && !strncmp(item.text, "min:", 4))
            limit = &out->min;
        else if (item.len > 4 && !strncmp(item.text, "max:", 4))
            limit = &out->max;
        if (limit != &out->amount)
            item.text += 4;
        limit->given = true;
        limit->negative = *item.text == '-';
        if (cmdline_parse_size(item.text + limit->negative, &end, &limit->bytes) || (*end && *end != ','))
            return -XEN_EINVAL;
    }
    return 0;
}

static uint64_t limit_bytes(const struct dom0_mem_limit *limit, uint64_t available, uint64_t fallback)
{
    if (!limit->given)
        return fallback;
    if (limit->negative)
        return available - MIN(limit->bytes, available);
    return limit->bytes;
}

uint64_t dom0_mem_resolve(const struct dom0_mem *limits, uint64_t available)
{
    uint64_t bytes = limit_bytes(&limits->amount, available, available);

    bytes = MAX(bytes, limit_bytes(&limits->min, available, 0));
    bytes = MIN(bytes, limit_bytes(&limits->max, available, UINT64_MAX));
    return MIN(bytes, available);
}
