/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Grants against a granter that rewrites its entries: flags, the frame that is logged as written, p2m nodes.
 */
#include "hvtest.h"
#include "host_hypervisor.h"
#include "bh/logdirty.h"
#include "bh/p2m_int.h"

#define GRANTER 5u
#define MAPPER  6u
#define REF     8u
#define PLACE   0x40000000ul /* far from all else: its p2m nodes are its own */

static struct domain *granter, *mapper;
static grant_entry_v1_t *entry;

static int setup(void **state)
{
    struct gnttab_setup_table s = {.dom = DOMID_SELF, .nr_frames = 1};

    (void)state;
    host_machine(2048, 1);
    granter = host_domain(GRANTER, 8, 15);
    mapper = host_domain(MAPPER, 8, 15);
    assert_int_equal(host_grant_op(granter, GNTTABOP_setup_table, &s, 1), 0);
    entry = &granter->grant.shared[0][REF];
    *entry = (grant_entry_v1_t){.flags = GTF_permit_access, .domid = MAPPER, .frame = 3};
    return 0;
}

static int16_t map(struct gnttab_map_grant_ref *m, unsigned flags)
{
    *m = (struct gnttab_map_grant_ref){
        .host_addr = PLACE, .flags = GNTMAP_host_map | flags, .ref = REF, .dom = GRANTER};
    assert_int_equal(host_grant_op(mapper, GNTTABOP_map_grant_ref, m, 1), 0);
    return m->status;
}

static void unmap(const struct gnttab_map_grant_ref *m)
{
    struct gnttab_unmap_grant_ref u = {.host_addr = m->host_addr, .handle = m->handle};

    assert_int_equal(host_grant_op(mapper, GNTTABOP_unmap_grant_ref, &u, 1), 0);
    assert_int_equal(u.status, GNTST_okay);
}

/* A use that fails leaves no flag behind, also beside one that stands. */
static void test_flags(void **state)
{
    struct gnttab_map_grant_ref first, second;

    (void)state;
    entry->frame = 100; /* nothing there */
    assert_int_equal(map(&first, 0), GNTST_bad_page);
    assert_int_equal(entry->flags, GTF_permit_access);
    entry->frame = 3;
    assert_int_equal(map(&first, GNTMAP_readonly), GNTST_okay);
    assert_int_equal(entry->flags, GTF_permit_access | GTF_reading);
    assert_int_equal(map(&second, 0), GNTST_general_error); /* the place is taken */
    assert_int_equal(entry->flags, GTF_permit_access | GTF_reading);
    unmap(&first);
    assert_int_equal(entry->flags, GTF_permit_access);
}

/* What a writable mapping reached is the frame of then, whatever the entry says when it ends. */
static void test_dirty_frame(void **state)
{
    struct gnttab_map_grant_ref m;
    enum p2m_type t;

    (void)state;
    assert_int_equal(map(&m, 0), GNTST_okay);
    assert_int_equal(logdirty_enable(granter), 0);
    entry->frame = 4;
    unmap(&m);
    (void)p2m_lookup(granter, gfn(3), &t, NULL);
    assert_int_equal(t, P2M_RAM); /* logged, and open again */
    (void)p2m_lookup(granter, gfn(4), &t, NULL);
    assert_int_equal(t, P2M_LOGDIRTY);
}

/* Nodes come back when their last entry goes: three are kept for the next time, no more. */
static void test_nodes(void **state)
{
    struct gnttab_map_grant_ref m;
    uint64_t nodes = mapper->p2m_nodes, free;

    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(map(&m, 0), GNTST_okay);
        unmap(&m);
        assert_in_range(mapper->p2m_nodes, nodes, nodes + 3);
    }
    nodes = mapper->p2m_nodes;
    free = page_counts.free;
    for (uint64_t g = 0; g < 64; g++) /* one node of the lowest level each */
        assert_int_equal(p2m_set(mapper, gfn(0x80000 + g * 512), mfn(g), 0, P2M_MMIO), 0);
    assert_true(mapper->p2m_nodes >= nodes + 61);
    for (uint64_t g = 0; g < 64; g++) {
        assert_int_equal(p2m_clear(mapper, gfn(0x80000 + g * 512), 0), 0);
        p2m_flush(mapper);
    }
    assert_in_range(mapper->p2m_nodes, nodes, nodes + 3);
    assert_int_equal(page_counts.free + mapper->p2m_nodes, free + nodes);
}

/* What lock-free readers remember is void once a mapping goes. */
static void test_generation(void **state)
{
    struct gnttab_map_grant_ref m;
    uint64_t before = mapper->p2m_generation;

    (void)state;
    assert_int_equal(map(&m, 0), GNTST_okay);
    assert_int_equal(mapper->p2m_generation, before);
    unmap(&m);
    assert_true(mapper->p2m_generation > before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_flags, setup),
        cmocka_unit_test_setup(test_dirty_frame, setup),
        cmocka_unit_test_setup(test_nodes, setup),
        cmocka_unit_test_setup(test_generation, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
