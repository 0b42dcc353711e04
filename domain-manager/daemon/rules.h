/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pure rules: domain names, classes, tags, features, sizes. No state, no I/O. */
#ifndef DM_RULES_H
#define DM_RULES_H

#include <glib.h>

enum domain_class { CLASS_ADMIN, CLASS_TEMPLATE, CLASS_APP, CLASS_STANDALONE, CLASS_DISP, CLASS_COUNT };

#define CLASS_BIT(c) (1u << (c))
#define CLASS_ALL    ((1u << CLASS_COUNT) - 1)
#define CLASS_GUESTS (CLASS_ALL & ~CLASS_BIT(CLASS_ADMIN))

#define RULES_NAME_MAX   31
#define RULES_QID_MAX    10000
#define RULES_DISPID_MAX 10000

const char *rules_class_name(enum domain_class klass);
/* -1 when the name is no class. */
int rules_class_parse(const char *name);

/* All of these: TRUE, or FALSE with an error that quotes the offending text and the rule. */
gboolean rules_name_check(const char *untrusted_name, GError **error);
gboolean rules_tag_check(const char *untrusted_tag, GError **error);
gboolean rules_feature_check(const char *untrusted_key, const char *untrusted_value, GError **error);

/* "True"/"False" and the usual other spellings: 1, 0, or -1. */
int rules_bool_parse(const char *text);
/* Decimal in [min, max]. */
gboolean rules_int_parse(const char *text, gint64 min, gint64 max, gint64 *value, GError **error);
/* Bytes, with optional suffix K M G T (KiB… as Qubes: powers of 1024), "iB" and "B" allowed. */
gboolean rules_size_parse(const char *text, guint64 *bytes, GError **error);
/* TRUE for text without control characters. */
gboolean rules_text_printable(const char *text);

#endif
