/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the drivers in iommu/; nobody else includes this. */
#pragma once

#include "bh/domain.h"
#include "bh/iommu.h"
#include "bh/spinlock.h"
#include "bh/types.h"

/*
 * Interrupt remapping tables: 256 entries, of which bit 0 says that they are valid and bit 1 that faults are
 * not reported. An entry that is reserved but not used yet has only the latter.
 */
#define IRQ_TABLE_ENTRIES 256u
#define IRQ_VALID         1u
#define IRQ_RESERVED      2u
struct irq_entry {
    uint64_t low, high;
};
struct irq_table {
    void *entries; /* struct irq_entry, or narrow: 32 bits each */
    bool narrow;
    struct iommu_queue *queue; /* of the unit, and the id of the device that it belongs to */
    uint16_t id;
};
struct irq_source {
    struct pci_sbdf dev;
    bool ioapic; /* not a PCI device */
};

/* A driver, found by the ACPI table. What changes tables is called with iommu_lock held. */
struct iommu_driver {
    char signature[4];
    /* Parse, check and prepare: no DMA is changed. False with *why set. */
    bool (*probe)(const struct acpi_info *acpi, const uint8_t *table, uint32_t len, const char **why);
    void (*enable)(void);
    int (*assign)(struct pci_sbdf dev, struct domain *d);
    void (*flush)(void); /* give the commands to all units */
    const struct iommu_region *region;
    const unsigned *nr_regions;
    bool (*owns)(struct pci_sbdf dev);
    /* What the ACPI table tells of an IO-APIC; false: nothing. */
    bool (*find_ioapic)(uint8_t ioapic_id, struct pci_sbdf *source);
    /* The table with a source's entries, made when it is missing. 0 or -XEN_E… */
    int (*irq_table)(const struct irq_source *source, struct irq_table *table);
    /* Fixed delivery, physical destination */
    struct irq_entry (*irq_entry)(const struct irq_source *source, uint32_t apic_id, uint8_t vector,
                                  bool level);
    /* Make the units see entry i. */
    void (*irq_written)(const struct irq_table *table, unsigned i);
    void (*msi_message)(unsigned index, uint64_t *addr, uint32_t *data);
    uint64_t (*redirection)(uint64_t compatible, unsigned index);
};
extern const struct iommu_driver amdvi_driver, vtd_driver;

extern spinlock_t iommu_lock; /* tables and queues; below vPCI's, vIO-APIC's and the p2m's */
/* The domain's number in the units' caches: one domain has all devices. */
#define IOMMU_DOMAIN 1u

/* The ACPI table lists every IO-APIC: else remapping would lose the others' interrupts. */
bool iommu_ioapics_listed(const struct iommu_driver *driver, const struct acpi_info *acpi);

/*
 * A ring of commands of 16 bytes, one page of them. They are handed over by iommu_sync(), so the ring is
 * empty after it and needs no look at the unit's place in it. Under iommu_lock.
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
/* The same command for all units, done when it returns. */
void iommu_command_all(uint64_t low, uint64_t high);

/* At most a few messages a second: true when one more may be printed. */
bool iommu_may_report(void);
/* Wait until *word (written by a device) or a register bit changes: call in a loop, false when it took too
 * long. `spins` starts at 0. */
bool iommu_wait_more(unsigned *spins);
