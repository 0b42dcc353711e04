/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ends of the machine: reboot, halt. */
#pragma once

#include "bh/types.h"

_Noreturn void machine_halt(void);
_Noreturn void machine_reboot(void);
/* noreboot: halt; otherwise reboot after the message stood for five seconds. */
_Noreturn void machine_stop_after_panic(void);
/* dom0 ended with a SHUTDOWN_* reason. */
_Noreturn void hwdom_shutdown(uint8_t reason);
extern bool opt_noreboot;

struct acpi_info;
void shutdown_init(const struct acpi_info *acpi);
