/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CRC-32 as in zlib and Ethernet (reflected, polynomial 0xEDB88320), fast. */
#ifndef FILECOPY_CRC32_H
#define FILECOPY_CRC32_H

#include <stddef.h>
#include <stdint.h>

/** Continue a checksum; begin with 0. */
uint32_t crc32_update(uint32_t crc, const void *data, size_t size);

#endif
