/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bh/acpi.h"
#include "bh/lib.h"
#include "bh/pio.h"
#include "bh/setup.h"
#include "bh/shutdown.h"
#include "bh/time.h"
#include "bh/xen.h"

#define PORT_DELAY 0x80

bool opt_noreboot;
static uint16_t reset_port;
static uint8_t reset_value;

void shutdown_init(const struct acpi_info *acpi)
{
    if (acpi->reset_supported && acpi->reset_reg.space == 1) {
        reset_port = (uint16_t)acpi->reset_reg.address;
        reset_value = acpi->reset_value;
    }
}

void machine_halt(void)
{
    for (;;)
        __asm__ volatile("cli; hlt");
}

/* FADT's reset register, then the keyboard controller, then port 0xcf9, then a triple fault. */
void machine_reboot(void)
{
    struct {
        uint16_t limit;
        uint64_t base;
    } __packed_struct none = {0, 0};

    if (reset_port)
        outb(reset_port, reset_value);
    for (unsigned i = 0; i < 100000 && inb(0x64) & 2; i++)
        ;
    outb(0x64, 0xfe);
    outb(0xcf9, 0x06);
    __asm__ volatile("lidt %0; int3" ::"m"(none));
    machine_halt();
}

void machine_stop_after_panic(void)
{
    printk(LOG_ERR, opt_noreboot ? "Halted (noreboot).\n" : "Rebooting in five seconds.\n");
    if (opt_noreboot)
        machine_halt();
    for (unsigned us = 0; us < 5000000; us++)
        tsc_khz ? udelay(1) : (void)inb(PORT_DELAY); /* a read of it takes about as long */
    machine_reboot();
}

void hwdom_shutdown(uint8_t reason)
{
    switch (reason) {
    case SHUTDOWN_poweroff:
        /* soft-off needs the ASL of dom0's ACPI; Linux does it by itself: what is left here is to stop */
        pr_info("dom0 powers off\n");
        pr_info("power-off asked for: the machine can be switched off now\n");
        machine_halt();
    case SHUTDOWN_reboot:
        pr_info("dom0 reboots the machine\n");
        machine_reboot();
    default:
        printk(LOG_ERR, "dom0 crashed (reason %u): the machine cannot go on without it\n", reason);
        machine_stop_after_panic();
    }
}
