/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Trapped memory and port accesses: tables of ranges, instruction decode, result into registers. See emul.h.
 */
#include "bh/domain.h"
#include "bh/emul.h"
#include "bh/exit.h"
#include "bh/insn.h"
#include "bh/lib.h"
#include "bh/p2m_int.h"
#include "bh/pio.h"

#define MAX_RANGES 192u
#define NR_PORTS   0x10000u

struct range {
    uint64_t start, end;
    emul_fn fn;
    void *arg;
};
struct ranges {
    unsigned nr;
    struct range range[MAX_RANGES]; /* sorted by start */
};
struct emul_domain {
    struct ranges mmio, port;
    uint8_t *iopm;
};
static uint8_t *iopm_none;

static uint8_t *iopm_new(void)
{
    uint8_t *p = page_va_alloc(2, 0); /* three of four frames */

    if (p)
        memset(p, 0xff, 4 * PAGE_SIZE);
    return p;
}

int emul_domain_init(struct domain *d)
{
    if (!iopm_none)
        iopm_none = iopm_new();
    if (!iopm_none)
        return -XEN_ENOMEM;
    if (!d->hardware)
        return 0;
    d->emul = kzalloc(sizeof(*d->emul));
    if (d->emul)
        d->emul->iopm = iopm_new();
    if (!d->emul || !d->emul->iopm)
        return -XEN_ENOMEM;
    memset(d->emul->iopm, 0, NR_PORTS / 8);
    return 0;
}

void emul_domain_free(struct domain *d)
{
    if (!d->emul)
        return;
    page_free(va_to_mfn(d->emul->iopm), 2);
    kfree(d->emul, sizeof(*d->emul));
    d->emul = NULL;
}

paddr_t emul_iopm(const struct domain *d)
{
    return va_to_pa(d->emul ? d->emul->iopm : iopm_none);
}

static int range_add(struct ranges *table, struct range r)
{
    struct range *t = table->range;
    unsigned i = table->nr;

    if (i == MAX_RANGES)
        return -XEN_ENOSPC;
    for (; i > 0 && t[i - 1].start >= r.end; i--)
        ;
    if (i > 0 && t[i - 1].end > r.start)
        return -XEN_EEXIST;
    memmove(&t[i + 1], &t[i], (table->nr - i) * sizeof(*t));
    t[i] = r;
    table->nr++;
    return 0;
}

static const struct range *range_find(const struct ranges *table, uint64_t at)
{
    unsigned lo = 0, hi = table->nr;

    while (lo < hi) {
        unsigned mid = (lo + hi) / 2;

        if (at < table->range[mid].start)
            hi = mid;
        else if (at >= table->range[mid].end)
            lo = mid + 1;
        else
            return &table->range[mid];
    }
    return NULL;
}

int emul_mmio_register(struct domain *d, gpaddr_t start, uint64_t size, emul_fn fn, void *arg)
{
    if (!d->emul)
        return -XEN_ENOSPC;
    spin_guard(&d->lock);
    return range_add(&d->emul->mmio, (struct range){start, start + size, fn, arg});
}

void emul_mmio_unregister(struct domain *d, gpaddr_t start)
{
    struct ranges *t = &d->emul->mmio;

    spin_guard(&d->lock);
    for (unsigned i = 0; i < t->nr; i++)
        if (t->range[i].start == start) {
            t->nr--;
            memmove(&t->range[i], &t->range[i + 1], (t->nr - i) * sizeof(t->range[0]));
            return;
        }
}

int emul_port_register(struct domain *d, uint16_t first, uint32_t count, emul_fn fn, void *arg)
{
    int rc = d->emul ? range_add(&d->emul->port, (struct range){first, first + count, fn, arg}) : -XEN_ENOSPC;

    for (uint32_t p = first; !rc && p < first + count && p < NR_PORTS; p++)
        d->emul->iopm[p / 8] |= (uint8_t)(1u << p % 8);
    return rc;
}

void emul_port(struct vcpu *v, uint16_t port, unsigned size, bool write, uint64_t *val)
{
    const struct emul_domain *e = v->domain->emul;
    const struct range *r = e ? range_find(&e->port, port) : NULL;

    /* Linux's TSC calibration counts PIT channel 2 down by reading it: all-ones would make it loop 100,000
     * times */
    if (!write)
        *val = port == 0x42 || port == 0x61 ? 0 : ~0ull;
    if (r)
        r->fn(v, r->arg, port - r->start, size, write, val);
}

static void mmio_access(struct vcpu *v, gpaddr_t gpa, unsigned size, bool write, uint64_t *val)
{
    struct domain *d = v->domain;
    struct range r = {0xfee00000, 0xfee01000, vlapic_mmio, NULL}; /* every domain's */

    if (!write)
        *val = ~0ull;
    if (gpa < r.start || gpa >= r.end) {
        const struct range *found = NULL;

        spin_guard(&d->lock);
        if (d->emul)
            found = range_find(&d->emul->mmio, gpa);
        if (!found)
            return;
        r = *found;
    }
    r.fn(v, r.arg, gpa - r.start, size, write, val);
}

static uint64_t *gpr(struct vcpu *v, unsigned n)
{
    return (uint64_t *)&v->regs + n; /* rsp is never an operand of these forms that matters */
}

static uint64_t reg_get(struct vcpu *v, const struct insn *i)
{
    return i->reg_high8 ? *gpr(v, i->reg & 3) >> 8 & 0xff : *gpr(v, i->reg) & size_mask(i->size);
}

static void reg_set(struct vcpu *v, const struct insn *i, uint64_t val, unsigned size)
{
    uint64_t *r = gpr(v, i->reg_high8 ? i->reg & 3u : i->reg);

    if (i->reg_high8)
        *r = (*r & ~0xff00ull) | (val & 0xff) << 8;
    else if (size == 4)
        *r = (uint32_t)val; /* 32-bit results clear the upper half */
    else
        *r = (*r & ~size_mask(size)) | (val & size_mask(size));
}

static uint64_t extend(const struct insn *i, uint64_t val)
{
    unsigned shift = 64u - i->size * 8u;

    val &= size_mask(i->size);
    return i->sign_extend && shift ? (uint64_t)((int64_t)(val << shift) >> shift) : val;
}

/* Carry the decoded instruction out against the device at gpa. False: not possible. */
static bool execute(struct vcpu *v, const struct insn *i, gpaddr_t gpa, uint64_t *rflags)
{
    uint64_t val = 0, operand = i->has_imm ? i->imm & size_mask(i->size) : reg_get(v, i);

    switch (i->op) {
    case INSN_STORE:
        mmio_access(v, gpa, i->size, true, &operand);
        return true;
    case INSN_LOAD:
        mmio_access(v, gpa, i->size, false, &val);
        reg_set(v, i, extend(i, val), i->dest_size);
        return true;
    case INSN_RMW:
    case INSN_TEST:
        mmio_access(v, gpa, i->size, false, &val);
        val = insn_alu(i->alu, i->size, val & size_mask(i->size), operand, rflags);
        if (i->op == INSN_RMW)
            mmio_access(v, gpa, i->size, true, &val);
        return true;
    case INSN_XCHG:
        mmio_access(v, gpa, i->size, false, &val);
        mmio_access(v, gpa, i->size, true, &operand);
        reg_set(v, i, val, i->size);
        return true;
    case INSN_STOS:
        if (i->rep && !v->regs.rcx)
            return true;
        operand = v->regs.rax & size_mask(i->size);
        mmio_access(v, gpa, i->size, true, &operand);
        v->regs.rdi += *rflags & X86_EFLAGS_DF ? -(uint64_t)i->size : i->size;
        if (i->rep && --v->regs.rcx)
            return false; /* next element: another exit */
        return true;
    default:
        return false;
    }
}

static bool emulate_mmio(struct vcpu *v, gpaddr_t gpa)
{
    uint8_t bytes[INSN_MAX];
    struct insn insn;
    uint64_t rip = virt->rip(v), rflags = virt->rflags(v);
    unsigned n = virt->fetch(v, bytes);

    if (!n || insn_decode(bytes, n, virt->long_mode(v), &insn))
        return false;
    if (execute(v, &insn, gpa, &rflags))
        rip += insn.length;
    else if (insn.op != INSN_STOS)
        return false;
    virt->go_on(v, rip, rflags);
    return true;
}

void emul_memory_fault(struct vcpu *v, gpaddr_t gpa, bool write, bool fetch)
{
    struct domain *d = v->domain;
    enum p2m_type t;

    spin_lock(&d->p2m_lock);
    (void)p2m_lookup_locked(d, gfn_of(gpa), &t, NULL);
    if (t == P2M_LOGDIRTY && write)
        p2m_log_dirty_locked(d, gfn_of(gpa));
    spin_unlock(&d->p2m_lock);
    if (t == P2M_RAM || t == P2M_LOGDIRTY || (t == P2M_GRANT_RO && !write) || t == P2M_FOREIGN ||
        t == P2M_GRANT_RW)
        return; /* mapped meanwhile, or made writable: run the instruction again */
    if (t == P2M_MMIO)
        return;
    if (fetch || t == P2M_GRANT_RO || !emulate_mmio(v, gpa)) {
        if (d->hardware) /* a domU must not be able to fill the console */
            pr_debug("d%uv%u: bad %s of guest address %lx at %lx\n", d->id, v->id, write ? "write" : "read",
                     gpa, virt->rip(v));
        guest_inject_gp(v);
    }
}
