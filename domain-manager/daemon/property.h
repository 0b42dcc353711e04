/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Properties of domains and of the system: one table of names, types, defaults and checks.
 * Values are text; "" is None. */
#ifndef DM_PROPERTY_H
#define DM_PROPERTY_H

#include "manager.h"

enum property_type { PROPERTY_STR, PROPERTY_INT, PROPERTY_BOOL, PROPERTY_VM, PROPERTY_LABEL };

/* Value set or default; NULL and error when the class has no such property. Free with g_free. */
char *property_get(struct domain *d, const char *name, GError **error);
gint64 property_get_int(struct domain *d, const char *name);
gboolean property_get_bool(struct domain *d, const char *name);
/* Domain that a VM property names, or NULL. */
struct domain *property_get_vm(struct domain *d, const char *name);
/* What property_get answers when nothing is set. */
char *property_get_default(struct domain *d, const char *name, GError **error);
gboolean property_is_default(struct domain *d, const char *name);
/* "str", "int", "bool", "vm" or "label"; NULL when there is none. */
const char *property_type_name(const char *name);
const char *property_help(const char *name);
/* Names that the domain's class has, NULL-ended, static strings; free the array only. */
const char **property_names(struct domain *d);

/* Check, save, emit property-set. Name change renames the domain. */
gboolean property_set(struct domain *d, const char *name, const char *value, GError **error);
gboolean property_reset(struct domain *d, const char *name, GError **error);
/* Check and change in memory only: for a domain that is not on disk yet. */
gboolean property_set_quiet(struct domain *d, const char *name, const char *value, GError **error);

/* The same for the system. */
char *system_property_get(struct manager *m, const char *name, GError **error);
char *system_property_get_default(struct manager *m, const char *name, GError **error);
gboolean system_property_is_default(struct manager *m, const char *name);
const char *system_property_type_name(const char *name);
const char *system_property_help(const char *name);
const char **system_property_names(void);
gboolean system_property_set(struct manager *m, const char *name, const char *value, GError **error);
gboolean system_property_reset(struct manager *m, const char *name, GError **error);

#endif
