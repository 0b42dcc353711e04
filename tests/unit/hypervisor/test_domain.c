/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Out of memory in each allocation: every operation is repeated with its first, second, third… allocation
 * failing, until it needs no more. Each failure is told by an error and leaves nothing behind; at the end all
 * memory is back.
 */
#include "hvtest.h"
#include "host_hypervisor.h"

#define MANY 50 /* no operation needs so many */

static uint64_t before;
static struct domain *a, *b;

static void start(void)
{
    host_machine(96, 1);
    before = page_counts.free;
    a = host_domain(1, 4, 4);
    b = host_domain(2, 4, 4);
}

static void finish(void)
{
    page_fail_after = -1;
    host_domain_kill(b);
    host_domain_kill(a);
    assert_null(domain_list);
    assert_int_equal(page_counts.free, before);
}

static void test_create(void **state)
{
    struct xen_domctl_createdomain config = {.max_vcpus = 2, .max_grant_frames = 4, .max_maptrack_frames = 4};
    int rc, n;

    (void)state;
    for (n = 0; n < MANY; n++) {
        struct domain *d;

        host_machine(96, 1);
        before = page_counts.free;
        page_fail_after = n;
        d = domain_create(7, &config, &rc);
        page_fail_after = -1;
        if (d) {
            assert_int_equal(rc, 0);
            host_domain_kill(d);
            assert_int_equal(page_counts.free, before);
            break;
        }
        assert_int_equal(rc, -XEN_ENOMEM);
        assert_null(domain_list);
        assert_int_equal(page_counts.free, before);
    }
    assert_in_range(n, 5, MANY - 1);
}

static void test_create_refused(void **state)
{
    struct xen_domctl_createdomain config = {.max_vcpus = 0};
    int rc;

    (void)state;
    start();
    assert_null(domain_create(7, &config, &rc));
    assert_int_equal(rc, -XEN_EINVAL);
    config.max_vcpus = MAX_VCPUS + 1;
    assert_null(domain_create(7, &config, &rc));
    assert_int_equal(rc, -XEN_EINVAL);
    config.max_vcpus = 1;
    assert_null(domain_create(2, &config, &rc)); /* there is one */
    assert_int_equal(rc, -XEN_EEXIST);
    finish();
}

/* An operation: 0, or that it failed for lack of memory. Anything else is wrong. */
static bool op_alloc_unbound(void)
{
    struct evtchn_alloc_unbound u = {.dom = DOMID_SELF, .remote_dom = 2};
    long rc = host_event_op(a, EVTCHNOP_alloc_unbound, &u);

    assert_true(rc == 0 || rc == -XEN_ENOMEM);
    assert_int_equal(a->evtchn.nr_used, !rc);
    return !rc;
}

static bool op_bind(void)
{
    struct evtchn_bind_interdomain i = {.remote_dom = 1, .remote_port = 1};
    int64_t fail = page_fail_after;
    struct evtchn *e;
    long rc;

    page_fail_after = -1;
    if (!a->evtchn.nr_used)
        assert_true(op_alloc_unbound());
    page_fail_after = fail;
    rc = host_event_op(b, EVTCHNOP_bind_interdomain, &i);
    e = event_port(a, 1);
    assert_true(rc == 0 || rc == -XEN_ENOMEM);
    assert_int_equal(b->evtchn.nr_used, !rc);
    assert_int_equal(e->state, rc ? EVT_UNBOUND : EVT_INTERDOMAIN);
    return !rc;
}

static bool op_init_control(void)
{
    struct evtchn_init_control c = {.control_gfn = 2};
    long rc = host_event_op(a, EVTCHNOP_init_control, &c);

    assert_true(rc == 0 || rc == -XEN_ENOMEM);
    assert_int_equal(page_refs(p2m_lookup(a, gfn(2), NULL, NULL)), rc ? 1 : 2);
    assert_int_equal(a->evtchn.fifo != NULL, !rc);
    return !rc;
}

static bool op_grant_frame(void)
{
    mfn_t m;
    int rc = grant_shared_frame(a, 0, &m);

    assert_true(rc == 0 || rc == -XEN_ENOMEM);
    assert_int_equal(a->grant.nr_frames, !rc);
    if (!rc)
        page_put(m);
    return !rc;
}

static bool op_map(void)
{
    struct gnttab_map_grant_ref op = {.host_addr = 1ull << 40, .flags = GNTMAP_host_map, .dom = 1};
    int64_t fail = page_fail_after;
    mfn_t m = p2m_lookup(a, gfn(3), NULL, NULL), frame;

    page_fail_after = -1;
    assert_int_equal(grant_shared_frame(a, 0, &frame), 0);
    page_put(frame);
    a->grant.shared[0][0] = (grant_entry_v1_t){.flags = GTF_permit_access, .domid = 2, .frame = 3};
    page_fail_after = fail;
    assert_int_equal(host_grant_op(b, GNTTABOP_map_grant_ref, &op, 1), 0);
    page_fail_after = -1;
    assert_true(op.status == GNTST_okay || op.status == GNTST_general_error || op.status == GNTST_no_space);
    assert_int_equal(page_refs(m), op.status ? 1 : 2);
    assert_int_equal(mfn_valid_value(p2m_lookup(b, gfn_of(op.host_addr), NULL, NULL)), !op.status);
    assert_int_equal(b->grant.nr_maps, !op.status);
    assert_int_equal(a->grant.active[0][0].maps, !op.status);
    assert_int_equal(a->grant.shared[0][0].flags & (GTF_reading | GTF_writing),
                     op.status ? 0 : GTF_reading | GTF_writing);
    return !op.status;
}

static bool op_populate(void)
{
    mfn_t m;

    a->max_pages = 100;
    m = page_alloc_domain(a, 1, 0);
    assert_int_equal(a->tot_pages, mfn_valid_value(m) ? 6 : 4);
    if (mfn_valid_value(m))
        page_put_block(m, 1);
    return mfn_valid_value(m);
}

static bool op_p2m(void)
{
    int rc = p2m_set(a, gfn(1ull << 34), mfn(0x12345), 0, P2M_MMIO);

    assert_true(rc == 0 || rc == -XEN_ENOMEM);
    assert_int_equal(mfn_valid_value(p2m_lookup(a, gfn(1ull << 34), NULL, NULL)), !rc);
    return !rc;
}

static void test_operations(void **state)
{
    static const struct {
        bool (*fn)(void);
        int allocations; /* at least */
    } ops[] = {{op_alloc_unbound, 1}, {op_bind, 1},     {op_init_control, 1}, {op_grant_frame, 2},
               {op_map, 5},           {op_populate, 1}, {op_p2m, 3}};

    (void)state;
    for (unsigned o = 0; o < ARRAY_SIZE(ops); o++) {
        int n;

        for (n = 0; n < MANY; n++) {
            bool done;

            start();
            page_fail_after = n;
            done = ops[o].fn();
            if (!done) { /* with memory again it works */
                page_fail_after = -1;
                assert_true(ops[o].fn());
            }
            finish();
            if (done)
                break;
        }
        assert_in_range(n, ops[o].allocations, MANY - 1);
    }
}

/* 200 domains come and go; references keep one in sight until the last is dropped. */
static void test_come_and_go(void **state)
{
    uint64_t with_two;

    (void)state;
    start();
    with_two = page_counts.free;
    for (unsigned i = 0; i < 200; i++) {
        struct domain *d = host_domain((uint16_t)(10 + i % 3), 4, 4), *ref = domain_get(d->id);

        assert_ptr_equal(ref, d);
        host_domain_kill(d);
        assert_ptr_equal(host_domain_find((uint16_t)(10 + i % 3)), d);
        assert_int_equal(d->dying, DOMAIN_DEAD);
        assert_int_equal(d->tot_pages, 0);
        domain_put(ref);
        assert_null(domain_get((uint16_t)(10 + i % 3)));
        assert_int_equal(page_counts.free, with_two);
    }
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create),
        cmocka_unit_test(test_create_refused),
        cmocka_unit_test(test_operations),
        cmocka_unit_test(test_come_and_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
