/* SPDX-License-Identifier: GPL-2.0-or-later */
/* System time: nanoseconds since boot, a linear function of the TSC that guests share through their PV clock.
 */
#pragma once

#include "bh/acpi.h"
#include "bh/timer.h"

#define MS 1000000ul
#define US 1000ul

extern uint64_t tsc_khz;
extern uint32_t tsc_to_ns_mul; /* as in struct vcpu_time_info */
extern int8_t tsc_shift;
extern uint64_t boot_tsc;

void time_init(const struct acpi_info *acpi); /* calibrates, reads the RTC */
uint64_t now_ns(void);
void udelay(unsigned us);
/* A counter and a clock's time, as close to each other as we get in a few tries: something may take the CPU
 * away in between (SMIs, an emulator's busy host), and a wrong rate would make every timer late. */
uint64_t time_sample(uint64_t (*clock)(void), uint64_t (*counter)(void), uint64_t *time);
extern uint64_t wallclock_ns; /* at system time 0, since 1970 */
/* Program this CPU's LAPIC timer for the earliest of its queue. */
void time_program(void);
void time_queue_changed(struct timer_queue *q);
