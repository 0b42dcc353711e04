/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to the xz decompressor: its main filter. */
#ifndef BOOT_UNLZMA2_H
#define BOOT_UNLZMA2_H

#include "unpack.h"

#define UNLZMA2_SCRATCH (32 * 1024)

/* Unpack LZMA2 chunks up to and with the end marker. 0, -XEN_EINVAL, -XEN_E2BIG. */
int unpack_lzma2(struct unpack *u, void *scratch);

#endif
