/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The mapping side of shmbuf.h without anything shared: for tests and the fuzzer of the window model. */
#ifndef SHMBUF_FAKE_H
#define SHMBUF_FAKE_H

#include <stddef.h>

/* Pages mapped at present. */
extern size_t shmbuf_fake_pages;

/* References of this value cannot be mapped. */
#define SHMBUF_FAKE_BAD_REF 0xbad

#endif
