/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bh/domain.h"
#include "bh/logdirty.h"
#include "bh/p2m_int.h"

void p2m_log_dirty_locked(struct domain *d, gfn_t g)
{
    p2m_change_type_locked(d, g, P2M_LOGDIRTY, P2M_RAM);
}
