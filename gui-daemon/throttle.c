/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "throttle.h"

#define MILLION 1000000

void throttle_init(struct throttle *throttle, uint32_t rate, uint32_t burst, int64_t now_us)
{
    throttle->rate = rate;
    throttle->burst = burst;
    throttle->tokens = (int64_t)burst * MILLION;
    throttle->last_us = now_us;
}

int64_t throttle_take(struct throttle *throttle, uint32_t cost, int64_t now_us)
{
    int64_t full = (int64_t)throttle->burst * MILLION, elapsed = now_us - throttle->last_us;

    throttle->last_us = now_us;
    /* An hour fills any bucket; the limit keeps the product in range. */
    if (elapsed > 3600ll * MILLION)
        elapsed = 3600ll * MILLION;
    if (elapsed > 0)
        throttle->tokens += elapsed * throttle->rate;
    if (throttle->tokens > full)
        throttle->tokens = full;
    throttle->tokens -= (int64_t)cost * MILLION;
    return throttle->tokens >= 0 ? 0 : (-throttle->tokens + throttle->rate - 1) / throttle->rate;
}
