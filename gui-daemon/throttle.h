/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Token bucket that slows a domain down. Pure: the caller brings the time. A domain that runs out is not
 * answered by an error: the daemon stops reading for a moment, and the full ring stops the agent.
 */
#ifndef THROTTLE_H
#define THROTTLE_H

#include <stdint.h>

struct throttle {
    uint32_t rate;  /* tokens a second */
    uint32_t burst; /* most that can be saved up */
    int64_t tokens; /* in millionths; may become negative */
    int64_t last_us;
};

void throttle_init(struct throttle *throttle, uint32_t rate, uint32_t burst, int64_t now_us);

/* Take `cost` tokens. Returns 0, or the microseconds to wait until the debt is paid. */
int64_t throttle_take(struct throttle *throttle, uint32_t cost, int64_t now_us);

#endif
