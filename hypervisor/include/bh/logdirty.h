/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Log-dirty mode: which frames of a domain were written, for saving it while it runs (mm/logdirty.c). */
#ifndef BH_LOGDIRTY_H
#define BH_LOGDIRTY_H

#include "bh/types.h"

struct domain;

/* Note a write and make the entry writable again. p2m_lock held. */
void p2m_log_dirty_locked(struct domain *d, gfn_t g);

#endif
