/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPUID as guests see it. The default policy is this machine's leaves masked by the tables below: a bit that
 * is not listed is not shown. Leaves 0x40000000… are Xen's (arch-x86/cpuid.h of the public ABI).
 */
#include "bh/domain.h"
#include "bh/lib.h"
#include "bh/time.h"

#define HYPERVISOR_BIT BIT(31)
#define X2APIC_BIT     BIT(21)
#define OSXSAVE_BIT    BIT(27)
#define VIRTUAL_BITS   48u /* LA57 is not shown */

/* What guests may be shown, by feature word (AMD APM vol. 3 appendix E, Intel SDM vol. 2 CPUID). */
/* sse3 pclmul ssse3 fma cx16 sse4 x2apic movbe popcnt aes xsave osxsave avx f16c rdrand */
#define MASK_1C 0xf6f83203u
#define MASK_1D 0x178bfbffu
/* fsgsbase bmi avx2 smep bmi2 erms rdseed adx smap clflushopt clwb sha; no mpx, hle, sgx */
#define MASK_7B  0x239c07abu
#define MASK_7C  0x00405f06u /* avx512 families, vaes, vpclmul, rdpid; no pku, la57, umip is harmless */
#define MASK_7D  0x00000010u /* fsrm */
#define MASK_D1  0x00000005u /* xsaveopt, xgetbv1 */
#define MASK_81C 0x004003f3u /* lahf cmp_legacy cr8 abm sse4a misalignsse 3dnowprefetch, topoext; no svm */
#define MASK_81D 0x2fd3fbffu
#define MASK_88B 0x00000215u /* clzero, xsaveerptr, rdpru off, wbnoinvd */

struct cpuid_policy cpuid_host, cpuid_default;

static void read_host(struct cpuid_policy *p)
{
    for (uint32_t i = 0; i < CPUID_BASIC && i <= cpu_features.max_leaf; i++)
        p->basic[i] = cpuid(i, 0);
    for (uint32_t i = 0; i < CPUID_EXT && 0x80000000u + i <= cpu_features.max_ext_leaf; i++)
        p->ext[i] = cpuid(0x80000000u + i, 0);
    for (uint32_t i = 0; i < CPUID_SUB4 && cpu_features.max_leaf >= 4; i++)
        p->leaf4[i] = cpuid(4, i);
    for (uint32_t i = 0; i < CPUID_SUB7 && cpu_features.max_leaf >= 7; i++)
        p->leaf7[i] = cpuid(7, i);
    for (uint32_t i = 0; i < CPUID_SUBD && cpu_features.max_leaf >= 0xd; i++)
        p->leafd[i] = cpuid(0xd, i);
    for (uint32_t i = 0; i < CPUID_SUB1D && cpu_features.max_ext_leaf >= 0x8000001d; i++)
        p->ext1d[i] = cpuid(0x8000001d, i);
}

/* Leaves that guests see as the host has them, unchanged; the rest is zero unless finish() fills it in. */
static const uint32_t shown_basic[] = {0, 1, 2, 4, 7, 0xb, 0xd};
static const uint32_t shown_ext[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 0x1d, 0x1e};

void cpuid_policy_finish(struct cpuid_policy *p)
{
    static const uint32_t sizes[] = {0, 0, 256, 64, 64, 64, 512, 1024}; /* XSAVE components by bit */
    uint64_t xcr0 = p->leafd[0].a;

    p->basic[0].a = MIN(p->basic[0].a, 0xdu);
    p->ext[0].a = p->ext[0].a ? MIN(p->ext[0].a, 0x8000001eu) : 0;
    p->basic[1].c |= HYPERVISOR_BIT | X2APIC_BIT;
    p->basic[1].c &= ~(uint32_t)OSXSAVE_BIT;
    if (!(p->basic[1].c & BIT(26))) { /* no XSAVE: no AVX */
        p->basic[1].c &= ~(uint32_t)(BIT(28) | BIT(12) | BIT(29));
        p->leaf7[0].b &= ~(uint32_t)BIT(5);
        memset(p->leafd, 0, sizeof(p->leafd));
        return;
    }
    xcr0 &= 3 | (p->basic[1].c & BIT(28) ? 4 : 0) | (p->leaf7[0].b & BIT(16) ? 0xe0 : 0);
    p->leafd[0].a = (uint32_t)xcr0;
    p->leafd[0].d = 0;
    p->leafd[0].c = 576;
    for (unsigned i = 2; i < 8; i++)
        if (xcr0 >> i & 1 && sizes[i])
            p->leafd[0].c = MAX(p->leafd[0].c, p->leafd[i].a + p->leafd[i].b);
    for (unsigned i = 2; i < CPUID_SUBD; i++)
        if (i >= 8 || !(xcr0 >> i & 1))
            p->leafd[i] = (struct cpuid_regs){0};
}

static void mask_default(struct cpuid_policy *g, const struct cpuid_policy *h)
{
    for (unsigned i = 0; i < ARRAY_SIZE(shown_basic); i++)
        g->basic[shown_basic[i]] = h->basic[shown_basic[i]];
    for (unsigned i = 0; i < ARRAY_SIZE(shown_ext); i++)
        g->ext[shown_ext[i]] = h->ext[shown_ext[i]];
    memcpy(g->leaf4, h->leaf4, sizeof(g->leaf4));
    memcpy(g->leafd, h->leafd, sizeof(g->leafd));
    memcpy(g->ext1d, h->ext1d, sizeof(g->ext1d));
    g->basic[1].b &= 0x0000ff00;
    g->basic[1].c &= MASK_1C;
    g->basic[1].d &= MASK_1D;
    g->leaf7[0].b = h->leaf7[0].b & MASK_7B;
    g->leaf7[0].c = h->leaf7[0].c & MASK_7C;
    g->leaf7[0].d = h->leaf7[0].d & MASK_7D;
    if (!(cpu_features.xcr0_mask & 0xe0))
        g->leaf7[0].b &= ~(uint32_t)(BIT(16) | BIT(17) | BIT(28) | BIT(30) | BIT(31));
    g->leafd[1] = (struct cpuid_regs){.a = h->leafd[1].a & MASK_D1};
    g->leafd[0].a &= (uint32_t)cpu_features.xcr0_mask;
    g->basic[0xb] = (struct cpuid_regs){0};
    g->ext[1].c &= MASK_81C;
    g->ext[1].d &= MASK_81D;
    if (!cpu_features.rdtscp)
        g->ext[1].d &= ~(uint32_t)BIT(27);
    g->ext[7] = (struct cpuid_regs){.d = cpu_features.invariant_tsc ? (uint32_t)BIT(8) : 0};
    g->ext[8] =
        (struct cpuid_regs){.a = (h->ext[8].a & 0xff) | VIRTUAL_BITS << 8, .b = h->ext[8].b & MASK_88B};
    cpuid_policy_finish(g);
}

void cpuid_policy_init(void)
{
    read_host(&cpuid_host);
    mask_default(&cpuid_default, &cpuid_host);
}

/* Where a policy has a leaf; NULL: nowhere. */
static struct cpuid_regs *leaf_at(struct cpuid_policy *p, uint32_t leaf, uint32_t sub)
{
    switch (leaf) {
    case 4:
        return sub < CPUID_SUB4 ? &p->leaf4[sub] : NULL;
    case 7:
        return sub < CPUID_SUB7 ? &p->leaf7[sub] : NULL;
    case 0xd:
        return sub < CPUID_SUBD ? &p->leafd[sub] : NULL;
    case 0x8000001d:
        return sub < CPUID_SUB1D ? &p->ext1d[sub] : NULL;
    default:
        return leaf < CPUID_BASIC               ? &p->basic[leaf]
               : leaf - 0x80000000u < CPUID_EXT ? &p->ext[leaf - 0x80000000u]
                                                : NULL;
    }
}

/* Xen's leaves; `leaf` counts from the base. */
static void xen_leaf(struct vcpu *v, uint32_t leaf, uint32_t sub, struct cpuid_regs *r)
{
    switch (leaf) {
    case 0:
        *r = (struct cpuid_regs){0x40000005, XEN_CPUID_SIGNATURE_EBX, XEN_CPUID_SIGNATURE_ECX,
                                 XEN_CPUID_SIGNATURE_EDX};
        break;
    case 1:
        r->a = 0x00040011;
        break;
    case 2:
        *r = (struct cpuid_regs){1, 0x40000000, 0, 0};
        break;
    case 3:
        if (sub == 0)
            *r = (struct cpuid_regs){0, 0, (uint32_t)tsc_khz, 0};
        else if (sub == 1)
            *r = (struct cpuid_regs){(uint32_t)v->tsc_offset, (uint32_t)(v->tsc_offset >> 32), tsc_to_ns_mul,
                                     (uint8_t)tsc_shift};
        else if (sub == 2)
            r->a = (uint32_t)tsc_khz;
        break;
    case 4: /* no UPCALL_VECTOR: the callback vector saves the guest an EOI for every event */
        *r = (struct cpuid_regs){0, v->id, v->domain->id, 0};
        r->a = XEN_HVM_CPUID_VCPU_ID_PRESENT | XEN_HVM_CPUID_DOMID_PRESENT |
               (v->domain->hardware ? XEN_HVM_CPUID_IOMMU_MAPPINGS : 0);
        break;
    default:
        break;
    }
}

/* Parts of leaves that depend on the vCPU or on its control registers. */
static void dynamic(struct vcpu *v, uint32_t leaf, uint32_t sub, struct cpuid_regs *r)
{
    uint32_t id = vlapic_id(v);

    switch (leaf) {
    case 1:
        r->b = (r->b & 0xff00) | id << 24 | MIN(v->domain->max_vcpus * 2, 255u) << 16;
        if (virt->cr4(v) & X86_CR4_OSXSAVE)
            r->c |= (uint32_t)OSXSAVE_BIT;
        if (v->domain->max_vcpus > 1)
            r->d |= (uint32_t)BIT(28);
        break;
    case 0xb:
        *r = (struct cpuid_regs){.c = sub & 0xff, .d = id};
        if (sub == 0)
            r->a = 1, r->b = 1, r->c |= 1 << 8;
        else if (sub == 1)
            r->a = 8, r->b = v->domain->max_vcpus, r->c |= 2 << 8;
        break;
    case 0xd:
        if (sub == 0) { /* size for the components enabled now */
            const struct cpuid_policy *p = &v->domain->cpuid;

            r->b = 576;
            for (unsigned i = 2; i < 8; i++)
                if (v->xcr0 >> i & 1)
                    r->b = MAX(r->b, p->leafd[i].a + p->leafd[i].b);
        }
        break;
    case 0x8000001e:
        r->a = id;
        break;
    default:
        break;
    }
}

void cpuid_guest(struct vcpu *v, uint32_t leaf, uint32_t sub, struct cpuid_regs *out)
{
    struct cpuid_policy *p = &v->domain->cpuid;
    const struct cpuid_regs *r;

    if (leaf - 0x40000000u < 0x10000u) {
        *out = (struct cpuid_regs){0};
        if (leaf - 0x40000000u < 0x100)
            xen_leaf(v, leaf - 0x40000000u, sub, out);
        return;
    }
    r = leaf > (leaf >> 31 ? p->ext[0].a : p->basic[0].a) ? NULL : leaf_at(p, leaf, sub);
    *out = r ? *r : (struct cpuid_regs){0};
    dynamic(v, leaf, sub, out);
}

struct exporter {
    xen_cpuid_leaf_t *out;
    uint32_t n, max;
};

static void export(struct exporter *e, uint32_t leaf, uint32_t sub, const struct cpuid_regs *r)
{
    if (e->n < e->max)
        e->out[e->n] = (xen_cpuid_leaf_t){leaf, sub, r->a, r->b, r->c, r->d};
    e->n++;
}

/* The subleaves that a leaf is exported with; *n 0: it has none. */
static const struct cpuid_regs *subleaves(const struct cpuid_policy *p, uint32_t leaf, uint32_t *n)
{
    static const struct cpuid_regs topology[2]; /* filled in per vCPU */

    *n = leaf == 4     ? CPUID_SUB4
         : leaf == 7   ? 1
         : leaf == 0xb ? ARRAY_SIZE(topology)
         : leaf == 0xd ? CPUID_SUBD
                       : 0;
    return leaf == 4 ? p->leaf4 : leaf == 7 ? p->leaf7 : leaf == 0xb ? topology : p->leafd;
}

uint32_t cpuid_policy_export(const struct cpuid_policy *p, xen_cpuid_leaf_t *out, uint32_t max)
{
    struct exporter e = {.out = out, .max = max};

    /* libxenguest takes no more basic leaves than this */
    for (uint32_t i = 0; i <= MIN(p->basic[0].a, 0xdu); i++) {
        uint32_t n;
        const struct cpuid_regs *sub = subleaves(p, i, &n);

        for (uint32_t s = 0; s < n; s++)
            export(&e, i, s, &sub[s]);
        if (!n)
            export(&e, i, XEN_CPUID_NO_SUBLEAF, &p->basic[i]);
    }
    for (uint32_t i = 0; 0x80000000u + i <= p->ext[0].a && i < CPUID_EXT; i++)
        if (i != 0x1d)
            export(&e, 0x80000000u + i, XEN_CPUID_NO_SUBLEAF, &p->ext[i]);
    return e.n;
}

/* What the toolstack may set; all else is as the hypervisor has it. */
enum { SET_A = 1, SET_B = 2, SET_C = 4, SET_D = 8, SET_ALL = 15, ANY_SUB = 255 };
static const struct {
    uint32_t leaf;
    uint8_t sub, regs;
    bool clip; /* to what the default policy has */
} settable[] = {
    {0, ANY_SUB, SET_ALL, false},
    {1, ANY_SUB, SET_C | SET_D, true},
    {4, ANY_SUB, SET_ALL, false},
    {7, 0, SET_ALL, true},
    {0xd, 0, SET_A, true},
    {0xd, 1, SET_A, true},
    {0x80000000, ANY_SUB, SET_A, false},
    {0x80000001, ANY_SUB, SET_C | SET_D, true},
    {0x80000007, ANY_SUB, SET_D, true},
    {0x80000008, ANY_SUB, SET_B, true},
};

bool cpuid_policy_set(struct cpuid_policy *p, const xen_cpuid_leaf_t *l)
{
    static const struct cpuid_regs ones = {~0u, ~0u, ~0u, ~0u};
    struct cpuid_regs *r = leaf_at(p, l->leaf, l->subleaf);

    for (unsigned i = 0; r && i < ARRAY_SIZE(settable); i++) {
        const struct cpuid_regs *m = settable[i].clip ? leaf_at(&cpuid_default, l->leaf, l->subleaf) : &ones;
        uint8_t which = settable[i].regs;

        if (settable[i].leaf != l->leaf || (settable[i].sub != l->subleaf && settable[i].sub != ANY_SUB))
            continue;
        r->a = which & SET_A ? l->a & m->a : r->a;
        r->b = which & SET_B ? l->b & m->b : r->b;
        r->c = which & SET_C ? l->c & m->c : r->c;
        r->d = which & SET_D ? l->d & m->d : r->d;
    }
    return l->leaf < CPUID_BASIC || l->leaf - 0x80000000u < CPUID_EXT || l->leaf - 0x40000000u < 0x10000u;
}
