/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of a domain's applications, as qubes.GetAppmenus gives them: lines "FILE.desktop:Key=Value". The text
 * comes from a domain: it is filtered before it is stored, and parsed again when read. */
#ifndef DM_APPMENUS_H
#define DM_APPMENUS_H

#include "manager.h"

/* Filter and store the list of a domain (usually a template or standalone). */
gboolean appmenus_store(struct domain *d, const char *untrusted_text, GError **error);
/* Append lines "ID<tab>NAME<tab>CATEGORY" of the domain's applications, sorted by name: its own list, else
 * its template's, else the list that the template's package brought (templates/NAME/appmenus). */
void appmenus_append(struct domain *d, GString *out);
/* Keep only well-formed lines of known keys (pure). */
char *appmenus_filter(const char *untrusted_text);

#endif
