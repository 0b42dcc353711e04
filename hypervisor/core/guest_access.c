/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest memory is reached frame by frame. Writes: walk, copy through the direct map under p2m_lock. Reads
 * take no lock and no reference: each vCPU remembers where frames of its domain lie, and what was read counts
 * only if no mapping of the domain went away meanwhile (p2m_generation); reading a frame that was given away
 * is harmless as such. The guest's own page tables are walked with the rights of the privilege level of the
 * hypercall (CPL 0), not of the page's U bit: the toolstack's buffers are user pages.
 */
#include "bh/domain.h"
#include "bh/lib.h"
#include "bh/p2m_int.h"
#include "bh/page.h"

/* Bits 1 to 11 of known_frame.page hold the generation's lowest: only when the upper ones change, all is
 * cleared. */
#define KNOWN       BIT(0)
#define KNOWN_SHIFT 1u
#define KNOWN_BITS  11u

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

/* Reads under p2m_lock are valid in any case: after many vain tries without. */
static __attribute__((noinline)) const char *frame_find(struct vcpu *v, uint64_t page, struct known_frame *k)
{
    struct domain *d = v->domain;
    uint64_t leaf;

    if (!v->reads_locked)
        spin_lock(&d->p2m_lock);
    leaf = p2m_leaf_locked(d, gfn_of(page));
    if (!v->reads_locked)
        spin_unlock(&d->p2m_lock);
    if (p2m_leaf_type(leaf) == P2M_NONE || p2m_leaf_type(leaf) == P2M_MMIO)
        return NULL;
    *k = (struct known_frame){page | v->known_tag, mfn_to_va(p2m_leaf_mfn(leaf))};
    return k->va;
}

/* The bytes of the frame at guest address `page`, to be read before reads_valid() is asked. NULL: no RAM
 * there. */
static inline const char *frame_peek(struct vcpu *v, uint64_t page)
{
    struct known_frame *k = &v->known[(page >> PAGE_SHIFT) % ARRAY_SIZE(v->known)];

    return likely(k->page == (page | v->known_tag)) ? k->va : frame_find(v, page, k);
}

static inline uint64_t reads_begin(struct vcpu *v)
{
    uint64_t generation = __atomic_load_n(&v->domain->p2m_generation, __ATOMIC_ACQUIRE);

    if (unlikely(v->known_generation != generation)) {
        if (v->known_generation >> KNOWN_BITS != generation >> KNOWN_BITS)
            memset(v->known, 0, sizeof(v->known));
        v->known_generation = generation;
        v->known_tag = (generation << KNOWN_SHIFT & ~PAGE_MASK) | KNOWN;
    }
    return generation;
}

static inline bool reads_valid(const struct vcpu *v, uint64_t generation)
{
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return likely(__atomic_load_n(&v->domain->p2m_generation, __ATOMIC_RELAXED) == generation);
}

#define NOWHERE ~0ull

/* The entry of the page table at `table` that gva's bits from `shift` on choose; 0: not present. */
static inline uint64_t entry_read(struct vcpu *v, uint64_t table, uint64_t gva, unsigned shift)
{
    const char *frame = frame_peek(v, table & PTE_ADDR);
    uint64_t e;

    if (unlikely(!frame))
        return 0;
    e = __atomic_load_n((const uint64_t *)(const void *)frame + (gva >> shift & 511), __ATOMIC_RELAXED);
    return likely(e & PTE_P) ? e : 0;
}

/* Guest physical address behind gva, or NOWHERE. */
static uint64_t walk(struct vcpu *v, uint64_t gva, bool write)
{
    uint64_t e = virt->walk_root(v), rights = PTE_RW, inside;

    if (unlikely(e & WALK_NONE))
        return e != WALK_NO_PAGING || gva >> 32 ? NOWHERE : gva;
    if (unlikely((int64_t)(gva << 16) >> 16 != (int64_t)gva))
        return NOWHERE;
    inside = (1ull << 39) - 1;
#define STEP(shift)                                                                                          \
    e = entry_read(v, e, gva, shift);                                                                        \
    if (unlikely(!e))                                                                                        \
        return NOWHERE;                                                                                      \
    rights &= e;                                                                                             \
    inside = (1ull << (shift)) - 1;
    STEP(39)
    STEP(30)
    if (!(e & PTE_PS)) {
        STEP(21)
        if (!(e & PTE_PS)) {
            STEP(12)
        }
    }
#undef STEP
    return write && !rights ? NOWHERE : (e & PTE_ADDR & ~inside) | (gva & inside);
}

#define READ_TRIES 8u /* without the lock: other vCPUs may be unmapping all the time */

static void reads_lock(struct vcpu *v)
{
    spin_lock(&v->domain->p2m_lock);
    v->reads_locked = true;
    reads_begin(v);
}

static void reads_unlock(struct vcpu *v)
{
    v->reads_locked = false;
    spin_unlock(&v->domain->p2m_lock);
}

int guest_walk(struct vcpu *v, uint64_t gva, bool write, gpaddr_t *gpa)
{
    for (unsigned i = 0; i < READ_TRIES; i++) {
        uint64_t generation = reads_begin(v);

        *gpa = walk(v, gva, write);
        if (reads_valid(v, generation))
            return *gpa == NOWHERE ? -XEN_EFAULT : 0;
    }
    reads_lock(v);
    *gpa = walk(v, gva, write);
    reads_unlock(v);
    return *gpa == NOWHERE ? -XEN_EFAULT : 0;
}

/* Write inside one frame; the lock keeps it from being given away. */
static int write_frame(struct domain *d, gpaddr_t gpa, const void *src, size_t n)
{
    enum p2m_type t;
    uint64_t leaf;

    spin_guard(&d->p2m_lock);
    leaf = p2m_leaf_locked(d, gfn_of(gpa));
    t = p2m_leaf_type(leaf);
    if (unlikely(t == P2M_NONE || t == P2M_MMIO || t == P2M_GRANT_RO))
        return -XEN_EFAULT;
    if (unlikely(t == P2M_LOGDIRTY))
        p2m_log_dirty_locked(d, gfn_of(gpa));
    memcpy((char *)mfn_to_va(p2m_leaf_mfn(leaf)) + (gpa & ~PAGE_MASK), src, n);
    return 0;
}

/* n bytes at gva, not over the end of the page. */
static inline int read_page(struct vcpu *v, void *dst, uint64_t gva, size_t n)
{
    uint64_t gpa = walk(v, gva, false);
    const char *frame = likely(gpa != NOWHERE) ? frame_peek(v, gpa & PAGE_MASK) : NULL;

    if (unlikely(!frame))
        return -XEN_EFAULT;
    memcpy(dst, frame + (gpa & ~PAGE_MASK), n);
    return 0;
}

int copy_from_guest(struct vcpu *v, void *dst, uint64_t gva, size_t size)
{
    unsigned tries = 0;
    int rc = 0;

    while (size && !rc) {
        size_t n = MIN(size, PAGE_SIZE - (gva & ~PAGE_MASK));
        uint64_t generation = reads_begin(v);

        rc = read_page(v, dst, gva, n);
        if (unlikely(!reads_valid(v, generation))) {
            rc = 0;
            if (++tries < READ_TRIES)
                continue;
            reads_lock(v);
            rc = read_page(v, dst, gva, n);
            reads_unlock(v);
        }
        gva += n;
        dst = (char *)dst + n;
        size -= n;
    }
    return rc;
}

/* To the guest's virtual memory by the page tables of v; NULL: the address is physical. */
static int copy_out(struct domain *d, struct vcpu *v, uint64_t address, const void *src, size_t size)
{
    while (size) {
        size_t n = MIN(size, PAGE_SIZE - (address & ~PAGE_MASK));
        gpaddr_t gpa = address;

        if ((v && guest_walk(v, address, true, &gpa)) || write_frame(d, gpa, src, n))
            return -XEN_EFAULT;
        address += n;
        src = (const char *)src + n;
        size -= n;
    }
    return 0;
}

int copy_to_guest(struct vcpu *v, uint64_t gva, const void *src, size_t size)
{
    return copy_out(v->domain, v, gva, src, size);
}

int copy_to_gpa(struct domain *d, gpaddr_t gpa, const void *src, size_t size)
{
    return copy_out(d, NULL, gpa, src, size);
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
