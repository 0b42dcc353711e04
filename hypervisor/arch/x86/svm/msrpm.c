/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The MSR permission map (APM vol. 2 §15.11): what guests may read and write without an exit. One for all. */
#include "svm.h"
#include "bh/lib.h"
#include "bh/msr.h"

static uint8_t *map;

/* These live in the VMCB (or are switched with the vCPU), so direct access touches the guest's own value. */
static const uint32_t direct[] = {
    MSR_SYSENTER_CS, MSR_SYSENTER_ESP, MSR_SYSENTER_EIP, MSR_STAR,           MSR_LSTAR, MSR_CSTAR,
    MSR_SFMASK,      MSR_FS_BASE,      MSR_GS_BASE,      MSR_KERNEL_GS_BASE, MSR_PAT,
};

static void allow(uint32_t msr, bool read, bool write)
{
    uint32_t base = msr < 0x2000 ? 0 : msr < 0xc0002000 ? 0x800 : 0x1000;
    uint32_t n = (msr & 0x1fff) * 2;
    uint8_t *byte = &map[base + n / 8];

    if (read)
        *byte &= (uint8_t) ~(1u << (n & 7));
    if (write)
        *byte &= (uint8_t) ~(2u << (n & 7));
}

void svm_msrpm_init(void)
{
    map = page_va_alloc(1, 0);
    if (!map)
        panic("too little memory for the MSR map");
    memset(map, 0xff, 2 * PAGE_SIZE);
    for (unsigned i = 0; i < ARRAY_SIZE(direct); i++)
        allow(direct[i], true, true);
    if (cpu_features.rdtscp)
        allow(MSR_TSC_AUX, true, true);
    allow(MSR_TSC, true, false);
}

paddr_t svm_msrpm_pa(void)
{
    return va_to_pa(map);
}
