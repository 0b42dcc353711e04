/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "label.h"

uint32_t label_color(int index)
{
    static const uint32_t colors[LABEL_MAX + 1] = {
        0x000000, 0xcc0000, 0xf57900, 0xedd400, 0x73d216, 0x555555, 0x3465a4, 0x75507b, 0x000000,
    };

    return index >= 1 && index <= LABEL_MAX ? colors[index] : colors[LABEL_MAX];
}
