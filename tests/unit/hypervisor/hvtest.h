/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmocka, with the headers it wants in front. */
#ifndef HVTEST_H
#define HVTEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#endif
