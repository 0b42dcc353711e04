/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a guest's instructions may do: CPUID's policy, MSRs, instructions that trap, ports, the local APIC. */
#include "guest.h"

#define UD 6
#define GP 13
#define PF 14

static void fn_vmrun(void *a)
{
    __asm__ volatile("vmrun %%rax" ::"a"(a));
}
static void fn_vmload(void *a)
{
    __asm__ volatile("vmload %%rax" ::"a"(a));
}
static void fn_vmsave(void *a)
{
    __asm__ volatile("vmsave %%rax" ::"a"(a));
}
static void fn_clgi(void *a)
{
    (void)a;
    __asm__ volatile("clgi");
}
static void fn_stgi(void *a)
{
    (void)a;
    __asm__ volatile("stgi");
}
static void fn_invlpga(void *a)
{
    __asm__ volatile("invlpga %%rax, %%ecx" ::"a"(a), "c"(0));
}
static void fn_vmxon(void *a)
{
    __asm__ volatile("vmxon (%0)" ::"r"(a));
}
static void fn_monitor(void *a)
{
    __asm__ volatile("monitor" ::"a"(a), "c"(0), "d"(0));
}
static void fn_mwait(void *a)
{
    (void)a;
    __asm__ volatile("mwait" ::"a"(0), "c"(0));
}
static void fn_ud2(void *a)
{
    (void)a;
    __asm__ volatile("ud2");
}
static void fn_int3(void *a)
{
    (void)a;
    __asm__ volatile("int3");
}
static void fn_div(void *a)
{
    __asm__ volatile("xor %%edx, %%edx; div %0" ::"r"((uint32_t)(uintptr_t)a), "a"(1) : "edx");
}
static void fn_read(void *a)
{
    (void)*(volatile char *)a;
}
static void fn_rdmsr(void *a)
{
    rdmsr((uint32_t)(uintptr_t)a);
}
static void fn_wrmsr(void *a)
{
    const uint64_t *w = a;

    wrmsr((uint32_t)w[0], w[1]);
}
static void fn_xsetbv(void *a)
{
    uint64_t v = (uint64_t)a;

    __asm__ volatile("xsetbv" ::"c"(0), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)));
}
static void fn_cr4(void *a)
{
    __asm__ volatile("mov %0, %%cr4" ::"r"(a));
}
static void fn_cr4_high(void *a) /* a register that needs a prefix */
{
    __asm__ volatile("mov %0, %%r9; mov %%r9, %%cr4" ::"r"(a) : "r9");
}
static void fn_rdpmc(void *a)
{
    (void)a;
    __asm__ volatile("rdpmc" ::"c"(0) : "eax", "edx");
}

static void test_instructions(void)
{
    static const struct {
        const char *what;
        void (*fn)(void *);
        void *arg;
        int vector;
    } t[] = {
        {"VMRUN", fn_vmrun, NULL, UD},
        {"VMLOAD", fn_vmload, NULL, UD},
        {"VMSAVE", fn_vmsave, NULL, UD},
        {"CLGI", fn_clgi, NULL, UD},
        {"STGI", fn_stgi, NULL, UD},
        {"INVLPGA", fn_invlpga, NULL, UD},
        {"VMXON", fn_vmxon, NULL, UD},
        {"MONITOR", fn_monitor, (void *)0x1000000, UD},
        {"MWAIT", fn_mwait, NULL, UD},
        {"UD2", fn_ud2, NULL, UD},
        {"INT3", fn_int3, NULL, 3},
        {"a division by 0", fn_div, NULL, 0},
        {"a page that is not mapped", fn_read, (void *)BAD_POINTER, PF},
        {"a non-canonical address", fn_read, (void *)NON_CANONICAL, GP},
        {"RDPMC", fn_rdpmc, NULL, GP},
    };

    for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
        int v = try_call(t[i].fn, t[i].arg);

        check(v == t[i].vector, "%s raises exception %d", t[i].what, t[i].vector);
        if (v != t[i].vector)
            print("# got %d\n", v);
    }
}

static void test_msrs(void)
{
    static const uint32_t absent[] = {
        0xc0010117 /* VM_HSAVE_PA */, 0x12345678, 0x40000001, 0xc0011234, 0x480 /* VMX */, 0x0};
    static const uint64_t refused[][2] = {
        {0xc0000080, 0x1d01 /* EFER.SVME */},
        {0xc0000080, 1ul << 40},
        {0xc0000080, 1 /* LME off while paging */},
        {0xc0010117, 0x1000},
        {0x12345678, 0},
    };

    check(!(rdmsr(0xc0000080) >> 12 & 1), "EFER does not show SVME");
    check(rdmsr(0xc0000080) >> 10 & 1, "EFER shows long mode");
    for (unsigned i = 0; i < ARRAY_SIZE(absent); i++)
        if (absent[i])
            check(try_call(fn_rdmsr, (void *)(uintptr_t)absent[i]) == GP, "RDMSR %x raises #GP", absent[i]);
    for (unsigned i = 0; i < ARRAY_SIZE(refused); i++)
        check(try_call(fn_wrmsr, (void *)(uintptr_t)refused[i]) == GP, "WRMSR %lx, %lx raises #GP",
              refused[i][0], refused[i][1]);
    wrmsr(0x277, 0x0007040600070406);
    check(rdmsr(0x277) == 0x0007040600070406, "PAT is kept");
    wrmsr(0xc0000102, 0x1234567890);
    check(rdmsr(0xc0000102) == 0x1234567890, "KERNEL_GS_BASE is kept");
}

static void test_cpuid(void)
{
    uint32_t r[4], max;

    cpuid(0x40000000, 0, r);
    max = r[0];
    check(r[1] == 0x566e6558 && r[2] == 0x65584d4d && r[3] == 0x4d4d566e, "CPUID: XenVMMXenVMM");
    check(max >= 0x40000004, "CPUID: leaves up to %x", max);
    cpuid(0x40000001, 0, r);
    check(r[0] == 0x40011, "CPUID: version 4.17");
    cpuid(0x40000002, 0, r);
    check(r[0] == 1 && r[1] >= 0x40000000, "CPUID: one hypercall page by MSR %x", r[1]);
    cpuid(1, 0, r);
    check(r[2] >> 31, "CPUID: a hypervisor is present");
    check(!(r[2] >> 5 & 1) && !(r[2] >> 3 & 1), "CPUID: no VMX, no MONITOR");
    check(r[2] >> 21 & 1, "CPUID: x2APIC");
    cpuid(0x80000001, 0, r);
    check(!(r[2] >> 2 & 1), "CPUID: no SVM");
    cpuid(0x8000000a, 0, r);
    check(!r[3], "CPUID: no SVM features");
    cpuid(0x40000100, 0, r);
    check(!r[1] && !r[2] && !r[3], "CPUID: no second hypervisor");
}

/* The stubs of the hypercall page, for kernels that call through it. */
static void test_hypercall_page(void)
{
    static char page[4096] __attribute__((aligned(4096)));
    static const uint64_t nowhere[] = {0x40000000, (EMPTY_GFN + 0x5000) << 12};
    long rax = -1;
    uint32_t r[4];

    cpuid(0x40000002, 0, r);
    wrmsr(r[1], (uint64_t)page);
    __asm__ volatile("call *%1"
                     : "=a"(rax)
                     : "r"(page + __HYPERVISOR_xen_version * 32), "D"(0), "S"(0)
                     : "rcx", "r11", "memory");
    check(rax == 0x40011, "a call through the hypercall page");
    check(try_call(fn_wrmsr, (void *)(uintptr_t)nowhere) == GP,
          "a hypercall page where nothing is raises #GP");
}

static void test_xsetbv(void)
{
    uint32_t r[4];
    uint64_t cr4;

    cpuid(1, 0, r);
    if (!(r[2] >> 26 & 1))
        return;
    __asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
    __asm__ volatile("mov %0, %%cr4" ::"r"(cr4 | 1 << 18));
    cpuid(1, 0, r);
    check(r[2] >> 27 & 1, "OSXSAVE follows CR4");
    check(try_call(fn_xsetbv, (void *)3) == -1, "XSETBV x87, SSE");
    cpuid(0xd, 0, r);
    check(r[1] == 576, "their XSAVE area has %u bytes", r[1]);
    if (r[0] & 4) {
        uint32_t all = r[2], avx[4];

        cpuid(0xd, 2, avx);
        check(try_call(fn_xsetbv, (void *)7) == -1, "XSETBV x87, SSE, AVX");
        cpuid(0xd, 0, r);
        check(r[1] == avx[0] + avx[1], "their XSAVE area has %u bytes", r[1]);
        check(r[1] <= all && r[2] == all, "of at most %u", all);
    }
    check(try_call(fn_xsetbv, (void *)2) == GP, "XSETBV without x87 raises #GP");
    check(try_call(fn_xsetbv, (void *)(1ul << 40)) == GP, "XSETBV of reserved bits raises #GP");
}

static void test_ports(void)
{
    uint8_t pic = inb(0x21), rtc;

    check(pic == 0xff, "there is no PIC: %x", pic);
    outb(0x21, 0x55);
    outb(0x43, 0x80);
    outb(0x70, 0x0a);
    rtc = inb(0x71);
    check(rtc != 0xff, "the RTC answers: %x", rtc);
    check(inb(0x3fd) == 0xff, "the hypervisor's serial port is not seen");
}

static void test_apic(void)
{
    volatile uint32_t *mmio = (volatile uint32_t *)0xfee00000ul;
    static const uint64_t refused[][2] = {
        {0x80d, 1}, {0x80f, 1ul << 40}, {0x83f, 1ul << 32}, {0x80b, 5}, {0x802, 1}};

    check((mmio[0x30 / 4] & 0xff) >= 0x10, "local APIC by memory: version %x", mmio[0x30 / 4]);
    wrmsr(0x1b, rdmsr(0x1b) | 0xc00);
    check((rdmsr(0x1b) & 0xc00) == 0xc00, "x2APIC mode");
    check(rdmsr(0x802) == 0, "its id");
    wrmsr(0x80f, 0x1ff);
    check(rdmsr(0x80f) == 0x1ff, "spurious vector register");
    wrmsr(0x83f, UPCALL_VECTOR);
    upcall_needs_eoi = true;
    check((rdmsr(0x827) >> (UPCALL_VECTOR - 0xe0) & 1) == 1, "a self-IPI is requested");
    {
        unsigned before = upcalls;

        interrupts_window();
        check(upcalls == before + 1, "and comes");
    }
    check(rdmsr(0x827) == 0 && rdmsr(0x817) == 0, "IRR and ISR are clear after it");
    for (unsigned i = 0; i < ARRAY_SIZE(refused); i++)
        check(try_call(fn_wrmsr, (void *)(uintptr_t)refused[i]) == GP, "WRMSR %lx, %lx raises #GP",
              refused[i][0], refused[i][1]);
}

/* Frames without anything read as ones and take writes; nothing stops. */
static void test_holes(void)
{
    volatile uint32_t *hole = (volatile uint32_t *)((EMPTY_GFN + 0x6000) << 12);

    check(*hole == 0xffffffff, "empty memory reads all ones");
    *hole = 5;
    check(*hole == 0xffffffff, "and keeps nothing");
}

#define AHCI_CONFIG    0x8000fa00u /* q35's 0000:00:1f.2 by port 0xcf8 */
#define AHCI_BAR       0x24
#define IOMMU_REGS     0xfed80000u /* where QEMU has AMD-Vi's registers */
#define IOMMU_CONTROL  0x18
#define COMMAND        4
#define COMMAND_MEMORY 2u

static void ahci_write(unsigned reg, uint32_t val)
{
    outl(0xcf8, AHCI_CONFIG | reg);
    outl(0xcfc, val);
}

/* A device's registers moved over those of the IOMMU do not open these to dom0. */
static void test_denied(void)
{
    volatile uint32_t *control = (volatile uint32_t *)(uintptr_t)(IOMMU_REGS + IOMMU_CONTROL);
    uint32_t bar, command;

    outl(0xcf8, AHCI_CONFIG | COMMAND);
    command = inl(0xcfc) & 0xffff;
    outl(0xcf8, AHCI_CONFIG | AHCI_BAR);
    bar = inl(0xcfc);
    check(*control == 0xffffffff, "the IOMMU's registers cannot be reached");
    ahci_write(COMMAND, command & ~COMMAND_MEMORY);
    ahci_write(AHCI_BAR, IOMMU_REGS);
    ahci_write(COMMAND, command | COMMAND_MEMORY);
    check(*control == 0xffffffff, "nor as a device's");
    *control = 0;
    ahci_write(COMMAND, command & ~COMMAND_MEMORY);
    ahci_write(AHCI_BAR, bar);
    ahci_write(COMMAND, command | COMMAND_MEMORY);
    check(*(volatile uint32_t *)(uintptr_t)(bar & ~0xfu) != 0xffffffff, "the device is back at its place");
}

static uint64_t cr4(void)
{
    uint64_t v;

    __asm__ volatile("mov %%cr4, %0" : "=r"(v));
    return v;
}

/* Bits that CPUID does not list cannot be set, also where the CPU knows them (here protection keys); the
 * others can. */
static void test_cr4(void)
{
    static const unsigned refused[] = {12, 13, 14, 22, 23, 24, 31, 40};
    uint64_t was = cr4();

    for (unsigned i = 0; i < ARRAY_SIZE(refused); i++) {
        int vector = try_call(fn_cr4, (void *)(was | 1ul << refused[i]));

        check(vector == GP && cr4() == was, "CR4 bit %u cannot be set", refused[i]);
    }
    check(try_call(fn_cr4, (void *)(was | 0x84)) < 0 && cr4() == (was | 0x84), "TSD and PGE can");
    check(try_call(fn_cr4_high, (void *)was) < 0 && cr4() == was, "and be cleared out of another register");
}

void guest_main(void)
{
    test_instructions();
    test_cpuid();
    test_msrs();
    test_hypercall_page();
    test_xsetbv();
    if (word_number("cr4", 0)) /* where it is trapped: TCG itself takes any bit, and then refuses the guest */
        test_cr4();
    test_apic();
    test_ports();
    test_holes();
    if (is_dom0())
        test_denied();
}
