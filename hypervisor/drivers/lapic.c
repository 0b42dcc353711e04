/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Local APIC of each CPU, xAPIC by its page or x2APIC by MSRs (APM vol. 2 chapter 16). */
#include "bh/cpu.h"
#include "bh/lapic.h"
#include "bh/lib.h"
#include "bh/mm.h"
#include "bh/msr.h"
#include "bh/pio.h"
#include "bh/time.h"

static volatile uint8_t *page;
static bool x2apic;
static uint64_t count_per_ns_32; /* bus clock / 16, 32.32 fixed point */

static uint32_t reg_read(unsigned reg)
{
    return x2apic ? (uint32_t)rdmsr(MSR_X2APIC_BASE + reg) : mmio_read32(page + 16 * reg);
}

static void reg_write(unsigned reg, uint32_t v)
{
    if (x2apic)
        wrmsr(MSR_X2APIC_BASE + reg, v);
    else
        mmio_write32(page + 16 * reg, v);
}

/* The 8259 pair never interrupts: moved away from the exception vectors and masked (8259A data sheet,
 * ICW1-4). */
static void pic_disable(void)
{
    static const struct {
        uint8_t port, value;
    } steps[] = {{0x21, 0xff}, {0xa1, 0xff}, {0x20, 0x11}, {0xa0, 0x11}, {0x21, 0x20}, {0xa1, 0x28},
                 {0x21, 0x04}, {0xa1, 0x02}, {0x21, 0x01}, {0xa1, 0x01}, {0x21, 0xff}, {0xa1, 0xff}};

    for (unsigned i = 0; i < ARRAY_SIZE(steps); i++)
        outb(steps[i].port, steps[i].value);
}

void lapic_init(paddr_t base, bool first)
{
    uint64_t msr = rdmsr(MSR_APIC_BASE);

    if (first) {
        pic_disable();
        x2apic = cpu_features.x2apic;
        if (!x2apic)
            page = map_mmio(base, PAGE_SIZE);
    }
    msr |= BIT(11);
    if (x2apic) {
        wrmsr(MSR_APIC_BASE, msr);
        msr |= BIT(10);
    }
    wrmsr(MSR_APIC_BASE, msr);
    reg_write(APIC_SVR, 0x100 | VECTOR_SPURIOUS);
    reg_write(APIC_TPR, 0);
    reg_write(APIC_LINT0, 0x10000);
    reg_write(APIC_LINT1, 0x400); /* NMI */
    reg_write(APIC_LVT_LAST, VECTOR_ERROR);
    reg_write(APIC_TIMER_DIVIDE, 3); /* by 16 */
    reg_write(APIC_LVT, VECTOR_TIMER);
}

uint32_t lapic_id(void)
{
    return x2apic ? reg_read(APIC_ID) : reg_read(APIC_ID) >> 24;
}

void lapic_eoi(void)
{
    reg_write(APIC_EOI, 0);
}

void lapic_ipi(uint32_t apic_id, uint32_t icr_low)
{
    if (x2apic) {
        wrmsr(MSR_X2APIC_BASE + APIC_ICR, (uint64_t)apic_id << 32 | icr_low);
        return;
    }
    for (unsigned i = 0; i < 100000 && reg_read(APIC_ICR) & BIT(12); i++)
        __builtin_ia32_pause();
    reg_write(APIC_ICR_HIGH, apic_id << 24);
    reg_write(APIC_ICR, icr_low);
}

void lapic_timer_set(uint32_t count)
{
    reg_write(APIC_TIMER_INIT, count);
}

static uint64_t timer_count(void)
{
    return reg_read(APIC_TIMER_CURRENT);
}

void lapic_timer_calibrate(void)
{
    uint64_t t0 = 0, t1 = 0, c0, c1;

    reg_write(APIC_LVT, 0x10000 | VECTOR_TIMER);
    reg_write(APIC_TIMER_INIT, 0xffffffff);
    c0 = time_sample(now_ns, timer_count, &t0);
    while (now_ns() - t0 < 1 * MS)
        __builtin_ia32_pause();
    c1 = time_sample(now_ns, timer_count, &t1);
    reg_write(APIC_TIMER_INIT, 0);
    reg_write(APIC_LVT, VECTOR_TIMER);
    count_per_ns_32 = ((c0 - c1) << 32) / (t1 - t0);
}

uint64_t lapic_ns_to_count(uint64_t ns)
{
    return (uint64_t)(((unsigned __int128)ns * count_per_ns_32) >> 32);
}
