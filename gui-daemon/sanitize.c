/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sanitize.h"

#include <glib.h>
#include <string.h>

static bool ascii_printable(char c)
{
    return c >= 0x20 && c <= 0x7e;
}

/* Categories that only add ink of their own to a line of text. */
static bool character_safe(gunichar c)
{
    switch (g_unichar_type(c)) {
    case G_UNICODE_LOWERCASE_LETTER:
    case G_UNICODE_UPPERCASE_LETTER:
    case G_UNICODE_TITLECASE_LETTER:
    case G_UNICODE_MODIFIER_LETTER:
    case G_UNICODE_OTHER_LETTER:
    case G_UNICODE_DECIMAL_NUMBER:
    case G_UNICODE_LETTER_NUMBER:
    case G_UNICODE_OTHER_NUMBER:
    case G_UNICODE_CONNECT_PUNCTUATION:
    case G_UNICODE_DASH_PUNCTUATION:
    case G_UNICODE_OPEN_PUNCTUATION:
    case G_UNICODE_CLOSE_PUNCTUATION:
    case G_UNICODE_INITIAL_PUNCTUATION:
    case G_UNICODE_FINAL_PUNCTUATION:
    case G_UNICODE_OTHER_PUNCTUATION:
    case G_UNICODE_CURRENCY_SYMBOL:
    case G_UNICODE_MATH_SYMBOL:
    case G_UNICODE_OTHER_SYMBOL:
        break;
    default:
        return false;
    }
    /* Scripts from right to left would reorder the domain's name and the rest of the header. */
    return !(c >= 0x0590 && c <= 0x08ff) && !(c >= 0xfb1d && c <= 0xfdff) && !(c >= 0xfe70 && c <= 0xfeff) &&
           !(c >= 0x10800 && c <= 0x10fff) && !(c >= 0x1e800 && c <= 0x1efff);
}

/* Length of the safe UTF-8 sequence at `text`, 0 if there is none. */
static size_t safe_sequence(const char *text, size_t left)
{
    gunichar c = g_utf8_get_char_validated(text, (gssize)left);

    if (c == (gunichar)-1 || c == (gunichar)-2 || !character_safe(c))
        return 0;
    return (size_t)(g_utf8_next_char(text) - text);
}

void sanitize_title(const char *untrusted_text, size_t size, bool utf8, char *out, size_t out_size)
{
    static const char ellipsis[] = "\xe2\x80\xa6";
    size_t length = strnlen(untrusted_text, size), in = 0, at = 0;

    while (in < length) {
        const char *from = untrusted_text + in;
        size_t take = 1, put = 1;

        if (length - in >= 3 && !memcmp(from, ellipsis, 3)) {
            from = "...";
            take = put = 3;
        } else if (!ascii_printable(*from)) {
            take = put = utf8 ? safe_sequence(from, length - in) : 0;
            if (!put) {
                from = "_";
                take = put = 1;
            }
        }
        if (at + put >= out_size)
            break;
        memcpy(out + at, from, put);
        at += put;
        in += take;
    }
    out[at] = 0;
}

void sanitize_class(const char *untrusted_text, size_t size, char *out, size_t out_size)
{
    size_t length = strnlen(untrusted_text, size), i;

    for (i = 0; i < length && i + 1 < out_size; i++) {
        char c = untrusted_text[i];

        out[i] = g_ascii_isalnum(c) || (c && strchr("-_. ", c)) ? c : '_';
    }
    out[i] = 0;
}

bool domain_name_valid(const char *name)
{
    size_t length = strlen(name);

    return length >= 1 && length <= 31 && g_ascii_isalpha(name[0]) &&
           strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-") == length;
}
