/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a domain is told about itself at start: the qubesdb keys. */
#ifndef DM_GUEST_KEYS_H
#define DM_GUEST_KEYS_H

#include "manager.h"

/* key, value, …, NULL; free with g_strfreev. Keys start with '/'. */
char **guest_keys_new(struct domain *d);

#endif
