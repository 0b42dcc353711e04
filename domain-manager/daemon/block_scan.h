/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DM_BLOCK_SCAN_H
#define DM_BLOCK_SCAN_H

#include "backend.h"

/* dom0's block devices that nothing in dom0 uses: not mounted, not part of anything, no volume of a domain.
 * What is attached to domains is not known here. struct backend_block. */
GArray *block_scan(void);
/* Fill in the device of a path: number and so on. FALSE when it is no block device. */
gboolean block_number(const char *path, unsigned *major, unsigned *minor);

#endif
