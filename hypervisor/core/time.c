/* SPDX-License-Identifier: GPL-2.0-or-later */
/* System time from the TSC, calibrated at boot against HPET, PM timer or PIT; the CPU's timer interrupt. */
#include "bh/cpu.h"
#include "bh/lapic.h"
#include "bh/lib.h"
#include "bh/mm.h"
#include "bh/msr.h"
#include "bh/p2m.h"
#include "bh/pio.h"
#include "bh/time.h"

uint64_t tsc_khz;
uint32_t tsc_to_ns_mul;
int8_t tsc_shift;
uint64_t boot_tsc;
uint64_t wallclock_ns;

/* A counter to measure the TSC with: current value modulo `mask` + 1, and its period in femtoseconds. */
static uint64_t (*ref_read)(void);
static uint64_t ref_mask, ref_fs;
static volatile uint8_t *hpet;
static uint16_t pm_port;

static uint64_t hpet_counter(void)
{
    return mmio_read32(hpet + 0xf0);
}
static uint64_t pm_counter(void)
{
    return inl(pm_port);
}
static uint64_t pit_counter(void)
{
    uint8_t lo;

    outb(0x43, 0);
    lo = inb(0x40);
    return (uint64_t)(0xffff - (inb(0x40) << 8 | lo));
}

static const char *choose_reference(const struct acpi_info *acpi)
{
    if (acpi->hpet_address) {
        p2m_deny(acpi->hpet_address >> PAGE_SHIFT, (acpi->hpet_address >> PAGE_SHIFT) + 1);
        hpet = map_mmio(acpi->hpet_address, PAGE_SIZE);
        ref_fs = mmio_read32(hpet + 4);
        if (ref_fs > 1000000 && ref_fs <= 100000000) {
            mmio_write32(hpet + 0x10, mmio_read32(hpet + 0x10) | 1);
            ref_read = hpet_counter;
            ref_mask = 0xffffffff;
            return "HPET";
        }
    }
    if (acpi->pm_timer.space == 1 && acpi->pm_timer.address) {
        pm_port = (uint16_t)acpi->pm_timer.address;
        ref_read = pm_counter;
        ref_mask = acpi->pm_timer_32bit ? 0xffffffff : 0xffffff;
        ref_fs = 279365115; /* 3.579545 MHz */
        return "PM timer";
    }
    outb(0x43, 0x34);
    outb(0x40, 0xff);
    outb(0x40, 0xff);
    ref_read = pit_counter;
    ref_mask = 0xffff;
    ref_fs = 838095345;
    return "PIT";
}

uint64_t time_sample(uint64_t (*clock)(void), uint64_t (*counter)(void), uint64_t *time)
{
    uint64_t best = UINT64_MAX, count = 0;

    for (unsigned i = 0; i < 8; i++) {
        uint64_t before = clock(), c = counter(), took = clock() - before;

        if (took < best) {
            best = took;
            count = c;
            *time = before + took / 2;
        }
    }
    return count;
}

static void calibrate(void)
{
    const uint64_t want_ns = 5 * MS;
    uint64_t t0 = 0, t1 = 0, r1, ns, r0 = time_sample(rdtsc, ref_read, &t0);

    while ((((ref_read() - r0) & ref_mask) * ref_fs) / 1000000 < want_ns)
        __builtin_ia32_pause();
    r1 = time_sample(rdtsc, ref_read, &t1);
    ns = (((r1 - r0) & ref_mask) * ref_fs) / 1000000;
    tsc_khz = (t1 - t0) * 1000000 / ns;
}

/* mul and shift such that ns = ((tsc << shift) * mul) >> 32 (shift may be negative), as in the PV clock. */
static void set_scale(void)
{
    uint64_t hz = tsc_khz * 1000, scaled = 1000000000ull;

    tsc_shift = 0;
    while (hz > 2000000000ull) { /* keep mul in 32 bits and as large as possible */
        hz >>= 1;
        tsc_shift--;
    }
    while (hz <= 1000000000ull) {
        hz <<= 1;
        tsc_shift++;
    }
    hz = tsc_shift < 0 ? tsc_khz * 1000 >> -tsc_shift : tsc_khz * 1000 << tsc_shift;
    tsc_to_ns_mul = (uint32_t)((scaled << 32) / hz);
}

uint64_t now_ns(void)
{
    uint64_t delta = rdtsc() - boot_tsc;

    delta = tsc_shift < 0 ? delta >> -tsc_shift : delta << tsc_shift;
    return (uint64_t)((unsigned __int128)delta * tsc_to_ns_mul >> 32);
}

void udelay(unsigned us)
{
    uint64_t end = now_ns() + us * US;

    while (now_ns() < end)
        __builtin_ia32_pause();
}

static uint8_t cmos(uint8_t reg)
{
    outb(0x70, reg);
    return inb(0x71);
}

static unsigned from_bcd(uint8_t v, bool binary)
{
    return binary ? v : (v >> 4) * 10u + (v & 15u);
}

/* Seconds since 1970 by the RTC (read twice until stable). */
static uint64_t rtc_seconds(void)
{
    static const uint8_t regs[] = {0, 2, 4, 7, 8, 9};
    uint8_t raw[6], again[6];
    unsigned v[6], y, m, tries = 0;
    bool binary;

    do {
        for (unsigned i = 0; i < 1000 && cmos(10) & 0x80; i++)
            ;
        for (unsigned i = 0; i < 6; i++)
            raw[i] = cmos(regs[i]);
        for (unsigned i = 0; i < 6; i++)
            again[i] = cmos(regs[i]);
    } while (memcmp(raw, again, sizeof(raw)) && tries++ < 10);
    binary = cmos(11) & 4;
    for (unsigned i = 0; i < 6; i++)
        v[i] = from_bcd(raw[i], binary);
    /* days since the epoch by the shifted-year formula (year begins in March) */
    y = v[5] + 2000u - (v[4] <= 2);
    m = v[4] + (v[4] <= 2 ? 9u : 0u) - (v[4] <= 2 ? 0u : 3u);
    return ((uint64_t)(y * 365u + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + v[3] - 1 - 719468u)) *
               86400u +
           v[2] * 3600u + v[1] * 60u + v[0];
}

void time_init(const struct acpi_info *acpi)
{
    const char *name = choose_reference(acpi);

    calibrate();
    set_scale();
    boot_tsc = rdtsc();
    wallclock_ns = rtc_seconds() * 1000000000ull;
    pr_info("TSC: %lu.%03lu MHz by %s\n", tsc_khz / 1000, tsc_khz % 1000, name);
}

void time_program(void)
{
    uint64_t next = timer_next(&this_cpu()->timers), now, count;

    if (next == UINT64_MAX) {
        lapic_timer_set(0);
        return;
    }
    now = now_ns();
    count = next > now ? lapic_ns_to_count(next - now) : 0;
    lapic_timer_set((uint32_t)MIN(count + 1, 0xffffffffull));
}

void time_queue_changed(struct timer_queue *q)
{
    if (q->cpu == this_cpu())
        time_program();
    else
        cpu_kick(q->cpu, WORK_TIMER);
}
