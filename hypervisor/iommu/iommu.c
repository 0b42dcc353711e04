/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Choice of the IOMMU driver by ACPI table, and what the drivers share. Lock: none; domains get their number
 * under the caller's (vPCI's). */
#include "bh/iommu_private.h"
#include "bh/lib.h"
#include "bh/mm.h"
#include "bh/p2m.h"
#include "bh/page.h"
#include "bh/paging.h"
#include "bh/pci.h"
#include "bh/xen.h"

#define MAX_DOMAINS     255u
#define MAX_SPINS       200000000u
#define REPORTS_A_WHILE 8u
#define WHILE_TSC       (1ull << 31) /* about a second */

const struct iommu_ops *iommu;
unsigned iommu_max_order = ORDER_1G;

static const struct iommu_driver *driver;
static struct domain *domains[MAX_DOMAINS];

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
        iommu = drivers[i]->probe(acpi, pa_to_va(acpi->table[t].address), acpi->table[t].length, &why);
        driver = iommu ? drivers[i] : NULL;
    }
    if (!iommu)
        pr_warn("IOMMU: not used: %s\n", allow ? why : "iommu=no on the command line");
}

void iommu_enable(void)
{
    if (driver)
        driver->enable();
}

bool iommu_owns_function(struct pci_sbdf dev)
{
    return driver && driver->owns && driver->owns(dev);
}

static int map_region(struct domain *d, uint64_t start, uint64_t end)
{
    enum p2m_type type;
    int rc = 0;

    for (uint64_t n = start >> PAGE_SHIFT; n < ROUND_UP(end, PAGE_SIZE) >> PAGE_SHIFT && !rc; n++) {
        type = P2M_NONE;
        p2m_lookup(d, gfn(n), &type, NULL);
        if (type == P2M_NONE && page_owner(mfn(n)) == OWNER_NONE)
            rc = p2m_map_identity(d, n, n + 1);
    }
    return rc;
}

int iommu_map_reserved(struct domain *d)
{
    uint64_t start, end;
    int rc = 0;

    for (unsigned n = 0; driver && !rc && driver->region(n, &start, &end); n++) {
        if (end > BIT(46) || end - start > BIT(30)) {
            pr_warn("IOMMU: reserved memory %llx-%llx makes no sense; ignored\n", (unsigned long long)start,
                    (unsigned long long)end);
            continue;
        }
        rc = map_region(d, start, end);
    }
    return rc;
}

uint16_t iommu_domain_find(struct domain *d)
{
    for (unsigned i = 0; d && i < MAX_DOMAINS; i++) {
        if (domains[i] == d)
            return (uint16_t)(i + 1);
        if (!domains[i])
            break;
    }
    return 0;
}

uint16_t iommu_domain_get(struct domain *d)
{
    uint16_t id = iommu_domain_find(d);

    for (unsigned i = 0; !id && i < MAX_DOMAINS; i++)
        if (!domains[i]) {
            domains[i] = d;
            id = (uint16_t)(i + 1);
        }
    return id;
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
