/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AMD-Vi: device table, command queue, event log. The IOMMU walks the CPU's nested page tables, whose
 * entries carry its bits too (specification §2.2.3: next level in bits 9-11, IR and IW in 61 and 62).
 */
#include "bh/cpu.h"
#include "bh/iommu_private.h"
#include "bh/ivrs.h"
#include "bh/lib.h"
#include "bh/mm.h"
#include "bh/msi.h"
#include "bh/p2m.h"
#include "bh/pci.h"
#include "bh/pio.h"

/* MMIO registers (AMD I/O Virtualization Technology specification, 48882) */
#define AMDVI_DEVTAB      0x0000u
#define AMDVI_CMDBUF      0x0008u
#define AMDVI_EVTLOG      0x0010u
#define AMDVI_CONTROL     0x0018u
#define AMDVI_EFR         0x0030u
#define AMDVI_CMD_HEAD    0x2000u
#define AMDVI_CMD_TAIL    0x2008u
#define AMDVI_EVT_HEAD    0x2010u
#define AMDVI_EVT_TAIL    0x2018u
#define AMDVI_STATUS      0x2020u
#define AMDVI_MMIO_SIZE   0x4000u
#define AMDVI_LOG_ENTRIES 256u         /* of commands and of events: one page each */
#define AMDVI_LOG_LENGTH  (8ull << 56) /* 2^8 entries */

#define CONTROL_IOMMU_EN    BIT(0)
#define CONTROL_HT_TUN_EN   BIT(1)
#define CONTROL_EVT_LOG_EN  BIT(2)
#define CONTROL_EVT_INT_EN  BIT(3)
#define CONTROL_INV_TIMEOUT (1ull << 5) /* 1 ms */
#define CONTROL_PASS_PW     BIT(8)
#define CONTROL_RES_PASS_PW BIT(9)
#define CONTROL_COHERENT    BIT(10)
#define CONTROL_ISOC        BIT(11)
#define CONTROL_CMDBUF_EN   BIT(12)
#define CONTROL_GA_EN       BIT(17) /* 128-bit interrupt table entries */
#define CONTROL_XT_EN       BIT(50) /* 32-bit APIC ids in them */

#define EFR_XT_SUP BIT(2)
#define EFR_IA_SUP BIT(6)
#define EFR_GA_SUP BIT(7)

#define STATUS_EVT_OVERFLOW BIT(0)
#define STATUS_EVT_INT      BIT(1)

/* Commands: opcode in bits 60-63 of the first quadword */
#define CMD(op)             ((uint64_t)(op) << 60)
#define CMD_COMPLETION_WAIT CMD(1)
#define CMD_INVAL_DEVTAB    CMD(2)
#define CMD_INVAL_PAGES     CMD(3)
#define CMD_INVAL_INTR      CMD(5)
#define CMD_INVAL_ALL       CMD(8)
#define CMD_WAIT_STORE      BIT(0)
#define CMD_PAGES_ALL       0x7ffffffffffff003ull /* every address; page directory entries too */

struct amdvi_dte { /* device table entry */
    uint64_t q[4];
};
#define DTE_V            BIT(0)
#define DTE_TV           BIT(1)
#define DTE_MODE_4       (4ull << 9)
#define DTE_IR           BIT(61)
#define DTE_IW           BIT(62)
#define DTE_IV           BIT(0)       /* quadword 2 */
#define DTE_INTR_LEN     (8ull << 1)  /* 2^8 interrupt table entries */
#define DTE_INTR_REMAP   (2ull << 60) /* fixed and arbitrated interrupts go through the table */
#define DTE_INTR_ROOT(q) ((q)&0x000fffffffffffc0ull)

struct amdvi_unit {
    const struct ivrs_unit *info;
    volatile uint8_t *regs;
    uint64_t efr, control;
    struct iommu_queue queue;
    uint64_t *events;
    uint32_t evt_head; /* byte offset */
    struct amdvi_dte *devtab;
    uint32_t nr_devids;
};

#define IRTE_INDEX_MASK 0x7ffull /* in MSI data and in redirection entries */
#define PASS_BITS(s)    (((uint64_t)((s)&7) << 56) | ((uint64_t)((s) >> 6) << 62))
#define PTE_FC          BIT(60) /* force coherence */
#define INVAL_DOMAIN    (CMD_INVAL_PAGES | (uint64_t)IOMMU_DOMAIN << 32)

static struct {
    struct ivrs ivrs;
    struct amdvi_unit unit[IVRS_MAX_UNITS];
    bool wide; /* 128-bit interrupt table entries with 32-bit destinations */
} amdvi;

static void reg_write(struct amdvi_unit *u, unsigned reg, uint64_t val)
{
    mmio_write64(u->regs + reg, val);
}
static uint64_t reg_read(struct amdvi_unit *u, unsigned reg)
{
    return mmio_read64(u->regs + reg);
}

/* Unit and requester id of a device; NULL: not behind an IOMMU. */
static struct amdvi_unit *amdvi_lookup(struct pci_sbdf dev, uint16_t *requester)
{
    const struct ivrs_range *r = ivrs_find(&amdvi.ivrs, dev.segment, pci_bdf(dev));
    struct amdvi_unit *u;

    if (!r)
        return NULL;
    u = &amdvi.unit[r->unit];
    *requester = r->alias == IVRS_NO_ALIAS ? pci_bdf(dev) : (uint16_t)r->alias;
    return *requester < u->nr_devids && pci_bdf(dev) < u->nr_devids ? u : NULL;
}

/* ---- commands ---- */

static void hand_over(struct iommu_queue *q)
{
    struct amdvi_unit *u = container_of(q, struct amdvi_unit, queue);

    iommu_queue_put(q, CMD_COMPLETION_WAIT | va_to_pa((const void *)(uintptr_t)q->word) | CMD_WAIT_STORE,
                    q->value);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    reg_write(u, AMDVI_CMD_TAIL, q->tail);
}

static void inval_everything(struct amdvi_unit *u)
{
    if (u->efr & EFR_IA_SUP) {
        iommu_command(&u->queue, CMD_INVAL_ALL, 0);
    } else {
        for (uint32_t id = 0; id < u->nr_devids; id++) {
            iommu_command(&u->queue, CMD_INVAL_DEVTAB | id, 0);
            iommu_command(&u->queue, CMD_INVAL_INTR | id, 0);
        }
    }
    iommu_sync(&u->queue);
}

/* ---- event log ---- */

static const char *const event_names[16] = {
    [1] = "illegal device table entry",
    [2] = "I/O page fault",
    [3] = "device table error",
    [4] = "page table error",
    [5] = "illegal command",
    [6] = "command buffer error",
    [7] = "IOTLB timeout",
    [8] = "invalid device request",
};

static void event_report(const struct amdvi_unit *u, uint64_t q0, uint64_t q1)
{
    const char *name = event_names[q0 >> 60];
    struct pci_sbdf dev = pci_sbdf(u->info->segment, (uint8_t)(q0 >> 8), (uint8_t)q0);

    if (iommu_may_report())
        pr_err("AMD-Vi: %s, device " PCI_FMT ", address %lx (event %lx)\n", name ? name : "event",
               PCI_ARGS(dev), q1, q0);
}

static void events_drain(struct amdvi_unit *u)
{
    uint32_t tail = (uint32_t)reg_read(u, AMDVI_EVT_TAIL) & 0x7fff0;

    if (tail >= AMDVI_LOG_ENTRIES * 16)
        return;
    while (u->evt_head != tail) {
        volatile uint64_t *e = u->events + u->evt_head / 8;

        event_report(u, e[0], e[1]);
        e[0] = e[1] = 0;
        u->evt_head = (u->evt_head + 16) % (AMDVI_LOG_ENTRIES * 16);
    }
    reg_write(u, AMDVI_EVT_HEAD, u->evt_head);
}

static void event_interrupt(uint8_t vector, void *arg)
{
    struct amdvi_unit *u = arg;
    uint64_t status;

    spin_guard(&iommu_lock);
    status = reg_read(u, AMDVI_STATUS);
    reg_write(u, AMDVI_STATUS, status & (STATUS_EVT_INT | STATUS_EVT_OVERFLOW)); /* write one to clear */
    events_drain(u);
    if (status & STATUS_EVT_OVERFLOW) { /* the log stops until it is switched off and on */
        reg_write(u, AMDVI_CONTROL, u->control & ~CONTROL_EVT_LOG_EN);
        reg_write(u, AMDVI_CONTROL, u->control);
    }
}

/* ---- device table ---- */

/* The first quadword says how the rest is used: it is written last when DMA is allowed, first when not. */
static void dte_write(struct amdvi_unit *u, uint16_t id, const struct amdvi_dte *new)
{
    struct amdvi_dte *e = &u->devtab[id];

    __atomic_store_n(&e->q[0], DTE_V | DTE_TV, __ATOMIC_RELEASE); /* no address reachable */
    iommu_command(&u->queue, CMD_INVAL_DEVTAB | id, 0);
    iommu_sync(&u->queue);
    __atomic_store_n(&e->q[1], new->q[1], __ATOMIC_RELEASE);
    __atomic_store_n(&e->q[0], new->q[0], __ATOMIC_RELEASE);
    iommu_command(&u->queue, CMD_INVAL_DEVTAB | id, 0);
    iommu_command(&u->queue, INVAL_DOMAIN, CMD_PAGES_ALL);
    iommu_sync(&u->queue);
}

static int amdvi_assign(struct pci_sbdf dev, struct domain *d)
{
    const struct ivrs_range *r = ivrs_find(&amdvi.ivrs, dev.segment, pci_bdf(dev));
    struct amdvi_dte new = {.q = {DTE_V | DTE_TV | DTE_MODE_4 | p2m_root(d) | DTE_IR | DTE_IW}};
    uint16_t requester;
    struct amdvi_unit *u = amdvi_lookup(dev, &requester);

    if (!u)
        return -XEN_ENODEV;
    new.q[1] = IOMMU_DOMAIN | ((uint64_t)((r->settings >> 4) & 3) << 40); /* SysMgt */
    dte_write(u, pci_bdf(dev), &new);
    if (requester != pci_bdf(dev))
        dte_write(u, requester, &new);
    return 0;
}

static void amdvi_flush(void)
{
    iommu_command_all(INVAL_DOMAIN, CMD_PAGES_ALL);
}

/*
 * ---- interrupts (specification §2.2.5): one table of 256 entries for each device that has interrupts, so a
 * device can raise only its own. Entries are 32 bits, or 128 bits where the IOMMU knows x2APIC destinations
 * ----
 */

static struct irq_entry amdvi_irq_entry(const struct irq_source *source, uint32_t apic_id, uint8_t vector,
                                        bool level)
{
    if (amdvi.wide)
        return (struct irq_entry){IRQ_VALID | ((apic_id & 0xffffffull) << 8),
                                  vector | ((uint64_t)(apic_id >> 24) << 56)};
    return (struct irq_entry){.low = IRQ_VALID | ((apic_id & 0xff) << 8) | ((uint32_t)vector << 16)};
}

static void amdvi_irq_written(const struct irq_table *table, unsigned i)
{
    iommu_command(table->queue, CMD_INVAL_INTR | table->id, 0);
    iommu_sync(table->queue);
}

static int amdvi_irq_table(const struct irq_source *source, struct irq_table *table)
{
    struct amdvi_unit *u = amdvi_lookup(source->dev, &table->id);
    uint64_t *q;

    if (!u)
        return -XEN_ENODEV;
    table->queue = &u->queue;
    table->narrow = !amdvi.wide;
    q = &u->devtab[table->id].q[2];
    if (DTE_INTR_ROOT(*q)) {
        table->entries = pa_to_va(DTE_INTR_ROOT(*q));
        return 0;
    }
    table->entries = page_va_alloc(ORDER_4K, PAGE_ZERO);
    if (!table->entries)
        return -XEN_ENOMEM;
    __atomic_store_n(q, *q | DTE_IV | DTE_INTR_LEN | DTE_INTR_REMAP | va_to_pa(table->entries),
                     __ATOMIC_RELEASE);
    iommu_command(table->queue, CMD_INVAL_DEVTAB | table->id, 0);
    iommu_command(table->queue, CMD_INVAL_INTR | table->id, 0);
    iommu_sync(table->queue);
    return 0;
}

static void amdvi_msi_message(unsigned index, uint64_t *addr, uint32_t *data)
{
    *data = (uint32_t)(*data & ~IRTE_INDEX_MASK) | index;
}

static uint64_t amdvi_redirection(uint64_t compatible, unsigned index)
{
    return (compatible & ~IRTE_INDEX_MASK) | index;
}

static bool amdvi_find_ioapic(uint8_t ioapic_id, struct pci_sbdf *source)
{
    for (unsigned i = 0; i < amdvi.ivrs.nr_specials; i++) {
        const struct ivrs_special *s = &amdvi.ivrs.special[i];

        if (s->variety == IVHD_IOAPIC && s->handle == ioapic_id) {
            *source = pci_sbdf(amdvi.ivrs.unit[s->unit].segment, (uint8_t)(s->devid >> 8), (uint8_t)s->devid);
            return true;
        }
    }
    return false;
}

/* ---- setting up ---- */

/* As long as the highest device id that IVRS tells of. Every entry blocks. */
static bool devtab_alloc(struct amdvi_unit *u)
{
    u->nr_devids = (u->info->last_devid | 0xffu) + 1; /* whole buses */
    u->devtab = kzalloc(u->nr_devids * sizeof(*u->devtab));
    for (uint32_t i = 0; u->devtab && i < u->nr_devids; i++) {
        const struct ivrs_range *r = ivrs_find(&amdvi.ivrs, u->info->segment, (uint16_t)i);

        u->devtab[i].q[0] = DTE_V | DTE_TV;
        if (iommu_remaps) /* without a table interrupts are blocked */
            u->devtab[i].q[2] = DTE_IV | PASS_BITS(r ? r->settings : 0);
    }
    return u->devtab;
}

static bool unit_alloc(struct amdvi_unit *u, const struct ivrs_unit *info)
{
    u->info = info;
    p2m_deny(info->base >> PAGE_SHIFT, (info->base + AMDVI_MMIO_SIZE) >> PAGE_SHIFT);
    u->regs = map_mmio(info->base, AMDVI_MMIO_SIZE);
    u->efr = reg_read(u, AMDVI_EFR);
    u->events = page_va_alloc(ORDER_4K, PAGE_ZERO);
    return iommu_queue_alloc(&u->queue, hand_over) && u->events && devtab_alloc(u);
}

static bool amdvi_probe(const struct acpi_info *acpi, const uint8_t *table, uint32_t len, const char **why)
{
    if (ivrs_parse(table, len, &amdvi.ivrs, why))
        return false;
    iommu_remaps = iommu_ioapics_listed(&amdvi_driver, acpi);
    amdvi.wide = cpu_features.x2apic;
    for (unsigned i = 0; i < amdvi.ivrs.nr_units; i++) {
        if (!unit_alloc(&amdvi.unit[i], &amdvi.ivrs.unit[i])) {
            *why = "no memory for AMD-Vi's tables";
            return false;
        }
        amdvi.wide &= (amdvi.unit[i].efr & (EFR_XT_SUP | EFR_GA_SUP)) == (EFR_XT_SUP | EFR_GA_SUP);
    }
    iommu_leaf_bits[0] = DTE_IR | PTE_FC;
    iommu_leaf_bits[1] = DTE_IR | PTE_FC | DTE_IW;
    for (unsigned level = 1; level < 4; level++)
        iommu_node_bits[level] = DTE_IR | DTE_IW | ((uint64_t)level << 9);
    pr_info("AMD-Vi: %u unit(s), interrupt remapping %s\n", amdvi.ivrs.nr_units,
            iommu_remaps ? amdvi.wide ? "on (x2APIC)" : "on" : "off: IVRS does not list the IO-APICs");
    return true;
}

static uint64_t control_value(const struct amdvi_unit *u)
{
    static const struct {
        uint8_t flag;
        uint64_t bit;
    } map[] = {{IVHD_HT_TUN, CONTROL_HT_TUN_EN},
               {IVHD_PASS_PW, CONTROL_PASS_PW},
               {IVHD_RES_PASS_PW, CONTROL_RES_PASS_PW},
               {IVHD_ISOC, CONTROL_ISOC}};
    uint64_t c = CONTROL_COHERENT | CONTROL_INV_TIMEOUT | CONTROL_EVT_LOG_EN | CONTROL_CMDBUF_EN;

    for (unsigned i = 0; i < ARRAY_SIZE(map); i++)
        if (u->info->flags & map[i].flag)
            c |= map[i].bit;
    if (amdvi.wide)
        c |= CONTROL_GA_EN | CONTROL_XT_EN;
    return c;
}

/* The order of the specification's §2.11: off, tables and queues, control, then on and invalidate. */
static void unit_enable(struct amdvi_unit *u)
{
    struct pci_sbdf dev = pci_sbdf(u->info->segment, (uint8_t)(u->info->devid >> 8), (uint8_t)u->info->devid);

    reg_write(u, AMDVI_CONTROL, 0);
    reg_write(u, AMDVI_DEVTAB, va_to_pa(u->devtab) | (u->nr_devids * sizeof(*u->devtab) / PAGE_SIZE - 1));
    reg_write(u, AMDVI_CMDBUF, va_to_pa(u->queue.entries) | AMDVI_LOG_LENGTH);
    reg_write(u, AMDVI_EVTLOG, va_to_pa(u->events) | AMDVI_LOG_LENGTH);
    for (unsigned reg = AMDVI_CMD_HEAD; reg <= AMDVI_EVT_TAIL; reg += 8)
        reg_write(u, reg, 0);
    u->control = control_value(u);
    if (msi_setup_own(dev, event_interrupt, u) == 0)
        u->control |= CONTROL_EVT_INT_EN;
    reg_write(u, AMDVI_CONTROL, u->control);
    u->control |= CONTROL_IOMMU_EN;
    reg_write(u, AMDVI_CONTROL, u->control);
    u->queue.running = true;
    inval_everything(u);
}

static void amdvi_enable(void)
{
    for (unsigned i = 0; i < amdvi.ivrs.nr_units; i++)
        unit_enable(&amdvi.unit[i]);
}

static bool amdvi_owns(struct pci_sbdf dev)
{
    for (unsigned i = 0; i < amdvi.ivrs.nr_units; i++)
        if (amdvi.ivrs.unit[i].segment == dev.segment && amdvi.ivrs.unit[i].devid == pci_bdf(dev))
            return true;
    return false;
}

const struct iommu_driver amdvi_driver = {
    .signature = {'I', 'V', 'R', 'S'},
    .probe = amdvi_probe,
    .enable = amdvi_enable,
    .assign = amdvi_assign,
    .flush = amdvi_flush,
    .region = amdvi.ivrs.region,
    .nr_regions = &amdvi.ivrs.nr_regions,
    .owns = amdvi_owns,
    .find_ioapic = amdvi_find_ioapic,
    .irq_table = amdvi_irq_table,
    .irq_entry = amdvi_irq_entry,
    .irq_written = amdvi_irq_written,
    .msi_message = amdvi_msi_message,
    .redirection = amdvi_redirection,
};
