/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state of a PVH domain's virtual CPUs as a list of records (hvm/save.h of the public ABI): what the
 * toolstack sets before the first start, and saves and restores. The domain must not run.
 */
#pragma once

#include "bh/types.h"

struct domain;

#define HVM_CONTEXT_MAX_SIZE (1ul << 20) /* accepted from the toolstack */

/* All records, or (buf NULL) only how many bytes they are. 0 with the size in *used, or -XEN_ENOSPC. */
int hvm_context_save(struct domain *d, void *buf, size_t size, size_t *used);
/* One record's data, without its descriptor. 0, -XEN_ENOENT or -XEN_ENOSPC; *used is its size. */
int hvm_context_save_one(struct domain *d, uint32_t type, uint32_t instance, void *buf, size_t size,
                         size_t *used);
/* Every vCPU goes down; those with a CPU record come up in the state it describes. 0 or -XEN_EINVAL; after an
 * error the domain's state is mixed, and it has to be loaded again or destroyed. */
int hvm_context_load(struct domain *d, const void *untrusted_buf, size_t size);
