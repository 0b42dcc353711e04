/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every part of the hypervisor may use: console output, panic, assertions. Pure modules are also
 * built for the host (HOST_TEST), where tests/unit/hypervisor supplies printk and panic over libc.
 */
#pragma once

#include "bh/types.h"
#include <stdarg.h>
#include <string.h> /* include/libc/string.h in the image, libc's in host tests */

/* Log levels of loglvl=. */
enum { LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

/*
 * Print to the console ring, serial line and screen; prefix "(bh) " and a level filter are added.
 * %d %u %x with l, ll or z and a number of digits to fill up to with zeroes (%04x); %s %c %%; nothing else.
 */
void printk(int level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void vprintk(int level, const char *fmt, va_list ap);
int bh_vsnprintf(char *buf, size_t size, const char *fmt, va_list ap);

/* One clear sentence for the user, registers and backtrace, then halt or reboot as configured. */
_Noreturn void panic(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#define ASSERT(x)                                                                                            \
    do {                                                                                                     \
        if (unlikely(!(x)))                                                                                  \
            panic("assertion failed: %s (%s:%d)", #x, __FILE__, __LINE__);                                   \
    } while (0)

#define pr_err(...)   printk(LOG_ERR, __VA_ARGS__)
#define pr_warn(...)  printk(LOG_WARNING, __VA_ARGS__)
#define pr_info(...)  printk(LOG_INFO, __VA_ARGS__)
#define pr_debug(...) printk(LOG_DEBUG, __VA_ARGS__)
