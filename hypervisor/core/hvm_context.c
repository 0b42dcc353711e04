/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records of virtual CPUs to and from their state: one table of record types. What comes in is checked for
 * everything that would make the CPU refuse to enter the guest or fault in the hypervisor (FPU image,
 * control registers); the rest is the guest's own business.
 */
#include "bh/hvm_context.h"
#include "bh/domain.h"
#include "bh/lib.h"
#include "bh/msr.h"
#include "bh/time.h"

#define XSAVE_LEGACY      512u
#define XSAVE_HEADER_END  576u
#define XSAVE_RECORD_HEAD offsetof(struct hvm_hw_cpu_xsave, save_area)
#define MXCSR_OFFSET      24u
#define MXCSR_VALID       0xffffu /* bits that every x86-64 CPU has: others fault when loaded */

#define EFER_ALLOWED    (EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE)
#define EVENT_ALLOWED   (0xffffffff80000fffull)
#define EVENT_VALID_BIT BIT(31)

struct context {
    struct domain *d;
    uint64_t tsc_now; /* one moment for all vCPUs, so that their TSCs stay in step */
};

struct record_type {
    void (*save)(const struct context *x, struct vcpu *v, void *zeroed);
    int (*load)(const struct context *x, struct vcpu *v, const void *untrusted_data, uint32_t length);
    uint32_t length;                        /* what is loaded has at least this; saved is as much */
    uint32_t (*size)(const struct vcpu *v); /* or this much, 0: nothing */
};

/* --- CPU --- */

#define FOR_EACH_SEGMENT(X)                                                                                  \
    X(es, SEG_ES)                                                                                            \
    X(cs, SEG_CS) X(ss, SEG_SS) X(ds, SEG_DS) X(fs, SEG_FS) X(gs, SEG_GS) X(ldtr, SEG_LDTR) X(tr, SEG_TR)
/* Fields of 64 bits: where the record has them, and where struct vcpu and struct cpu_state. */
struct field {
    uint16_t record, place;
};
#define IN_VCPU(field, r)  offsetof(struct hvm_hw_cpu, field), offsetof(struct vcpu, r)
#define IN_STATE(field, r) offsetof(struct hvm_hw_cpu, field), offsetof(struct cpu_state, r)
static const struct field vcpu_fields[] = {
    {IN_VCPU(rax, regs.rax)}, {IN_VCPU(rbx, regs.rbx)}, {IN_VCPU(rcx, regs.rcx)}, {IN_VCPU(rdx, regs.rdx)},
    {IN_VCPU(rbp, regs.rbp)}, {IN_VCPU(rsi, regs.rsi)}, {IN_VCPU(rdi, regs.rdi)}, {IN_VCPU(r8, regs.r8)},
    {IN_VCPU(r9, regs.r9)},   {IN_VCPU(r10, regs.r10)}, {IN_VCPU(r11, regs.r11)}, {IN_VCPU(r12, regs.r12)},
    {IN_VCPU(r13, regs.r13)}, {IN_VCPU(r14, regs.r14)}, {IN_VCPU(r15, regs.r15)}, {IN_VCPU(dr0, dr[0])},
    {IN_VCPU(dr1, dr[1])},    {IN_VCPU(dr2, dr[2])},    {IN_VCPU(dr3, dr[3])}};
static const struct field state_fields[] = {{IN_STATE(rsp, rsp)},
                                            {IN_STATE(rip, rip)},
                                            {IN_STATE(rflags, rflags)},
                                            {IN_STATE(cr0, cr0)},
                                            {IN_STATE(cr2, cr2)},
                                            {IN_STATE(cr3, cr3)},
                                            {IN_STATE(cr4, cr4)},
                                            {IN_STATE(dr6, dr6)},
                                            {IN_STATE(dr7, dr7)},
                                            {IN_STATE(sysenter_cs, sysenter_cs)},
                                            {IN_STATE(sysenter_esp, sysenter_esp)},
                                            {IN_STATE(sysenter_eip, sysenter_eip)},
                                            {IN_STATE(msr_lstar, lstar)},
                                            {IN_STATE(msr_star, star)},
                                            {IN_STATE(msr_cstar, cstar)},
                                            {IN_STATE(msr_efer, efer)},
                                            {IN_STATE(msr_syscall_mask, sfmask)},
                                            {IN_STATE(shadow_gs, kernel_gs_base)}};

static void fields_copy(void *record, void *place, const struct field *f, size_t n, bool load)
{
    for (; n > 0; n--, f++) {
        void *r = (char *)record + f->record, *p = (char *)place + f->place;

        memcpy(load ? p : r, load ? r : p, sizeof(uint64_t));
    }
}

static uint32_t cpu_size(const struct vcpu *v)
{
    return v->down ? 0 : sizeof(struct hvm_hw_cpu);
}

static void cpu_save(const struct context *x, struct vcpu *v, void *out)
{
    struct hvm_hw_cpu *c = out;
    struct cpu_state s = {0};

    virt->get_state(v, &s);
    memcpy(c->fpu_regs, v->xsave, sizeof(c->fpu_regs));
    c->flags = XEN_X86_FPU_INITIALISED;
    fields_copy(c, v, vcpu_fields, ARRAY_SIZE(vcpu_fields), false);
    fields_copy(c, &s, state_fields, ARRAY_SIZE(state_fields), false);
#define SAVE_SEGMENT(name, i)                                                                                \
    c->name##_sel = s.seg[i].selector;                                                                       \
    c->name##_limit = s.seg[i].limit;                                                                        \
    c->name##_base = s.seg[i].base;                                                                          \
    c->name##_arbytes = s.seg[i].attr;
    FOR_EACH_SEGMENT(SAVE_SEGMENT)
    c->idtr_limit = s.seg[SEG_IDTR].limit;
    c->idtr_base = s.seg[SEG_IDTR].base;
    c->gdtr_limit = s.seg[SEG_GDTR].limit;
    c->gdtr_base = s.seg[SEG_GDTR].base;
    c->msr_tsc_aux = v->tsc_aux;
    c->tsc = x->tsc_now + v->tsc_offset;
    c->pending_event = (uint32_t)s.event;
    c->error_code = (uint32_t)(s.event >> 32);
}

static bool cpu_valid(const struct hvm_hw_cpu *c)
{
    bool pg = c->cr0 & X86_CR0_PG, lme = c->msr_efer & EFER_LME, lma = c->msr_efer & EFER_LMA;

    return !c->pad0 && !(c->flags & ~(uint32_t)XEN_X86_FPU_INITIALISED) && !(c->cr0 >> 32) &&
           (!pg || c->cr0 & X86_CR0_PE) && !(c->cr4 & ~CR4_GUEST) && !(c->msr_efer & ~EFER_ALLOWED) &&
           lma == (lme && pg) && (!lma || c->cr4 & X86_CR4_PAE) && !(c->cr3 >> 52);
}

/* FPU registers of the first 512 bytes; every other component in its initial state. */
static void fpu_load(struct vcpu *v, const void *untrusted_legacy)
{
    uint64_t components = 3; /* x87, SSE */
    uint32_t mxcsr;

    vcpu_fpu_reset(v);
    memcpy(v->xsave, untrusted_legacy, XSAVE_LEGACY);
    memcpy(&mxcsr, (char *)v->xsave + MXCSR_OFFSET, sizeof(mxcsr));
    mxcsr &= MXCSR_VALID;
    memcpy((char *)v->xsave + MXCSR_OFFSET, &mxcsr, sizeof(mxcsr));
    if (cpu_features.xsave)
        memcpy((char *)v->xsave + XSAVE_LEGACY, &components, sizeof(components));
}

/* A vCPU that is still down keeps in step with the one that is loaded. */
static void tsc_load(const struct context *x, struct vcpu *v, uint64_t tsc)
{
    for_each_vcpu (x->d, w)
        if (w == v || w->down) {
            virt->set_tsc_offset(w, tsc - x->tsc_now);
            vcpu_update_time_info(w);
        }
}

static void cpu_state_load(struct vcpu *v, struct hvm_hw_cpu *c)
{
    struct cpu_state s = {0};

    virt->get_state(v, &s); /* PAT is in another record */
#define LOAD_SEGMENT(name, i)                                                                                \
    s.seg[i] = (struct segment){(uint16_t)c->name##_sel, (uint16_t)(c->name##_arbytes & 0xfff),              \
                                c->name##_limit, c->name##_base};
    FOR_EACH_SEGMENT(LOAD_SEGMENT)
    s.seg[SEG_IDTR] = (struct segment){0, 0, c->idtr_limit, c->idtr_base};
    s.seg[SEG_GDTR] = (struct segment){0, 0, c->gdtr_limit, c->gdtr_base};
    fields_copy(c, &s, state_fields, ARRAY_SIZE(state_fields), true);
    s.rax = c->rax;
    s.rflags = (s.rflags & 0x3f7fd5ull) | 2;
    s.cr0 |= X86_CR0_ET;
    s.dr6 = (s.dr6 & 0xe00full) | 0xffff0ff0ull;
    s.dr7 = (s.dr7 & 0xffff2bffull) | 0x400;
    s.event = ((uint64_t)c->error_code << 32 | c->pending_event) & EVENT_ALLOWED;
    if (!(s.event & EVENT_VALID_BIT))
        s.event = 0;
    virt->set_state(v, &s);
}

static int cpu_load(const struct context *x, struct vcpu *v, const void *untrusted_data, uint32_t length)
{
    struct hvm_hw_cpu c;

    if (length != sizeof(c))
        return -XEN_EINVAL;
    memcpy(&c, untrusted_data, sizeof(c));
    if (!cpu_valid(&c))
        return -XEN_EINVAL;
    fields_copy(&c, v, vcpu_fields, ARRAY_SIZE(vcpu_fields), true);
    if (c.flags & XEN_X86_FPU_INITIALISED)
        fpu_load(v, c.fpu_regs);
    else
        vcpu_fpu_reset(v);
    cpu_state_load(v, &c);
    v->dr_used = true; /* DR7 may arm them before the guest touches one: never another vCPU's */
    v->tsc_aux = (uint32_t)c.msr_tsc_aux;
    tsc_load(x, v, c.tsc);
    v->nmi_pending = v->blocked = v->init_pending = false;
    v->sipi_pending = 0;
    __atomic_store_n(&v->down, false, __ATOMIC_SEQ_CST);
    return 0;
}

/* --- extended FPU state --- */

/* Bytes of the standard XSAVE format for a set of components. */
static uint32_t xsave_span(uint64_t components)
{
    uint32_t span = XSAVE_HEADER_END;

    for (unsigned i = 2; i < CPUID_SUBD; i++)
        if (components >> i & 1)
            span = MAX(span, cpuid_host.leafd[i].a + cpuid_host.leafd[i].b);
    return MIN(span, cpu_features.xsave_size);
}

static uint64_t xsave_components(const struct vcpu *v)
{
    return v->domain->cpuid.leafd[0].a & cpu_features.xcr0_mask;
}

static uint32_t xsave_size(const struct vcpu *v)
{
    if (!cpu_features.xsave || v->down || !xsave_components(v))
        return 0;
    return (uint32_t)XSAVE_RECORD_HEAD + xsave_span(xsave_components(v));
}

static void xsave_save(const struct context *x, struct vcpu *v, void *out)
{
    struct hvm_hw_cpu_xsave *r = out;

    r->xfeature_mask = xsave_components(v);
    r->xcr0 = v->xcr0;
    r->xcr0_accum = xsave_components(v);
    memcpy(&r->save_area, v->xsave, xsave_span(xsave_components(v)));
}

static int xsave_load(const struct context *x, struct vcpu *v, const void *untrusted_data, uint32_t length)
{
    const char *area = (const char *)untrusted_data + XSAVE_RECORD_HEAD;
    uint32_t have = length - (uint32_t)XSAVE_RECORD_HEAD, span;
    uint64_t xcr0, header[8];

    memcpy(&xcr0, (const char *)untrusted_data + offsetof(struct hvm_hw_cpu_xsave, xcr0), sizeof(xcr0));
    memcpy(header, area + XSAVE_LEGACY, sizeof(header));
    if (!cpu_features.xsave || !cpuid_xcr0_valid(&v->domain->cpuid, xcr0) ||
        header[0] & ~xsave_components(v) || header[1])
        return -XEN_EINVAL;
    span = xsave_span(header[0]);
    if (span > have)
        return -XEN_EINVAL;
    fpu_load(v, area);
    memcpy((char *)v->xsave + XSAVE_LEGACY, header, sizeof(header[0]));
    memcpy((char *)v->xsave + XSAVE_HEADER_END, area + XSAVE_HEADER_END, span - XSAVE_HEADER_END);
    v->xcr0 = xcr0;
    return 0;
}

/* --- local APIC --- */

static void lapic_save(const struct context *x, struct vcpu *v, void *out)
{
    struct hvm_hw_lapic *l = out;
    uint32_t divide = v->lapic.reg[APIC_TIMER_DIVIDE];

    l->apic_base_msr = v->lapic.base_msr;
    l->disabled = (v->lapic.base_msr & BIT(11) ? 0u : 1u) | (v->lapic.reg[APIC_SVR] & 0x100 ? 0u : 2u);
    l->timer_divisor = 1u << ((((divide & 3) | (divide >> 1 & 4)) + 1) & 7);
}

static int lapic_load(const struct context *x, struct vcpu *v, const void *untrusted_data, uint32_t length)
{
    uint64_t base;

    memcpy(&base, untrusted_data, sizeof(base));
    if ((base & ~0xd00ull) != 0xfee00000 || (base & 0xc00) == 0x400)
        return -XEN_EINVAL;
    v->lapic.base_msr = (base & ~0x100ull) | (v->id ? 0 : 0x100u);
    return 0;
}

/* The register page: 32-bit registers every 16 bytes (APM vol. 2 §16.3.2). */
static uint32_t reg_get(const void *page, unsigned reg)
{
    uint32_t val;

    memcpy(&val, (const char *)page + reg * 16, sizeof(val));
    return val;
}

static void reg_put(void *page, unsigned reg, uint32_t val)
{
    memcpy((char *)page + reg * 16, &val, sizeof(val));
}

static void lapic_regs_save(const struct context *x, struct vcpu *v, void *out)
{
    const struct vlapic *a = &v->lapic;
    bool x2apic = a->base_msr & BIT(10);

    for (unsigned reg = 0; reg < APIC_NR_REGS; reg++)
        reg_put(out, reg, a->reg[reg]);
    reg_put(out, APIC_ID, x2apic ? vlapic_id(v) : vlapic_id(v) << 24);
    if (x2apic)
        reg_put(out, APIC_LDR, vlapic_id(v) >> 4 << 16 | 1u << (vlapic_id(v) & 15));
    reg_put(out, APIC_TIMER_CURRENT, a->timer.queue ? a->reg[APIC_TIMER_INIT] : 0);
}

static int lapic_regs_load(const struct context *x, struct vcpu *v, const void *untrusted_page,
                           uint32_t length)
{
    struct vlapic *a = &v->lapic;

    for (unsigned reg = 0; reg < APIC_NR_REGS; reg++)
        if (vlapic_reg_bits(reg)) /* not the version */
            a->reg[reg] = reg_get(untrusted_page, reg) & vlapic_reg_bits(reg);
    a->reg[APIC_DFR] |= 0x0fffffff;
    vlapic_timer_restore(v, reg_get(untrusted_page, APIC_TIMER_INIT),
                         reg_get(untrusted_page, APIC_TIMER_CURRENT) || a->reg[APIC_LVT] & BIT(17));
    return 0;
}

/* --- memory types --- */

static void mtrr_save(const struct context *x, struct vcpu *v, void *out)
{
    struct hvm_hw_mtrr *m = out;
    struct cpu_state s = {0};

    virt->get_state(v, &s);
    m->msr_pat_cr = s.pat;
    memcpy(m->msr_mtrr_var, v->mtrr_var, sizeof(m->msr_mtrr_var));
    memcpy(m->msr_mtrr_fixed, v->mtrr_fixed, sizeof(m->msr_mtrr_fixed));
    m->msr_mtrr_cap = 0x508;
    m->msr_mtrr_def_type = v->mtrr_def_type;
}

/* UC, WC, WT, WP, WB, UC-; the CPU refuses a guest with anything else. */
static bool pat_valid(uint64_t pat)
{
    for (unsigned i = 0; i < 8; i++) {
        uint8_t type = (uint8_t)(pat >> i * 8);

        if (type > 7 || type == 2 || type == 3)
            return false;
    }
    return true;
}

static int mtrr_load(const struct context *x, struct vcpu *v, const void *untrusted_data, uint32_t length)
{
    struct hvm_hw_mtrr m;
    struct cpu_state s = {0};

    memcpy(&m, untrusted_data, sizeof(m));
    if (!pat_valid(m.msr_pat_cr) || (uint8_t)m.msr_mtrr_cap > MTRR_VCNT)
        return -XEN_EINVAL;
    memcpy(v->mtrr_var, m.msr_mtrr_var, sizeof(v->mtrr_var));
    memcpy(v->mtrr_fixed, m.msr_mtrr_fixed, sizeof(v->mtrr_fixed));
    v->mtrr_def_type = m.msr_mtrr_def_type;
    virt->get_state(v, &s);
    s.pat = m.msr_pat_cr;
    virt->set_state(v, &s);
    return 0;
}

/* --- the first of all, once --- */

static uint32_t header_size(const struct vcpu *v)
{
    return v->id ? 0 : sizeof(struct hvm_save_header);
}

static void header_save(const struct context *x, struct vcpu *v, void *out)
{
    *(struct hvm_save_header *)out = (struct hvm_save_header){.magic = HVM_FILE_MAGIC,
                                                              .version = HVM_FILE_VERSION,
                                                              .cpuid = cpuid_host.basic[1].a,
                                                              .gtsc_khz = (uint32_t)tsc_khz};
}

static int header_load(const struct context *x, struct vcpu *v, const void *untrusted_data, uint32_t length)
{
    struct hvm_save_header h;

    if (length != sizeof(h))
        return -XEN_EINVAL;
    memcpy(&h, untrusted_data, sizeof(h));
    if (h.magic != HVM_FILE_MAGIC || h.version != HVM_FILE_VERSION)
        return -XEN_EINVAL;
    for_each_vcpu (x->d, w)
        w->down = true;
    return 0;
}

_Static_assert(MTRR_VCNT * 2 == ARRAY_SIZE(((struct vcpu *)0)->mtrr_var), "variable MTRRs");
_Static_assert(NUM_FIXED_MSR == ARRAY_SIZE(((struct vcpu *)0)->mtrr_fixed), "fixed MTRRs");

static const struct record_type types[HVM_SAVE_CODE_MAX + 1] = {
    [HVM_SAVE_CODE(HEADER)] = {header_save, header_load, sizeof(struct hvm_save_header), header_size},
    [HVM_SAVE_CODE(CPU)] = {cpu_save, cpu_load, sizeof(struct hvm_hw_cpu), cpu_size},
    [HVM_SAVE_CODE(LAPIC)] = {lapic_save, lapic_load, sizeof(struct hvm_hw_lapic), NULL},
    [HVM_SAVE_CODE(LAPIC_REGS)] = {lapic_regs_save, lapic_regs_load, sizeof(struct hvm_hw_lapic_regs), NULL},
    [HVM_SAVE_CODE(MTRR)] = {mtrr_save, mtrr_load, sizeof(struct hvm_hw_mtrr), NULL},
    [CPU_XSAVE_CODE] = {xsave_save, xsave_load, sizeof(struct hvm_hw_cpu_xsave), xsave_size},
};

/* Records of devices that a PVH domain does not have, and of MSRs that it is not shown: passed over. */
#define PASSED_OVER                                                                                          \
    (BIT(HVM_SAVE_CODE(PIC)) | BIT(HVM_SAVE_CODE(IOAPIC)) | BIT(HVM_SAVE_CODE(PCI_IRQ)) |                    \
     BIT(HVM_SAVE_CODE(ISA_IRQ)) | BIT(HVM_SAVE_CODE(PCI_LINK)) | BIT(HVM_SAVE_CODE(PIT)) |                  \
     BIT(HVM_SAVE_CODE(RTC)) | BIT(HVM_SAVE_CODE(HPET)) | BIT(HVM_SAVE_CODE(PMTIMER)) |                      \
     BIT(HVM_SAVE_CODE(VMCE_VCPU)) | BIT(HVM_SAVE_CODE(TSC_ADJUST)) | BIT(CPU_MSR_CODE))

static uint32_t record_size(unsigned type, const struct vcpu *v)
{
    const struct record_type *t = &types[type];

    return !v || !t->save ? 0 : t->size ? t->size(v) : t->length;
}

/* A descriptor at *pos and room behind it for the data, zeroed; without a buffer it is only counted. False:
 * full. */
static bool record_begin(uint8_t *buf, size_t size, size_t *pos, struct hvm_save_descriptor desc)
{
    size_t length = sizeof(desc) + desc.length;

    if (buf && size - *pos < length)
        return false;
    if (buf) {
        memset(buf + *pos, 0, length);
        memcpy(buf + *pos, &desc, sizeof(desc));
    }
    *pos += length;
    return true;
}

int hvm_context_save(struct domain *d, void *buf, size_t size, size_t *used)
{
    struct context x = {d, rdtsc()};

    *used = 0;
    for (uint16_t t = 0; t < ARRAY_SIZE(types); t++)
        for_each_vcpu (d, v) {
            uint32_t length = record_size(t, v);

            if (!length)
                continue;
            if (!record_begin(buf, size, used, (struct hvm_save_descriptor){t, (uint16_t)v->id, length}))
                return -XEN_ENOSPC;
            if (buf)
                types[t].save(&x, v, (uint8_t *)buf + *used - length);
        }
    return record_begin(buf, size, used, (struct hvm_save_descriptor){HVM_SAVE_CODE(END), 0, 0})
               ? 0
               : -XEN_ENOSPC;
}

int hvm_context_save_one(struct domain *d, uint32_t type, uint32_t instance, void *buf, size_t size,
                         size_t *used)
{
    struct context x = {d, rdtsc()};
    struct vcpu *v = domain_vcpu(d, instance);

    *used = type < ARRAY_SIZE(types) ? record_size(type, v) : 0;
    if (!*used)
        return -XEN_ENOENT;
    if (size < *used)
        return -XEN_ENOSPC;
    memset(buf, 0, *used);
    types[type].save(&x, v, buf);
    return 0;
}

static int load_record(const struct context *x, const struct hvm_save_descriptor *desc, const void *data)
{
    const struct record_type *t = &types[MIN(desc->typecode, HVM_SAVE_CODE_MAX)];
    struct vcpu *v = domain_vcpu(x->d, desc->instance);
    int rc;

    if (desc->typecode <= HVM_SAVE_CODE_MAX && PASSED_OVER & BIT(desc->typecode))
        return 0;
    if (desc->typecode > HVM_SAVE_CODE_MAX || !t->load || !v || desc->length < t->length)
        return -XEN_EINVAL;
    rc = t->load(x, v, data, desc->length);
    v->last_loaded = NULL; /* registers that a CPU may still hold are outdated */
    return rc;
}

int hvm_context_load(struct domain *d, const void *untrusted_buf, size_t size)
{
    struct context x = {d, rdtsc()};
    const uint8_t *p = untrusted_buf;
    bool first = true;
    int rc;

    for (size_t pos = 0;; first = false) {
        struct hvm_save_descriptor desc;

        if (size - pos < sizeof(desc))
            return -XEN_EINVAL;
        memcpy(&desc, p + pos, sizeof(desc));
        pos += sizeof(desc);
        if (size - pos < desc.length || first != (desc.typecode == HVM_SAVE_CODE(HEADER)))
            return -XEN_EINVAL;
        if (desc.typecode == HVM_SAVE_CODE(END))
            return 0;
        rc = load_record(&x, &desc, p + pos);
        if (rc)
            return rc;
        pos += desc.length;
    }
}
