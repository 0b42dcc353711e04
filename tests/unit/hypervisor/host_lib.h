/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Included before everything in host builds of the hypervisor's modules: what libc's <string.h> lacks. */
#ifndef HOST_LIB_H
#define HOST_LIB_H

#include <setjmp.h>
#include <stddef.h>

size_t strlcpy(char *restrict dst, const char *restrict src, size_t size);

/* A test that expects a panic: if (!setjmp(*expect_panic())) { call; fail(); }. Otherwise panic aborts. */
jmp_buf *expect_panic(void);
/* Messages up to this level go to stderr (default: none). */
extern int host_loglvl;

#endif
