/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "buffer.h"

#include "gui-protocol.h"

#define STEP_PAGES 128 /* half a MiB */

size_t buffer_round_up(size_t pages)
{
    size_t rounded = (pages + STEP_PAGES - 1) / STEP_PAGES * STEP_PAGES;

    if (pages < STEP_PAGES || rounded > GUI_MAX_GRANTS)
        return pages;
    return rounded;
}

bool buffer_fits(size_t have, size_t need)
{
    return have >= need && have <= 2 * buffer_round_up(need);
}
