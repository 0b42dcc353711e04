/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "layout.h"

#include <stdio.h>

#include "randr.h"

void layout_fit(struct agent *agent, uint32_t width, uint32_t height)
{
    struct layout layout;

    if ((width == agent->x.width && height == agent->x.height) || !width || !height ||
        width > GUI_MAX_WIDTH || height > GUI_MAX_HEIGHT)
        return;
    layout_single(width, height, &layout);
    if (randr_apply(agent->x.conn, agent->x.screen, &layout))
        fprintf(stderr, "qubes-gui: the X server stays at %ux%u, %ux%u refused\n", agent->x.width,
                agent->x.height, width, height);
}
