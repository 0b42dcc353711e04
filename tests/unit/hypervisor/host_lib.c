/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bh/lib.h over libc, for the unit tests and fuzzers of the hypervisor's modules. */
#include "host_lib.h"
#include "bh/lib.h"
#include "bh/mm.h"
#include <stdio.h>
#include <stdlib.h>

int host_loglvl = -1;
/* As in the image, unless a test has machine memory (host_hypervisor.h). */
uint64_t host_directmap_base = 0xffff830000000000ull;
static jmp_buf panic_env;
static bool panic_expected;

jmp_buf *expect_panic(void)
{
    panic_expected = true;
    return &panic_env;
}

void vprintk(int level, const char *fmt, va_list ap)
{
    char text[512];

    bh_vsnprintf(text, sizeof(text), fmt, ap);
    if (level <= host_loglvl)
        fputs(text, stderr);
}

void printk(int level, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vprintk(level, fmt, ap);
    va_end(ap);
}

void panic(const char *fmt, ...)
{
    va_list ap;

    if (panic_expected) {
        panic_expected = false;
        longjmp(panic_env, 1);
    }
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    abort();
}

size_t strlcpy(char *restrict dst, const char *restrict src, size_t size)
{
    size_t len = strlen(src);

    if (size > 0) {
        size_t n = len < size ? len : size - 1;

        memcpy(dst, src, n);
        dst[n] = '\0';
    }
    return len;
}
