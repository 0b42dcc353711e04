/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules.h"

#include <string.h>

#include "dm_error.h"

static const char *const class_names[CLASS_COUNT] = {
    [CLASS_ADMIN] = "AdminVM",           [CLASS_TEMPLATE] = "TemplateVM", [CLASS_APP] = "AppVM",
    [CLASS_STANDALONE] = "StandaloneVM", [CLASS_DISP] = "DispVM",
};

static const char *const reserved_names[] = {"none", "default", "dom0", "Domain-0", "lost+found", NULL};

const char *rules_class_name(enum domain_class klass)
{
    return class_names[klass];
}

int rules_class_parse(const char *name)
{
    for (int i = 0; i < CLASS_COUNT; i++)
        if (strcmp(class_names[i], name) == 0)
            return i;
    return -1;
}

static gboolean only_chars(const char *text, const char *punctuation)
{
    for (const char *p = text; *p; p++)
        if (!g_ascii_isalnum(*p) && !strchr(punctuation, *p))
            return FALSE;
    return TRUE;
}

gboolean rules_name_check(const char *untrusted_name, GError **error)
{
    g_autofree char *shown = g_strescape(untrusted_name, NULL);
    size_t len = strlen(untrusted_name);
    if (len == 0 || len > RULES_NAME_MAX)
        return dm_fail(error, DM_ERROR_VALUE, "name \"%s\": must have 1 to %d characters", shown,
                       RULES_NAME_MAX);
    if (!g_ascii_isalpha(untrusted_name[0]) || !only_chars(untrusted_name, "_.-"))
        return dm_fail(error, DM_ERROR_VALUE,
                       "name \"%s\": must start with a letter and have only letters, digits, '_', '.', '-'",
                       shown);
    if (g_strv_contains(reserved_names, untrusted_name) || g_str_has_suffix(untrusted_name, "-dm"))
        return dm_fail(error, DM_ERROR_VALUE, "name \"%s\" is reserved, choose another", shown);
    return TRUE;
}

gboolean rules_tag_check(const char *untrusted_tag, GError **error)
{
    if (g_ascii_isalpha(untrusted_tag[0]) && strlen(untrusted_tag) <= 255 && only_chars(untrusted_tag, "_-"))
        return TRUE;
    g_autofree char *shown = g_strescape(untrusted_tag, NULL);
    return dm_fail(error, DM_ERROR_VALUE,
                   "tag \"%s\": must start with a letter and have only letters, digits, '_', '-'", shown);
}

gboolean rules_feature_check(const char *untrusted_key, const char *untrusted_value, GError **error)
{
    g_autofree char *shown = g_strescape(untrusted_key, NULL);
    if (!untrusted_key[0] || strlen(untrusted_key) > 255 || !only_chars(untrusted_key, "_.-"))
        return dm_fail(error, DM_ERROR_VALUE,
                       "feature \"%s\": the name may have only letters, digits, '_', '.', '-'", shown);
    if (strlen(untrusted_value) > 32768 || !g_utf8_validate(untrusted_value, -1, NULL))
        return dm_fail(error, DM_ERROR_VALUE, "feature \"%s\": the value must be UTF-8 of at most 32 KiB",
                       shown);
    return TRUE;
}

int rules_bool_parse(const char *text)
{
    static const char *const yes[] = {"True", "true", "1", "yes", "on", NULL};
    static const char *const no[] = {"False", "false", "0", "no", "off", "", NULL};
    if (g_strv_contains(yes, text))
        return 1;
    return g_strv_contains(no, text) ? 0 : -1;
}

gboolean rules_int_parse(const char *text, gint64 min, gint64 max, gint64 *value, GError **error)
{
    g_autoptr(GError) inner = NULL;
    if (g_ascii_string_to_signed(text, 10, min, max, value, &inner))
        return TRUE;
    g_autofree char *shown = g_strescape(text, NULL);
    return dm_fail(error, DM_ERROR_VALUE,
                   "\"%s\": a whole number from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT " is needed",
                   shown, min, max);
}

gboolean rules_size_parse(const char *text, guint64 *bytes, GError **error)
{
    static const char suffixes[] = "KMGT";
    char *end = NULL;
    guint64 n = g_ascii_isdigit(text[0]) ? g_ascii_strtoull(text, &end, 10) : 0;
    guint64 unit = 1;
    const char *s = end && *end ? strchr(suffixes, g_ascii_toupper(*end)) : NULL;
    if (s) {
        unit = 1ULL << (10 * (s - suffixes + 1));
        end++;
    }
    if (end && strcmp(end, "iB") == 0)
        end += 2;
    else if (end && strcmp(end, "B") == 0)
        end++;
    if (!end || *end || n > (1ULL << 50) / unit) {
        g_autofree char *shown = g_strescape(text, NULL);
        return dm_fail(error, DM_ERROR_VALUE, "\"%s\" is not a size; write for example 4GiB or 4294967296",
                       shown);
    }
    *bytes = n * unit;
    return TRUE;
}

gboolean rules_text_printable(const char *text)
{
    if (!g_utf8_validate(text, -1, NULL))
        return FALSE;
    for (const char *p = text; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            return FALSE;
    return TRUE;
}
