/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The few string functions of the image (lib/string.c), as C11 and BSD declare them. The macros let the
 * compiler expand small constant copies in place although the image is built -ffreestanding.
 */
#pragma once

#include <stddef.h>

void *memcpy(void *restrict dst, const void *restrict src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strncmp(const char *a, const char *b, size_t n);
/* Copies at most size - 1 bytes and always terminates when size > 0. Returns strlen(src). */
size_t strlcpy(char *restrict dst, const char *restrict src, size_t size);

#define memcpy(dst, src, n)  __builtin_memcpy(dst, src, n)
#define memmove(dst, src, n) __builtin_memmove(dst, src, n)
#define memset(dst, c, n)    __builtin_memset(dst, c, n)
#define memcmp(a, b, n)      __builtin_memcmp(a, b, n)
#define strlen(s)            __builtin_strlen(s)
