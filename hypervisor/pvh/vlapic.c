/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The emulated local APIC. IRR and ISR are changed with atomic bit operations: interrupts may be set by any
 * CPU, everything else only by the vCPU itself (or while it does not run).
 */
#include "bh/domain.h"
#include "bh/lib.h"
#include "bh/msr.h"
#include "bh/time.h"

#define BASE_ENABLED BIT(11)
#define BASE_X2APIC  BIT(10)
#define BASE_BSP     BIT(8)
#define BUS_NS       10u /* the emulated bus clock: 100 MHz */
#define SVR_ENABLED  BIT(8)
#define LVT_MASKED   (1u << 16)
#define LVT_PERIODIC BIT(17)
#define VERSION      0x50014u /* 6 LVT entries */

/* What can be read, written, and of both what only the page has: numbers of registers as bits. */
#define VECTORS   (0xffffffull << APIC_ISR)
#define LVTS      (0x3full << APIC_LVT)
#define PAGE_ONLY (BIT(APIC_DFR) | BIT(APIC_ICR_HIGH))
#define BOTH                                                                                                 \
    (BIT(APIC_TPR) | BIT(APIC_LDR) | BIT(APIC_SVR) | BIT(APIC_ESR) | BIT(APIC_ICR) | LVTS | PAGE_ONLY |      \
     BIT(APIC_TIMER_INIT) | BIT(APIC_TIMER_DIVIDE))
#define READABLE                                                                                             \
    (BOTH | BIT(APIC_ID) | BIT(APIC_VERSION) | BIT(APIC_APR) | BIT(APIC_PPR) | VECTORS |                     \
     BIT(APIC_TIMER_CURRENT))
#define WRITABLE    (BOTH | BIT(APIC_EOI))
#define X2_WRITABLE ((WRITABLE & ~BIT(APIC_LDR)) | BIT(APIC_SELF_IPI))

static bool x2apic_mode(const struct vlapic *a)
{
    return a->base_msr & BASE_X2APIC;
}

static uint32_t x2apic_ldr(const struct vcpu *v)
{
    return (vlapic_id(v) >> 4) << 16 | 1u << (vlapic_id(v) & 15);
}

uint32_t vlapic_id(const struct vcpu *v)
{
    return v->id * 2;
}

static unsigned divisor(const struct vlapic *a)
{
    unsigned shift = ((a->reg[APIC_TIMER_DIVIDE] & 3) | (a->reg[APIC_TIMER_DIVIDE] >> 1 & 4)) + 1;

    return 1u << (shift & 7);
}

/* A periodic timer runs on when its last tick was taken: the CPU's time goes to those that run, not to the
 * ticks of those that wait. Not faster than 10 kHz. */
static void tick_resume(struct vcpu *v)
{
    struct vlapic *a = &v->lapic;
    uint64_t period = (uint64_t)a->reg[APIC_TIMER_INIT] * divisor(a) * BUS_NS, now = now_ns();

    if (!__atomic_exchange_n(&a->tick_waits, false, __ATOMIC_SEQ_CST) || !period ||
        !(a->reg[APIC_LVT] & LVT_PERIODIC))
        return;
    timer_set(&this_cpu()->timers, &a->timer,
              MAX(now + period - (now - a->timer_start) % period, now + 100 * US));
}

static int highest(const uint32_t *bits)
{
    for (int i = 7; i >= 0; i--)
        if (bits[i])
            return i * 32 + 31 - __builtin_clz(bits[i]);
    return -1;
}

static bool set_bit(uint32_t *bits, uint8_t n)
{
    return __atomic_fetch_or(&bits[n / 32], 1u << n % 32, __ATOMIC_SEQ_CST) >> n % 32 & 1;
}

static void clear_bit(uint32_t *bits, uint8_t n)
{
    __atomic_fetch_and(&bits[n / 32], ~(1u << n % 32), __ATOMIC_SEQ_CST);
}

static uint8_t ppr(const struct vlapic *a)
{
    int isr = highest(&a->reg[APIC_ISR]);
    uint8_t serving = isr < 0 ? 0 : (uint8_t)(isr & 0xf0);

    return (a->reg[APIC_TPR] & 0xf0) >= serving ? (uint8_t)a->reg[APIC_TPR] : serving;
}

int vlapic_pending(struct vcpu *v)
{
    struct vlapic *a = &v->lapic;
    int vector = highest(&a->reg[APIC_IRR]);

    if (vector < 0 || !(a->reg[APIC_SVR] & SVR_ENABLED) || (vector & 0xf0) <= (ppr(a) & 0xf0))
        return -1;
    return vector;
}

void vlapic_ack(struct vcpu *v, uint8_t vector)
{
    clear_bit(&v->lapic.reg[APIC_IRR], vector);
    set_bit(&v->lapic.reg[APIC_ISR], vector);
    if (unlikely(v->lapic.tick_waits))
        tick_resume(v);
}

bool vlapic_set_irq(struct vcpu *v, uint8_t vector, bool level)
{
    struct vlapic *a = &v->lapic;

    if (!(a->base_msr & BASE_ENABLED) || vector < 16)
        return false;
    if (level)
        set_bit(&a->reg[APIC_TMR], vector);
    else
        clear_bit(&a->reg[APIC_TMR], vector);
    if (set_bit(&a->reg[APIC_IRR], vector))
        return false;
    vcpu_kick(v);
    return true;
}

static void eoi(struct vcpu *v)
{
    struct vlapic *a = &v->lapic;
    int vector = highest(&a->reg[APIC_ISR]);

    if (vector < 0)
        return;
    clear_bit(&a->reg[APIC_ISR], (uint8_t)vector);
    if (a->reg[APIC_TMR + vector / 32] >> vector % 32 & 1)
        vioapic_eoi(v->domain, (uint8_t)vector);
}

static bool matches(struct vcpu *v, uint32_t dest, bool logical, bool wide)
{
    const struct vlapic *a = &v->lapic;
    uint32_t all = wide ? 0xffffffff : 0xff;

    if (dest == all)
        return true;
    if (!logical)
        return dest == (wide ? vlapic_id(v) : (vlapic_id(v) & 0xff));
    if (x2apic_mode(a)) {
        uint32_t ldr = x2apic_ldr(v);

        if (!wide) /* an 8-bit message reaches cluster 0 */
            return ldr >> 16 == 0 && ldr & dest & 0xffff;
        return ldr >> 16 == dest >> 16 && ldr & dest & 0xffff;
    }
    if (a->reg[APIC_DFR] >> 28 == 0xf)
        return a->reg[APIC_LDR] >> 24 & dest;
    return a->reg[APIC_LDR] >> 28 == dest >> 4 && a->reg[APIC_LDR] >> 24 & dest & 15;
}

static void accept(struct vcpu *v, uint8_t mode, uint8_t vector, bool level)
{
    switch (mode) {
    case APIC_DM_FIXED:
    case APIC_DM_LOWEST:
        vlapic_set_irq(v, vector, level);
        break;
    case APIC_DM_NMI:
        v->nmi_pending = true;
        vcpu_kick(v);
        break;
    case APIC_DM_INIT:
        if (v != current_vcpu())
            vcpu_init_ipi(v);
        break;
    case APIC_DM_SIPI:
        vcpu_sipi(v, vector);
        break;
    default:
        break;
    }
}

static unsigned deliver(struct domain *d, struct vcpu *from, uint32_t dest, bool logical, bool wide,
                        uint8_t shorthand, uint8_t mode, uint8_t vector, bool level)
{
    unsigned n = 0;

    for_each_vcpu (d, v) {
        if (shorthand == 1   ? v != from
            : shorthand == 3 ? v == from
                             : !shorthand && !matches(v, dest, logical, wide))
            continue;
        accept(v, mode, vector, level);
        n++;
        if (mode == APIC_DM_LOWEST && !shorthand)
            break;
    }
    return n;
}

unsigned vlapic_deliver(struct domain *d, uint32_t dest, bool logical, uint8_t mode, uint8_t vector,
                        bool level)
{
    return deliver(d, NULL, dest, logical, dest > 0xff, 0, mode, vector, level);
}

static void send_ipi(struct vcpu *v, uint32_t low, uint32_t dest, bool wide)
{
    uint8_t mode = low >> 8 & 7;

    if (mode == APIC_DM_INIT && !(low & BIT(14))) /* INIT de-assert */
        return;
    if (mode == APIC_DM_FIXED && (low & 0xff) < 16)
        return;
    deliver(v->domain, v, dest, low & BIT(11), wide, low >> 18 & 3, mode, (uint8_t)low, false);
}

static void timer_start(struct vcpu *v, uint32_t count)
{
    struct vlapic *a = &v->lapic;

    a->reg[APIC_TIMER_INIT] = count;
    a->timer_start = now_ns();
    a->tick_waits = false;
    if (count)
        timer_set(&this_cpu()->timers, &a->timer, a->timer_start + (uint64_t)count * divisor(a) * BUS_NS);
    else
        timer_stop(&a->timer);
}

void vlapic_timer_restore(struct vcpu *v, uint32_t count, bool armed)
{
    timer_start(v, armed ? count : 0);
    v->lapic.reg[APIC_TIMER_INIT] = count;
    if (!armed)
        v->lapic.timer_start = 0;
}

static uint32_t timer_current(const struct vlapic *a)
{
    uint64_t ticks = (now_ns() - a->timer_start) / (divisor(a) * BUS_NS);

    if (!a->reg[APIC_TIMER_INIT] || (!(a->reg[APIC_LVT] & LVT_PERIODIC) && ticks >= a->reg[APIC_TIMER_INIT]))
        return 0;
    return (uint32_t)(a->reg[APIC_TIMER_INIT] - ticks % a->reg[APIC_TIMER_INIT]);
}

static void timer_fired(void *arg)
{
    struct vcpu *v = arg;
    struct vlapic *a = &v->lapic;
    uint32_t lvt = a->reg[APIC_LVT];

    /* whoever sees the tick that waits first arms the timer: this, or the vCPU when it takes the interrupt */
    __atomic_store_n(&a->tick_waits, (lvt & LVT_PERIODIC) != 0, __ATOMIC_SEQ_CST);
    if (!(lvt & LVT_MASKED) && vlapic_set_irq(v, (uint8_t)lvt, false))
        tick_resume(v);
}

static bool allowed(const struct vlapic *a, uint64_t regs, unsigned reg)
{
    return reg < APIC_NR_REGS && (x2apic_mode(a) ? regs & ~PAGE_ONLY : regs) >> reg & 1;
}

static bool reg_read(struct vcpu *v, unsigned reg, uint32_t *val)
{
    const struct vlapic *a = &v->lapic;
    bool x2 = x2apic_mode(a);

    *val = 0;
    if (!allowed(a, READABLE, reg))
        return false;
    if (reg == APIC_ID)
        *val = x2 ? vlapic_id(v) : vlapic_id(v) << 24;
    else if (reg == APIC_PPR || reg == APIC_APR)
        *val = ppr(a);
    else if (reg == APIC_LDR && x2)
        *val = x2apic_ldr(v);
    else if (reg == APIC_TIMER_CURRENT)
        *val = timer_current(a);
    else
        *val = a->reg[reg];
    return true;
}

static void mask_lvts(struct vlapic *a)
{
    for (unsigned reg = APIC_LVT; reg <= APIC_LVT_LAST; reg++)
        a->reg[reg] |= LVT_MASKED;
}

static bool reg_write(struct vcpu *v, unsigned reg, uint32_t val)
{
    struct vlapic *a = &v->lapic;
    bool x2 = x2apic_mode(a);

    if (!allowed(a, x2 ? X2_WRITABLE : WRITABLE, reg) || (x2 && reg == APIC_EOI && val))
        return false;
    a->reg[reg] = val & vlapic_reg_bits(reg);
    switch (reg) {
    case APIC_EOI:
        eoi(v);
        break;
    case APIC_DFR:
        a->reg[reg] |= 0x0fffffff;
        break;
    case APIC_ICR:
        a->reg[reg] &= ~(uint32_t)BIT(12);
        send_ipi(v, val, a->reg[APIC_ICR_HIGH] >> 24, false);
        break;
    case APIC_TIMER_INIT:
        timer_start(v, val);
        break;
    case APIC_SELF_IPI:
        vlapic_set_irq(v, (uint8_t)val, false);
        break;
    default:
        if (!(a->reg[APIC_SVR] & SVR_ENABLED))
            mask_lvts(a);
        if (reg == APIC_LVT && a->tick_waits && !(a->reg[APIC_LVT] & LVT_MASKED))
            tick_resume(v);
    }
    return true;
}

bool vlapic_msr_read(struct vcpu *v, uint32_t msr, uint64_t *val)
{
    uint32_t low = 0;

    if (!x2apic_mode(&v->lapic) || !reg_read(v, msr - MSR_X2APIC_BASE, &low))
        return false;
    *val = low;
    if (msr - MSR_X2APIC_BASE == APIC_ICR)
        *val |= (uint64_t)v->lapic.reg[APIC_ICR_HIGH] << 32;
    return true;
}

bool vlapic_msr_write(struct vcpu *v, uint32_t msr, uint64_t val)
{
    unsigned reg = msr - MSR_X2APIC_BASE;

    if (!x2apic_mode(&v->lapic))
        return false;
    if (reg == APIC_ICR) {
        v->lapic.reg[APIC_ICR] = (uint32_t)val;
        v->lapic.reg[APIC_ICR_HIGH] = (uint32_t)(val >> 32);
        send_ipi(v, (uint32_t)val, (uint32_t)(val >> 32), true);
        return true;
    }
    return !(val >> 32) && reg_write(v, reg, (uint32_t)val);
}

bool vlapic_base_write(struct vcpu *v, uint64_t val)
{
    uint64_t old = v->lapic.base_msr, modes = BASE_ENABLED | BASE_X2APIC;

    if ((val & ~(modes | BASE_BSP)) != 0xfee00000 || (val & modes) == BASE_X2APIC)
        return false;
    if ((old & modes) == modes && (val & modes) == BASE_ENABLED)
        return false; /* x2APIC to xAPIC needs a disable in between */
    v->lapic.base_msr = (val & ~BASE_BSP) | (old & BASE_BSP);
    return true;
}

void vlapic_mmio(struct vcpu *v, void *arg, uint64_t offset, unsigned size, bool write, uint64_t *val)
{
    uint32_t low = (uint32_t)*val;

    if (x2apic_mode(&v->lapic) || !(v->lapic.base_msr & BASE_ENABLED) || offset & 15 || size < 4)
        return;
    if (write) {
        reg_write(v, (unsigned)(offset >> 4), low);
        return;
    }
    reg_read(v, (unsigned)(offset >> 4), &low);
    *val = low;
}

void vlapic_reset(struct vcpu *v)
{
    struct vlapic *a = &v->lapic;
    uint64_t base = a->base_msr;

    timer_stop(&a->timer);
    memset(a, 0, offsetof(struct vlapic, timer));
    a->base_msr = base;
    a->reg[APIC_VERSION] = VERSION;
    a->reg[APIC_DFR] = 0xffffffff;
    a->reg[APIC_SVR] = 0xff;
    mask_lvts(a);
}

void vlapic_init(struct vcpu *v)
{
    v->lapic.base_msr = 0xfee00000 | BASE_ENABLED | (v->id ? 0 : BASE_BSP);
    v->lapic.timer.fn = timer_fired;
    v->lapic.timer.arg = v;
    vlapic_reset(v);
}
