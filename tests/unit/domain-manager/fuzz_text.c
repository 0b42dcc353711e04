/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libFuzzer: texts that come from domains or tools. What a filter lets through must pass it again unchanged;
 * what a check accepts must obey the rule. */
#include <glib.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../../domain-manager/common/guest_store.h"
#include "appmenus.h"
#include "backup_manifest.h"
#include "firewall_rule.h"
#include "labels.h"
#include "rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_names(const char *text)
{
    guint64 bytes;
    if (rules_name_check(text, NULL) && (strlen(text) > RULES_NAME_MAX || strpbrk(text, "/ \n\t\"'\\:@+")))
        abort();
    if (rules_tag_check(text, NULL) && strpbrk(text, ".=@/\n "))
        abort();
    if (rules_feature_check(text, text, NULL) && strpbrk(text, "=[]/\n "))
        abort();
    if (rules_size_parse(text, &bytes, NULL) && bytes > 1ULL << 50)
        abort();
}

/* What is loaded comes out as it went in, and can be loaded again. */
static void check_labels(const char *text)
{
    labels_load(text);
    g_autofree char *once = labels_text();
    labels_load(once);
    g_autofree char *twice = labels_text();
    if (strcmp(once, twice) != 0)
        abort();
}

/* A canonical rule stays as it is, and what the netvm gets of it is a rule that says no more. */
static void check_firewall_rule(const char *text)
{
    gint64 expires;
    g_autofree char *once = firewall_rule_normalize(text, NULL);
    if (!once)
        return;
    g_autofree char *twice = firewall_rule_normalize(once, NULL);
    g_autofree char *told = firewall_rule_for_netvm(once, 0, &expires);
    if (g_strcmp0(once, twice) != 0 || strpbrk(once, "\n\t\"'\\`$"))
        abort();
    if (told && (!g_str_has_prefix(once, told) || strstr(told, "comment=") || strchr(told, ';')))
        abort();
}

/* The end's sum would stop the fuzzer at once: it is made right for the text. What is taken is written back
 * as it was but for the spelling of numbers, and names nothing out of its directory. */
static void check_manifest(const char *text)
{
    g_autofree char *body = g_strdup_printf("Bulkhead backup 1\n%s\n", text);
    g_autofree char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, body, -1);
    g_autofree char *whole = g_strdup_printf("%send %s\n", body, sum);
    g_autoptr(GPtrArray) unsealed = backup_manifest_parse(text, NULL);
    g_autoptr(GPtrArray) files = backup_manifest_parse(whole, NULL);
    if (!files)
        return;
    for (guint i = 0; i < files->len; i++)
        if (!rules_name_check(((const struct backup_file *)files->pdata[i])->domain, NULL))
            abort();
    g_autofree char *once = backup_manifest_text(files);
    g_autoptr(GPtrArray) again = backup_manifest_parse(once, NULL);
    g_autofree char *twice = again ? backup_manifest_text(again) : NULL;
    if (g_strcmp0(once, twice) != 0)
        abort();
}

static void check_key(const char *text)
{
    char path[GUEST_STORE_PATH_MAX] = "qubesdb";
    if (!guest_store_key_valid(text))
        return;
    guest_store_path(path, text);
    if (strpbrk(path, ".: \n") || strstr(path, "//"))
        abort();
    guest_store_decode(path);
    size_t n = strlen(text) - (text[strlen(text) - 1] == '/');
    if (strncmp(path + strlen("qubesdb"), text, n) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autofree char *once = appmenus_filter(text);
    g_autofree char *twice = appmenus_filter(once);
    if (strcmp(once, twice) != 0)
        abort();
    check_names(text);
    check_labels(text);
    check_firewall_rule(text);
    check_key(text);
    check_manifest(text);
    return 0;
}
