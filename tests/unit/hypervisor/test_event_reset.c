/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Closing all ports of a domain, by itself or by its death, is done in rounds. */
#include "hvtest.h"
#include "host_hypervisor.h"

#define PORTS           4000u
#define ROUNDS_AT_LEAST 3u /* of 1024 ports looked at */

static struct domain *d;

static int setup(void **state)
{
    (void)state;
    host_machine(2048, 1);
    d = host_domain(5, 8, PORTS);
    for (unsigned i = 0; i < PORTS; i++) {
        struct evtchn_alloc_unbound a = {.dom = DOMID_SELF, .remote_dom = DOMID_SELF};

        assert_int_equal(host_event_op(d, EVTCHNOP_alloc_unbound, &a), 0);
    }
    assert_int_equal(d->evtchn.nr_used, PORTS);
    return 0;
}

static void test_reset(void **state)
{
    struct evtchn_reset r = {.dom = DOMID_SELF};
    unsigned rounds = 0, used = PORTS;
    long rc;

    (void)state;
    while ((rc = host_event_op(d, EVTCHNOP_reset, &r)) == -XEN_ERESTART) {
        assert_true(d->evtchn.nr_used < used);
        used = d->evtchn.nr_used;
        rounds++;
    }
    assert_int_equal(rc, 0);
    assert_int_equal(d->evtchn.nr_used, 0);
    assert_true(rounds >= ROUNDS_AT_LEAST);
    assert_int_equal(host_event_op(d, EVTCHNOP_reset, &r),
                     0); /* nothing to do: at once but for the looking */
}

static void test_death(void **state)
{
    unsigned rounds = 0;

    (void)state;
    while (domain_kill(d) == -XEN_ERESTART)
        rounds++;
    assert_true(rounds >= ROUNDS_AT_LEAST);
    assert_int_equal(d->evtchn.nr_used, 0);
    domain_put(d);
    assert_null(host_domain_find(5));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_reset, setup),
        cmocka_unit_test_setup(test_death, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
