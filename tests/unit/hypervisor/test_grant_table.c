/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Model test of grant tables: three domains with four references each; every sequence of operations up to a
 * depth. The test keeps its own list of mappings and compares after each step: references of every frame, use
 * counts and the in-use flags of every entry, the p2m of every domain (nothing mapped that was not granted,
 * nothing writable through a read-only grant), handles. After each new state everything dies and all memory
 * must be back.
 */
#include "hvtest.h"
#include "host_hypervisor.h"
#include "bh/p2m_int.h"

#define DOMS     3u
#define REFS     4u
#define RAM      2u     /* frames of each domain, gfn 0 and 1 */
#define SLOTS    4u     /* places where a domain maps */
#define SLOT_GFN 0x100u /* first of them */
#define FIRST    1u
#define GONE     0xffffu

/* What the test knows; saved and restored with the machine. */
struct model {
    bool alive[DOMS];
    mfn_t ram[DOMS][RAM];
    struct mapping {
        bool used, write;
        uint8_t granter, ref;
        uint32_t handle;
        uint64_t mfn;
    } map[DOMS][SLOTS]; /* by mapper and place */
};

static struct model m, saved[16];
static struct domain *dom[DOMS]; /* NULL: its structure is gone */
static struct host_snapshot *snap[16];
static struct host_seen *seen;
static unsigned max_depth, max_refs; /* references and places in use, 1 to REFS */
static uint64_t free_at_start, nr_steps, nr_changed;

static grant_entry_v1_t *entry(unsigned d, unsigned ref)
{
    return &dom[d]->grant.shared[0][ref];
}

static void find_domains(void)
{
    for (unsigned i = 0; i < DOMS; i++)
        dom[i] = host_domain_find((uint16_t)(FIRST + i));
}

static void fresh(void)
{
    mfn_t frame;

    host_machine(72, 1);
    free_at_start = page_counts.free;
    memset(&m, 0, sizeof(m));
    for (unsigned i = 0; i < DOMS; i++) {
        dom[i] = host_domain((uint16_t)(FIRST + i), RAM, 4);
        m.alive[i] = true;
        assert_int_equal(grant_shared_frame(dom[i], 0, &frame), 0);
        page_put(frame);
        for (unsigned g = 0; g < RAM; g++)
            m.ram[i][g] = p2m_lookup(dom[i], gfn(g), NULL, NULL);
    }
}

static uint64_t state_digest(void)
{
    uint64_t h = 0;

    for (unsigned i = 0; i < DOMS; i++) {
        h = host_digest(h, m.alive[i]);
        for (unsigned r = 0; m.alive[i] && r < REFS; r++)
            h = host_digest(h, *(uint32_t *)(void *)entry(i, r) | (uint64_t)entry(i, r)->frame << 32);
        for (unsigned s = 0; s < SLOTS; s++) {
            const struct mapping *p = &m.map[i][s];

            h = host_digest(h,
                            !p->used ? 0 : 1u | p->write << 1 | p->granter << 2 | p->ref << 4 | p->mfn << 8);
        }
    }
    return h;
}

/* ---- what must always hold ---- */

static unsigned count_maps(unsigned granter, unsigned ref, bool only_writable)
{
    unsigned n = 0;

    for (unsigned i = 0; i < DOMS; i++)
        for (unsigned s = 0; s < SLOTS; s++)
            n += m.map[i][s].used && m.map[i][s].granter == granter && m.map[i][s].ref == ref &&
                 (m.map[i][s].write || !only_writable);
    return n;
}

static void check_entries(unsigned i)
{
    for (unsigned r = 0; r < REFS; r++) {
        const struct grant_active *a = &dom[i]->grant.active[0][r];

        assert_int_equal(a->maps, count_maps(i, r, false));
        assert_int_equal(a->writable_maps, count_maps(i, r, true));
        assert_int_equal(a->copies, 0);
        if (!m.alive[i])
            continue;
        assert_int_equal(!!(entry(i, r)->flags & GTF_reading), a->maps > 0);
        assert_int_equal(!!(entry(i, r)->flags & GTF_writing), a->writable_maps > 0);
    }
}

static void check_mapper(unsigned i)
{
    unsigned n = 0;

    for (unsigned s = 0; s < SLOTS; s++) {
        const struct mapping *p = &m.map[i][s];
        enum p2m_type t;
        mfn_t got = p2m_lookup(dom[i], gfn(SLOT_GFN + s), &t, NULL);

        n += p->used;
        assert_int_equal(t, !p->used ? P2M_NONE : p->write ? P2M_GRANT_RW : P2M_GRANT_RO);
        if (p->used)
            assert_int_equal(got.n, p->mfn);
    }
    assert_int_equal(dom[i]->grant.nr_maps, n);
    assert_int_equal(dom[i]->grant.nr_maps, n);
}

static void check_frames(unsigned i)
{
    for (unsigned g = 0; g < RAM; g++) {
        unsigned want = m.alive[i];

        for (unsigned k = 0; k < DOMS; k++)
            for (unsigned s = 0; s < SLOTS; s++)
                want += m.map[k][s].used && m.map[k][s].mfn == m.ram[i][g].n;
        assert_int_equal(page_refs(m.ram[i][g]), want);
        assert_int_equal(page_owner(m.ram[i][g]), want ? FIRST + i : OWNER_FREE);
    }
}

static void check_invariants(void)
{
    find_domains(); /* the last mapping may have ended a dead granter */
    for (unsigned i = 0; i < DOMS; i++) {
        unsigned pages = 0;

        check_frames(i);
        for (unsigned g = 0; g < RAM; g++)
            pages += page_refs(m.ram[i][g]) > 0;
        if (!dom[i]) {
            assert_int_equal(pages, 0);
            assert_false(m.alive[i]);
            continue;
        }
        assert_int_equal(dom[i]->refs, m.alive[i]);
        assert_int_equal(dom[i]->tot_pages, pages);
        assert_false(spin_is_locked(&dom[i]->grant.lock) || spin_is_locked(&dom[i]->grant.maptrack_lock) ||
                     spin_is_locked(&dom[i]->p2m_lock));
        check_entries(i);
        if (m.alive[i])
            check_mapper(i);
    }
}

/* ---- operations; x and y as the table below counts them ---- */

/* The granter writes an entry: frame, whom, read-only. What is in use it may only change by breaking the
 * rules, which it does as well: x counts kinds of entries. */
static void op_grant(unsigned self, unsigned ref, unsigned kind)
{
    unsigned whom = kind / 2 % DOMS;

    *entry(self, ref) = (grant_entry_v1_t){
        .flags = (uint16_t)(GTF_permit_access | (kind % 2 ? GTF_readonly : 0) |
                            (entry(self, ref)->flags & (GTF_reading | GTF_writing))),
        .domid = (domid_t)(FIRST + whom),
        .frame = kind % 2, /* the read-only ones show frame 1 */
    };
}

static void op_revoke(unsigned self, unsigned ref, unsigned y)
{
    (void)y;
    entry(self, ref)->flags &= GTF_reading | GTF_writing;
}

/* A frame that the domain does not have. */
static void op_grant_hole(unsigned self, unsigned ref, unsigned y)
{
    (void)y;
    op_grant(self, ref, ((self + 1) % DOMS) * 2);
    entry(self, ref)->frame = 0x7777;
}

/* A frame that is mapped here by a grant of somebody else: must not be passed on. */
static void op_grant_mapped(unsigned self, unsigned ref, unsigned y)
{
    op_grant_hole(self, ref, y);
    entry(self, ref)->frame = SLOT_GFN;
}

/* What mapping or copying through an entry must give, and the frame. */
static int expected(unsigned user, unsigned granter, unsigned ref, bool write, mfn_t *frame)
{
    const grant_entry_v1_t *e;
    const struct grant_active *a;

    if (!m.alive[granter])
        return GNTST_bad_domain;
    e = entry(granter, ref);
    a = &dom[granter]->grant.active[0][ref];
    if ((a->maps && a->mapper != FIRST + user) || (e->flags & GTF_type_mask) != GTF_permit_access ||
        e->domid != FIRST + user)
        return GNTST_bad_gntref;
    if (write && e->flags & GTF_readonly)
        return GNTST_permission_denied;
    if (a->maps)
        *frame = grant_active_mfn(a);
    else if (e->frame < RAM)
        *frame = m.ram[granter][e->frame];
    else
        return GNTST_bad_page;
    return GNTST_okay;
}

static int first_slot(unsigned self)
{
    for (unsigned s = 0; s < SLOTS; s++)
        if (!m.map[self][s].used)
            return (int)s;
    return -1;
}

static void op_map(unsigned self, unsigned x, unsigned y)
{
    unsigned granter = x / REFS, ref = x % REFS;
    int slot = first_slot(self), place = slot < 0 ? 0 : slot;
    struct gnttab_map_grant_ref op = {.host_addr = (uint64_t)(SLOT_GFN + (unsigned)place) << PAGE_SHIFT,
                                      .flags = GNTMAP_host_map | (y ? 0 : GNTMAP_readonly),
                                      .ref = ref,
                                      .dom = (domid_t)(FIRST + granter)};
    mfn_t frame = INVALID_MFN;
    int want = expected(self, granter, ref, y, &frame);

    if (want == GNTST_okay && slot < 0)
        want = GNTST_general_error; /* something is mapped there */
    assert_int_equal(host_grant_op(dom[self], GNTTABOP_map_grant_ref, &op, 1), 0);
    assert_int_equal(op.status, want);
    if (want == GNTST_okay)
        m.map[self][slot] = (struct mapping){true, y, (uint8_t)granter, (uint8_t)ref, op.handle, frame.n};
}

static void op_unmap(unsigned self, unsigned slot, unsigned y)
{
    struct mapping *p = &m.map[self][slot];
    struct gnttab_unmap_grant_ref op[2] = {{.handle = p->used ? p->handle : 900}, {.handle = 0xffffffff}};

    (void)y;
    op[0].host_addr = (uint64_t)(SLOT_GFN + slot) << PAGE_SHIFT;
    if (p->used) { /* the place must be the right one */
        op[0].host_addr += PAGE_SIZE;
        assert_int_equal(host_grant_op(dom[self], GNTTABOP_unmap_grant_ref, op, 1), 0);
        assert_int_equal(op[0].status, GNTST_bad_handle);
        op[0].host_addr -= PAGE_SIZE;
    }
    assert_int_equal(host_grant_op(dom[self], GNTTABOP_unmap_grant_ref, op, 2), 0);
    assert_int_equal(op[0].status, p->used ? GNTST_okay : GNTST_bad_handle);
    assert_int_equal(op[1].status, GNTST_bad_handle);
    p->used = false;
}

/* Copy one byte from (y = 0) or to a grant; the other side is the caller's own frame 0. */
static void op_copy(unsigned self, unsigned x, unsigned y)
{
    unsigned granter = x / REFS, ref = x % REFS;
    struct gnttab_copy op = {.len = 1, .flags = y ? GNTCOPY_dest_gref : GNTCOPY_source_gref};
    mfn_t frame = INVALID_MFN;
    int want = expected(self, granter, ref, y, &frame);
    char *mine = mfn_to_va(m.ram[self][0]), *theirs;

    op.source.domid = y ? DOMID_SELF : (domid_t)(FIRST + granter);
    op.dest.domid = y ? (domid_t)(FIRST + granter) : DOMID_SELF;
    *(y ? &op.dest.u.ref : &op.source.u.ref) = ref;
    op.source.offset = op.dest.offset = 7;
    mine[7] = (char)(y ? 'n' : 'o');
    theirs = want == GNTST_okay ? mfn_to_va(frame) : NULL;
    if (theirs)
        theirs[7] = (char)(y ? 'o' : 'n');
    assert_int_equal(host_grant_op(dom[self], GNTTABOP_copy, &op, 1), 0);
    assert_int_equal(op.status, want);
    if (theirs)
        assert_true(theirs == mine || (mine[7] == 'n' && theirs[7] == 'n'));
}

static void op_swap(unsigned self, unsigned a, unsigned b)
{
    struct gnttab_swap_grant_ref op = {.ref_a = a, .ref_b = b};
    bool busy = count_maps(self, a, false) || count_maps(self, b, false);
    grant_entry_v1_t was = *entry(self, a);

    assert_int_equal(host_grant_op(dom[self], GNTTABOP_swap_grant_ref, &op, 1), 0);
    assert_int_equal(op.status, busy ? GNTST_eagain : GNTST_okay);
    if (!busy)
        assert_memory_equal(entry(self, b), &was, sizeof(was));
}

static void op_kill(unsigned self, unsigned x, unsigned y)
{
    (void)x, (void)y;
    host_domain_kill(dom[self]);
    m.alive[self] = false;
    memset(m.map[self], 0, sizeof(m.map[self]));
    find_domains();
}

static const struct {
    void (*fn)(unsigned self, unsigned x, unsigned y);
    unsigned nr_x, nr_y;
} ops[] = {
    {op_grant, REFS, DOMS * 2}, {op_grant_hole, REFS, 1}, {op_grant_mapped, REFS, 1},
    {op_revoke, REFS, 1},       {op_map, DOMS *REFS, 2},  {op_unmap, SLOTS, 1},
    {op_copy, DOMS *REFS, 2},   {op_swap, REFS, REFS},    {op_kill, 1, 1},
};

/* ---- exploration ---- */

static void all_must_end(void)
{
    for (unsigned i = 0; i < DOMS; i++)
        if (m.alive[i])
            op_kill(i, 0, 0);
    assert_null(domain_list);
    assert_int_equal(page_counts.free, free_at_start);
}

static void back_to(unsigned depth)
{
    host_snapshot_restore(snap[depth]);
    m = saved[depth];
    find_domains();
}

static void explore(unsigned depth)
{
    uint64_t here = state_digest();

    if (!snap[depth])
        snap[depth] = host_snapshot_new();
    host_snapshot_save(snap[depth]);
    saved[depth] = m;
    for (unsigned o = 0; o < ARRAY_SIZE(ops); o++)
        for (unsigned self = 0; self < DOMS; self++)
            for (unsigned i = 0; m.alive[self] && i < ops[o].nr_x * ops[o].nr_y; i++) {
                uint64_t now;

                if (i / ops[o].nr_y % REFS >= max_refs)
                    continue;
                ops[o].fn(self, i / ops[o].nr_y, i % ops[o].nr_y);
                nr_steps++;
                check_invariants();
                now = state_digest();
                if (now == here)
                    continue;
                nr_changed++;
                if (host_seen_add(seen, now, depth + 1)) {
                    if (depth + 1 < max_depth)
                        explore(depth + 1);
                    else
                        all_must_end();
                }
                back_to(depth);
            }
    all_must_end();
    back_to(depth);
}

static void run(unsigned refs, unsigned depth, const char *from)
{
    seen = host_seen_new();
    max_depth = depth;
    max_refs = refs;
    nr_steps = nr_changed = 0;
    explore(0);
    print_message(
        "%s, %u references, depth %u: %llu operations, %llu of them changed something, %llu states\n", from,
        refs, depth, (unsigned long long)nr_steps, (unsigned long long)nr_changed,
        (unsigned long long)host_seen_count(seen));
    for (unsigned i = 0; i < ARRAY_SIZE(snap); i++) {
        host_snapshot_free(snap[i]);
        snap[i] = NULL;
    }
    host_seen_free(seen);
}

static void test_from_nothing(void **state)
{
    (void)state;
    fresh();
    run(REFS, 2, "no grants");
    run(2, 3, "no grants");
    run(1, 4, "no grants");
}

/* Everybody grants to everybody, writable and read-only; some of it is mapped. */
static void grant_all(void)
{
    fresh();
    for (unsigned i = 0; i < DOMS; i++)
        for (unsigned r = 0; r < REFS; r++)
            op_grant(i, r, (i + 1 + r / 2) % DOMS * 2 + r % 2);
}

static void test_from_granted(void **state)
{
    (void)state;
    grant_all();
    run(REFS, 2, "all granted");
}

static void test_from_mapped(void **state)
{
    (void)state;
    grant_all();
    for (unsigned i = 0; i < DOMS; i++) {
        unsigned granter = (i + DOMS - 1) % DOMS;

        op_map(i, granter * REFS, 1);
        op_map(i, granter * REFS, 0);
        op_map(i, granter * REFS + 1, 0);
    }
    check_invariants();
    run(REFS, 2, "all mapped");
    run(1, 3, "all mapped");
}

/* A granter that died stays as long as its frames are mapped, and no longer. */
static void test_granter_dies(void **state)
{
    (void)state;
    grant_all();
    op_map(1, 0, 1);
    assert_true(m.map[1][0].used);
    op_kill(0, 0, 0);
    assert_non_null(dom[0]);
    check_invariants();
    *(char *)mfn_to_va(m.ram[0][0]) = 1; /* still its old contents, not somebody's */
    op_unmap(1, 0, 0);
    find_domains();
    assert_null(dom[0]);
    check_invariants();
    all_must_end();
}

/* What the hypervisor shows to a domain in its own address space (shared_info, the grant table) cannot be
 * granted: the frame is not the domain's and would outlive it in somebody else's hands. */
static void test_not_its_own(void **state)
{
    mfn_t shown[2];

    (void)state;
    grant_all();
    shown[0] = va_to_mfn(dom[0]->shared_info);
    shown[1] = va_to_mfn(dom[0]->grant.shared[0]);
    for (unsigned i = 0; i < ARRAY_SIZE(shown); i++) {
        struct gnttab_map_grant_ref op = {.host_addr = (uint64_t)SLOT_GFN << PAGE_SHIFT,
                                          .flags = GNTMAP_host_map | GNTMAP_readonly,
                                          .dom = FIRST};

        assert_true(
            page_get(shown[i], OWNER_HYPERVISOR)); /* as XENMAPSPACE_shared_info and _grant_table do */
        assert_int_equal(p2m_set(dom[0], gfn(0x50), shown[i], 0, P2M_RAM), 0);
        entry(0, 0)->frame = 0x50;
        assert_int_equal(host_grant_op(dom[1], GNTTABOP_map_grant_ref, &op, 1), 0);
        assert_int_equal(op.status, GNTST_bad_page);
        assert_int_equal(page_refs(shown[i]), 2);
        assert_int_equal(entry(0, 0)->flags & (GTF_reading | GTF_writing), 0);
        assert_int_equal(p2m_clear(dom[0], gfn(0x50), 0), 0);
        page_put(shown[i]);
    }
    check_invariants();
    all_must_end();
}

/* More handles than the mapper may have: a clean error, undone. */
static void test_handles_run_out(void **state)
{
    unsigned n = 0;

    (void)state;
    grant_all();
    dom[1]->p2m_limit = ~0ull;
    for (;; n++) {
        struct gnttab_map_grant_ref op = {
            .host_addr = (uint64_t)(SLOT_GFN + n) << PAGE_SHIFT, .flags = GNTMAP_host_map, .dom = FIRST};

        assert_int_equal(host_grant_op(dom[1], GNTTABOP_map_grant_ref, &op, 1), 0);
        if (op.status != GNTST_okay) {
            assert_int_equal(op.status, GNTST_no_space);
            break;
        }
    }
    assert_int_equal(n, MAPTRACK_PER_FRAME);
    assert_int_equal(page_refs(m.ram[0][0]), 1 + n);
    assert_int_equal(p2m_lookup(dom[1], gfn(SLOT_GFN + n), NULL, NULL).n, INVALID_FRAME);
    all_must_end();
}

static void test_bad_calls(void **state)
{
    struct gnttab_map_grant_ref map = {.flags = GNTMAP_host_map, .dom = FIRST, .ref = 1u << 30};
    struct gnttab_copy copy = {.len = 2, .flags = GNTCOPY_source_gref};
    struct gnttab_swap_grant_ref swap = {.ref_a = 0, .ref_b = GRANTS_PER_FRAME};
    struct gnttab_query_size size = {.dom = FIRST};
    struct gnttab_unmap_grant_ref many[40];

    (void)state;
    grant_all();
    assert_int_equal(host_grant_op(dom[1], GNTTABOP_map_grant_ref, &map, 1), 0);
    assert_int_equal(map.status, GNTST_bad_gntref);
    map.ref = 0;
    map.flags = GNTMAP_device_map;
    assert_int_equal(host_grant_op(dom[1], GNTTABOP_map_grant_ref, &map, 1), 0);
    assert_int_equal(map.status, GNTST_bad_virt_addr);
    map.flags = GNTMAP_host_map; /* onto the caller's own memory */
    assert_int_equal(host_grant_op(dom[1], GNTTABOP_map_grant_ref, &map, 1), 0);
    assert_int_equal(map.status, GNTST_general_error);
    copy.source.offset = PAGE_SIZE - 1;
    assert_int_equal(host_grant_op(dom[1], GNTTABOP_copy, &copy, 1), 0);
    assert_int_equal(copy.status, GNTST_bad_copy_arg);
    copy = (struct gnttab_copy){.len = 1, .source.domid = FIRST, .dest.domid = DOMID_SELF};
    assert_int_equal(host_grant_op(dom[1], GNTTABOP_copy, &copy, 1), 0); /* another's frame without a grant */
    assert_int_equal(copy.status, GNTST_permission_denied);
    assert_int_equal(host_grant_op(dom[1], GNTTABOP_swap_grant_ref, &swap, 1), 0);
    assert_int_equal(swap.status, GNTST_bad_gntref);
    assert_int_equal(host_grant_op(dom[1], GNTTABOP_query_size, &size, 1), 0);
    assert_int_equal(size.status, GNTST_permission_denied);
    assert_int_equal(host_grant_op(dom[1], GNTTABOP_map_grant_ref, NULL, 1), -XEN_EFAULT);
    assert_int_equal(host_grant_op(dom[1], 99, &map, 1), -XEN_ENOSYS);
    memset(many, 0xff, sizeof(many));
    assert_int_equal(host_grant_op(dom[1], GNTTABOP_unmap_grant_ref, many, ARRAY_SIZE(many)), 0);
    for (unsigned i = 0; i < ARRAY_SIZE(many); i++)
        assert_int_equal(many[i].status, GNTST_bad_handle);
    check_invariants();
    all_must_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_from_nothing), cmocka_unit_test(test_from_granted),
        cmocka_unit_test(test_from_mapped),  cmocka_unit_test(test_granter_dies),
        cmocka_unit_test(test_bad_calls),    cmocka_unit_test(test_handles_run_out),
        cmocka_unit_test(test_not_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
