/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the CPUs can do, and each CPU's descriptor tables and control registers. */
#include "bh/cpu.h"
#include "bh/lib.h"
#include "bh/msr.h"

struct cpu_features cpu_features;
struct cpu *cpus[MAX_CPUS];
unsigned nr_cpus;

extern char trap_stubs[];

struct gate {
    uint16_t offset_lo, selector;
    uint8_t ist, type;
    uint16_t offset_mid;
    uint32_t offset_hi, zero;
} __packed_struct;
static struct gate idt[256];

struct descriptor_pointer {
    uint16_t limit;
    uint64_t base;
} __packed_struct;

void cpu_features_init(struct cpuid_regs (*ask)(uint32_t leaf, uint32_t sub))
{
    struct cpu_features *f = &cpu_features;
    struct cpuid_regs r = ask(0, 0);

    f->max_leaf = r.a;
    f->amd = r.b == 0x68747541 || r.b == 0x6f677948; /* AuthenticAMD, HygonGenuine */
    f->intel = r.b == 0x756e6547;
    f->x87_pointers_stay = f->amd;
    r = ask(1, 0);
    f->family = (r.a >> 8 & 15) + ((r.a >> 8 & 15) == 15 ? r.a >> 20 & 255 : 0);
    f->x2apic = r.c & BIT(21);
    f->xsave = r.c & BIT(26);
    if (f->max_leaf >= 7) {
        r = ask(7, 0);
        f->smep = r.b & BIT(7);
        f->smap = r.b & BIT(20);
        f->ibpb = r.d & BIT(26);
        f->verw = r.d & BIT(10);                                                    /* MD_CLEAR */
        f->more_cr4 = r.c & (BIT(3) | BIT(7) | BIT(16) | BIT(31)) || r.d & BIT(20); /* PKU CET LA57 PKS IBT */
    }
    f->max_ext_leaf = ask(0x80000000, 0).a;
    r = ask(0x80000001, 0);
    f->nx = r.d & BIT(20);
    f->gb_pages = r.d & BIT(26);
    f->rdtscp = r.d & BIT(27);
    if (f->max_ext_leaf >= 0x80000007)
        f->invariant_tsc = ask(0x80000007, 0).d & BIT(8);
    f->phys_bits = 36;
    if (f->max_ext_leaf >= 0x80000008) {
        r = ask(0x80000008, 0);
        f->phys_bits = r.a & 0xff;
        f->ibpb |= (r.b & BIT(12)) != 0;
        f->x87_pointers_stay &= !(r.b & BIT(2)); /* RstrFpErrPtrs */
    }
    if (f->max_ext_leaf >= 0x80000021) {
        r = ask(0x80000021, 0);
        f->auto_ibrs = r.a & BIT(8);
        f->verw |= (r.a & BIT(5)) != 0; /* VERW_CLEAR */
    }
}

/* Gates 2 (NMI), 8 (double fault) and 18 (machine check) have stacks of their own. */
static void idt_init(void)
{
    static const uint8_t ist[256] = {[2] = 1, [8] = 2, [18] = 3};

    for (unsigned i = 0; i < 256; i++) {
        uint64_t a = (uintptr_t)trap_stubs + 16ul * i;

        idt[i] = (struct gate){.offset_lo = (uint16_t)a,
                               .selector = 8,
                               .ist = ist[i],
                               .type = 0x8e,
                               .offset_mid = (uint16_t)(a >> 16),
                               .offset_hi = (uint32_t)(a >> 32)};
    }
}

void cpu_init_tables(struct cpu *c)
{
    uint64_t tss = (uintptr_t)c->tss;
    struct descriptor_pointer gdtr = {sizeof(c->gdt) - 1, (uintptr_t)c->gdt};
    struct descriptor_pointer idtr = {sizeof(idt) - 1, (uintptr_t)idt};

    if (!idt[0].type)
        idt_init();
    c->self = c;
    c->gdt[1] = 0x00af9b000000ffff;
    c->gdt[2] = 0x00cf93000000ffff;
    c->gdt[4] = 0x0000890000000000 | (sizeof(c->tss) - 1) | (tss & 0xffffff) << 16 | (tss >> 24 & 0xff) << 56;
    c->gdt[5] = tss >> 32;
    for (unsigned i = 0; i < 3; i++) { /* IST 1-3 */
        uint64_t top = (uintptr_t)c->ist_stacks + (i + 1) * PAGE_SIZE;

        memcpy(&c->tss[9 + 2 * i], &top, sizeof(top));
    }
    c->tss[25] = sizeof(c->tss) << 16; /* no I/O bitmap */
    __asm__ volatile("lgdt %0; lidt %1" ::"m"(gdtr), "m"(idtr));
    __asm__ volatile(
        "mov %0, %%ds; mov %0, %%es; mov %0, %%ss; mov %1, %%fs; mov %1, %%gs; ltr %w2" ::"r"(0x10), "r"(0),
        "r"(0x20));
    wrmsr(MSR_GS_BASE, (uintptr_t)c);
}

void cpu_init_control(void)
{
    /* PSE means nothing here; but Linux has it, and QEMU clears its TLB anew where guest and host differ */
    uint64_t cr4 =
        X86_CR4_PSE | X86_CR4_PAE | X86_CR4_PGE | X86_CR4_MCE | X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT;

    if (cpu_features.smep)
        cr4 |= X86_CR4_SMEP;
    if (cpu_features.smap)
        cr4 |= X86_CR4_SMAP;
    if (cpu_features.xsave)
        cr4 |= X86_CR4_OSXSAVE;
    write_cr4(cr4);
    wrmsr(MSR_PAT, 0x0007010600070106ull); /* WB, WC (write-combining), UC-, UC */
    if (cpu_features.xsave && !cpu_features.xcr0_mask) {
        struct cpuid_regs r = cpuid(0xd, 0);

        cpu_features.xcr0_mask = ((uint64_t)r.d << 32 | r.a) & 0xe7; /* x87 SSE AVX AVX-512 */
        xsetbv(cpu_features.xcr0_mask);
        cpu_features.xsave_size = cpuid(0xd, 0).b;
    }
    if (!cpu_features.xsave)
        cpu_features.xsave_size = 512;
}
