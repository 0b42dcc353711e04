/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every cmocka test here includes, in the order that cmocka wants. */
#ifndef CHECK_H
#define CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#endif
