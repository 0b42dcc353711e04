/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "firewall_rule.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "dm_error.h"
#include "rules.h"

#define HOST_MAX    253
#define COMMENT_KEY "comment="

/* In the order in which they are written. */
enum key { ACTION, DST4, DST6, DSTHOST, PROTO, SPECIALTARGET, DSTPORTS, ICMPTYPE, EXPIRE, COMMENT, KEYS };

static gboolean one_of(const char *value, const char *const *words)
{
    return g_strv_contains(words, value);
}

/* Each: the value in canonical form, or NULL. */
static char *parse_action(const char *value)
{
    static const char *const words[] = {"accept", "drop", NULL};
    return one_of(value, words) ? g_strdup(value) : NULL;
}

static char *parse_proto(const char *value)
{
    static const char *const words[] = {"tcp", "udp", "icmp", NULL};
    return one_of(value, words) ? g_strdup(value) : NULL;
}

static char *parse_target(const char *value)
{
    return strcmp(value, "dns") == 0 ? g_strdup(value) : NULL;
}

static char *parse_number(const char *value, gint64 max)
{
    gint64 n;
    return rules_int_parse(value, 0, max, &n, NULL) ? g_strdup_printf("%" G_GINT64_FORMAT, n) : NULL;
}

static char *parse_icmp_type(const char *value)
{
    return parse_number(value, 255);
}

static char *parse_expire(const char *value)
{
    return parse_number(value, G_MAXINT64);
}

static char *parse_ports(const char *value)
{
    g_auto(GStrv) ends = g_strsplit(value, "-", 2);
    gint64 first, last;
    if (!ends[0] || !rules_int_parse(ends[0], 0, 65535, &first, NULL) ||
        !rules_int_parse(ends[1] ? ends[1] : ends[0], first, 65535, &last, NULL))
        return NULL;
    return g_strdup_printf("%" G_GINT64_FORMAT "-%" G_GINT64_FORMAT, first, last);
}

static char *parse_address(const char *value, int family, gint64 bits)
{
    g_auto(GStrv) parts = g_strsplit(value, "/", 2);
    unsigned char address[sizeof(struct in6_addr)];
    char text[INET6_ADDRSTRLEN];
    gint64 mask = bits;
    if (!parts[0] || inet_pton(family, parts[0], address) != 1 ||
        (parts[1] && !rules_int_parse(parts[1], 0, bits, &mask, NULL)))
        return NULL;
    return g_strdup_printf("%s/%" G_GINT64_FORMAT, inet_ntop(family, address, text, sizeof text), mask);
}

static char *parse_ipv4(const char *value)
{
    return parse_address(value, AF_INET, 32);
}

static char *parse_ipv6(const char *value)
{
    return parse_address(value, AF_INET6, 128);
}

static char *parse_host(const char *value)
{
    size_t n = strlen(value);
    gboolean good = n > 0 && n <= HOST_MAX && g_ascii_isalnum(value[0]) &&
                    strspn(value, G_CSET_A_2_Z G_CSET_a_2_z "0123456789-_.") == n;
    return good ? g_strdup(value) : NULL;
}

static char *parse_comment(const char *value)
{
    static const char chars[] = G_CSET_A_2_Z G_CSET_a_2_z "0123456789:;,./-_[] ";
    return strspn(value, chars) == strlen(value) ? g_strdup(value) : NULL;
}

static const struct {
    const char *name;
    char *(*parse)(const char *value);
    const char *expected;
} keys[KEYS] = {
    [ACTION] = {"action", parse_action, "accept or drop"},
    [DST4] = {"dst4", parse_ipv4, "an IPv4 address or network"},
    [DST6] = {"dst6", parse_ipv6, "an IPv6 address or network"},
    [DSTHOST] = {"dsthost", parse_host, "the name of a host"},
    [PROTO] = {"proto", parse_proto, "tcp, udp or icmp"},
    [SPECIALTARGET] = {"specialtarget", parse_target, "dns"},
    [DSTPORTS] = {"dstports", parse_ports, "a port, or two with a dash, from 0 to 65535"},
    [ICMPTYPE] = {"icmptype", parse_icmp_type, "a number from 0 to 255"},
    [EXPIRE] = {"expire", parse_expire, "a time in seconds since the epoch"},
    [COMMENT] = {"comment", parse_comment, "letters, digits, blanks and :;,./-_[]"},
};

static void values_free(char **values)
{
    for (int i = 0; i < KEYS; i++)
        g_free(values[i]);
}

static gboolean take(char **values, const char *word, GError **error)
{
    const char *equals = strchr(word, '=');
    g_autofree char *name = g_strndup(word, equals ? (gsize)(equals - word) : strlen(word));
    g_autofree char *shown = g_strescape(word, NULL);
    int key = 0;
    while (key < KEYS && strcmp(keys[key].name, name) != 0)
        key++;
    if (key == KEYS || !equals)
        return dm_fail(error, DM_ERROR_VALUE, "\"%s\" is not understood", shown);
    if (values[key])
        return dm_fail(error, DM_ERROR_VALUE, "%s= is there twice", name);
    /* Qubes takes an address for a host too, and writes it as an address */
    for (int address = DST4; key == DSTHOST && address <= DST6 && !values[address]; address++)
        if ((values[address] = keys[address].parse(equals + 1)))
            return TRUE;
    values[key] = keys[key].parse(equals + 1);
    return values[key] || dm_fail(error, DM_ERROR_VALUE, "\"%s\": %s is needed", shown, keys[key].expected);
}

static gboolean check_together(char **values, GError **error)
{
    int destinations = !!values[DST4] + !!values[DST6] + !!values[DSTHOST];
    const char *proto = values[PROTO] ? values[PROTO] : "";
    if (!values[ACTION])
        return dm_fail(error, DM_ERROR_VALUE, "action=accept or action=drop is missing");
    if (destinations > 1)
        return dm_fail(error, DM_ERROR_VALUE, "there is more than one destination");
    if (values[DSTPORTS] && strcmp(proto, "tcp") != 0 && strcmp(proto, "udp") != 0)
        return dm_fail(error, DM_ERROR_VALUE, "dstports= needs proto=tcp or proto=udp");
    if (values[ICMPTYPE] && strcmp(proto, "icmp") != 0)
        return dm_fail(error, DM_ERROR_VALUE, "icmptype= needs proto=icmp");
    return TRUE;
}

static gboolean rule_parse(const char *rule, char **values, GError **error)
{
    const char *comment = strstr(rule, COMMENT_KEY); /* goes to the end of the line */
    g_autofree char *before = g_strndup(rule, comment ? (gsize)(comment - rule) : strlen(rule));
    g_auto(GStrv) words = g_strsplit(before, " ", 0);
    for (char **word = words; *word; word++)
        if (**word && !take(values, *word, error))
            return FALSE;
    return (!comment || take(values, comment, error)) && check_together(values, error);
}

static char *rule_text(char *const *values, int end)
{
    GString *text = g_string_new(NULL);
    for (int i = 0; i < end; i++)
        if (values[i])
            g_string_append_printf(text, "%s%s=%s", text->len ? " " : "", keys[i].name, values[i]);
    return g_string_free(text, FALSE);
}

char *firewall_rule_normalize(const char *untrusted_rule, GError **error)
{
    char *values[KEYS] = {NULL};
    g_autoptr(GError) why = NULL;
    char *text = rule_parse(untrusted_rule, values, &why) ? rule_text(values, KEYS) : NULL;
    values_free(values);
    if (why)
        g_propagate_prefixed_error(error, g_steal_pointer(&why), "firewall rule: ");
    return text;
}

char *firewall_rule_for_netvm(const char *rule, gint64 now, gint64 *expires)
{
    char *values[KEYS] = {NULL};
    gboolean good = rule_parse(rule, values, NULL);
    *expires = good && values[EXPIRE] ? g_ascii_strtoll(values[EXPIRE], NULL, 10) : 0;
    gboolean wanted = good && !values[DST6] && (!*expires || *expires > now);
    char *text = wanted ? rule_text(values, EXPIRE) : NULL;
    values_free(values);
    return text;
}
