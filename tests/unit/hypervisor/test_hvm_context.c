/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records of virtual CPUs: what is saved comes back, what would break the CPU or the hypervisor is refused.
 */
#include "hvtest.h"
#include "bh/domain.h"
#include "bh/hvm_context.h"

#define NR 3u

/* ---- the parts below ---- */

struct cpu_features cpu_features = {.xsave = true, .xcr0_mask = 7, .xsave_size = 832};
struct cpu host_test_cpu;
uint64_t tsc_khz = 1000000;
static struct cpu_state states[NR];
struct cpuid_policy cpuid_host;
static uint32_t timer_count;
static bool timer_armed;

static void get_state(struct vcpu *v, struct cpu_state *s)
{
    *s = states[v->id];
}
static void set_state(struct vcpu *v, const struct cpu_state *s)
{
    states[v->id] = *s;
    v->regs.rax = s->rax;
}
static void set_tsc_offset(struct vcpu *v, uint64_t offset)
{
    v->tsc_offset = offset;
}
static const struct virt_ops ops = {
    .get_state = get_state, .set_state = set_state, .set_tsc_offset = set_tsc_offset};
const struct virt_ops *virt = &ops;

void vcpu_fpu_reset(struct vcpu *v)
{
    memset(v->xsave, 0, cpu_features.xsave_size);
    memcpy((char *)v->xsave + 24, &(uint32_t){0x1f80}, 4);
}
void vcpu_update_time_info(struct vcpu *v)
{
    (void)v;
}
uint32_t vlapic_id(const struct vcpu *v)
{
    return v->id * 2;
}
void vlapic_timer_restore(struct vcpu *v, uint32_t count, bool armed)
{
    v->lapic.reg[APIC_TIMER_INIT] = count;
    timer_count = count;
    timer_armed = armed;
}

/* ---- a domain ---- */

static struct vcpu vcpus[NR];
static struct vcpu *vcpu_list[NR] = {&vcpus[0], &vcpus[1], &vcpus[2]};
static uint8_t fpu[NR][832] __attribute__((aligned(64)));
static struct domain dom = {.id = 1, .max_vcpus = NR, .vcpu = vcpu_list};
static uint8_t buf[65536];

static int setup(void **state)
{
    (void)state;
    memset(vcpus, 0, sizeof(vcpus));
    memset(states, 0, sizeof(states));
    cpuid_host.basic[1].a = 0x800f12;
    cpuid_host.leafd[0].a = 7;
    cpuid_host.leafd[2] = (struct cpuid_regs){.a = 256, .b = 576};
    dom.cpuid = cpuid_host;
    for (uint32_t i = 0; i < NR; i++) {
        struct vcpu *v = &vcpus[i];

        v->id = i;
        v->domain = &dom;
        v->xsave = fpu[i];
        vcpu_fpu_reset(v);
        v->xcr0 = 7;
        v->down = i == 2;
        v->lapic.base_msr = 0xfee00c00 | (i ? 0 : 0x100);
        v->lapic.reg[APIC_SVR] = 0x1ff;
        v->mtrr_def_type = 0xc06;
        states[i] = (struct cpu_state){.cr0 = 0x80050033,
                                       .cr3 = 0x1000 * (i + 1),
                                       .cr4 = 0x370620,
                                       .efer = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE,
                                       .rflags = 0x202,
                                       .rip = 0xffffffff81000000 + i,
                                       .rsp = 0xffffc90000000000,
                                       .dr6 = 0xffff0ff0,
                                       .dr7 = 0x400,
                                       .pat = 0x0007040600070406};
        for (unsigned s = 0; s < NR_SEGS; s++)
            states[i].seg[s] = (struct segment){(uint16_t)(8 * s), 0xa9b, 0xffffffff, s * 0x1000};
        states[i].seg[SEG_GDTR] = states[i].seg[SEG_IDTR] = (struct segment){0, 0, 0xfff, 0xfffffe0000000000};
    }
    return 0;
}

static size_t save(void)
{
    size_t used = 0, size = 0;

    assert_int_equal(hvm_context_save(&dom, NULL, 0, &size), 0);
    assert_int_equal(hvm_context_save(&dom, buf, sizeof(buf), &used), 0);
    assert_int_equal(used, size);
    return used;
}

/* The data of a record in the buffer. */
static void *record(uint16_t type, uint16_t instance)
{
    for (size_t pos = 0;;) {
        struct hvm_save_descriptor desc;

        memcpy(&desc, buf + pos, sizeof(desc));
        pos += sizeof(desc);
        if (desc.typecode == type && desc.instance == instance)
            return buf + pos;
        if (!desc.typecode)
            return NULL;
        pos += desc.length;
    }
}

static void test_round_trip(void **state)
{
    struct cpu_state before[NR];
    struct guest_regs regs = {.rax = 1, .rbx = 2, .rcx = 3, .rdx = 4, .rbp = 5, .r8 = 8, .r15 = 15};
    uint64_t offset = 0x123456789;
    size_t used;

    (void)state;
    states[1].event = 0x80000b0eull | 2ull << 32; /* a page fault on its way */
    vcpus[1].regs = regs;
    states[1].rax = regs.rax;
    vcpus[1].dr[2] = 0x77;
    vcpus[1].lapic.reg[APIC_IRR + 1] = 0x80;
    vcpus[1].lapic.reg[APIC_LVT + 3] = 0x10700;
    vcpus[1].mtrr_var[3] = 0x800;
    vcpus[0].tsc_offset = vcpus[1].tsc_offset = vcpus[2].tsc_offset = offset;
    fpu[1][600] = 0x5a; /* inside the AVX component */
    fpu[1][512] = 7;
    memcpy(before, states, sizeof(before));
    used = save();
    assert_null(record(HVM_SAVE_CODE(CPU), 2)); /* it is down */
    memset(states, 0, sizeof(states));
    memset(fpu, 0, sizeof(fpu));
    memset(&vcpus[1].lapic, 0, sizeof(vcpus[1].lapic));
    memset(&vcpus[1].regs, 0, sizeof(regs));
    vcpus[1].last_loaded = &host_test_cpu;
    vcpus[0].tsc_offset = vcpus[1].tsc_offset = 0;
    vcpus[1].mtrr_var[3] = 0;
    vcpus[2].down = false;
    assert_int_equal(hvm_context_load(&dom, buf, used), 0);
    assert_memory_equal(&states[0], &before[0], sizeof(states[0]));
    assert_memory_equal(&states[1], &before[1], sizeof(states[1]));
    assert_memory_equal(&vcpus[1].regs, &regs, sizeof(regs));
    assert_int_equal(vcpus[1].dr[2], 0x77);
    assert_int_equal(vcpus[1].lapic.reg[APIC_IRR + 1], 0x80);
    assert_int_equal(vcpus[1].lapic.reg[APIC_LVT + 3], 0x10700);
    assert_int_equal(vcpus[1].lapic.base_msr, 0xfee00c00);
    assert_int_equal(vcpus[1].mtrr_var[3], 0x800);
    assert_int_equal(fpu[1][600], 0x5a);
    assert_null(vcpus[1].last_loaded);
    assert_true(vcpus[2].down);
    assert_false(vcpus[0].down || vcpus[1].down);
    /* the TSC went on meanwhile, in step on all */
    assert_true(offset - vcpus[0].tsc_offset < 1ull << 40);
    assert_int_equal(vcpus[0].tsc_offset, vcpus[1].tsc_offset);
    assert_int_equal(vcpus[0].tsc_offset, vcpus[2].tsc_offset);
}

/* As libxenguest builds a domain: header, CPU, end. */
static void test_builder(void **state)
{
    struct hvm_save_descriptor d;
    struct hvm_hw_cpu c = {
        .cr0 = 0x11, .rip = 0x1000000, .rbx = 0x7000, .cs_limit = ~0u, .cs_arbytes = 0xc9b};
    size_t pos = sizeof(d) + sizeof(struct hvm_save_header);

    (void)state;
    save();
    d = (struct hvm_save_descriptor){HVM_SAVE_CODE(CPU), 0, sizeof(c)};
    memcpy(buf + pos, &d, sizeof(d));
    memcpy(buf + pos + sizeof(d), &c, sizeof(c));
    pos += sizeof(d) + sizeof(c);
    memset(buf + pos, 0, sizeof(d));
    vcpus[1].down = false;
    assert_int_equal(hvm_context_load(&dom, buf, pos + sizeof(d)), 0);
    assert_int_equal(states[0].rip, 0x1000000);
    assert_int_equal(states[0].rflags, 2);
    assert_int_equal(states[0].dr7, 0x400);
    assert_int_equal(states[0].seg[SEG_CS].attr, 0xc9b);
    assert_int_equal(vcpus[0].regs.rbx, 0x7000);
    assert_int_equal(states[0].pat, 0x0007040600070406);
    assert_true(vcpus[1].down);
    assert_int_equal(vcpus[0].tsc_offset, vcpus[1].tsc_offset);
}

static void test_truncated(void **state)
{
    size_t used;

    (void)state;
    used = save();
    for (size_t n = 0; n < used; n++)
        assert_int_equal(hvm_context_load(&dom, buf, n), -XEN_EINVAL);
    for (size_t n = 0; n < used; n++) {
        size_t got;
        uint8_t *small = malloc(n ? n : 1);

        assert_int_equal(hvm_context_save(&dom, small, n, &got), -XEN_ENOSPC);
        free(small);
    }
}

#define CPU_FIELD(f) offsetof(struct hvm_hw_cpu, f)
static const struct {
    uint16_t type;
    size_t offset;
    uint64_t value;
    unsigned size;
} bad[] = {
    {HVM_SAVE_CODE(HEADER), 0, 0, 4}, /* magic */
    {HVM_SAVE_CODE(HEADER), 4, 2, 4}, /* version */
    {HVM_SAVE_CODE(CPU), CPU_FIELD(pad0), 1, 4},
    {HVM_SAVE_CODE(CPU), CPU_FIELD(flags), 2, 4},
    {HVM_SAVE_CODE(CPU), CPU_FIELD(cr0), 1ull << 32 | 0x80050033, 8},
    {HVM_SAVE_CODE(CPU), CPU_FIELD(cr0), 0x80050032, 8},  /* paging without protection */
    {HVM_SAVE_CODE(CPU), CPU_FIELD(cr4), 0x372620, 8},    /* VMXE */
    {HVM_SAVE_CODE(CPU), CPU_FIELD(cr4), 0x600, 8},       /* long mode without PAE */
    {HVM_SAVE_CODE(CPU), CPU_FIELD(msr_efer), 0x1d01, 8}, /* SVME */
    {HVM_SAVE_CODE(CPU), CPU_FIELD(msr_efer), 0x401, 8},  /* LMA without LME */
    {HVM_SAVE_CODE(CPU), CPU_FIELD(cr3), 1ull << 52, 8},
    {HVM_SAVE_CODE(MTRR), 0, 0x0207040600070406, 8}, /* memory type 2 */
    {HVM_SAVE_CODE(MTRR), offsetof(struct hvm_hw_mtrr, msr_mtrr_cap), 0x50a, 8},
    {HVM_SAVE_CODE(LAPIC), 0, 0xfef00900, 8},  /* another address */
    {HVM_SAVE_CODE(LAPIC), 0, 0xfee00500, 8},  /* x2APIC mode, but off */
    {CPU_XSAVE_CODE, 8, 6, 8},                 /* XCR0 without x87 */
    {CPU_XSAVE_CODE, 8, 5, 8},                 /* AVX without SSE */
    {CPU_XSAVE_CODE, 8, 0x207, 8},             /* not allowed */
    {CPU_XSAVE_CODE, 24 + 512, 0x200, 8},      /* component not allowed */
    {CPU_XSAVE_CODE, 24 + 520, 1ull << 63, 8}, /* compacted form */
};

static void test_refused(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        size_t used;
        uint8_t *p;

        setup(NULL);
        used = save();
        p = record(bad[i].type, 0);
        assert_non_null(p);
        memcpy(p + bad[i].offset, &bad[i].value, bad[i].size);
        if (hvm_context_load(&dom, buf, used) != -XEN_EINVAL)
            fail_msg("bad value %u was taken", i);
    }
}

/* Bits that would fault in the hypervisor are dropped, not refused: old savers leave rubbish there. */
static void test_fpu_cleaned(void **state)
{
    uint32_t mxcsr = 0xffffffff;
    size_t used;

    (void)state;
    memcpy(fpu[0] + 24, &mxcsr, 4);
    used = save();
    memset((char *)record(CPU_XSAVE_CODE, 0) + 24 + 512 + 16, 0xff, 48);
    assert_int_equal(hvm_context_load(&dom, buf, used), 0);
    memcpy(&mxcsr, fpu[0] + 24, 4);
    assert_int_equal(mxcsr, 0xffff);
    for (unsigned i = 528; i < 576; i++)
        assert_int_equal(fpu[0][i], 0);
}

static void test_instances(void **state)
{
    struct hvm_save_descriptor *d;
    size_t used;

    (void)state;
    used = save();
    d = (void *)((uint8_t *)record(HVM_SAVE_CODE(MTRR), 1) - sizeof(*d));
    d->instance = NR;
    assert_int_equal(hvm_context_load(&dom, buf, used), -XEN_EINVAL);
    d->instance = 0xffff;
    assert_int_equal(hvm_context_load(&dom, buf, used), -XEN_EINVAL);
    d->instance = 1;
    d->typecode = 99;
    assert_int_equal(hvm_context_load(&dom, buf, used), -XEN_EINVAL);
    d->typecode = HVM_SAVE_CODE(HPET); /* of a device that is not there */
    assert_int_equal(hvm_context_load(&dom, buf, used), 0);
}

static void test_one(void **state)
{
    struct hvm_hw_cpu c;
    size_t used;

    (void)state;
    assert_int_equal(hvm_context_save_one(&dom, HVM_SAVE_CODE(CPU), 1, &c, sizeof(c), &used), 0);
    assert_int_equal(used, sizeof(c));
    assert_int_equal(c.rip, 0xffffffff81000001);
    assert_int_equal(hvm_context_save_one(&dom, HVM_SAVE_CODE(CPU), 1, &c, sizeof(c) - 1, &used),
                     -XEN_ENOSPC);
    assert_int_equal(hvm_context_save_one(&dom, HVM_SAVE_CODE(CPU), 2, &c, sizeof(c), &used), -XEN_ENOENT);
    assert_int_equal(hvm_context_save_one(&dom, HVM_SAVE_CODE(CPU), NR, &c, sizeof(c), &used), -XEN_ENOENT);
    assert_int_equal(hvm_context_save_one(&dom, 77, 0, &c, sizeof(c), &used), -XEN_ENOENT);
}

static void test_timer(void **state)
{
    struct timer_queue q;
    size_t used;

    (void)state;
    vcpus[1].down = vcpus[2].down = true;
    vcpus[0].lapic.reg[APIC_TIMER_INIT] = 500;
    used = save();
    assert_int_equal(hvm_context_load(&dom, buf, used), 0);
    assert_false(timer_armed); /* had expired */
    vcpus[2].lapic.timer.queue = &q;
    vcpus[2].lapic.reg[APIC_TIMER_INIT] = 700;
    used = save();
    assert_int_equal(hvm_context_load(&dom, buf, used), 0);
    assert_true(timer_armed);
    assert_int_equal(timer_count, 700);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_round_trip, setup),  cmocka_unit_test_setup(test_builder, setup),
        cmocka_unit_test_setup(test_truncated, setup),   cmocka_unit_test_setup(test_refused, setup),
        cmocka_unit_test_setup(test_fpu_cleaned, setup), cmocka_unit_test_setup(test_instances, setup),
        cmocka_unit_test_setup(test_one, setup),         cmocka_unit_test_setup(test_timer, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
