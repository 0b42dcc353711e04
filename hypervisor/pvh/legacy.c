/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PC's old devices as dom0 finds them: no PIC, a PIT whose counter reads 0 (so Linux gives up its
 * calibration at once), the real RTC, no HPET, and no UART where the hypervisor uses one. Everything else
 * (ACPI's PM timer and event registers, keyboard, other UARTs) is not here: dom0 reaches it directly.
 */
#include "bh/console.h"
#include "bh/emul.h"
#include "bh/hwdom.h"
#include "bh/lib.h"
#include "bh/p2m.h"
#include "bh/pio.h"
#include "bh/spinlock.h"
#include "bh/types.h"

#define RTC_INDEX 0x70
#define RTC_DATA  0x71
#define NMI_OFF   0x80

static struct {
    spinlock_t lock; /* RTC index and data belong together */
    uint8_t rtc_index;
} legacy;

/* Reads give zero, or all-ones where `arg` is set (to anything); writes do nothing. */
static void nothing_access(struct vcpu *v, void *arg, uint64_t offset, unsigned size, bool write,
                           uint64_t *val)
{
    if (!write && !arg)
        *val = 0;
}

static void rtc_access(struct vcpu *v, void *arg, uint64_t offset, unsigned size, bool write, uint64_t *val)
{
    if (size != 1)
        return;
    spin_guard(&legacy.lock);
    if (offset == 0 && write) {
        legacy.rtc_index = (uint8_t)*val & (uint8_t)~NMI_OFF;
    } else if (offset == 0) {
        *val = legacy.rtc_index;
    } else {
        outb(RTC_INDEX, legacy.rtc_index);
        if (write)
            outb(RTC_DATA, (uint8_t)*val);
        else
            *val = inb(RTC_DATA);
    }
}

static const struct {
    uint16_t first;
    uint8_t count;
    emul_fn fn;
    void *arg;
} legacy_ports[] = {
    {0x20, 2, nothing_access, &legacy}, {0xa0, 2, nothing_access, &legacy}, /* PICs */
    {0x40, 4, nothing_access, NULL},                                        /* PIT */
    {0x61, 1, nothing_access, NULL},                                        /* its gate and output */
    {0x70, 2, rtc_access, NULL},
};

int legacy_init(struct domain *d, const struct acpi_info *acpi)
{
    uint16_t uart = console_uart_port();
    int rc = 0;

    for (unsigned i = 0; i < ARRAY_SIZE(legacy_ports) && !rc; i++)
        rc = emul_port_register(d, legacy_ports[i].first, legacy_ports[i].count, legacy_ports[i].fn,
                                legacy_ports[i].arg);
    if (!rc && uart)
        rc = emul_port_register(d, uart, 8, nothing_access, &legacy);
    if (!rc && acpi->hpet_address)
        rc = emul_mmio_register(d, acpi->hpet_address & PAGE_MASK, PAGE_SIZE, nothing_access, &legacy);
    return rc;
}
