/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dom0's virtual IO-APICs: one for each of the machine, same address, id and pins. When dom0 unmasks a pin
 * the real one is bound with the entry's trigger and polarity to a vector of the hypervisor; its interrupts
 * go to the vLAPIC that the entry names. A level pin stays masked at the hardware until dom0's EOI.
 * Lock: vioapic.lock, above the IOMMU's and the IO-APIC driver's; interrupts are delivered after it is
 * dropped.
 */
#include "bh/emul.h"
#include "bh/hwdom.h"
#include "bh/ioapic.h"
#include "bh/irq.h"
#include "bh/lib.h"
#include "bh/mm.h"
#include "bh/spinlock.h"
#include "bh/vlapic.h"
#include "bh/xen.h"

#define VIOAPIC_VERSION 0x20u /* has the EOI register */
/* What dom0 can write of an entry: all but delivery status and remote IRR */
#define RTE_GUEST_BITS ((0xffull << RTE_DEST_SHIFT) | 0x1afffull)

struct vioapic_pin {
    struct vioapic *owner;
    uint64_t entry;   /* dom0's view */
    uint64_t trigger; /* of the hardware's entry: RTE_LEVEL, RTE_ACTIVE_LOW */
    int vector;       /* the hypervisor's, -1: not bound yet */
    int remap_index;  /* IOMMU's handle, -1 none */
    bool in_service;  /* level: masked at the hardware until EOI */
};

struct vioapic {
    struct ioapic *host;
    uint32_t select;
    uint8_t id;
    struct vioapic_pin *pin;
};

static struct {
    spinlock_t lock;
    struct domain *domain;
    unsigned nr;
    struct vioapic io[ACPI_MAX_IOAPICS];
} vioapic;

/* ---- binding to the hardware ---- */

static unsigned pin_number(const struct vioapic_pin *p)
{
    return (unsigned)(p - p->owner->pin);
}

static void pin_interrupt(uint8_t vector, void *arg)
{
    struct vioapic_pin *p = arg;
    uint64_t e;
    bool deliver;

    spin_lock(&vioapic.lock);
    e = p->entry;
    deliver = !(e & RTE_MASKED) && !p->in_service;
    if (p->trigger & RTE_LEVEL) {
        ioapic_set_mask(p->owner->host, pin_number(p), true);
        if (deliver) {
            p->in_service = true;
            p->entry |= RTE_REMOTE_IRR;
        } else if (!p->in_service) {
            ioapic_end_level(p->owner->host, pin_number(p));
        }
    }
    spin_unlock(&vioapic.lock);
    if (deliver)
        vlapic_deliver(vioapic.domain, (uint32_t)(e >> RTE_DEST_SHIFT), e & RTE_LOGICAL, RTE_MODE(e),
                       (uint8_t)e, e & RTE_LEVEL);
}

/* Fixed and lowest-priority interrupts come from hardware; the other modes are not bound. */
static bool pin_bindable(uint64_t entry)
{
    return RTE_MODE(entry) <= APIC_DM_LOWEST && (entry & RTE_VECTOR_MASK) >= 16;
}

static int pin_bind(struct vioapic_pin *p, uint64_t trigger)
{
    if (p->vector < 0)
        p->vector = irq_vector_alloc(pin_interrupt, p);
    if (p->vector < 0)
        return p->vector;
    p->trigger = trigger;
    return ioapic_bind(p->owner->host, pin_number(p), (uint8_t)p->vector, trigger | RTE_MASKED,
                       &p->remap_index);
}

/* Bring the real pin in line with dom0's entry. */
static void pin_update(struct vioapic_pin *p)
{
    uint64_t trigger = p->entry & (RTE_LEVEL | RTE_ACTIVE_LOW);
    unsigned n = pin_number(p);
    int rc;

    if ((p->entry & RTE_MASKED) || !pin_bindable(p->entry)) {
        if (p->vector >= 0)
            ioapic_set_mask(p->owner->host, n, true);
        return;
    }
    if (p->vector < 0 || p->trigger != trigger) {
        rc = pin_bind(p, trigger);
        if (rc) {
            pr_err("dom0's GSI %u cannot be bound (error %d); its interrupts will not arrive\n",
                   p->owner->host->gsi_base + n, rc);
            return;
        }
    }
    if (!p->in_service)
        ioapic_set_mask(p->owner->host, n, false);
}

/* The guest ended its interrupt: the real pin may fire again. */
static void pin_end(struct vioapic_pin *p)
{
    unsigned n = pin_number(p);

    p->entry &= ~RTE_REMOTE_IRR;
    if (!p->in_service)
        return;
    p->in_service = false;
    ioapic_end_level(p->owner->host, n);
    if (!(p->entry & RTE_MASKED))
        ioapic_set_mask(p->owner->host, n, false);
}

static void io_end_vector(struct vioapic *io, uint8_t vector)
{
    for (unsigned n = 0; n < io->host->nr_pins; n++)
        if ((io->pin[n].entry & RTE_REMOTE_IRR) && (uint8_t)io->pin[n].entry == vector)
            pin_end(&io->pin[n]);
}

void vioapic_eoi(struct domain *d, uint8_t vector)
{
    if (d != vioapic.domain)
        return;
    spin_guard(&vioapic.lock);
    for (unsigned i = 0; i < vioapic.nr; i++)
        io_end_vector(&vioapic.io[i], vector);
}

/* ---- registers ---- */

static uint32_t window_read(const struct vioapic *io)
{
    unsigned n = (io->select - IOAPIC_IDX_RTE) / 2;

    if (io->select == IOAPIC_IDX_ID || io->select == IOAPIC_IDX_ARB)
        return (uint32_t)io->id << 24;
    if (io->select == IOAPIC_IDX_VER)
        return VIOAPIC_VERSION | ((io->host->nr_pins - 1) << 16);
    if (io->select < IOAPIC_IDX_RTE || n >= io->host->nr_pins)
        return ~0u;
    return (uint32_t)(io->pin[n].entry >> (io->select & 1 ? 32 : 0));
}

static void window_write(struct vioapic *io, uint32_t val)
{
    unsigned n = (io->select - IOAPIC_IDX_RTE) / 2;
    struct vioapic_pin *p;
    uint64_t next;

    if (io->select == IOAPIC_IDX_ID) {
        io->id = (val >> 24) & 0xf;
        return;
    }
    if (io->select < IOAPIC_IDX_RTE || n >= io->host->nr_pins)
        return;
    p = &io->pin[n];
    if (io->select & 1)
        next = (p->entry & 0xffffffffull) | ((uint64_t)val << 32);
    else
        next = (p->entry & ~0xffffffffull) | val;
    p->entry = (next & RTE_GUEST_BITS) | (p->entry & RTE_REMOTE_IRR);
    /* Linux ends a level interrupt that was seen as edge by writing the entry masked, as edge (82093AA) */
    if (!(p->entry & RTE_LEVEL) && (p->entry & RTE_REMOTE_IRR))
        pin_end(p);
    if (!(io->select & 1))
        pin_update(p);
}

static void vioapic_access(struct vcpu *v, void *arg, uint64_t offset, unsigned size, bool write,
                           uint64_t *val)
{
    struct vioapic *io = arg;

    if (size > 4 || (offset & 3))
        return;
    spin_guard(&vioapic.lock);
    if (offset == IOAPIC_REG_SELECT) {
        if (write)
            io->select = (uint8_t)*val;
        else
            *val = io->select;
    } else if (offset == IOAPIC_REG_WINDOW) {
        if (write)
            window_write(io, (uint32_t)*val);
        else
            *val = window_read(io);
    } else if (offset == IOAPIC_REG_EOI && write) {
        io_end_vector(io, (uint8_t)*val);
    }
}

static int vioapic_setup(struct domain *d, struct vioapic *io)
{
    io->id = io->host->id;
    io->pin = kzalloc(io->host->nr_pins * sizeof(*io->pin));
    if (!io->pin)
        return -XEN_ENOMEM;
    for (unsigned n = 0; n < io->host->nr_pins; n++)
        io->pin[n] = (struct vioapic_pin){.owner = io, .entry = RTE_MASKED, .vector = -1, .remap_index = -1};
    return emul_mmio_register(d, io->host->address, 0x100, vioapic_access, io);
}

int vioapic_init(struct domain *d)
{
    int rc = 0;

    vioapic.domain = d;
    for (vioapic.nr = 0; vioapic.nr < nr_ioapics && !rc; vioapic.nr++) {
        vioapic.io[vioapic.nr].host = &ioapics[vioapic.nr];
        rc = vioapic_setup(d, &vioapic.io[vioapic.nr]);
    }
    return rc;
}
