/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The eight labels: index and colour. */
#ifndef LABEL_H
#define LABEL_H

#include <stdint.h>

#define LABEL_MAX 8

/* Colour 0xRRGGBB of label 1…8; black for anything else. */
uint32_t label_color(int index);

#endif
