/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bh/cmdline.h"
#include "bh/lib.h"
#include "bh/xen.h"

struct word { /* not terminated */
    const char *text;
    size_t len;
};

static bool word_equals(struct word w, const char *text)
{
    return strlen(text) == w.len && !strncmp(w.text, text, w.len);
}

/* True if the word starts with `prefix`, which is then cut off. */
static bool word_skip(struct word *w, const char *prefix)
{
    size_t len = strlen(prefix);

    if (w->len < len || strncmp(w->text, prefix, len))
        return false;
    *w = (struct word){w->text + len, w->len - len};
    return true;
}

static void word_copy(char *dst, size_t size, struct word w)
{
    size_t len = MIN(w.len, size - 1);

    memcpy(dst, w.text, len);
    dst[len] = '\0';
}

static bool is_one_of(char c, const char *set)
{
    while (*set && *set != c)
        set++;
    return *set;
}

/* What comes next between separators; false at the end. */
static bool next_token(const char **cursor, const char *separators, struct word *w)
{
    const char *p = *cursor;

    while (is_one_of(*p, separators))
        p++;
    w->text = p;
    while (*p && !is_one_of(*p, separators))
        p++;
    w->len = (size_t)(p - w->text);
    *cursor = p;
    return w->len > 0;
}

/* The next word of *cursor; false at the end or at "--", behind which dom0's kernel has its own. */
static bool next_word(const char **cursor, struct word *w)
{
    const char *start = *cursor;

    if (next_token(cursor, " \t\n\r", w) && !word_equals(*w, "--"))
        return true;
    *cursor = start;
    return false;
}

/* The next item of a list with commas. */
static bool next_item(const char **cursor, struct word *item)
{
    return next_token(cursor, ",", item);
}

/* The value of a word that is `name`, `name=value` or `no-name`; false otherwise. */
static bool word_value(struct word w, const char *name, struct word *value)
{
    *value = w;
    if (word_skip(value, "no-") && word_equals(*value, name)) {
        *value = (struct word){"no", 2};
        return true;
    }
    *value = w;
    return word_skip(value, name) && (!value->len || word_skip(value, "="));
}

static bool find_value(const char *cmdline, const char *name, struct word *value)
{
    struct word w, v;
    bool found = false;

    while (next_word(&cmdline, &w))
        if (word_value(w, name, &v)) {
            *value = v;
            found = true;
        }
    return found;
}

bool cmdline_get(const char *cmdline, const char *name, char *value, size_t size)
{
    struct word v;

    if (!find_value(cmdline, name, &v))
        return false;
    word_copy(value, size, v);
    return true;
}

bool cmdline_bool(const char *cmdline, const char *name, bool fallback)
{
    static const char *const words[2][5] = {{"no", "off", "false", "disable", "0"},
                                            {"yes", "on", "true", "enable", "1"}};
    struct word v;

    if (!find_value(cmdline, name, &v))
        return fallback;
    for (unsigned i = 0; i < 2 * ARRAY_SIZE(words[0]); i++)
        if (word_equals(v, words[i % 2][i / 2]))
            return i % 2;
    return !v.len || fallback;
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
    *out = value;
    return s == start ? NULL : s;
}

uint64_t cmdline_number(const char *cmdline, const char *name, uint64_t fallback)
{
    struct word v;
    uint64_t value;
    const char *end;

    if (!find_value(cmdline, name, &v))
        return fallback;
    end = parse_number(v.text, &value);
    return end && (end == v.text + v.len || *end == ',') ? value : fallback;
}

bool cmdline_list_has(const char *list, const char *item)
{
    struct word w;

    while (next_item(&list, &w))
        if (word_equals(w, item))
            return true;
    return false;
}

static bool is_known(struct word w, const char *const known[], size_t nr_known)
{
    struct word v;

    for (size_t i = 0; i < nr_known; i++)
        if (word_value(w, known[i], &v))
            return true;
    return false;
}

bool cmdline_next_unknown(const char **cursor, const char *const known[], size_t nr_known, char *word,
                          size_t size)
{
    struct word w;

    while (next_word(cursor, &w)) {
        if (!is_known(w, known, nr_known)) {
            word_copy(word, size, w);
            return true;
        }
    }
    return false;
}

/* A size in KiB or with one of these suffixes, or a percentage. Returns the first character behind it. */
static const char *parse_share(const char *s, uint64_t available, uint64_t *bytes)
{
    static const char suffixes[] = "BKMGT";
    unsigned shift = 10;

    s = parse_number(s, bytes);
    if (s && *s == '%') {
        *bytes = *bytes < 100 ? available / 100 * *bytes : available;
        return s + 1;
    }
    for (unsigned i = 0; s && suffixes[i]; i++)
        if ((*s & ~0x20) == suffixes[i]) {
            shift = 10 * i;
            s++;
            break;
        }
    if (!s || *bytes > UINT64_MAX >> shift)
        return NULL;
    *bytes <<= shift;
    return s;
}

/* [-]share[+share]…; with a minus: all but this much. */
static bool parse_amount(struct word w, uint64_t available, uint64_t *bytes)
{
    bool minus = word_skip(&w, "-");
    const char *p = w.text - 1;
    uint64_t share;

    *bytes = 0;
    do {
        p = parse_share(p + 1, available, &share);
        if (!p || __builtin_add_overflow(*bytes, share, bytes))
            return false;
    } while (*p == '+');
    if (minus)
        *bytes = available - MIN(*bytes, available);
    return p == w.text + w.len;
}

int cmdline_dom0_mem(const char *value, uint64_t available, uint64_t *bytes)
{
    uint64_t amount = available, min = 0, max = available;
    struct word item;

    while (next_item(&value, &item)) {
        uint64_t *limit = word_skip(&item, "min:") ? &min : word_skip(&item, "max:") ? &max : &amount;

        if (!parse_amount(item, available, limit))
            return -XEN_EINVAL;
    }
    *bytes = MIN(MIN(MAX(amount, min), max), available);
    return 0;
}
