/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "configure.h"

enum configure_action configure_from_screen(struct configure *state, const struct rect *geometry)
{
    if (rect_equal(&state->geometry, geometry))
        return CONFIGURE_NOTHING;
    state->geometry = *geometry;
    /* The answer to the agent's next message will carry the newest geometry. */
    if (state->open)
        return CONFIGURE_NOTHING;
    state->open = true;
    return CONFIGURE_SEND;
}

enum configure_action configure_from_agent(struct configure *state, const struct rect *geometry)
{
    bool same = rect_equal(&state->geometry, geometry);

    if (state->open) {
        if (!same)
            return CONFIGURE_SEND;
        state->open = false;
        return CONFIGURE_NOTHING;
    }
    if (same)
        return CONFIGURE_NOTHING;
    state->geometry = *geometry;
    return CONFIGURE_APPLY;
}
