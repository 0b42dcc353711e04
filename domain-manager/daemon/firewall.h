/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Firewall rules of domains: kept in domains/NAME/firewall, told to the domain's netvm as qubesdb keys below
 * /qubes-firewall/ADDRESS: policy, 0000, 0001 …; the key of the address itself, written last, says "apply".
 */
#ifndef DM_FIREWALL_H
#define DM_FIREWALL_H

#include "manager.h"

/* One rule a line. Domains without rules of their own: "action=accept". Free with g_free. */
char *firewall_get(struct domain *d);
/* The rules as they are kept, or NULL with an error. Free with g_free. */
char *firewall_normalize(const char *untrusted_rules, GError **error);
/* Replace the rules; all of them are checked first. A running netvm is told. */
gboolean firewall_set(struct domain *d, const char *untrusted_rules, GError **error);
/* Tell the netvm (again), if both run. */
void firewall_tell(struct domain *d);

/* Tell it when the first rule expires; a rule that has is left out. */
void firewall_plan_expiry(struct domain *d);

/* For a start, which tells before the domain runs: the directory of the domain's keys, and key, value, …,
 * NULL. */
char *firewall_directory(struct domain *d);
char **firewall_keys(struct domain *d);

#endif
