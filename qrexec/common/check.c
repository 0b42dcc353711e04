/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of names that come from another domain. */
#include "check.h"

#include <string.h>

#define ALNUM "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

static bool allowed(char c, const char *set)
{
    return c && strchr(set, c);
}

bool ident_valid(const char untrusted_ident[32])
{
    size_t len = strnlen(untrusted_ident, 32);

    if (len == 32)
        return false;
    for (size_t i = 0; i < len; i++)
        if (!allowed(untrusted_ident[i], ALNUM "_-. "))
            return false;
    for (size_t i = len; i < 32; i++)
        if (untrusted_ident[i])
            return false;
    return true;
}

bool service_sanitize(char *untrusted_service, size_t size)
{
    if (size < 2 || strnlen(untrusted_service, size) != size - 1 || untrusted_service[0] == '+')
        return false;
    for (size_t i = 0; i < size - 1; i++)
        if (!allowed(untrusted_service[i], ALNUM "_-.+"))
            untrusted_service[i] = '_';
    return true;
}

void name_sanitize(char *untrusted_name, size_t size)
{
    untrusted_name[size - 1] = 0;
    for (size_t i = 0; untrusted_name[i]; i++)
        if (!allowed(untrusted_name[i], ALNUM "_-.@:"))
            untrusted_name[i] = '_';
}

void text_replace_odd(char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if ((text[i] < ' ' || text[i] > '~') && !allowed(text[i], "\t\n\r\b\a"))
            text[i] = '_';
}
