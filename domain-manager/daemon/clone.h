/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copies of domains. Both functions answer exactly once, from the main loop. */
#ifndef DM_CLONE_H
#define DM_CLONE_H

#include "manager.h"

/* Copy a halted domain, volumes included. */
void clone_domain(struct domain *from, const struct domain_spec *spec, done_fn done, void *data);
/* Create a standalone whose root is copied from a template. */
void clone_standalone(struct manager *m, const struct domain_spec *spec, done_fn done, void *data);

#endif
