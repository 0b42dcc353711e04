/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dom0's configuration space over a model of two functions: an AHCI with MSI (00:03.0) and a network card
 * with MSI-X, a 64-bit BAR, a ROM and a resizable-BAR capability (00:04.0).
 */
#include "hvtest.h"
#include "bh/emul.h"
#include "bh/hwdom.h"
#include "bh/irq.h"
#include "bh/mm.h"
#include "bh/p2m.h"
#include "bh/pci.h"
#include "bh/setup.h"
#include "bh/vlapic.h"
#include "bh/xen.h"

#define AHCI       0x18
#define NIC        0x20
#define MMCFG_BASE 0xb0000000ull
#define TABLE_OFF  0x3000u
#define NR_ENTRIES 5u

struct domain {
    int unused;
};
static struct domain dom0;

/* ---- the model of the machine ---- */

struct model {
    uint8_t devfn;
    uint8_t config[4096];
    uint32_t bar_mask[6], rom_mask;
};
static struct model models[2] = {{.devfn = AHCI}, {.devfn = NIC}};
static uint8_t nic_table[0x1000]; /* the page of the MSI-X table */

static struct model *model_of(struct pci_sbdf dev)
{
    for (unsigned i = 0; i < 2; i++)
        if (!dev.segment && !dev.bus && models[i].devfn == dev.devfn)
            return &models[i];
    return NULL;
}
uint32_t pci_read(struct pci_sbdf dev, unsigned r, unsigned size)
{
    struct model *m = model_of(dev);
    uint32_t v = ~0u;

    assert_true(r + size <= 4096 && (r & 3) + size <= 4);
    if (m)
        v = 0, memcpy(&v, m->config + r, size);
    return v;
}
void pci_write(struct pci_sbdf dev, unsigned r, unsigned size, uint32_t val)
{
    struct model *m = model_of(dev);
    uint32_t old;

    assert_non_null(m);
    if (r >= 0x10 && r < 0x28 && size == 4) {
        memcpy(&old, m->config + r, 4);
        val = (val & m->bar_mask[(r - 0x10) / 4]) | (old & 0xf & ~m->bar_mask[(r - 0x10) / 4]);
    }
    if (r == 0x30)
        val &= m->rom_mask | 1;
    if (m->devfn == NIC && r == 0xa2)
        val = (val & 0xc000) | (NR_ENTRIES - 1);
    memcpy(m->config + r, &val, size);
}
uint64_t mmio_read_size(const volatile void *p, unsigned size)
{
    uint64_t v = 0;

    memcpy(&v, (const void *)(uintptr_t)p, size);
    return v;
}
void mmio_write_size(volatile void *p, unsigned size, uint64_t val)
{
    memcpy((void *)(uintptr_t)p, &val, size);
}
static const struct acpi_info *machine;
void pci_init(const struct acpi_info *acpi)
{
    machine = acpi;
}
const struct acpi_mcfg_segment *pci_mcfg(unsigned i)
{
    return i < machine->nr_mcfg ? &machine->mcfg[i] : NULL;
}
void pci_map_bus(uint16_t segment, uint8_t bus)
{
    (void)segment;
    (void)bus;
}
bool pci_present(struct pci_sbdf dev)
{
    return model_of(dev);
}
unsigned pci_find_capability(struct pci_sbdf dev, uint8_t id)
{
    if (id == PCI_CAP_ID_MSI && dev.devfn == AHCI)
        return 0x80;
    return id == PCI_CAP_ID_MSIX && dev.devfn == NIC ? 0xa0 : 0;
}
unsigned pci_find_ext_capability(struct pci_sbdf dev, uint16_t id)
{
    return id == PCI_EXT_CAP_ID_REBAR && dev.devfn == NIC ? 0x140 : 0;
}
void pci_scan_bus(uint16_t segment, uint8_t bus, pci_found_fn found, void *arg)
{
    for (unsigned i = 0; i < 2 && !bus; i++)
        found(pci_sbdf(segment, bus, models[i].devfn), arg);
}
void pci_scan_all(pci_found_fn found, void *arg)
{
    pci_scan_bus(0, 0, found, arg);
}

static void cfg32(struct model *m, unsigned r, uint32_t v)
{
    memcpy(m->config + r, &v, 4);
}

static void models_reset(void)
{
    struct model *a = &models[0], *n = &models[1];

    memset(a->config, 0, sizeof(a->config));
    memset(n->config, 0, sizeof(n->config));
    cfg32(a, 0, 0x29228086);
    cfg32(a, 4, 3);
    cfg32(a, 8, 0x01060100);
    cfg32(a, 0x20, 0xc001); /* I/O */
    cfg32(a, 0x24, 0xfebff000);
    a->bar_mask[4] = ~0x1fu;
    a->bar_mask[5] = ~0xfffu;
    cfg32(a, 0x80, 0x00800005 | (3u << 17)); /* 64-bit, 8 messages */
    cfg32(n, 0, 0x10d38086);
    cfg32(n, 4, 2);
    cfg32(n, 8, 0x02000000);
    cfg32(n, 0x10, 0xc0000004); /* 64-bit, 16 KiB, at 0x8_c0000000 */
    cfg32(n, 0x14, 8);
    n->bar_mask[0] = ~0x3fffu;
    n->bar_mask[1] = ~0u;
    cfg32(n, 0x30, 0xfea00000);
    n->rom_mask = ~0xffffu;
    cfg32(n, 0xa0, 0x11 | ((NR_ENTRIES - 1) << 16));
    cfg32(n, 0xa4, TABLE_OFF);
    cfg32(n, 0xa8, TABLE_OFF + 0x800);
    cfg32(n, 0x140, 0x15020015);
    memset(nic_table, 0xff, sizeof(nic_table));
}

/* ---- the rest of the hypervisor ---- */

static uint8_t mapped[1 << 20]; /* frames below 4 GiB, and those at 0x8c0000 */
static unsigned flushes;
static bool ram_at_bar;

static uint8_t *frame(uint64_t n)
{
    return &mapped[n & 0xfffff];
}
mfn_t p2m_lookup(struct domain *d, gfn_t g, enum p2m_type *type, unsigned *order)
{
    (void)d;
    (void)order;
    *type = ram_at_bar ? P2M_RAM : *frame(g.n) ? P2M_MMIO : P2M_NONE;
    return INVALID_MFN;
}
bool p2m_is_denied(uint64_t start, uint64_t end)
{
    return start < 0x80000 && end > 0x100; /* RAM */
}
int p2m_map_identity(struct domain *d, uint64_t start, uint64_t end)
{
    (void)d;
    for (; start < end; start++)
        *frame(start) = 1;
    return 0;
}
int p2m_unmap_range(struct domain *d, uint64_t start, uint64_t end)
{
    (void)d;
    for (; start < end; start++)
        *frame(start) = 0;
    return 0;
}
void p2m_flush(struct domain *d)
{
    assert_ptr_equal(d, &dom0);
    flushes++;
}

static struct {
    emul_fn fn;
    void *arg;
    uint64_t start;
} ports, mmcfg, table;

int emul_mmio_register(struct domain *d, gpaddr_t start, uint64_t size, emul_fn fn, void *arg)
{
    (void)d;
    if (start == MMCFG_BASE) {
        assert_int_equal(size, 16 << 20);
        mmcfg.fn = fn;
        mmcfg.arg = arg;
    } else {
        assert_null(table.fn);
        assert_int_equal(size, PAGE_SIZE);
        table.fn = fn;
        table.arg = arg;
        table.start = start;
    }
    return 0;
}
void emul_mmio_unregister(struct domain *d, gpaddr_t start)
{
    (void)d;
    assert_int_equal(start, table.start);
    table.fn = NULL;
}
int emul_port_register(struct domain *d, uint16_t first, uint32_t count, emul_fn fn, void *arg)
{
    (void)d;
    assert_int_equal(first, 0xcf8);
    assert_int_equal(count, 8);
    ports.fn = fn;
    ports.arg = arg;
    return 0;
}
void *map_mmio(paddr_t pa, size_t size)
{
    (void)pa;
    assert_int_equal(size, PAGE_SIZE);
    return nic_table;
}

static void *heap[64];
static unsigned nr_heap;
void *kzalloc(size_t size)
{
    return heap[nr_heap++] = calloc(1, size);
}
void kfree(void *p, size_t size)
{
    (void)size;
    (void)p;
}
mfn_t page_alloc(unsigned order, unsigned flags)
{
    (void)flags;
    /* page_va_alloc() adds the direct map's base */
    heap[nr_heap] = calloc(1, PAGE_SIZE << order);
    return mfn_of(((uintptr_t)heap[nr_heap++] - DIRECTMAP_BASE));
}

static struct {
    irq_handler_t handler;
    void *arg;
} vectors[256];
static unsigned vectors_used;
int irq_vector_alloc(irq_handler_t handler, void *arg)
{
    for (int v = 0x30; v < 0x40; v++)
        if (!vectors[v].handler) {
            vectors[v].handler = handler;
            vectors[v].arg = arg;
            vectors_used++;
            return v;
        }
    return -XEN_ENOSPC;
}
void irq_vector_free(uint8_t vector)
{
    assert_non_null(vectors[vector].handler);
    vectors[vector].handler = NULL;
    vectors_used--;
}
uint32_t irq_default_apic_id(void)
{
    return 1;
}
static struct {
    unsigned n;
    uint32_t dest;
    uint8_t vector;
} delivered;
unsigned vlapic_deliver(struct domain *d, uint32_t dest, bool logical, uint8_t mode, uint8_t vector,
                        bool level)
{
    assert_ptr_equal(d, &dom0);
    assert_false(logical || level || mode);
    delivered.n++;
    delivered.dest = dest;
    delivered.vector = vector;
    return 1;
}

static int indices;
static unsigned assigned;
int iommu_assign(struct pci_sbdf dev, struct domain *d)
{
    assert_ptr_equal(d, &dom0);
    assert_non_null(model_of(dev));
    assigned++;
    return 0;
}
int iommu_map_msi(struct pci_sbdf source, uint32_t apic_id, uint8_t vector, int *index, uint64_t *addr,
                  uint32_t *data)
{
    (void)source;
    assert_int_equal(*addr, 0xfee01000);
    assert_int_equal(*data, vector);
    assert_int_equal(apic_id, 1);
    if (*index < 0)
        *index = 0x20 + indices;
    indices++;
    *data = (uint32_t)*index;
    return 0;
}
int iommu_reserve_irqs(struct pci_sbdf source, unsigned nr)
{
    (void)source;
    return (int)nr * 8;
}
void iommu_unmap_irq(struct pci_sbdf source, int index)
{
    (void)source;
    assert_true(index >= 0);
    indices--;
}
bool iommu_remaps = true;
int iommu_map_reserved(struct domain *d)
{
    (void)d;
    return 0;
}
bool iommu_owns_function(struct pci_sbdf dev)
{
    (void)dev;
    return false;
}

/* ---- what dom0 does ---- */

static uint32_t rd(uint8_t devfn, unsigned r, unsigned size)
{
    uint64_t v = 0x80000000u | ((uint32_t)devfn << 8) | (r & 0xfc);

    ports.fn(NULL, ports.arg, 0, 4, true, &v);
    v = ~0ull; /* as reads find it */
    ports.fn(NULL, ports.arg, 4 + (r & 3), size, false, &v);
    return (uint32_t)v;
}
static void wr(uint8_t devfn, unsigned r, unsigned size, uint32_t val)
{
    uint64_t v = 0x80000000u | ((uint32_t)devfn << 8) | (r & 0xfc);

    ports.fn(NULL, ports.arg, 0, 4, true, &v);
    v = val;
    ports.fn(NULL, ports.arg, 4 + (r & 3), size, true, &v);
}
static uint64_t mm(uint64_t offset, unsigned size)
{
    uint64_t v = ~0ull;

    mmcfg.fn(NULL, mmcfg.arg, offset, size, false, &v);
    return v;
}
static uint64_t tab(uint64_t offset, unsigned size)
{
    uint64_t v = ~0ull;

    assert_non_null(table.fn);
    table.fn(NULL, table.arg, offset, size, false, &v);
    return v;
}
static void tab_set(uint64_t offset, unsigned size, uint64_t val)
{
    assert_non_null(table.fn);
    table.fn(NULL, table.arg, offset, size, true, &val);
}
static uint32_t hw_table(unsigned entry, unsigned r)
{
    uint32_t v;

    memcpy(&v, nic_table + 16 * entry + r, 4);
    return v;
}
static void fire(uint32_t index_as_vector)
{
    vectors[index_as_vector].handler((uint8_t)index_as_vector, vectors[index_as_vector].arg);
}

static int group_setup(void **state)
{
    static struct acpi_info acpi = {.nr_mcfg = 1, .mcfg = {{MMCFG_BASE, 0, 0, 15}}};

    (void)state;
    models_reset();
    return vpci_init(&dom0, &acpi);
}

static int group_teardown(void **state)
{
    (void)state;
    while (nr_heap)
        free(heap[--nr_heap]);
    return 0;
}

/* ---- tests: one machine, in order ---- */

static void test_boot_state(void **state)
{
    (void)state;
    assert_int_equal(assigned, 2);
    assert_true(*frame(0xfebff));
    assert_true(*frame(0x8c0000));
    assert_true(*frame(0x8c0002));
    assert_false(*frame(0x8c0003)); /* the MSI-X table's page traps */
    assert_false(*frame(0xfea00));  /* ROM off */
    assert_int_equal(rd(AHCI, 0, 4), 0x29228086);
    assert_int_equal(rd(AHCI, 2, 2), 0x2922);
    assert_int_equal(rd(0xf8, 0, 4), ~0u);
    wr(0xf8, 4, 2, 7);                                                  /* nothing there */
    assert_int_equal(mm(((uint64_t)NIC << 12) | 0x140, 4), 0x15020000); /* resizable BAR hidden */
    assert_int_equal(mm(((uint64_t)NIC << 12), 8), 0x0000000210d38086);
    assert_int_equal(mm((1ull << 20), 4), ~0u);
}

static void test_bars(void **state)
{
    (void)state;
    wr(NIC, 0x10, 4, ~0u); /* sizing while decoding */
    assert_int_equal(rd(NIC, 0x10, 4), 0xffffc004);
    wr(NIC, 0x14, 4, ~0u);
    assert_int_equal(rd(NIC, 0x14, 4), ~0u);
    wr(NIC, 0x10, 4, 0xc0000004);
    wr(NIC, 0x14, 4, 8);
    assert_int_equal(rd(NIC, 0x10, 4), 0xc0000004);
    wr(NIC, 0x14, 4, 9); /* moving it is ignored */
    assert_int_equal(rd(NIC, 0x14, 4), 8);
    flushes = 0;
    wr(NIC, 4, 2, 0);
    assert_int_equal(flushes, 1);
    assert_false(*frame(0x8c0000));
    assert_null(table.fn);
    wr(NIC, 0x14, 4, 0); /* to 0xc0000000: honoured */
    wr(NIC, 4, 2, 2);
    assert_true(*frame(0xc0000));
    assert_int_equal(table.start, 0xc0003000);
    wr(NIC, 0x30, 4, 0xfea00001);
    assert_true(*frame(0xfea0f));
    wr(NIC, 0x30, 4, 0xfea00000);
    assert_false(*frame(0xfea00));
    wr(AHCI, 5, 1, 4); /* the upper byte of the command register changes no decoding */
    assert_true(*frame(0xfebff));
    wr(AHCI, 4, 2, 0);
    ram_at_bar = true;
    wr(AHCI, 4, 2, 3);
    assert_false(*frame(0xfebff));
    ram_at_bar = false;
    wr(AHCI, 4, 2, 0);
    wr(AHCI, 0x24, 4, 0x7ffff000); /* in the machine's memory */
    wr(AHCI, 4, 2, 3);
    assert_false(*frame(0x7ffff));
    wr(AHCI, 4, 2, 0);
    wr(AHCI, 0x24, 4, 0xfebff000);
    wr(AHCI, 4, 2, 3);
    assert_true(*frame(0xfebff));
}

static void test_reset_device(void **state)
{
    (void)state;
    cfg32(&models[1], 4, 0); /* a function-level reset behind our back */
    cfg32(&models[1], 0x10, 4);
    wr(NIC, 0x10, 4, 0xc0000004);
    assert_int_equal(rd(NIC, 0x10, 4), 0xc0000004);
    assert_false(*frame(0xc0000));
    wr(NIC, 4, 2, 2);
    assert_true(*frame(0xc0000));
}

static void test_msi(void **state)
{
    (void)state;
    wr(AHCI, 0x84, 4, 0xfee02000);
    wr(AHCI, 0x88, 4, 0);
    wr(AHCI, 0x8c, 2, 0x23);
    assert_int_equal(vectors_used, 0);
    wr(AHCI, 0x82, 2, 0x81);
    assert_int_equal(vectors_used, 1);
    assert_int_equal(rd(AHCI, 0x84, 4), 0xfee02000);
    assert_int_equal(rd(AHCI, 0x8c, 2), 0x23);
    assert_int_equal(rd(AHCI, 0x82, 2), 0x87); /* enabled, 64-bit, 8 messages possible */
    assert_int_equal(rd(AHCI, 0x80, 1), 5);
    assert_int_equal(pci_read(pci_sbdf(0, 0, AHCI), 0x84, 4), 0xfee01000);
    assert_int_equal(pci_read(pci_sbdf(0, 0, AHCI), 0x8c, 2), 0x20);
    fire(0x30);
    assert_int_equal(delivered.dest, 2);
    assert_int_equal(delivered.vector, 0x23);
    wr(AHCI, 0x82, 2, 0x80);
    assert_int_equal(vectors_used, 0);
    assert_int_equal(indices, 0);
    wr(AHCI, 0x8c, 2, 0x48);
    wr(AHCI, 0x82, 2, 0xb1); /* eight messages */
    assert_int_equal(vectors_used, 8);
    assert_int_equal(pci_read(pci_sbdf(0, 0, AHCI), 0x8c, 2), 64);
    assert_int_equal(pci_read(pci_sbdf(0, 0, AHCI), 0x82, 2) & 0x71, 0x31);
    fire(0x35);
    assert_int_equal(delivered.vector, 0x4d);
    wr(AHCI, 0x82, 2, 0xf1); /* 128 asked: the device's 8 are given */
    assert_int_equal(vectors_used, 8);
    wr(AHCI, 0x82, 2, 0);
    assert_int_equal(vectors_used + (unsigned)indices, 0);
}

static void test_msix(void **state)
{
    unsigned before;

    (void)state;
    wr(NIC, 0xa2, 2, 0xc000);
    assert_int_equal(hw_table(4, 12), 1); /* firmware's garbage is masked */
    assert_int_equal(rd(NIC, 0xa2, 2), 0xc004);
    tab_set(0x10, 8, 0xfee03000);
    tab_set(0x18, 4, 0x41);
    assert_int_equal(tab(0x10, 4), 0xfee03000);
    assert_int_equal(tab(0x18, 8), 0x0000000100000041);
    assert_int_equal(vectors_used, 0);
    tab_set(0x1c, 4, 0);
    assert_int_equal(vectors_used, 1);
    wr(NIC, 0xa2, 2, 0x8000);
    assert_int_equal(hw_table(1, 0), 0xfee01000);
    assert_int_equal(hw_table(1, 8), 0x20);
    assert_int_equal(hw_table(1, 12), 0);
    before = delivered.n;
    fire(0x30);
    assert_int_equal(delivered.n, before + 1);
    assert_int_equal(delivered.dest, 3);
    assert_int_equal(delivered.vector, 0x41);
    tab_set(0x1c, 4, 1);
    assert_int_equal(hw_table(1, 12), 1);
    fire(0x30);
    assert_int_equal(delivered.n, before + 1);
    tab_set(0x1c, 4, 0);
    nic_table[0x800] = 0x5a; /* pending bits are readable */
    assert_int_equal(tab(0x800, 1), 0x5a);
    assert_int_equal(tab(0x10, 2), ~0ull); /* short and straddling accesses of the table are not */
    assert_int_equal(tab(0x4c, 8), ~0ull);
    tab_set(0x4f, 1, 0);
    cfg32(&models[1], 0xa0, 0x11 | ((NR_ENTRIES - 1) << 16)); /* reset: the device forgets */
    memset(nic_table, 0, 0x50);
    wr(NIC, 0xa2, 2, 0xc000);
    assert_int_equal(hw_table(1, 0), 0xfee01000);
    assert_int_equal(vectors_used, 1);
    assert_int_equal(vpci_device_remove(&dom0, 0, 0, NIC), 0);
    assert_int_equal(vectors_used + (unsigned)indices, 0);
    assert_false(*frame(0xc0000));
}

static void test_latch(void **state)
{
    uint64_t v = 0x1234;

    (void)state;
    ports.fn(NULL, ports.arg, 0, 2, true, &v); /* only whole dwords reach the latch */
    v = 0x80001800;
    ports.fn(NULL, ports.arg, 0, 4, true, &v);
    v = 0;
    ports.fn(NULL, ports.arg, 0, 4, false, &v);
    assert_int_equal(v, 0x80001800);
    v = ~0ull;
    ports.fn(NULL, ports.arg, 7, 2, false, &v); /* across the dword's end */
    assert_int_equal(v, ~0ull);
    v = 0x1800; /* not enabled */
    ports.fn(NULL, ports.arg, 0, 4, true, &v);
    v = ~0ull;
    ports.fn(NULL, ports.arg, 4, 4, false, &v);
    assert_int_equal(v, ~0ull);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_boot_state), cmocka_unit_test(test_bars), cmocka_unit_test(test_reset_device),
        cmocka_unit_test(test_msi),        cmocka_unit_test(test_msix), cmocka_unit_test(test_latch),
    };

    return cmocka_run_group_tests_name("vpci", tests, group_setup, group_teardown);
}
