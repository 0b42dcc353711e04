/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pairing heap of timers against a plain array. */
#include "hvtest.h"
#include "host_hypervisor.h"

#define NR 64u

static struct timer timers[NR];
static uint64_t due[NR]; /* 0: not armed */
static unsigned fired[NR];
static struct timer_queue queues[2];
static uint64_t last_expiry;

static void fire(void *arg)
{
    unsigned i = (unsigned)((struct timer *)arg - timers);

    assert_null(timers[i].queue);
    assert_true(due[i] && due[i] >= last_expiry);
    last_expiry = due[i];
    due[i] = 0;
    fired[i]++;
}

static int setup(void **state)
{
    (void)state;
    memset(timers, 0, sizeof(timers));
    memset(queues, 0, sizeof(queues));
    memset(due, 0, sizeof(due));
    for (unsigned i = 0; i < NR; i++)
        timers[i] = (struct timer){.fn = fire, .arg = &timers[i]};
    return 0;
}

static uint64_t earliest(struct timer_queue *q)
{
    uint64_t e = UINT64_MAX;

    for (unsigned i = 0; i < NR; i++)
        if (due[i] && timers[i].queue == q)
            e = MIN(e, due[i]);
    return e;
}

static unsigned random_below(uint64_t *seed, unsigned n)
{
    *seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
    return (unsigned)(*seed >> 33) % n;
}

static void test_random(void **state)
{
    uint64_t seed = 42, now = 1;

    (void)state;
    for (unsigned n = 0; n < 50000; n++) {
        unsigned i = random_below(&seed, NR), what = random_below(&seed, 8);

        if (what < 5) { /* arm, move in time or to the other queue */
            due[i] = now + 1 + random_below(&seed, 200);
            timer_set(&queues[random_below(&seed, 2)], &timers[i], due[i]);
        } else if (what < 6) {
            timer_stop(&timers[i]);
            due[i] = 0;
        } else {
            now += random_below(&seed, 40);
            for (unsigned q = 0; q < 2; q++) {
                last_expiry = 0;
                timer_run(&queues[q], now);
            }
            for (unsigned k = 0; k < NR; k++)
                assert_true(!due[k] || due[k] > now);
        }
        for (unsigned q = 0; q < 2; q++)
            assert_int_equal(timer_next(&queues[q]), earliest(&queues[q]));
        for (unsigned k = 0; k < NR; k++)
            assert_int_equal(timers[k].queue != NULL, due[k] != 0);
    }
}

static unsigned rearms;
static void fire_again(void *arg)
{
    if (++rearms < 5)
        timer_set(&queues[0], arg, rearms * 10);
}

static void test_rearm_from_callback(void **state)
{
    (void)state;
    timers[0].fn = fire_again;
    timer_set(&queues[0], &timers[0], 1);
    timer_run(&queues[0], 30); /* 1, 10, 20, 30 */
    assert_int_equal(rearms, 4);
    assert_int_equal(timer_next(&queues[0]), 40);
    timer_stop(&timers[0]);
    timer_stop(&timers[0]);
    assert_int_equal(timer_next(&queues[0]), UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_random, setup),
        cmocka_unit_test_setup(test_rearm_from_callback, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
