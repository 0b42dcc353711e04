/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Keep patterns made of seed in all x87, SSE and AVX registers, for so many seconds (0: for ever). tell()
 * hears "right avx ROUND" now and then, or "wrong …" before the end; 1: wrong, or it did not want to hear. */
int registers_hold(unsigned seed, unsigned seconds, int (*tell)(const char *text));
