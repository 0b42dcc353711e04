/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the drivers in iommu/; nobody else includes this. */
#ifndef BH_IOMMU_PRIVATE_H
#define BH_IOMMU_PRIVATE_H

#include "bh/iommu.h"
#include "bh/types.h"

/* A driver's description of itself, found by the ACPI table. */
struct iommu_driver {
    char signature[4];
    /* Parse, check and prepare: no DMA is changed. The ops, or NULL with *why set. */
    const struct iommu_ops *(*probe)(const struct acpi_info *acpi, const uint8_t *table, uint32_t len,
                                     const char **why);
    void (*enable)(void);
    /* nth reserved region (bytes, end exclusive); false past the last one. */
    bool (*region)(unsigned n, uint64_t *start, uint64_t *end);
    bool (*owns)(struct pci_sbdf dev);
};
extern const struct iommu_driver amdvi_driver, vtd_driver;

/* The domain's number for IOMMU caches: 1 and up, given at its first device. 0: none left (get) or none given
 * (find). */
uint16_t iommu_domain_get(struct domain *d);
uint16_t iommu_domain_find(struct domain *d);

/* At most a few messages a second: true when one more may be printed. */
bool iommu_may_report(void);
/* Wait until *word (written by a device) or a register bit changes: call in a loop, false when it took too
 * long. `spins` starts at 0. */
bool iommu_wait_more(unsigned *spins);

#endif
