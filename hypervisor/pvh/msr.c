/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MSRs of guests: what the local APIC owns, a private copy of the MTRRs, zeros for what Linux only looks at
 * (docs/hypervisor.md), #GP for everything else.
 */
#include "bh/domain.h"
#include "bh/exit.h"
#include "bh/lib.h"
#include "bh/msr.h"
#include "bh/page.h"

#define XEN_MSR_HYPERCALL_PAGE 0x40000000u

/* MSRs that read as a constant and ignore writes. */
static const struct {
    uint32_t first, last;
    uint64_t value;
} constants[] = {
    {0x17, 0x17, 0},          /* platform id */
    {0x1b0, 0x1b0, 0},        /* energy bias */
    {0x8b, 0x8b, 0x01000065}, /* microcode revision */
    {0xce, 0xce, 0},          /* platform info */
    {MSR_MCG_CAP, 0x17b, 0},  /* no machine-check banks */
    {MSR_MC0_CTL, 0x47f, 0},
    {0xc0010000, 0xc0010007, 0}, /* K7 performance counters */
    {0xc0010010, 0xc0010010, 0}, /* SYSCFG */
    {0xc0010015, 0xc0010015, 0}, /* HWCR */
    {0xc001001f, 0xc001001f, 0}, /* NB_CFG */
    {0xc0010055, 0xc0010055, 0}, /* interrupt pending message */
    {0xc0010061, 0xc0010063, 0}, /* P-states */
    {0xc0010064, 0xc001006b, 0},
    {0xc0010112, 0xc0010113, 0}, /* SMM address and mask */
    {0xc0010140, 0xc0010141, 0}, /* OS visible workarounds */
    {0xc0010200, 0xc001020b, 0}, /* performance counters */
    {0xc0011020, 0xc0011023, 0}, /* LS_CFG and friends */
    {0xc001102a, 0xc001102a, 0},
    {MSR_DE_CFG, MSR_DE_CFG, 2}, /* LFENCE is serialising */
    {MSR_MISC_ENABLE, MSR_MISC_ENABLE, 1},
    {MSR_DEBUGCTL, MSR_DEBUGCTL, 0},
    {0x3a, 0x3a, 1}, /* feature control: locked */
    {XEN_MSR_HYPERCALL_PAGE, XEN_MSR_HYPERCALL_PAGE, 0},
};

static const uint32_t mtrr_fixed_msr[11] = {0x250, 0x258, 0x259, 0x268, 0x269, 0x26a,
                                            0x26b, 0x26c, 0x26d, 0x26e, 0x26f};

static uint64_t *mtrr(struct vcpu *v, uint32_t msr)
{
    if (msr == MSR_MTRR_DEF_TYPE)
        return &v->mtrr_def_type;
    if (msr >= 0x200 && msr < 0x210)
        return &v->mtrr_var[msr - 0x200];
    for (unsigned i = 0; i < ARRAY_SIZE(mtrr_fixed_msr); i++)
        if (msr == mtrr_fixed_msr[i])
            return &v->mtrr_fixed[i];
    return NULL;
}

static bool is_constant(uint32_t msr, uint64_t *val)
{
    for (unsigned i = 0; i < ARRAY_SIZE(constants); i++)
        if (msr >= constants[i].first && msr <= constants[i].last) {
            *val = constants[i].value;
            return true;
        }
    return false;
}

/* One 32-byte stub a hypercall: mov $n, %eax; vmmcall; ret (iret's slot: ud2). */
bool hypercall_page_fill(struct domain *d, gfn_t g)
{
    mfn_t m;
    uint8_t *p = guest_frame_get(d, g, &m);

    if (!p)
        return false;
    memset(p, 0xcc, PAGE_SIZE);
    for (uint32_t i = 0; i < 128; i++) {
        uint8_t stub[] = {0xb8, (uint8_t)i, 0, 0, 0, 0x0f, 0x01, 0xd9, 0xc3};

        if (cpu_features.intel)
            stub[7] = 0xc1; /* vmcall */
        memcpy(p + i * 32, stub, sizeof(stub));
    }
    p[23 * 32] = 0x0f;
    p[23 * 32 + 1] = 0x0b;
    page_put(m);
    return true;
}

bool msr_guest_read(struct vcpu *v, uint32_t msr, uint64_t *val)
{
    const uint64_t *p;

    if (msr >= MSR_X2APIC_BASE && msr < MSR_X2APIC_BASE + 0x100)
        return vlapic_msr_read(v, msr, val);
    if (msr == MSR_APIC_BASE) {
        *val = v->lapic.base_msr;
        return true;
    }
    if (msr == MSR_MTRRCAP) {
        *val = 0x508; /* 8 variable ranges, fixed ones, write combining */
        return true;
    }
    p = mtrr(v, msr);
    if (p) {
        *val = *p;
        return true;
    }
    return is_constant(msr, val);
}

bool msr_guest_write(struct vcpu *v, uint32_t msr, uint64_t val)
{
    uint64_t old, *p;

    if (msr >= MSR_X2APIC_BASE && msr < MSR_X2APIC_BASE + 0x100)
        return vlapic_msr_write(v, msr, val);
    if (msr == MSR_APIC_BASE)
        return vlapic_base_write(v, val);
    if (msr == XEN_MSR_HYPERCALL_PAGE)
        return !(val & ~PAGE_MASK) && hypercall_page_fill(v->domain, gfn_of(val));
    if (msr == MSR_TSC) {
        virt->set_tsc_offset(v, val - rdtsc());
        vcpu_update_time_info(v); /* the PV clock counts from the TSC */
        return true;
    }
    p = mtrr(v, msr);
    if (p) {
        *p = val;
        return true;
    }
    return is_constant(msr, &old);
}

void guest_inject_gp(struct vcpu *v)
{
    virt->inject_exception(v, 13, true, 0);
}

void guest_inject_ud(struct vcpu *v)
{
    virt->inject_exception(v, 6, false, 0);
}

bool guest_xsetbv(struct vcpu *v, uint64_t val)
{
    if (!cpuid_xcr0_valid(&v->domain->cpuid, val))
        return false;
    v->xcr0 = val;
    xsetbv(val);
    return true;
}
