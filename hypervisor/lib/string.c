/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * String functions of the image. Copies use the CPU's string instructions, eight bytes a step: fast on
 * hardware (fast strings) and cheap under emulation, where each step counts as one instruction.
 * The names stand in parentheses because libc/string.h makes some of them macros.
 */
#include <stdint.h>
#include <string.h>

void *(memcpy)(void *restrict dst, const void *restrict src, size_t n)
{
    void *d = dst;
    const void *s = src;
    size_t words = n / 8, tail = n % 8;

    __asm__ volatile("rep movsq" : "+D"(d), "+S"(s), "+c"(words)::"memory");
    __asm__ volatile("rep movsb" : "+D"(d), "+S"(s), "+c"(tail)::"memory");
    return dst;
}

void *(memmove)(void *dst, const void *src, size_t n)
{
    uint8_t *d = dst;
    const uint8_t *s = src;

    if ((uintptr_t)d - (uintptr_t)s >= n) /* also true when dst lies below src: forward is safe */
        return (memcpy)(dst, src, n);
    while (n >= 8) {
        uint64_t word;

        n -= 8;
        __builtin_memcpy(&word, s + n, 8);
        __builtin_memcpy(d + n, &word, 8);
    }
    while (n > 0) {
        n--;
        d[n] = s[n];
        __asm__ volatile("" ::: "memory"); /* keep the compiler from making this a call of memmove */
    }
    return dst;
}

void *(memset)(void *dst, int c, size_t n)
{
    void *d = dst;
    size_t words = n / 8, tail = n % 8;
    uint64_t pattern = (uint8_t)c * 0x0101010101010101ull;

    __asm__ volatile("rep stosq" : "+D"(d), "+c"(words) : "a"(pattern) : "memory");
    __asm__ volatile("rep stosb" : "+D"(d), "+c"(tail) : "a"(pattern) : "memory");
    return dst;
}

int(memcmp)(const void *a, const void *b, size_t n)
{
    const uint8_t *p = a, *q = b;

    for (size_t i = 0; i < n; i++)
        if (p[i] != q[i])
            return p[i] - q[i];
    return 0;
}

size_t(strlen)(const char *s)
{
    size_t n = 0;

    while (s[n]) {
        n++;
        __asm__ volatile("" ::: "memory"); /* else gcc recognises the loop and calls strlen */
    }
    return n;
}

size_t(strnlen)(const char *s, size_t max)
{
    size_t n = 0;

    while (n < max && s[n])
        n++;
    return n;
}

int(strncmp)(const char *a, const char *b, size_t n)
{
    for (; n > 0; n--, a++, b++)
        if (*a != *b || !*a)
            return (unsigned char)*a - (unsigned char)*b;
    return 0;
}

size_t(strlcpy)(char *restrict dst, const char *restrict src, size_t size)
{
    size_t len = (strlen)(src);

    if (size > 0) {
        size_t n = len < size ? len : size - 1;

        (memcpy)(dst, src, n);
        dst[n] = '\0';
    }
    return len;
}
