/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Grant tables, version 1: dom0 grants to itself, so one domain sees both sides. */
#include "guest.h"

#define TABLE_GFN (EMPTY_GFN + 0x10)
#define MAP_GFN   (EMPTY_GFN + 0x40)
#define REF       16u
#define BATCH     64u

static volatile grant_entry_v1_t *table;
static char pages[BATCH][4096] __attribute__((aligned(4096)));

static void set_grant(uint32_t ref, uint16_t flags, uint16_t domid, void *page)
{
    table[ref].domid = domid;
    table[ref].frame = (uint32_t)((uintptr_t)page >> 12);
    __atomic_store_n(&table[ref].flags, flags, __ATOMIC_SEQ_CST);
}

static int map(uint32_t ref, uint32_t flags, uint16_t dom, uint64_t gfn, uint32_t *handle)
{
    struct gnttab_map_grant_ref m = {.host_addr = gfn << 12, .flags = flags, .ref = ref, .dom = dom};

    if (grant(map_grant_ref, &m, 1))
        return -99;
    *handle = m.handle;
    return m.status;
}

static int unmap(uint32_t handle, uint64_t gfn)
{
    struct gnttab_unmap_grant_ref u = {.host_addr = gfn << 12, .handle = handle};

    return grant(unmap_grant_ref, &u, 1) ? -99 : u.status;
}

static void test_setup(void)
{
    struct gnttab_query_size q = {.dom = DOMID_SELF};
    struct gnttab_query_size other = {.dom = 77};
    gnttab_set_version_t v = {.version = 1};
    struct gnttab_get_version g = {.dom = DOMID_SELF};

    expect(grant(query_size, &q, 1), 0, "query_size");
    check(q.status == GNTST_okay && q.nr_frames >= 1 && q.max_nr_frames >= 4, "%u frames of %u", q.nr_frames,
          q.max_nr_frames);
    grant(query_size, &other, 1);
    expect(other.status, GNTST_bad_domain, "query_size of no domain");
    expect(grant(set_version, &v, 1), 0, "version 1");
    v.version = 3;
    expect(grant(set_version, &v, 1), -XEN_EINVAL, "version 3");
    expect(grant(get_version, &g, 1), 0, "get_version");
    expect((long)g.version, 1, "it is 1");
    expect(physmap(XENMAPSPACE_grant_table, 0, TABLE_GFN), 0, "the table's frame is mapped");
    expect(physmap(XENMAPSPACE_grant_table, 1, TABLE_GFN + 1), 0, "and the next one");
    expect(physmap(XENMAPSPACE_grant_table, 100000, TABLE_GFN + 2), -XEN_EINVAL, "but not the 100000th");
    table = (volatile grant_entry_v1_t *)(TABLE_GFN * PAGE_SIZE);
}

static void test_map(void)
{
    volatile char *view = (volatile char *)(MAP_GFN * PAGE_SIZE);
    uint32_t h, h2;

    set_grant(REF, GTF_permit_access, 0, pages[0]);
    pages[0][5] = 42;
    expect(map(REF, GNTMAP_host_map, 0, MAP_GFN, &h), GNTST_okay, "map");
    check(view[5] == 42, "what the granter wrote is seen");
    view[6] = 43;
    check(pages[0][6] == 43, "what the mapper wrote is seen");
    check((table[REF].flags & (GTF_reading | GTF_writing)) == (GTF_reading | GTF_writing),
          "the entry says read and written");
    expect(map(REF, GNTMAP_host_map, 0, MAP_GFN, &h2), GNTST_general_error, "not over another mapping");
    expect(map(REF, GNTMAP_host_map | GNTMAP_readonly, 0, MAP_GFN + 1, &h2), GNTST_okay,
           "a second mapping, read-only");
    check(view[4096 + 6] == 43, "shows the same");
    check(physmap(XENMAPSPACE_shared_info, 0, MAP_GFN + 1) < 0, "nothing else is put over a mapping");
    check(view[4096 + 6] == 43, "which stands");
    expect(unmap(h2, MAP_GFN + 1), GNTST_okay, "unmap the second");
    check(unmap(h, MAP_GFN + 3) < 0, "unmap at the wrong place");
    expect(unmap(h, MAP_GFN), GNTST_okay, "unmap");
    check(!(table[REF].flags & (GTF_reading | GTF_writing)), "the entry is free again");
    expect(unmap(h, MAP_GFN), GNTST_bad_handle, "unmap twice");
    expect(unmap(0xfffffff0, MAP_GFN), GNTST_bad_handle, "unmap of no handle");
}

static void test_refusals(void)
{
    uint32_t h;

    expect(map(REF, GNTMAP_host_map, 77, MAP_GFN, &h), GNTST_bad_domain, "map from no domain");
    expect(map(1u << 20, GNTMAP_host_map, 0, MAP_GFN, &h), GNTST_bad_gntref, "a reference beyond the table");
    expect(map(0xffffffff, GNTMAP_host_map, 0, MAP_GFN, &h), GNTST_bad_gntref, "reference ~0");
    set_grant(REF, 0, 0, pages[0]);
    check(map(REF, GNTMAP_host_map, 0, MAP_GFN, &h) < 0, "an invalid entry");
    set_grant(REF, GTF_permit_access, 5, pages[0]);
    check(map(REF, GNTMAP_host_map, 0, MAP_GFN, &h) < 0, "an entry for another domain");
    set_grant(REF, GTF_permit_access | GTF_readonly, 0, pages[0]);
    check(map(REF, GNTMAP_host_map, 0, MAP_GFN, &h) < 0, "a read-only entry is not written");
    expect(map(REF, GNTMAP_host_map | GNTMAP_readonly, 0, MAP_GFN, &h), GNTST_okay, "but read");
    expect(unmap(h, MAP_GFN), GNTST_okay, "unmap");
    set_grant(REF, GTF_permit_access, 0, (void *)((EMPTY_GFN + 0x1000) * PAGE_SIZE));
    check(map(REF, GNTMAP_host_map, 0, MAP_GFN, &h) < 0, "a frame where nothing is");
    set_grant(REF, GTF_permit_access, 0, (void *)(TABLE_GFN * PAGE_SIZE));
    check(map(REF, GNTMAP_host_map, 0, MAP_GFN, &h) < 0, "the grant table itself is not granted");
    check(map(REF, 0, 0, MAP_GFN, &h) < 0, "a map that maps nothing");
    set_grant(REF, 0, 0, pages[0]);
}

static void test_batch(void)
{
    static struct gnttab_map_grant_ref m[BATCH];
    static struct gnttab_unmap_grant_ref u[BATCH];
    unsigned good = 0;

    for (unsigned i = 0; i < BATCH; i++) {
        set_grant(REF + i, GTF_permit_access, 0, pages[i]);
        pages[i][0] = (char)i;
        m[i] = (struct gnttab_map_grant_ref){
            .host_addr = (MAP_GFN + i) << 12, .flags = GNTMAP_host_map, .ref = REF + i};
    }
    expect(grant(map_grant_ref, m, BATCH), 0, "64 at once");
    for (unsigned i = 0; i < BATCH; i++) {
        good += m[i].status == GNTST_okay && *(volatile char *)((MAP_GFN + i) << 12) == (char)i;
        u[i] = (struct gnttab_unmap_grant_ref){.host_addr = m[i].host_addr, .handle = m[i].handle};
    }
    check(good == BATCH, "all are right: %u", good);
    expect(grant(unmap_grant_ref, u, BATCH), 0, "and unmapped at once");
    for (unsigned i = good = 0; i < BATCH; i++)
        good += u[i].status == GNTST_okay && !(table[REF + i].flags & GTF_reading);
    check(good == BATCH, "all are free: %u", good);
}

static void test_copy(void)
{
    struct gnttab_copy c = {.source = {.u.ref = REF, .offset = 100},
                            .dest = {.u.gmfn = (uintptr_t)pages[1] >> 12, .domid = DOMID_SELF},
                            .len = 1000,
                            .flags = GNTCOPY_source_gref};

    set_grant(REF, GTF_permit_access | GTF_readonly, 0, pages[0]);
    for (unsigned i = 0; i < 4096; i++)
        pages[0][i] = (char)(i * 7);
    expect(grant(copy, &c, 1), 0, "copy");
    check(c.status == GNTST_okay && !memcmp(pages[1], pages[0] + 100, 1000), "from a grant to a frame");
    c.source.offset = 3500;
    grant(copy, &c, 1);
    expect(c.status, GNTST_bad_copy_arg, "a copy across the page's end");
    c = (struct gnttab_copy){.source = {.u.gmfn = (uintptr_t)pages[1] >> 12, .domid = DOMID_SELF},
                             .dest = {.u.ref = REF},
                             .len = 16,
                             .flags = GNTCOPY_dest_gref};
    grant(copy, &c, 1);
    check(c.status < 0, "a copy into a read-only grant");
    set_grant(REF, GTF_permit_access, 0, pages[2]);
    grant(copy, &c, 1);
    check(c.status == GNTST_okay && !memcmp(pages[2], pages[1], 16), "a copy into a grant");
    check(!(table[REF].flags & (GTF_reading | GTF_writing)), "the entry is free after it");
    c.source.u.gmfn = EMPTY_GFN + 0x2000;
    grant(copy, &c, 1);
    check(c.status < 0, "a copy from where nothing is");
}

static void test_swap(void)
{
    struct gnttab_swap_grant_ref w = {.ref_a = REF, .ref_b = REF + 1};

    set_grant(REF, GTF_permit_access, 3, pages[0]);
    set_grant(REF + 1, 0, 4, pages[1]);
    expect(grant(swap_grant_ref, &w, 1), 0, "swap");
    check(w.status == GNTST_okay && table[REF].domid == 4 && table[REF + 1].domid == 3,
          "the entries changed places");
    w.ref_b = 1u << 24;
    grant(swap_grant_ref, &w, 1);
    expect(w.status, GNTST_bad_gntref, "swap beyond the table");
}

/* The granter changes the entry in every way while it is mapped. */
static void test_revoked(void)
{
    volatile char *view = (volatile char *)(MAP_GFN * PAGE_SIZE);
    uint32_t h;

    set_grant(REF, GTF_permit_access, 0, pages[3]);
    pages[3][0] = 9;
    expect(map(REF, GNTMAP_host_map, 0, MAP_GFN, &h), GNTST_okay, "map, then the entry is overwritten");
    set_grant(REF, 0, 5, pages[4]);
    check(view[0] == 9, "the mapping stays what it was");
    expect(unmap(h, MAP_GFN), GNTST_okay, "and can be undone");
}

void guest_main(void)
{
    unsigned long before;

    test_setup();
    before = free_pages();
    test_map();
    test_refusals();
    test_batch();
    test_copy();
    test_swap();
    test_revoked();
    check(before - free_pages() <= 4, "no frame is lost (page tables and handles aside): %lu",
          before - free_pages());
}
