/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "check.h"

#include "../../../gui-daemon/configure.h"

static const struct rect A = {0, 0, 100, 100}, B = {10, 0, 100, 100}, C = {10, 20, 300, 100};

static void user_moves_agent_acknowledges(void **state)
{
    struct configure c = {.geometry = A};

    (void)state;
    assert_int_equal(configure_from_screen(&c, &B), CONFIGURE_SEND);
    assert_true(c.open);
    assert_int_equal(configure_from_agent(&c, &B), CONFIGURE_NOTHING);
    assert_false(c.open);
}

static void only_one_is_on_the_way(void **state)
{
    struct configure c = {.geometry = A};

    (void)state;
    assert_int_equal(configure_from_screen(&c, &B), CONFIGURE_SEND);
    assert_int_equal(configure_from_screen(&c, &C), CONFIGURE_NOTHING);
    assert_int_equal(configure_from_screen(&c, &A), CONFIGURE_NOTHING);
    assert_int_equal(configure_from_screen(&c, &C), CONFIGURE_NOTHING);
    /* The echo of B is not what is in force: C is sent, and acknowledged. */
    assert_int_equal(configure_from_agent(&c, &B), CONFIGURE_SEND);
    assert_true(rect_equal(&c.geometry, &C));
    assert_int_equal(configure_from_agent(&c, &C), CONFIGURE_NOTHING);
    assert_false(c.open);
}

static void stale_requests_lose(void **state)
{
    struct configure c = {.geometry = A};

    (void)state;
    configure_from_screen(&c, &B);
    assert_int_equal(configure_from_agent(&c, &C), CONFIGURE_SEND);
    assert_true(rect_equal(&c.geometry, &B));
    assert_true(c.open);
}

static void agent_asks(void **state)
{
    struct configure c = {.geometry = A};

    (void)state;
    assert_int_equal(configure_from_agent(&c, &A), CONFIGURE_NOTHING);
    assert_int_equal(configure_from_agent(&c, &B), CONFIGURE_APPLY);
    assert_true(rect_equal(&c.geometry, &B));
    /* The screen does as asked: nobody need be told. */
    assert_int_equal(configure_from_screen(&c, &B), CONFIGURE_NOTHING);
    /* The window manager wants it differently. */
    assert_int_equal(configure_from_screen(&c, &C), CONFIGURE_SEND);
}

/* Any mixture of both sides' changes ends in agreement, with an agent that applies and echoes what it gets.
 */
static void storm_converges(void **state)
{
    static const struct rect g[] = {{0, 0, 1, 1}, {1, 0, 1, 1}, {2, 0, 1, 1}, {3, 0, 1, 1}};

    (void)state;
    for (unsigned seed = 0; seed < 4096; seed++) {
        struct configure c = {.geometry = g[0]};
        struct rect to_agent[64], agent = g[0];
        unsigned head = 0, tail = 0, bits = seed;

        for (int step = 0; step < 40; step++) {
            bool user = step < 6 && (bits & 1);
            enum configure_action action = CONFIGURE_NOTHING;

            if (user)
                action = configure_from_screen(&c, &g[bits >> 1 & 3]);
            else if (head < tail) {
                agent = to_agent[head++];
                action = configure_from_agent(&c, &agent);
            }
            if (action == CONFIGURE_SEND)
                to_agent[tail++] = c.geometry;
            assert_true(tail < 64);
            bits = bits >> 2 | bits << 10;
        }
        assert_int_equal(head, tail);
        assert_false(c.open);
        assert_true(rect_equal(&agent, &c.geometry));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(user_moves_agent_acknowledges),
        cmocka_unit_test(only_one_is_on_the_way),
        cmocka_unit_test(stale_requests_lose),
        cmocka_unit_test(agent_asks),
        cmocka_unit_test(storm_converges),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
