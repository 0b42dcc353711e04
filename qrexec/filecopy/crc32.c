/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CRC-32. Large pieces are folded by carry-less multiplication where the CPU has it (Intel, "Fast CRC
 * Computation for Generic Polynomials Using PCLMULQDQ", 2009: the constants are those of its appendix), the
 * rest goes by tables, eight bytes a step.
 */
#include "crc32.h"

#include <immintrin.h>
#include <stdbool.h>
#include <string.h>

#define POLYNOMIAL 0xEDB88320u
#define SLICES     8

static uint32_t tables[SLICES][256];
static bool ready, have_clmul;

static void make_tables(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;

        for (int bit = 0; bit < 8; bit++)
            c = c & 1 ? c >> 1 ^ POLYNOMIAL : c >> 1;
        tables[0][i] = c;
    }
    for (uint32_t i = 0; i < 256; i++)
        for (int s = 1; s < SLICES; s++)
            tables[s][i] = tables[s - 1][i] >> 8 ^ tables[0][tables[s - 1][i] & 0xff];
    have_clmul = __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
    ready = true;
}

static uint32_t by_tables(uint32_t c, const uint8_t *p, size_t size)
{
    for (; size >= 8; size -= 8, p += 8) {
        uint32_t low, high;

        memcpy(&low, p, 4);
        memcpy(&high, p + 4, 4);
        low ^= c;
        c = tables[7][low & 0xff] ^ tables[6][low >> 8 & 0xff] ^ tables[5][low >> 16 & 0xff] ^
            tables[4][low >> 24] ^ tables[3][high & 0xff] ^ tables[2][high >> 8 & 0xff] ^
            tables[1][high >> 16 & 0xff] ^ tables[0][high >> 24];
    }
    for (; size; size--, p++)
        c = c >> 8 ^ tables[0][(c ^ *p) & 0xff];
    return c;
}

#define CLMUL __attribute__((target("pclmul,sse4.1")))

CLMUL static __m128i fold(__m128i value, __m128i constants, __m128i next)
{
    __m128i low = _mm_clmulepi64_si128(value, constants, 0x00),
            high = _mm_clmulepi64_si128(value, constants, 0x11);

    return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

CLMUL static __m128i load(const uint8_t *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

/* From 128 bits to the 32-bit remainder. */
CLMUL static uint32_t reduce(__m128i x)
{
    const __m128i k34 = _mm_set_epi64x(0x0ccaa009e, 0x1751997d0), k5 = _mm_set_epi64x(0, 0x163cd6124);
    const __m128i barrett = _mm_set_epi64x(0x1f7011641, 0x1db710641), mask = _mm_set_epi32(0, 0, 0, -1);
    __m128i t;

    x = _mm_xor_si128(_mm_srli_si128(x, 8), _mm_clmulepi64_si128(x, k34, 0x10));
    t = _mm_srli_si128(x, 4);
    x = _mm_xor_si128(_mm_clmulepi64_si128(_mm_and_si128(x, mask), k5, 0x00), t);
    t = _mm_and_si128(_mm_clmulepi64_si128(_mm_and_si128(x, mask), barrett, 0x10), mask);
    x = _mm_xor_si128(_mm_clmulepi64_si128(t, barrett, 0x00), x);
    return (uint32_t)_mm_extract_epi32(x, 1);
}

/* size: a multiple of 16, 64 or more */
CLMUL static uint32_t by_folding(uint32_t c, const uint8_t *p, size_t size)
{
    const __m128i k12 = _mm_set_epi64x(0x1c6e41596, 0x154442bd4),
                  k34 = _mm_set_epi64x(0x0ccaa009e, 0x1751997d0);
    __m128i x[4];

    for (int i = 0; i < 4; i++)
        x[i] = load(p + 16 * i);
    x[0] = _mm_xor_si128(x[0], _mm_cvtsi32_si128((int)c));
    for (p += 64, size -= 64; size >= 64; p += 64, size -= 64)
        for (int i = 0; i < 4; i++)
            x[i] = fold(x[i], k12, load(p + 16 * i));
    for (int i = 1; i < 4; i++)
        x[0] = fold(x[0], k34, x[i]);
    for (; size; p += 16, size -= 16)
        x[0] = fold(x[0], k34, load(p));
    return reduce(x[0]);
}

uint32_t crc32_update(uint32_t crc, const void *data, size_t size)
{
    const uint8_t *p = data;
    size_t folded = size & ~(size_t)15;

    if (!ready)
        make_tables();
    crc = ~crc;
    if (have_clmul && folded >= 64) {
        crc = by_folding(crc, p, folded);
        p += folded;
        size -= folded;
    }
    return ~by_tables(crc, p, size);
}
