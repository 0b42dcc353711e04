/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Log-dirty mode: which frames of a domain were written, for saving it while it runs (mm/logdirty.c). Its
 * RAM becomes P2M_LOGDIRTY, which is read-only; the first write to a frame splits what maps it down to 4 KiB
 * and makes it P2M_RAM again. Everything under the domain's p2m_lock.
 */
#pragma once

#include "bh/types.h"

struct domain;
struct vcpu;

enum logdirty_state {
    LOGDIRTY_OFF,
    LOGDIRTY_IDLE,
    LOGDIRTY_ENABLING,
    LOGDIRTY_DISABLING,
    LOGDIRTY_READING,
    LOGDIRTY_CLEANING
};
struct logdirty {
    enum logdirty_state state;
    uint64_t next; /* frame where the operation in progress goes on */
    uint32_t faults,
        dirty; /* writes that were logged since the last cleaning; frames that the operation found */
};

/* Note a write: a logged entry becomes writable. p2m_lock held. Also when the mode was left meanwhile. */
void p2m_log_dirty_locked(struct domain *d, gfn_t g);
/* The same for one frame, taking the lock; nothing to do when the mode is off. */
void logdirty_mark(struct domain *d, gfn_t g);

/* All return 0, -XEN_E… or -XEN_ERESTART: to be called again with the same arguments until done. */
int logdirty_enable(struct domain *d); /* -XEN_EINVAL: is on already */
int logdirty_disable(struct domain *d);

struct logdirty_stats {
    uint32_t faults, dirty; /* as in struct logdirty */
};
/* The bits of frames 0 to nr - 1 to the caller's memory at gva (0: nowhere), those set are cleared and
 * protected again when `clean`. */
int logdirty_read(struct domain *d, struct vcpu *caller, bool clean, uint64_t nr, uint64_t gva,
                  struct logdirty_stats *stats);
