/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel payload decompressors. Pure: memory in, memory out; no global state; any input is safe. */
#pragma once

#include "bh/types.h"

/* Size in bytes of scratch memory that `decompress` may need (dictionaries, tables), 8-byte aligned. */
#define DECOMPRESS_SCRATCH (256 * 1024)

/*
 * Recognise the format by its magic, one that Debian's kernels have (xz as Linux' build makes it: Debian 12;
 * zstd: its backports and Debian 13), and decompress `in` into exactly out_len bytes.
 * 0; -XEN_ENOSYS unknown format; -XEN_EINVAL broken data or fewer bytes; -XEN_E2BIG more bytes.
 */
int decompress(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_len, void *scratch);
