/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A program whose x87, SSE and AVX registers must survive what other programs and domains do with theirs. */
#include <immintrin.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "registers.h"

#define SPINS    200000 /* some of them reach over a switch of domains */
#define PAUSE_US 1000   /* of each program, so that all get on */

#define CLOBBERS                                                                                             \
    "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",       \
        "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "st"
#define ALL_16(text) ".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n" text "\n.endr\n"

struct registers {
    uint64_t vector[16][4];
    double x87;
};

/* All registers from `in`, a while of nothing, all registers to `out`. */
#define HOLD(move, reg, bytes, in, out)                                                                      \
    do {                                                                                                     \
        unsigned spins = SPINS;                                                                              \
        __asm__ volatile(                                                                                    \
            "fldl %3\n" ALL_16(move " " bytes "*\\n(%1), %%" reg "\\n") "1: dec %0\n jnz 1b\n" ALL_16(       \
                move " %%" reg "\\n, " bytes "*\\n(%2)") "fstpl %4\n"                                        \
            : "+r"(spins)                                                                                    \
            : "r"((in)->vector), "r"((out)->vector), "m"((in)->x87), "m"((out)->x87)                         \
            : CLOBBERS);                                                                                     \
    } while (0)

static void hold_sse(const struct registers *in, struct registers *out)
{
    HOLD("movdqu", "xmm", "16", in, out);
}

__attribute__((target("avx"))) static void hold_avx(const struct registers *in, struct registers *out)
{
    HOLD("vmovdqu", "ymm", "32", in, out);
    _mm256_zeroupper();
}

int registers_hold(unsigned seed, unsigned seconds, int (*tell)(const char *text))
{
    int avx = __builtin_cpu_supports("avx");
    time_t end = time(NULL) + seconds;

    for (unsigned round = 1; !seconds || time(NULL) < end; round++) {
        struct registers in = {.x87 = seed + round / 1000.0}, out = {0};
        char text[64];
        int wrong;

        for (unsigned i = 0; i < 64; i++)
            in.vector[i / 4][i % 4] = (uint64_t)seed << 48 ^ (uint64_t)round << 16 ^ i;
        (avx ? hold_avx : hold_sse)(&in, &out);
        wrong = memcmp(in.vector, out.vector, avx ? sizeof(in.vector) : sizeof(in.vector) / 2) ||
                in.x87 != out.x87;
        if (wrong || round % 50 == 0) {
            snprintf(text, sizeof(text), "%s %s %u", wrong ? "wrong" : "right", avx ? "avx" : "sse", round);
            if (tell(text) || wrong)
                return 1;
        }
        usleep(PAUSE_US);
    }
    return 0;
}
