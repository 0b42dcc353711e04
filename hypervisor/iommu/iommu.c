/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Choice of the IOMMU driver by ACPI table, and what the drivers share. */
#include "bh/iommu_private.h"
#include "bh/lib.h"
#include "bh/mm.h"
#include "bh/p2m.h"
#include "bh/paging.h"
#include "bh/pci.h"

#define MAX_SPINS       200000000u
#define MAX_UNITS       32u
#define REPORTS_A_WHILE 8u
#define WHILE_TSC       (1ull << 31) /* about a second */

const struct iommu_driver *iommu;
bool iommu_remaps;
uint64_t iommu_leaf_bits[2], iommu_node_bits[4];
unsigned iommu_max_order = ORDER_1G;
spinlock_t iommu_lock;

static struct iommu_queue *queues[MAX_UNITS];
static unsigned nr_queues;

static const struct iommu_driver *const drivers[] = {&amdvi_driver, &vtd_driver};

void iommu_init(const struct acpi_info *acpi, bool allow)
{
    const char *why = "no IVRS or DMAR table";

    pci_init(acpi);
    for (unsigned i = 0; allow && i < ARRAY_SIZE(drivers) && !iommu; i++) {
        int t = acpi_find_table(acpi, drivers[i]->signature, 0);

        if (t < 0)
            continue;
        directmap_add(acpi->table[t].address, acpi->table[t].length);
        if (drivers[i]->probe(acpi, pa_to_va(acpi->table[t].address), acpi->table[t].length, &why))
            iommu = drivers[i];
    }
    iommu_remaps &= iommu != NULL;
    if (!iommu)
        pr_warn("IOMMU: not used: %s\n", allow ? why : "iommu=no on the command line");
}

void iommu_enable(void)
{
    spin_guard(&iommu_lock);
    iommu->enable();
    for (unsigned i = 0; i < nr_queues; i++)
        if (queues[i]->broken)
            panic("The IOMMU does not answer; boot with iommu=no to go without it");
}

bool iommu_owns_function(struct pci_sbdf dev)
{
    return iommu && iommu->owns && iommu->owns(dev);
}

int iommu_assign(struct pci_sbdf dev, struct domain *d)
{
    if (!iommu)
        return -XEN_ENODEV;
    spin_guard(&iommu_lock);
    return iommu->assign(dev, d);
}

void iommu_flush(void)
{
    if (!iommu)
        return;
    spin_guard(&iommu_lock);
    iommu->flush();
}

static int map_region(struct domain *d, uint64_t start, uint64_t end)
{
    enum p2m_type type;
    int rc = 0;

    for (uint64_t n = start >> PAGE_SHIFT; n < ROUND_UP(end, PAGE_SIZE) >> PAGE_SHIFT && !rc; n++) {
        type = P2M_NONE;
        p2m_lookup(d, gfn(n), &type, NULL);
        if (type == P2M_NONE)
            rc = p2m_map_identity(d, n, n + 1);
    }
    return rc;
}

int iommu_map_reserved(struct domain *d)
{
    int rc = 0;

    for (unsigned n = 0; iommu && !rc && n < *iommu->nr_regions; n++) {
        const struct iommu_region *r = &iommu->region[n];

        if (r->end > BIT(46) || r->end - r->start > BIT(30))
            pr_warn("IOMMU: reserved memory %lx-%lx makes no sense; ignored\n", r->start, r->end);
        else
            rc = map_region(d, r->start, r->end);
    }
    return rc;
}

bool iommu_queue_alloc(struct iommu_queue *q, void (*hand_over)(struct iommu_queue *q))
{
    q->hand_over = hand_over;
    q->entries = page_va_alloc(ORDER_4K, PAGE_ZERO);
    q->word = kzalloc(sizeof(uint64_t)); /* AMD-Vi stores 64 bits */
    if (!q->entries || !q->word || nr_queues == MAX_UNITS)
        return false;
    queues[nr_queues++] = q;
    return true;
}

void iommu_queue_put(struct iommu_queue *q, uint64_t low, uint64_t high)
{
    uint64_t *slot = q->entries + q->tail / 8;

    slot[0] = low;
    slot[1] = high;
    q->tail = (q->tail + 16) % (IOMMU_QUEUE_ENTRIES * 16);
    q->pending++;
}

void iommu_command(struct iommu_queue *q, uint64_t low, uint64_t high)
{
    if (!q->running || q->broken)
        return;
    if (q->pending >= IOMMU_QUEUE_ENTRIES - 2)
        iommu_sync(q);
    iommu_queue_put(q, low, high);
}

void iommu_sync(struct iommu_queue *q)
{
    unsigned spins = 0;

    if (!q->pending || q->broken)
        return;
    q->value++;
    q->hand_over(q);
    while (!q->broken && *q->word != q->value)
        if (!iommu_wait_more(&spins)) {
            q->broken = true;
            pr_err(
                "IOMMU: a unit does not complete its commands; DMA and interrupts of its devices may stop\n");
        }
    q->pending = 0;
}

void iommu_command_all(uint64_t low, uint64_t high)
{
    for (unsigned i = 0; i < nr_queues; i++)
        iommu_command(queues[i], low, high);
    for (unsigned i = 0; i < nr_queues; i++)
        iommu_sync(queues[i]);
}

bool iommu_may_report(void)
{
    static uint64_t since;
    static unsigned count;
    uint64_t now = __builtin_ia32_rdtsc();

    if (now - since > WHILE_TSC) {
        since = now;
        count = 0;
    }
    return count++ < REPORTS_A_WHILE;
}

bool iommu_wait_more(unsigned *spins)
{
    __builtin_ia32_pause();
    return ++*spins < MAX_SPINS;
}
