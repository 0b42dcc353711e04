/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Buddy allocator of machine frames, orders 0 to 18 (1 GiB). Free blocks are linked through their own first
 * bytes; a block that held somebody's data is "dirty" and is zeroed before it changes hands, by idle CPUs or
 * at allocation. heap_lock is below every lock but the console's.
 */
#include "bh/domain.h"
#include "bh/lib.h"
#include "bh/page.h"

#define MAX_ORDER   18u
#define FREE_HEAD   0x80u /* of info: first frame of a free block */
#define FREE_DIRTY  0x40u
#define LOW_LIMIT   (1ull << (32 - PAGE_SHIFT))
#define SCRUB_ORDER 4u    /* 64 KiB a step keeps wake-ups fast */
#define JOIN_MAX    4096u /* blocks looked at in one go */

struct free_block {
    struct free_block *next, *prev;
};

enum { ZONE_LOW, ZONE_HIGH, NR_ZONES };

#define NR_ORDERS (MAX_ORDER + 1)
#define NR_LISTS  (NR_ZONES * 2 * NR_ORDERS)
static spinlock_t heap_lock;
static struct free_block lists[NR_ZONES][2][NR_ORDERS]; /* [zone][dirty][order] */
struct page_counts page_counts;
struct page *page_table_base;
uint64_t max_page;
#ifdef BH_FAULT_INJECTION
int64_t page_fail_after = -1;

bool page_fail_injected(void)
{
    return page_fail_after >= 0 && page_fail_after-- == 0;
}
#endif

static unsigned zone_of(uint64_t n)
{
    return n < LOW_LIMIT ? ZONE_LOW : ZONE_HIGH;
}

/* What the records of 2^order frames say from now on. */
static void records_set(uint64_t n, unsigned order, uint16_t owner, uint16_t info)
{
    for (uint64_t i = 0; i < 1ull << order; i++)
        page_table_base[n + i] = (struct page){owner, info};
}

/* Number i of all; its blocks' order is i % NR_ORDERS. */
static struct free_block *list(unsigned i)
{
    return &lists[0][0][0] + i;
}

static void list_add(struct free_block *head, struct free_block *b)
{
    b->next = head->next;
    b->prev = head;
    head->next->prev = b;
    head->next = b;
}

static void list_del(struct free_block *b)
{
    b->next->prev = b->prev;
    b->prev->next = b->next;
}

static bool list_empty(const struct free_block *head)
{
    return head->next == head;
}

static void block_insert(uint64_t n, unsigned order, bool dirty)
{
    page_table_base[n] = (struct page){OWNER_FREE, (uint16_t)(FREE_HEAD | (dirty ? FREE_DIRTY : 0) | order)};
    list_add(&lists[zone_of(n)][dirty][order], mfn_to_va(mfn(n)));
}

/* The links are wiped: a clean block stays zero all over, also inside a joined one. */
static void block_remove(uint64_t n)
{
    struct free_block *b = mfn_to_va(mfn(n));

    list_del(b);
    *b = (struct free_block){NULL, NULL};
    page_table_base[n].info = 0;
}

static bool is_free_head(uint64_t n, unsigned order, bool dirty)
{
    return n < max_page && page_table_base[n].owner == OWNER_FREE &&
           page_table_base[n].info == (FREE_HEAD | (dirty ? FREE_DIRTY : 0) | order);
}

/* Put a block back and join it with its free neighbours of the same state. */
static void block_free(uint64_t n, unsigned order, bool dirty)
{
    records_set(n, order, OWNER_FREE, 0);
    page_counts.free += 1ull << order;
    page_counts.dirty += dirty ? 1ull << order : 0;
    while (order < MAX_ORDER) {
        uint64_t buddy = n ^ 1ull << order;

        if (!is_free_head(buddy, order, dirty))
            break;
        block_remove(buddy);
        n = MIN(n, buddy);
        order++;
    }
    block_insert(n, order, dirty);
}

/* Take the first block of a list, cut down to `order`: the rest goes back. */
static uint64_t block_take_first(unsigned zone, bool dirty, unsigned from, unsigned order)
{
    uint64_t n = va_to_mfn(lists[zone][dirty][from].next).n;

    block_remove(n);
    while (from > order) {
        from--;
        block_insert(n + (1ull << from), from, dirty);
    }
    page_counts.free -= 1ull << order;
    page_counts.dirty -= dirty ? 1ull << order : 0;
    return n;
}

/* From the smallest block of at least `order` in a zone; clean before dirty. */
static uint64_t block_take(unsigned zone, unsigned order, bool *dirty)
{
    for (unsigned o = order; o <= MAX_ORDER; o++)
        for (unsigned s = 0; s < 2; s++)
            if (!list_empty(&lists[zone][s][o])) {
                *dirty = s;
                return block_take_first(zone, s, o, order);
            }
    return INVALID_FRAME;
}

static uint64_t block_take_any(unsigned order, unsigned flags, bool *dirty)
{
    uint64_t n = INVALID_FRAME;

    for (int zone = flags & PAGE_BELOW_4G ? ZONE_LOW : ZONE_HIGH; zone >= ZONE_LOW && n == INVALID_FRAME;
         zone--)
        n = block_take((unsigned)zone, order, dirty);
    return n;
}

/* A dirty and a clean neighbour stay apart, so that nothing is cleaned twice, until a larger block is wanted.
 */
static bool join_mixed(unsigned order)
{
    unsigned looked = 0;
    bool any = false;

    for (unsigned z = 0; z < NR_ZONES; z++)
        for (unsigned o = 0; o < order; o++)
            for (struct free_block *b = lists[z][1][o].next, *next; b != &lists[z][1][o]; b = next) {
                uint64_t n = va_to_mfn(b).n, buddy = n ^ 1ull << o;

                next = b->next;
                if (looked++ == JOIN_MAX)
                    return any;
                if (!is_free_head(buddy, o, false))
                    continue;
                block_remove(n);
                block_remove(buddy);
                page_counts.free -= 2ull << o;
                page_counts.dirty -= 1ull << o;
                block_free(MIN(n, buddy), o + 1, true);
                any = true;
            }
    return any;
}

static uint64_t take_owned(unsigned order, unsigned flags, uint16_t owner, bool *dirty)
{
    uint64_t n;

    spin_guard(&heap_lock);
    n = block_take_any(order, flags, dirty);
    if (n == INVALID_FRAME && join_mixed(order))
        n = block_take_any(order, flags, dirty);
    if (n != INVALID_FRAME)
        records_set(n, order, owner, 1);
    return n;
}

static mfn_t alloc(unsigned order, unsigned flags, uint16_t owner)
{
    bool dirty = false;
    uint64_t n =
        order > MAX_ORDER || page_fail_injected() ? INVALID_FRAME : take_owned(order, flags, owner, &dirty);

    if (dirty && !(flags & PAGE_DIRTY_OK))
        memset(mfn_to_va(mfn(n)), 0, PAGE_SIZE << order);
    return mfn(n);
}

mfn_t page_alloc(unsigned order, unsigned flags)
{
    return alloc(order, flags, OWNER_HYPERVISOR);
}

/* Take frame n out of the free block that holds it, order by order. */
static bool take_fixed(uint64_t n, uint16_t owner)
{
    unsigned order = 0;
    uint64_t head = n;
    bool dirty;

    while (!is_free_head(head, order, false) && !is_free_head(head, order, true)) {
        if (++order > MAX_ORDER)
            return false;
        head = ROUND_DOWN(n, 1ull << order);
    }
    dirty = page_table_base[head].info & FREE_DIRTY;
    block_remove(head);
    while (order-- > 0) {
        uint64_t half = head + (1ull << order);

        block_insert(n < half ? half : head, order, dirty);
        head = n < half ? head : half;
    }
    page_counts.free--;
    page_counts.dirty -= dirty;
    records_set(n, 0, owner, 1);
    return true;
}

mfn_t page_alloc_top(unsigned order)
{
    mfn_t best = INVALID_MFN;

    spin_guard(&heap_lock);
    for (unsigned i = 0; i < NR_LISTS; i++)
        for (struct free_block *b = list(i)->next; i % NR_ORDERS >= order && b != list(i); b = b->next) {
            uint64_t last = va_to_mfn(b).n + (1ull << i % NR_ORDERS) - (1ull << order);

            if (!mfn_valid_value(best) || last > best.n)
                best = mfn(last);
        }
    if (mfn_valid_value(best))
        for (uint64_t i = 0; i < 1ull << order; i++)
            ASSERT(take_fixed(best.n + i, OWNER_HYPERVISOR));
    return best;
}

void page_free(mfn_t m, unsigned order)
{
    spin_guard(&heap_lock);
    block_free(m.n, order, true);
}

mfn_t page_alloc_domain(struct domain *d, unsigned order, unsigned flags)
{
    uint64_t count = 1ull << order;
    uint64_t now = __atomic_add_fetch(&d->tot_pages, count, __ATOMIC_RELAXED);
    mfn_t m = INVALID_MFN;

    if (now <= d->max_pages || flags & PAGE_NO_LIMIT)
        m = alloc(order, flags, d->id);
    if (!mfn_valid_value(m))
        __atomic_sub_fetch(&d->tot_pages, count, __ATOMIC_RELAXED);
    return m;
}

bool page_claim_fixed(struct domain *d, mfn_t m, uint64_t count)
{
    uint64_t i;

    spin_guard(&heap_lock);
    for (i = 0; i < count && m.n + i < max_page && take_fixed(m.n + i, d->id);)
        i++;
    if (i == count) {
        __atomic_add_fetch(&d->tot_pages, count, __ATOMIC_RELAXED);
        return true;
    }
    while (i-- > 0)
        block_free(m.n + i, 0, true);
    return false;
}

bool page_get(mfn_t m, uint16_t owner)
{
    struct page *pg = mfn_page(m), old, new;

    if (!pg)
        return false;
    __atomic_load(pg, &old, __ATOMIC_RELAXED);
    do {
        if (old.owner != owner || !old.info || old.info >= PAGE_MAX_REFS)
            return false;
        new = old;
        new.info++;
    } while (!__atomic_compare_exchange(pg, &old, &new, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
    return true;
}

void page_put(mfn_t m)
{
    struct page *pg = mfn_page(m);
    uint16_t owner;

    ASSERT(pg && pg->info);
    owner = pg->owner;
    if (__atomic_sub_fetch(&pg->info, 1, __ATOMIC_ACQ_REL))
        return;
    page_free(m, 0);
    if (owner != OWNER_HYPERVISOR)
        domain_uncharge(owner, 1);
}

void page_put_block(mfn_t m, unsigned order)
{
    uint64_t n = 1ull << order, i;
    uint16_t owner = page_table_base[m.n].owner;

    for (i = 0; i < n; i++) /* the usual case: the last reference to all of them, freed as one block */
        if (*(volatile uint32_t *)(void *)&page_table_base[m.n + i] != ((uint32_t)1 << 16 | owner))
            break;
    if (i < n) {
        for (i = 0; i < n; i++)
            page_put(mfn_add(m, i));
        return;
    }
    page_free(m, order);
    domain_uncharge(owner, n);
}

uint16_t page_owner(mfn_t m)
{
    const struct page *pg = mfn_page(m);

    return pg ? pg->owner : OWNER_NONE;
}

size_t page_table_size(uint64_t limit)
{
    return ROUND_UP(limit * sizeof(struct page), PAGE_SIZE);
}

void page_init(void *where, uint64_t limit)
{
    page_table_base = where;
    max_page = limit;
    for (uint64_t i = 0; i < limit; i += 2) /* two records a store */
        *(uint64_t *)(void *)&page_table_base[i] = (uint64_t)OWNER_NONE << 32 | OWNER_NONE;
    for (unsigned i = 0; i < NR_LISTS; i++)
        list(i)->next = list(i)->prev = list(i);
}

void page_add_ram(paddr_t start, paddr_t end, bool dirty)
{
    uint64_t n = ROUND_UP(start, PAGE_SIZE) >> PAGE_SHIFT, stop = MIN(end >> PAGE_SHIFT, max_page);

    while (n < stop) {
        unsigned order = n ? MIN((unsigned)__builtin_ctzll(n), MAX_ORDER) : MAX_ORDER;

        while (n + (1ull << order) > stop)
            order--;
        /* the low and high zones must not share a block */
        while (n < LOW_LIMIT && n + (1ull << order) > LOW_LIMIT)
            order--;
        spin_lock(&heap_lock);
        block_free(n, order, dirty);
        page_counts.total += 1ull << order;
        spin_unlock(&heap_lock);
        n += 1ull << order;
    }
}

/* A dirty block, in part if it is large; INVALID_FRAME: none. */
static uint64_t take_dirty(unsigned *order)
{
    spin_guard(&heap_lock);
    for (unsigned z = 0; z < NR_ZONES; z++)
        for (unsigned o = 0; o <= MAX_ORDER; o++)
            if (!list_empty(&lists[z][1][o])) {
                uint64_t n;

                *order = MIN(o, SCRUB_ORDER);
                n = block_take_first(z, true, o, *order);
                records_set(n, *order, OWNER_HYPERVISOR, 1);
                return n;
            }
    return INVALID_FRAME;
}

bool page_scrub_some(void)
{
    unsigned order;
    uint64_t n = page_counts.dirty ? take_dirty(&order) : INVALID_FRAME;

    if (n == INVALID_FRAME)
        return false;
    memset(mfn_to_va(mfn(n)), 0, PAGE_SIZE << order);
    spin_guard(&heap_lock);
    block_free(n, order, false);
    return page_counts.dirty != 0;
}

uint64_t page_count_free_in(uint64_t start, uint64_t end)
{
    uint64_t count = 0;

    spin_guard(&heap_lock);
    for (unsigned i = 0; i < NR_LISTS; i++)
        for (const struct free_block *b = list(i)->next; b != list(i); b = b->next) {
            uint64_t first = MAX(va_to_mfn(b).n, start), last = va_to_mfn(b).n + (1ull << i % NR_ORDERS);

            if (first < MIN(last, end))
                count += MIN(last, end) - first;
        }
    return count;
}
