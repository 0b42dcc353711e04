/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Host IO-APICs: found in the MADT, all pins masked at boot, then programmed by the virtual IO-APICs.
 * A copy of every entry is kept, so masking is one register write.
 * Lock: ioapic_lock, innermost but for the console's.
 */
#include "bh/ioapic.h"
#include "bh/hwdom.h"
#include "bh/iommu.h"
#include "bh/irq.h"
#include "bh/lib.h"
#include "bh/mm.h"
#include "bh/p2m.h"
#include "bh/pio.h"
#include "bh/spinlock.h"

struct ioapic ioapics[ACPI_MAX_IOAPICS];
unsigned nr_ioapics;
static spinlock_t ioapic_lock;

static uint32_t reg_read(struct ioapic *io, unsigned index)
{
    mmio_write32(io->regs + IOAPIC_REG_SELECT, index);
    return mmio_read32(io->regs + IOAPIC_REG_WINDOW);
}

static void reg_write(struct ioapic *io, unsigned index, uint32_t val)
{
    mmio_write32(io->regs + IOAPIC_REG_SELECT, index);
    mmio_write32(io->regs + IOAPIC_REG_WINDOW, val);
}

static void write_low(struct ioapic *io, unsigned pin, uint64_t rte)
{
    reg_write(io, IOAPIC_IDX_RTE + 2 * pin, (uint32_t)rte);
}

/* A masked low half is in force while the high half changes: no interrupt goes to a mixed destination. */
static void write_entry(struct ioapic *io, unsigned pin, uint64_t rte)
{
    if (!(io->rte[pin] & RTE_MASKED))
        write_low(io, pin, io->rte[pin] | RTE_MASKED);
    reg_write(io, IOAPIC_IDX_RTE + 2 * pin + 1, (uint32_t)(rte >> 32));
    write_low(io, pin, rte);
    io->rte[pin] = rte;
}

static void mask_all(struct ioapic *io)
{
    for (unsigned pin = 0; pin < io->nr_pins; pin++) {
        uint32_t low = reg_read(io, IOAPIC_IDX_RTE + 2 * pin);

        io->rte[pin] = RTE_MASKED;
        if (((low >> 8) & 7) == 2) /* SMI: the firmware's, stays as it is until somebody takes the pin */
            continue;
        write_entry(io, pin, RTE_MASKED);
    }
}

static bool ioapic_probe(struct ioapic *io, const struct acpi_ioapic *a)
{
    uint32_t ver;

    p2m_deny(a->address >> PAGE_SHIFT, (a->address >> PAGE_SHIFT) + 1);
    io->regs = map_mmio(a->address, 0x100);
    ver = reg_read(io, IOAPIC_IDX_VER);
    io->address = a->address;
    io->gsi_base = a->gsi_base;
    io->id = a->id;
    io->version = (uint8_t)ver;
    io->nr_pins = ((ver >> 16) & 0xff) + 1;
    if (ver == ~0u || io->nr_pins > IOAPIC_MAX_PINS) {
        pr_warn("IO-APIC %u at %x does not answer (version register %x); it is ignored\n", a->id, a->address,
                ver);
        return false;
    }
    io->rte = kzalloc(io->nr_pins * sizeof(*io->rte));
    if (!io->rte)
        panic("no memory for IO-APIC %u", a->id);
    return true;
}

void ioapic_init(const struct acpi_info *acpi)
{
    nr_ioapics = 0;
    for (unsigned i = 0; i < acpi->nr_ioapics && nr_ioapics < ACPI_MAX_IOAPICS; i++) {
        struct ioapic *io = &ioapics[nr_ioapics];

        if (!ioapic_probe(io, &acpi->ioapic[i]))
            continue;
        mask_all(io);
        nr_ioapics++;
        pr_info("IO-APIC %u: %x, GSI %u-%u, version %x\n", io->id, (uint32_t)io->address, io->gsi_base,
                io->gsi_base + io->nr_pins - 1, io->version);
    }
}

int ioapic_bind(struct ioapic *io, unsigned pin, uint8_t vector, uint64_t flags, int *index)
{
    uint32_t apic_id = irq_default_apic_id();
    uint64_t rte = ((uint64_t)(apic_id & 0xff) << RTE_DEST_SHIFT) | flags | vector;
    int rc = iommu_map_ioapic(io->id, apic_id, vector, flags & RTE_LEVEL, index, &rte);

    if (rc)
        return rc;
    spin_guard(&ioapic_lock);
    write_entry(io, pin, rte);
    return 0;
}

void ioapic_set_mask(struct ioapic *io, unsigned pin, bool masked)
{
    spin_guard(&ioapic_lock);
    if (!!(io->rte[pin] & RTE_MASKED) != masked) {
        io->rte[pin] ^= RTE_MASKED;
        write_low(io, pin, io->rte[pin]);
    }
}

/* Without an EOI register, a masked entry turned to edge and back drops its remote IRR. */
void ioapic_end_level(struct ioapic *io, unsigned pin)
{
    spin_guard(&ioapic_lock);
    if (io->version >= 0x20) {
        mmio_write32(io->regs + IOAPIC_REG_EOI, (uint32_t)(io->rte[pin] & RTE_VECTOR_MASK));
    } else {
        write_low(io, pin, (io->rte[pin] | RTE_MASKED) & ~RTE_LEVEL);
        write_low(io, pin, io->rte[pin] | RTE_MASKED);
        write_low(io, pin, io->rte[pin]);
    }
}
