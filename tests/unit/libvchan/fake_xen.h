/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Knobs of the fake Xen libraries. */
#ifndef FAKE_XEN_H
#define FAKE_XEN_H

#include <stdbool.h>

extern bool fake_peer_bound;       /* what the event channel's status says */
extern bool fake_domain_exists;    /* what xenstore says about other domains */
extern unsigned fake_transactions; /* xenstore operations inside a transaction */

extern bool fake_free_unshared; /* a server's pages go when it ends: its client must have ended first */

/** Keys in xenstore. */
unsigned fake_xenstore_nodes(void);

#endif
