/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A libvchan whose incoming bytes are the fuzzer's input and whose outgoing bytes vanish. */
#ifndef FAKE_VCHAN_H
#define FAKE_VCHAN_H

#include <stddef.h>
#include <stdint.h>

#include "libvchan.h"

/** A channel that delivers the bytes, `piece` at a time, then ends. Free with libvchan_close(). */
libvchan_t *fake_vchan(const uint8_t *data, size_t size, size_t piece);

#endif
