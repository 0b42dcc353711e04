/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VT-d in legacy mode: root and context tables, queued invalidation, faults. Second-level entries need only
 * bits 0 (read), 1 (write) and 7 (superpage), which nested page tables have; bits 11 and 62 stay clear.
 */
#include "bh/cpu.h"
#include "bh/dmar.h"
#include "bh/iommu_private.h"
#include "bh/lib.h"
#include "bh/page.h"
#include "bh/msi.h"
#include "bh/p2m.h"
#include "bh/pci.h"
#include "bh/pio.h"

/* Registers and structures (Intel Virtualization Technology for Directed I/O, rev. 3.3) */
#define VTD_CAP    0x08u
#define VTD_ECAP   0x10u
#define VTD_GCMD   0x18u
#define VTD_GSTS   0x1cu
#define VTD_RTADDR 0x20u
#define VTD_FSTS   0x34u
#define VTD_FECTL  0x38u
#define VTD_FEDATA 0x3cu
#define VTD_FEADDR 0x40u
#define VTD_FEUADR 0x44u
#define VTD_PMEN   0x64u
#define VTD_IQT    0x88u
#define VTD_IQA    0x90u
#define VTD_IRTA   0xb8u

#define CAP_RWBF      BIT(4)
#define CAP_PLMR      BIT(5)
#define CAP_PHMR      BIT(6)
#define CAP_CM        BIT(7)
#define CAP_SAGAW_39  BIT(9)
#define CAP_SAGAW_48  BIT(10)
#define CAP_SLLPS_2M  BIT(34)
#define CAP_SLLPS_1G  BIT(35)
#define CAP_FRO(c)    ((unsigned)(((c) >> 24) & 0x3ff) * 16)
#define CAP_NFR(c)    ((unsigned)(((c) >> 40) & 0xff) + 1)
#define ECAP_COHERENT BIT(0)
#define ECAP_QI       BIT(1)
#define ECAP_IR       BIT(3)
#define ECAP_EIM      BIT(4)

/* Global command and status */
#define GCMD_TE      0x80000000u
#define GCMD_SRTP    0x40000000u
#define GCMD_QIE     0x04000000u
#define GCMD_IRE     0x02000000u
#define GCMD_SIRTP   0x01000000u
#define GSTS_LASTING 0x96ffffffu /* bits to write back: the others start an action */
#define PMEN_EPM     0x80000000u
#define FSTS_CLEAR   0x7fu
#define FAULT_VALID  BIT(63) /* in the high half of a record */

/* Queued invalidation descriptors: type in bits 0-3 */
#define QI_CONTEXT_GLOBAL (1ull | (1ull << 4))
#define QI_IOTLB_GLOBAL   (2ull | (1ull << 4) | BIT(6) | BIT(7)) /* drains writes and reads where it can */
#define QI_IEC_GLOBAL     4ull
#define QI_IEC_INDEX(i)   (4ull | BIT(4) | ((uint64_t)(i) << 32))
#define QI_WAIT_STORE     (5ull | BIT(5))

struct vtd_entry { /* root and context entries */
    uint64_t low, high;
};

struct vtd_unit {
    const struct dmar_unit *info;
    unsigned number;
    volatile uint8_t *regs;
    uint64_t cap, ecap;
    struct vtd_entry *root;
    struct iommu_queue queue;
};

#define ENTRY_PRESENT   1ull
#define CONTEXT_AW_39   1ull
#define CONTEXT_AW_48   2ull
#define CONTEXT_DOMAIN  ((uint64_t)IOMMU_DOMAIN << 8)
#define CACHE_LINE      64u
#define VTD_MMIO_SIZE   0x4000u /* covers the fault records: 0x3ff0 + 16 at most in what FRO can say */
#define IRT_SIZE_FIELD  7u      /* 2^(7 + 1) entries */
#define IRTA_EIM        BIT(11)
#define IRTE_LEVEL      BIT(4)
#define IRTE_VERIFY_SID (1ull << 18)
#define RTE_REMAPPABLE  BIT(48)
#define RTE_KEEP        0x1a0ffull /* vector, polarity, trigger, mask */
#define MSI_REMAPPABLE  0x10u
#define MSI_SUBHANDLE   0x08u
#define MSI_BASE        0xfee00000u

static struct {
    struct dmar dmar;
    struct vtd_unit unit[DMAR_MAX_UNITS];
    bool eim;              /* 32-bit APIC ids */
    bool incoherent;       /* some unit does not snoop the CPU's caches when it reads its tables */
    struct irq_entry *irt; /* one interrupt table for all units */
} vtd;

static uint32_t reg_read(struct vtd_unit *u, unsigned reg)
{
    return mmio_read32(u->regs + reg);
}
static void reg_write(struct vtd_unit *u, unsigned reg, uint32_t val)
{
    mmio_write32(u->regs + reg, val);
}

/* Write back what the units may read past the caches. */
static void vtd_clean(const volatile void *p, size_t len)
{
    uintptr_t a = (uintptr_t)p & ~(uintptr_t)(CACHE_LINE - 1);

    if (!vtd.incoherent)
        return;
    for (; a < (uintptr_t)p + len; a += CACHE_LINE)
        __asm__ volatile("clflush (%0)" ::"r"(a) : "memory");
    __asm__ volatile("mfence" ::: "memory");
}

/* The p2m's nodes are written by code that knows no IOMMU: for old units all caches are written back. */
static void clean_page_tables(void)
{
    if (vtd.incoherent)
        __asm__ volatile("wbinvd" ::: "memory");
}

/* Start what `bit` of the command register stands for, or switch it, and wait for the status. */
static void global_command(struct vtd_unit *u, uint32_t bit, bool on)
{
    uint32_t lasting = reg_read(u, VTD_GSTS) & GSTS_LASTING;
    unsigned spins = 0;

    reg_write(u, VTD_GCMD, on ? lasting | bit : lasting & ~bit);
    while (!!(reg_read(u, VTD_GSTS) & bit) != on)
        if (!iommu_wait_more(&spins)) {
            u->queue.broken = true;
            pr_err("VT-d unit %u: a global command is not completed\n", u->number);
            return;
        }
}

/* ---- queued invalidation ---- */

static void hand_over(struct iommu_queue *q)
{
    struct vtd_unit *u = container_of(q, struct vtd_unit, queue);

    iommu_queue_put(q, QI_WAIT_STORE | ((uint64_t)q->value << 32),
                    va_to_pa((const void *)(uintptr_t)q->word));
    __atomic_thread_fence(__ATOMIC_RELEASE);
    reg_write(u, VTD_IQT, q->tail);
}

/* ---- which unit, which device ---- */

/* Follow a scope's path from its start bus; the last hop is the device. */
static struct pci_sbdf scope_device(const struct dmar_scope *s)
{
    uint16_t segment = vtd.dmar.unit[s->unit].segment;
    struct pci_sbdf dev = pci_sbdf(segment, s->bus, s->path[0]);

    for (unsigned i = 1; i < s->path_len; i++)
        dev = pci_sbdf(segment, (uint8_t)pci_read(dev, PCI_SECONDARY_BUS, 1), s->path[i]);
    return dev;
}

static bool scope_covers(const struct dmar_scope *s, struct pci_sbdf dev)
{
    struct pci_sbdf at;

    if ((s->type != DMAR_ENDPOINT && s->type != DMAR_BRIDGE) || vtd.dmar.unit[s->unit].segment != dev.segment)
        return false;
    at = scope_device(s);
    if (pci_same(at, dev))
        return true;
    return s->type == DMAR_BRIDGE && dev.bus >= pci_read(at, PCI_SECONDARY_BUS, 1) &&
           dev.bus <= pci_read(at, PCI_SUBORDINATE_BUS, 1);
}

static struct vtd_unit *vtd_lookup(struct pci_sbdf dev)
{
    for (unsigned i = 0; i < vtd.dmar.nr_scopes; i++)
        if (scope_covers(&vtd.dmar.scope[i], dev))
            return &vtd.unit[vtd.dmar.scope[i].unit];
    for (unsigned i = 0; i < vtd.dmar.nr_units; i++)
        if (vtd.dmar.unit[i].include_all && vtd.dmar.unit[i].segment == dev.segment)
            return &vtd.unit[i];
    return NULL;
}

/* ---- translation ---- */

static struct vtd_entry *context_entry(struct vtd_unit *u, struct pci_sbdf dev)
{
    struct vtd_entry *r = &u->root[dev.bus], *table;

    if (r->low & ENTRY_PRESENT)
        return (struct vtd_entry *)pa_to_va(r->low & PTE_ADDR) + dev.devfn;
    table = page_va_alloc(ORDER_4K, PAGE_ZERO);
    if (!table)
        return NULL;
    vtd_clean(table, PAGE_SIZE);
    __atomic_store_n(&r->low, va_to_pa(table) | ENTRY_PRESENT, __ATOMIC_RELEASE);
    vtd_clean(r, sizeof(*r));
    return table + dev.devfn;
}

/* A context entry for a domain: a unit with three levels starts at the first 512 GiB. */
static int context_for(const struct vtd_unit *u, struct domain *d, struct vtd_entry *out)
{
    uint64_t root = p2m_root(d);

    out->high = CONTEXT_DOMAIN | CONTEXT_AW_48;
    if (!(u->cap & CAP_SAGAW_48)) {
        root = *(const uint64_t *)pa_to_va(root);
        if (!(root & PTE_P))
            return -XEN_EINVAL;
        out->high = CONTEXT_DOMAIN | CONTEXT_AW_39;
    }
    out->low = (root & PTE_ADDR) | ENTRY_PRESENT;
    return 0;
}

static void invalidate_all(struct vtd_unit *u)
{
    iommu_command(&u->queue, QI_CONTEXT_GLOBAL, 0);
    iommu_command(&u->queue, QI_IOTLB_GLOBAL, 0);
    iommu_sync(&u->queue);
}

static int vtd_assign(struct pci_sbdf dev, struct domain *d)
{
    struct vtd_unit *u = vtd_lookup(dev);
    struct vtd_entry new, *e;
    int rc;

    if (!u)
        return -XEN_ENODEV;
    e = context_entry(u, dev);
    rc = e ? context_for(u, d, &new) : -XEN_ENOMEM;
    if (rc)
        return rc;
    clean_page_tables();
    __atomic_store_n(&e->low, 0, __ATOMIC_RELEASE);
    vtd_clean(e, sizeof(*e));
    invalidate_all(u);
    e->high = new.high;
    __atomic_store_n(&e->low, new.low, __ATOMIC_RELEASE);
    vtd_clean(e, sizeof(*e));
    return 0;
}

static void vtd_flush(void)
{
    clean_page_tables();
    iommu_command_all(QI_IOTLB_GLOBAL, 0);
}

/*
 * ---- interrupts (specification ch. 5): one table of 256 entries for all units; each entry names the
 * requester that may use it ----
 */

static int vtd_irq_table(const struct irq_source *source, struct irq_table *table)
{
    *table = (struct irq_table){.entries = vtd.irt};
    return source->ioapic || vtd_lookup(source->dev) ? 0 : -XEN_ENODEV;
}

/* A conventional device behind a bridge sends its messages in the bridge's name: not verified. */
static bool sends_as_itself(const struct irq_source *s)
{
    return s->ioapic || s->dev.bus == 0 || pci_find_capability(s->dev, PCI_CAP_ID_EXP);
}

static struct irq_entry vtd_irq_entry(const struct irq_source *source, uint32_t apic_id, uint8_t vector,
                                      bool level)
{
    uint64_t dest = vtd.eim ? apic_id : (apic_id & 0xff) << 8;

    return (struct irq_entry){.low = IRQ_VALID | (level ? IRTE_LEVEL : 0) | ((uint64_t)vector << 16) |
                                     (dest << 32),
                              .high = sends_as_itself(source) ? IRTE_VERIFY_SID | pci_bdf(source->dev) : 0};
}

static void vtd_irq_written(const struct irq_table *table, unsigned i)
{
    vtd_clean(&vtd.irt[i], sizeof(vtd.irt[i]));
    iommu_command_all(QI_IEC_INDEX(i), 0);
}

/* handle + subhandle: a device with several messages changes the low bits of the data */
static void vtd_msi_message(unsigned index, uint64_t *addr, uint32_t *data)
{
    *addr = MSI_BASE | MSI_REMAPPABLE | MSI_SUBHANDLE | (index << 5);
    *data = 0;
}

/* The vector stays in the entry: it is what an EOI is matched with. */
static uint64_t vtd_redirection(uint64_t compatible, unsigned index)
{
    return (compatible & RTE_KEEP) | RTE_REMAPPABLE | ((uint64_t)index << 49);
}

static bool vtd_find_ioapic(uint8_t ioapic_id, struct pci_sbdf *source)
{
    for (unsigned i = 0; i < vtd.dmar.nr_scopes; i++) {
        const struct dmar_scope *s = &vtd.dmar.scope[i];

        if (s->type == DMAR_IOAPIC && s->enumeration == ioapic_id) {
            *source = pci_sbdf(vtd.dmar.unit[s->unit].segment, s->bus, s->path[0]);
            return true;
        }
    }
    return false;
}

/* ---- faults ---- */

static void fault_report(struct vtd_unit *u, unsigned reg)
{
    uint64_t high = mmio_read64(u->regs + reg + 8), low = mmio_read64(u->regs + reg);
    struct pci_sbdf dev = pci_sbdf(u->info->segment, (uint8_t)(high >> 8), (uint8_t)high);
    unsigned reason = (high >> 32) & 0xff;

    if (!(high & FAULT_VALID))
        return;
    reg_write(u, reg + 12, 1u << 31); /* write one to clear */
    if (iommu_may_report())
        pr_err("VT-d: %s fault %02x, device " PCI_FMT ", address %lx\n",
               reason >= 0x20   ? "interrupt"
               : high & BIT(62) ? "read"
                                : "write",
               reason, PCI_ARGS(dev), low & PAGE_MASK);
}

static void fault_interrupt(uint8_t vector, void *arg)
{
    struct vtd_unit *u = arg;

    spin_guard(&iommu_lock);
    for (unsigned i = 0; i < CAP_NFR(u->cap); i++)
        if (CAP_FRO(u->cap) + 16 * (i + 1) <= VTD_MMIO_SIZE)
            fault_report(u, CAP_FRO(u->cap) + 16 * i);
    reg_write(u, VTD_FSTS, FSTS_CLEAR);
}

static void fault_setup(struct vtd_unit *u)
{
    uint32_t apic_id = irq_default_apic_id();
    int vector = irq_vector_alloc(fault_interrupt, u);
    struct msi_message m;

    if (vector < 0)
        return;
    m = msi_compat_message(apic_id, (uint8_t)vector);
    reg_write(u, VTD_FEDATA, m.data);
    reg_write(u, VTD_FEADDR, (uint32_t)m.address);
    reg_write(u, VTD_FEUADR, vtd.eim ? apic_id & ~0xffu : 0);
    reg_write(u, VTD_FSTS, FSTS_CLEAR);
    reg_write(u, VTD_FECTL, 0);
}

/* ---- setting up ---- */

static bool unit_alloc(struct vtd_unit *u, unsigned number, const char **why)
{
    u->info = &vtd.dmar.unit[number];
    u->number = number;
    p2m_deny(u->info->base >> PAGE_SHIFT, (u->info->base >> PAGE_SHIFT) + 1);
    u->regs = map_mmio(u->info->base, VTD_MMIO_SIZE);
    u->cap = mmio_read64(u->regs + VTD_CAP);
    u->ecap = mmio_read64(u->regs + VTD_ECAP);
    *why =
        "a VT-d unit lacks queued invalidation or 3- and 4-level tables, or needs its write buffers flushed";
    if (!(u->ecap & ECAP_QI) || !(u->cap & (CAP_SAGAW_39 | CAP_SAGAW_48)) || u->cap & CAP_RWBF)
        return false;
    *why = "no memory for VT-d's tables";
    u->root = page_va_alloc(ORDER_4K, PAGE_ZERO);
    vtd.incoherent |= !(u->ecap & ECAP_COHERENT);
    iommu_remaps &= !!(u->ecap & ECAP_IR);
    vtd.eim &= !!(u->ecap & ECAP_EIM);
    if (!(u->cap & CAP_SLLPS_1G))
        iommu_max_order = MIN(iommu_max_order, ORDER_2M);
    if (!(u->cap & CAP_SLLPS_2M))
        iommu_max_order = ORDER_4K;
    if (u->cap & CAP_CM)
        pr_warn("VT-d unit %u caches absent translations (an emulator's caching-mode=on): not supported\n",
                number);
    return u->root && iommu_queue_alloc(&u->queue, hand_over);
}

static bool vtd_probe(const struct acpi_info *acpi, const uint8_t *table, uint32_t len, const char **why)
{
    if (dmar_parse(table, len, &vtd.dmar, why))
        return false;
    iommu_remaps = vtd.dmar.intr_remap && iommu_ioapics_listed(&vtd_driver, acpi);
    vtd.eim = cpu_features.x2apic && !vtd.dmar.x2apic_opt_out;
    for (unsigned i = 0; i < vtd.dmar.nr_units; i++)
        if (!unit_alloc(&vtd.unit[i], i, why))
            return false;
    for (unsigned i = 0; i < vtd.dmar.nr_units; i++)
        vtd_clean(vtd.unit[i].root, PAGE_SIZE);
    vtd.irt = page_va_alloc(ORDER_4K, PAGE_ZERO);
    if (vtd.irt)
        vtd_clean(vtd.irt, PAGE_SIZE);
    iommu_remaps &= vtd.irt != NULL;
    vtd.eim = vtd.eim && iommu_remaps;
    pr_info("VT-d: %u unit(s), interrupt remapping %s\n", vtd.dmar.nr_units,
            iommu_remaps ? vtd.eim ? "on (x2APIC)" : "on" : "off");
    return true;
}

/* What firmware left on goes off, in the reverse order of use. */
static void unit_quiesce(struct vtd_unit *u)
{
    static const uint32_t bits[] = {GCMD_TE, GCMD_IRE, GCMD_QIE};

    for (unsigned i = 0; i < ARRAY_SIZE(bits); i++)
        if (reg_read(u, VTD_GSTS) & bits[i])
            global_command(u, bits[i], false);
}

static void queue_enable(struct vtd_unit *u)
{
    reg_write(u, VTD_IQT, 0);
    mmio_write64(u->regs + VTD_IQA, va_to_pa(u->queue.entries));
    global_command(u, GCMD_QIE, true);
    u->queue.running = true;
    invalidate_all(u);
}

static void protected_memory_off(struct vtd_unit *u)
{
    unsigned spins = 0;

    if (!(u->cap & (CAP_PLMR | CAP_PHMR)))
        return;
    reg_write(u, VTD_PMEN, reg_read(u, VTD_PMEN) & ~PMEN_EPM);
    while ((reg_read(u, VTD_PMEN) & 1) && iommu_wait_more(&spins))
        ;
}

/* The order of specification §6.8 (root table), §6.5.2 (queue), §5.1 (interrupts), then translation. */
static void unit_enable(struct vtd_unit *u)
{
    unit_quiesce(u);
    mmio_write64(u->regs + VTD_RTADDR, va_to_pa(u->root));
    global_command(u, GCMD_SRTP, true);
    queue_enable(u);
    if (iommu_remaps) {
        mmio_write64(u->regs + VTD_IRTA, va_to_pa(vtd.irt) | IRT_SIZE_FIELD | (vtd.eim ? IRTA_EIM : 0));
        global_command(u, GCMD_SIRTP, true);
        iommu_command(&u->queue, QI_IEC_GLOBAL, 0);
        iommu_sync(&u->queue);
        global_command(u, GCMD_IRE, true);
    }
    fault_setup(u);
    global_command(u, GCMD_TE, true);
    protected_memory_off(u);
}

static void vtd_enable(void)
{
    clean_page_tables();
    for (unsigned i = 0; i < vtd.dmar.nr_units; i++)
        unit_enable(&vtd.unit[i]);
}

const struct iommu_driver vtd_driver = {
    .signature = {'D', 'M', 'A', 'R'},
    .probe = vtd_probe,
    .enable = vtd_enable,
    .assign = vtd_assign,
    .flush = vtd_flush,
    .region = vtd.dmar.region,
    .nr_regions = &vtd.dmar.nr_regions,
    .find_ioapic = vtd_find_ioapic,
    .irq_table = vtd_irq_table,
    .irq_entry = vtd_irq_entry,
    .irq_written = vtd_irq_written,
    .msi_message = vtd_msi_message,
    .redirection = vtd_redirection,
};
