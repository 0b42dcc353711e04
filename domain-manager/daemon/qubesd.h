/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Qubes' sockets of the Admin API: <socket dir>/qubesd.sock and qubesd.internal.sock. */
#ifndef DM_QUBESD_H
#define DM_QUBESD_H

#include "manager.h"

struct qubesd;

/* Listen (stale sockets are replaced); sockets belong to group qubes where that exists, mode 0660. */
struct qubesd *qubesd_new(struct manager *m, GError **error);
void qubesd_free(struct qubesd *q);

#endif
