/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the drivers in iommu/; nobody else includes this. */
#pragma once

#include "bh/domain.h"
#include "bh/iommu.h"
#include "bh/types.h"

/* A driver's description of itself, found by the ACPI table. */
struct iommu_driver {
    char signature[4];
    /* Parse, check and prepare: no DMA is changed. The ops, or NULL with *why set. */
    const struct iommu_ops *(*probe)(const struct acpi_info *acpi, const uint8_t *table, uint32_t len,
                                     const char **why);
    void (*enable)(void);
    const struct iommu_region *region;
    const unsigned *nr_regions;
    bool (*owns)(struct pci_sbdf dev);
};
extern const struct iommu_driver amdvi_driver, vtd_driver;

/* The domain's number in the units' caches: the hardware domain has all devices. 0: it has none. */
static inline uint16_t iommu_domain_number(const struct domain *d)
{
    return d->hardware ? 1 : 0;
}

/*
 * A ring of commands of 16 bytes, one page of them. They are handed over by iommu_sync(), so the ring is
 * empty after it and needs no look at the unit's place in it. Under the driver's lock.
 */
#define IOMMU_QUEUE_ENTRIES 256u
struct iommu_queue {
    uint64_t *entries;
    uint32_t tail;           /* bytes */
    uint32_t pending;        /* not handed over yet */
    volatile uint32_t *word; /* the unit stores `value` there when it is done */
    uint32_t value;
    /* Put the command that makes it do so, by iommu_queue_put(), and write the tail register. */
    void (*hand_over)(struct iommu_queue *q);
    bool running, broken;
};
/* False: no memory. */
bool iommu_queue_alloc(struct iommu_queue *q, void (*hand_over)(struct iommu_queue *q));
void iommu_queue_put(struct iommu_queue *q, uint64_t low, uint64_t high);
/* Nothing is done before the unit runs, and after it failed. */
void iommu_command(struct iommu_queue *q, uint64_t low, uint64_t high);
void iommu_sync(struct iommu_queue *q);

/* At most a few messages a second: true when one more may be printed. */
bool iommu_may_report(void);
/* Wait until *word (written by a device) or a register bit changes: call in a loop, false when it took too
 * long. `spins` starts at 0. */
bool iommu_wait_more(unsigned *spins);
