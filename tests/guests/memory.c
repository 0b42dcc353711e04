/* SPDX-License-Identifier: GPL-2.0-or-later */
/* XENMEM_*: what the address space holds, frames given and taken, and every frame back in the end. */
#include "guest.h"

#define WORK    0x2000ul /* 32 MiB: dom0's own RAM that no one uses */
#define PLACE   (EMPTY_GFN + 0x1000)
#define FAR_GFN (1ul << 40)
#define MANY    700u /* more than one round of a continued call */

static long reserve(unsigned op, xen_pfn_t *list, unsigned long n, unsigned order, uint16_t dom)
{
    struct xen_memory_reservation r = {.nr_extents = n, .extent_order = order, .domid = dom};

    set_xen_guest_handle(r.extent_start, list);
    return HYPERCALL(memory_op, op, &r, 0);
}

static long populate(xen_pfn_t *list, unsigned long n, unsigned order)
{
    return reserve(XENMEM_populate_physmap, list, n, order, DOMID_SELF);
}

static long decrease(xen_pfn_t *list, unsigned long n, unsigned order)
{
    return reserve(XENMEM_decrease_reservation, list, n, order, DOMID_SELF);
}

static long remove(unsigned long gfn)
{
    struct xen_remove_from_physmap r = {.domid = DOMID_SELF, .gpfn = gfn};

    return memory(remove_from_physmap, &r);
}

static void test_balloon(void)
{
    xen_pfn_t g = WORK;
    domid_t self = DOMID_SELF;
    long had = memory(current_reservation, &self);
    volatile char *p = (volatile char *)(WORK * PAGE_SIZE);

    check(had > 1000, "current_reservation: %ld", had);
    check(memory(maximum_reservation, &self) >= had, "maximum_reservation");
    p[0] = 77;
    expect(decrease(&g, 1, 0), 1, "give a frame away");
    expect(memory(current_reservation, &self), had - 1, "one less");
    check((unsigned char)p[0] == 0xff, "nothing is there");
    expect(decrease(&g, 1, 0), 0, "it cannot be given twice");
    expect(populate(&g, 1, 0), 1, "take one back");
    expect(memory(current_reservation, &self), had, "as many as before");
    check(p[0] == 0, "it was scrubbed");
    expect(populate(&g, 1, 0), 0, "not where one is");
}

static void test_superpage(void)
{
    xen_pfn_t g = WORK + 0x200, odd = WORK + 0x201;
    volatile uint64_t *p = (volatile uint64_t *)((WORK + 0x200) * PAGE_SIZE);

    expect(decrease(&g, 1, 9), 1, "give 2 MiB away");
    expect(populate(&odd, 1, 9), 0, "unaligned 2 MiB are refused");
    expect(populate(&g, 1, 9), 1, "take 2 MiB");
    p[0] = 1, p[512 * 511] = 2;
    check(p[0] == 1 && p[512 * 511] == 2, "they are memory");
    expect(decrease(&odd, 1, 0), 1, "a 4 KiB hole in it");
    check(p[0] == 1 && p[512 * 511] == 2 && p[512] == ~0ul, "the rest stands");
    expect(populate(&odd, 1, 0), 1, "filled again");
    expect(decrease(&g, 1, 0), 1, "its first frame away");
    expect(populate(&g, 1, 9), 0, "2 MiB are not put over what is there");
    check(p[512] == 0 && p[512 * 511] == 2, "which stands");
    expect(populate(&g, 1, 0), 1, "filled again");
}

/* Orders between the sizes of page-table entries. */
static void test_odd_orders(void)
{
    static const unsigned orders[] = {1, 3, 8, 10};
    xen_pfn_t g = WORK + 0x800;
    domid_t self = DOMID_SELF;
    long had = memory(current_reservation, &self);

    for (unsigned i = 0; i < ARRAY_SIZE(orders); i++) {
        unsigned long n = 1ul << orders[i], good = 0;

        check(decrease(&g, 1, orders[i]) == 1 && populate(&g, 1, orders[i]) == 1, "order %u away and back",
              orders[i]);
        for (unsigned long f = 0; f < n; f++) {
            volatile uint64_t *p = (volatile uint64_t *)((g + f) * PAGE_SIZE);

            *p = f;
            good += *p == f;
        }
        check(good == n && memory(current_reservation, &self) == had, "all %lu frames are memory", n);
    }
}

static void test_lists(void)
{
    static xen_pfn_t list[MANY];

    for (unsigned i = 0; i < MANY; i++)
        list[i] = WORK + 0x400 + i;
    expect(decrease(list, MANY, 0), MANY, "700 frames away");
    expect(populate(list, MANY, 0), MANY, "and back");
    list[3] = FAR_GFN;
    expect(decrease(list, 10, 0), 3, "a list stops at a bad frame");
    expect(populate(list, 3, 0), 3, "three back");
    expect(populate((xen_pfn_t *)BAD_POINTER, 4, 0), 0, "a list that is not there: none done");
    expect(populate(list, 1, 40), 0, "order 40");
    expect(reserve(XENMEM_populate_physmap, list, ~0ul, 0, DOMID_SELF), 0, "2^64 extents");
    check(reserve(XENMEM_populate_physmap, list, 1, 0, 77) <= 0, "for no domain");
}

static void test_add(void)
{
    expect(physmap(XENMAPSPACE_shared_info, 0, PLACE), 0, "shared info");
    expect(physmap(XENMAPSPACE_shared_info, 0, PLACE + 1), 0, "it can be moved");
    expect(physmap(XENMAPSPACE_shared_info, 1, PLACE), -XEN_EINVAL, "there is one only");
    expect(remove(PLACE + 1), 0, "remove it");
    check(physmap(XENMAPSPACE_gmfn_range, 0, PLACE) <= 0, "space of ranges without a size");
    expect(physmap(99, 0, PLACE), -XEN_EINVAL, "no such space");
    expect(physmap(XENMAPSPACE_gmfn_foreign, 0, PLACE), -XEN_ENOSYS, "foreign frames only in batches");
    check(physmap(XENMAPSPACE_shared_info, 0, FAR_GFN) < 0, "beyond the address space");
    check(physmap(XENMAPSPACE_shared_info, 0, ~0ul) < 0, "frame ~0");
    expect(remove(PLACE + 50), -XEN_ENOENT, "remove where nothing is");
    check(remove(FAR_GFN) < 0, "remove beyond the address space");
}

static void test_batch(void)
{
    xen_ulong_t idx[2] = {0, 0};
    xen_pfn_t g[2] = {PLACE, PLACE + 1};
    int err[2] = {5, 5};
    struct xen_add_to_physmap_batch b = {.domid = DOMID_SELF, .space = XENMAPSPACE_gmfn_foreign, .size = 2};

    set_xen_guest_handle(b.idxs, idx);
    set_xen_guest_handle(b.gpfns, g);
    set_xen_guest_handle(b.errs, err);
    b.u.foreign_domid = 77;
    check(memory(add_to_physmap_batch, &b) == -XEN_ESRCH || err[0] == -XEN_ESRCH,
          "foreign frames of no domain");
    b.u.foreign_domid = 0;
    check(memory(add_to_physmap_batch, &b) < 0 || (err[0] && err[1]), "one's own frames are not foreign");
    b.size = 0;
    check(memory(add_to_physmap_batch, &b) <= 0, "an empty batch");
}

static void test_map(void)
{
    static struct {
        uint64_t addr, size;
        uint32_t type;
    } __attribute__((packed)) e820[128];
    struct xen_memory_map m = {.nr_entries = 128};
    uint64_t ram = 0;

    m.buffer.p = e820;
    expect(memory(memory_map, &m), 0, "memory map");
    for (unsigned i = 0; i < m.nr_entries; i++)
        ram += e820[i].type == 1 ? e820[i].size : 0;
    check(m.nr_entries > 1 && ram > 64ul << 20, "%u entries, %lu KiB of RAM", m.nr_entries, ram >> 10);
    m = (struct xen_memory_map){.nr_entries = 128};
    m.buffer.p = (void *)BAD_POINTER;
    expect(memory(memory_map, &m), -XEN_EFAULT, "into no buffer");
}

static void test_acquire(void)
{
    xen_pfn_t g = PLACE;
    struct xen_mem_acquire_resource a = {.domid = 77, .type = XENMEM_resource_grant_table, .nr_frames = 1};

    set_xen_guest_handle(a.frame_list, &g);
    expect(memory(acquire_resource, &a), -XEN_ESRCH, "resource of no domain");
    a.pad = 1;
    expect(memory(acquire_resource, &a), -XEN_EINVAL, "padding must be zero");
}

void guest_main(void)
{
    unsigned long before;
    xen_pfn_t warm = WORK;

    decrease(&warm, 1, 0); /* page tables for what follows */
    populate(&warm, 1, 0);
    physmap(XENMAPSPACE_shared_info, 0, PLACE);
    remove(PLACE);
    before = free_pages();
    test_map();
    test_balloon();
    test_superpage();
    test_odd_orders();
    test_lists();
    test_add();
    test_batch();
    test_acquire();
    check(before - free_pages() <= 8, "every frame is back (page tables aside): %lu before, %lu now", before,
          free_pages());
}
