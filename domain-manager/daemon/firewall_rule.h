/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text of firewall rules, as Qubes writes them: "action=accept dst4=192.0.2.0/24 proto=tcp dstports=80-443".
 * Pure. */
#ifndef DM_FIREWALL_RULE_H
#define DM_FIREWALL_RULE_H

#include <glib.h>

/* The rule in its one canonical form (keys in Qubes' order, a mask behind each address, both ends of ports),
 * or NULL with an error that names what is wrong. */
char *firewall_rule_normalize(const char *untrusted_rule, GError **error);
/* A canonical rule as the netvm gets it: without expire= and comment=. NULL: not for IPv4, or expired at
 * `now` (seconds since the epoch). *expires becomes its time, or 0. */
char *firewall_rule_for_netvm(const char *rule, gint64 now, gint64 *expires);

#endif
