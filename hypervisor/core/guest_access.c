/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest memory is reached frame by frame: walk, take a reference, copy through the direct map, drop it.
 * The guest's own page tables are walked with the rights of the privilege level of the hypercall (CPL 0),
 * not of the page's U bit: the toolstack's buffers are user pages.
 */
#include "bh/domain.h"
#include "bh/guest_access.h"
#include "bh/lib.h"
#include "bh/msr.h"
#include "bh/p2m_int.h"
#include "bh/page.h"

#define PTE_P    BIT(0)
#define PTE_RW   BIT(1)
#define PTE_PS   BIT(7)
#define PTE_ADDR 0x000ffffffffff000ull

void *guest_frame_get(struct domain *d, gfn_t g, mfn_t *m)
{
    enum p2m_type t;

    *m = p2m_get_ram(d, g, true, &t);
    if (!mfn_valid_value(*m))
        return NULL;
    if (t != P2M_RAM && t != P2M_LOGDIRTY) {
        page_put(*m);
        return NULL;
    }
    return mfn_to_va(*m);
}

void guest_frame_put(mfn_t m)
{
    page_put(m);
}

/* Lock-free peek for page-table reads: the entry is read at once and never used as a pointer afterwards. */
static bool read_pte(struct domain *d, gpaddr_t gpa, uint64_t *pte)
{
    enum p2m_type t;
    mfn_t m;

    spin_lock(&d->p2m_lock);
    m = p2m_lookup_locked(d, gfn_of(gpa), &t, NULL);
    if (t == P2M_RAM || t == P2M_LOGDIRTY)
        *pte = __atomic_load_n((uint64_t *)((char *)mfn_to_va(m) + (gpa & ~PAGE_MASK)), __ATOMIC_RELAXED);
    spin_unlock(&d->p2m_lock);
    return t == P2M_RAM || t == P2M_LOGDIRTY;
}

int guest_walk(struct vcpu *v, uint64_t gva, bool write, gpaddr_t *gpa)
{
    uint64_t table;
    bool writable = true;

    if (!virt->paging(v)) {
        *gpa = gva;
        return gva >> 32 ? -XEN_EFAULT : 0;
    }
    if (!(virt->efer(v) & EFER_LMA) || (int64_t)(gva << 16) >> 16 != (int64_t)gva)
        return -XEN_EFAULT; /* only 4-level tables: what PVH kernels run with */
    table = virt->cr3(v) & PTE_ADDR;
    for (unsigned l = 4;; l--) {
        uint64_t pte = 0, span = 1ull << (12 + 9 * (l - 1));

        if (!read_pte(v->domain, table + (gva >> (12 + 9 * (l - 1)) & 511) * 8, &pte) || !(pte & PTE_P))
            return -XEN_EFAULT;
        writable &= (pte & PTE_RW) != 0;
        if (l == 1 || (l < 4 && pte & PTE_PS)) {
            *gpa = (pte & PTE_ADDR & ~(span - 1)) | (gva & (span - 1));
            return write && !writable ? -XEN_EFAULT : 0;
        }
        table = pte & PTE_ADDR;
    }
}

static int copy_frame(struct domain *d, gpaddr_t gpa, void *buf, size_t n, bool to_guest)
{
    mfn_t m = p2m_get_ram(d, gfn_of(gpa), to_guest, NULL);
    char *p;

    if (!mfn_valid_value(m))
        return -XEN_EFAULT;
    p = (char *)mfn_to_va(m) + (gpa & ~PAGE_MASK);
    if (to_guest)
        memcpy(p, buf, n);
    else
        memcpy(buf, p, n);
    page_put(m);
    return 0;
}

static int copy_virtual(struct vcpu *v, uint64_t gva, void *buf, size_t size, bool to_guest)
{
    while (size) {
        size_t n = MIN(size, PAGE_SIZE - (gva & ~PAGE_MASK));
        gpaddr_t gpa;

        if (guest_walk(v, gva, to_guest, &gpa) || copy_frame(v->domain, gpa, buf, n, to_guest))
            return -XEN_EFAULT;
        gva += n;
        buf = (char *)buf + n;
        size -= n;
    }
    return 0;
}

int copy_from_guest(struct vcpu *v, void *dst, uint64_t gva, size_t size)
{
    return copy_virtual(v, gva, dst, size, false);
}

int copy_to_guest(struct vcpu *v, uint64_t gva, const void *src, size_t size)
{
    return copy_virtual(v, gva, (void *)(uintptr_t)src, size, true);
}

static int copy_physical(struct domain *d, gpaddr_t gpa, void *buf, size_t size, bool to_guest)
{
    while (size) {
        size_t n = MIN(size, PAGE_SIZE - (gpa & ~PAGE_MASK));

        if (copy_frame(d, gpa, buf, n, to_guest))
            return -XEN_EFAULT;
        gpa += n;
        buf = (char *)buf + n;
        size -= n;
    }
    return 0;
}

int copy_from_gpa(struct domain *d, void *dst, gpaddr_t gpa, size_t size)
{
    return copy_physical(d, gpa, dst, size, false);
}

int copy_to_gpa(struct domain *d, gpaddr_t gpa, const void *src, size_t size)
{
    return copy_physical(d, gpa, (void *)(uintptr_t)src, size, true);
}

unsigned guest_fetch(struct vcpu *v, uint64_t rip, uint8_t *buf, unsigned len)
{
    unsigned n = (unsigned)MIN(len, PAGE_SIZE - (rip & ~PAGE_MASK));

    if (copy_from_guest(v, buf, rip, n))
        return 0;
    if (n < len && !copy_from_guest(v, buf + n, rip + n, len - n))
        n = len;
    return n;
}
