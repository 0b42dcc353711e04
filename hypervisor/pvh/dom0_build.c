/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dom0 from the boot modules: memory in the shape of the machine's memory map, kernel, initrd, start info,
 * ACPI, devices, the first vCPU's registers. RAM that dom0 does not get is a hole in its map.
 */
#include "bh/acpi_build.h"
#include "bh/boot.h"
#include "bh/cmdline.h"
#include "bh/decompress.h"
#include "bh/domain.h"
#include "bh/emul.h"
#include "bh/hwdom.h"
#include "bh/iommu.h"
#include "bh/kernel_image.h"
#include "bh/lib.h"
#include "bh/msr.h"
#include "bh/p2m_int.h"
#include "bh/page.h"
#include "bh/paging.h"
#include "bh/setup.h"

#define E820_MAX (BOOT_MAX_E820 + 8)

/* What the kernel finds at its entry. */
struct start_block {
    struct hvm_start_info info;
    struct hvm_modlist_entry initrd;
    struct hvm_memmap_table_entry map[E820_MAX];
    char cmdline[BOOT_CMDLINE_MAX];
};

struct builder {
    struct domain *d;
    const struct boot_info *bi;
    struct e820_entry map[E820_MAX];
    unsigned nr_map;
    uint64_t pages_left;
    gpaddr_t acpi_gpa;
    uint64_t acpi_size;
    struct kernel_image kernel;
    gpaddr_t initrd_gpa, info_gpa;
    struct start_block start;
    const char *why;
};

static bool map_add(struct builder *b, uint64_t start, uint64_t end, uint32_t type)
{
    return e820_append(b->map, &b->nr_map, E820_MAX, start, end, type);
}

/* A block of frames that becomes dom0's at frame f: any, or one to one the machine's own if it is free. */
static mfn_t take_block(struct builder *b, uint64_t f, unsigned order)
{
    if (!b->d->direct_mapped)
        return page_alloc_domain(b->d, order, PAGE_DIRTY_OK | PAGE_NO_LIMIT);
    return page_claim_fixed(b->d, mfn(f), BIT(order)) ? mfn(f) : INVALID_MFN;
}

/* Frames [start, end) of dom0's address space become RAM of its own, by the largest pages that fit. Returns
 * the first one that did not. */
static uint64_t populate(struct builder *b, uint64_t start, uint64_t end)
{
    while (start < end && b->pages_left) {
        unsigned o = b->d->direct_mapped ? ORDER_2M : ORDER_1G;
        mfn_t m;

        while (o && (start & (BIT(o) - 1) || end - start < BIT(o) || b->pages_left < BIT(o)))
            o -= 9;
        for (m = take_block(b, start, o); !mfn_valid_value(m) && o; m = take_block(b, start, o))
            o -= 9;
        if (!mfn_valid_value(m) || p2m_set(b->d, gfn(start), m, o, P2M_RAM))
            break;
        start += BIT(o);
        b->pages_left -= BIT(o);
    }
    return start;
}

/* One to one, frames that are in use are holes; else no frame is free any more where populate() stops. */
static bool add_ram(struct builder *b, uint64_t start, uint64_t end)
{
    bool room = true;

    p2m_deny(start, end);
    while (start < end && b->pages_left && room) {
        uint64_t got = populate(b, start, end);

        room = map_add(b, start << PAGE_SHIFT, got << PAGE_SHIFT, E820_RAM);
        start = b->d->direct_mapped ? got + 1 : end;
    }
    return room;
}

/* The last RAM below 4 GiB gives its end to the new ACPI tables. */
static bool steal_acpi(struct builder *b)
{
    struct e820_entry *e = NULL;
    uint64_t size = ROUND_UP(acpi_build_max_size(b->d->max_vcpus), PAGE_SIZE);

    for (unsigned i = 0; i < b->nr_map; i++)
        if (b->map[i].type == E820_RAM && b->map[i].addr >= LOW_1M &&
            b->map[i].addr + b->map[i].size <= BIT(32) && b->map[i].size > size)
            e = &b->map[i];
    if (!e || b->nr_map == E820_MAX)
        return false;
    e->size -= size;
    b->acpi_gpa = e->addr + e->size;
    b->acpi_size = size;
    memmove(e + 2, e + 1, (size_t)((b->map + b->nr_map) - (e + 1)) * sizeof(*e));
    e[1] = (struct e820_entry){b->acpi_gpa, size, E820_ACPI};
    b->nr_map++;
    return true;
}

static bool build_memory(struct builder *b)
{
    const struct boot_info *bi = b->bi;

    for (unsigned i = 0; i < bi->nr_e820; i++) {
        const struct e820_entry *e = &bi->e820[i];
        uint64_t start = e->addr, end = e->addr + e->size;

        if (e->type != E820_RAM || end <= LOW_1M) {
            if (!map_add(b, start, end, e->type))
                return false;
        } else if (!add_ram(b, ROUND_UP(MAX(start, LOW_1M), PAGE_SIZE) >> PAGE_SHIFT, end >> PAGE_SHIFT)) {
            return false;
        }
    }
    return steal_acpi(b);
}

/*
 * Firmware's memory keeps its place: the first MiB and what the map calls reserved below 4 GiB, ACPI and NVS.
 * What must trap is denied by then.
 */
static int map_firmware(struct builder *b)
{
    int rc = p2m_map_identity(b->d, 0, LOW_1M >> PAGE_SHIFT);

    for (unsigned i = 0; i < b->bi->nr_e820 && !rc; i++) {
        const struct e820_entry *e = &b->bi->e820[i];
        uint64_t start = MAX(e->addr, LOW_1M) >> PAGE_SHIFT,
                 end = ROUND_UP(e->addr + e->size, PAGE_SIZE) >> PAGE_SHIFT;

        if (e->type == E820_RAM || start >= end || (e->type == E820_RESERVED && start >= BIT(20)))
            continue;
        rc = p2m_map_identity(b->d, start, end);
    }
    return rc;
}

/* ELF image of the kernel module, unpacked into *buf when it is compressed (order *order, or the module
 * itself). */
static int kernel_elf(struct builder *b, const uint8_t **elf, size_t *len, mfn_t *buf, unsigned *order)
{
    const struct boot_module *m = &b->bi->module[0];
    const uint8_t *image = pa_to_va(m->start), *payload;
    size_t size = (size_t)(m->end - m->start), payload_len;
    int rc = bzimage_payload(image, size, &payload, &payload_len, len);

    *buf = INVALID_MFN;
    if (rc == -XEN_ENOSYS) {
        *elf = image;
        *len = size;
        return 0;
    }
    b->why = "the kernel module is a damaged bzImage; check the file that the boot loader loads";
    if (rc)
        return rc;
    *order = doublings(PAGE_SIZE, *len);
    b->why = "not enough memory to unpack the kernel";
    scratch(work, DECOMPRESS_SCRATCH);
    *buf = page_alloc(*order, PAGE_DIRTY_OK);
    if (!work.p || !mfn_valid_value(*buf))
        return -XEN_ENOMEM;
    rc = decompress(payload, payload_len, mfn_to_va(*buf), *len, work.p);
    b->why = rc == -XEN_ENOSYS
                 ? "the kernel is compressed by neither xz nor zstd as Linux' build does it; load one of "
                   "Debian's kernels, or an uncompressed vmlinux"
                 : "the kernel's compressed payload is damaged";
    *elf = mfn_to_va(*buf);
    return rc;
}

static int zero_gpa(struct domain *d, gpaddr_t gpa, uint64_t size)
{
    static const uint8_t zeros[PAGE_SIZE];
    int rc = 0;

    while (size && !rc) {
        uint64_t n = MIN(size, PAGE_SIZE - (gpa & ~PAGE_MASK));

        rc = copy_to_gpa(d, gpa, zeros, n);
        gpa += n;
        size -= n;
    }
    return rc;
}

static int load_kernel(struct builder *b)
{
    const uint8_t *elf = NULL;
    size_t len = 0;
    mfn_t buf;
    unsigned order = 0;
    int rc = kernel_elf(b, &elf, &len, &buf, &order);

    if (!rc)
        rc = elf_kernel_parse(elf, len, &b->kernel, &b->why);
    for (unsigned i = 0; !rc && i < b->kernel.nr_segments; i++) {
        const struct kernel_segment *s = &b->kernel.segment[i];

        b->why = "the kernel does not fit into dom0's memory; give more by dom0_mem=";
        rc = copy_to_gpa(b->d, s->gpa, elf + s->file_offset, s->file_size);
        rc = rc ? rc : zero_gpa(b->d, s->gpa + s->file_size, s->mem_size - s->file_size);
    }
    if (mfn_valid_value(buf))
        page_free(buf, order);
    return rc;
}

/* A place of `size` bytes in RAM above the kernel, below 4 GiB. */
static gpaddr_t find_place(const struct builder *b, gpaddr_t from, uint64_t size)
{
    from = ROUND_UP(from, PAGE_SIZE);
    for (unsigned i = 0; i < b->nr_map; i++) {
        uint64_t start = MAX(b->map[i].addr, from), end = b->map[i].addr + b->map[i].size;

        if (b->map[i].type == E820_RAM && start + size <= MIN(end, BIT(32)))
            return start;
    }
    return 0;
}

static int load_initrd(struct builder *b)
{
    const struct boot_module *m = &b->bi->module[1];
    uint64_t size = b->bi->nr_modules > 1 ? m->end - m->start : 0;

    if (!size)
        return 0;
    b->why = "the initrd does not fit into dom0's memory; give more by dom0_mem=";
    b->initrd_gpa = find_place(b, b->kernel.end, size);
    return b->initrd_gpa ? copy_to_gpa(b->d, b->initrd_gpa, pa_to_va(m->start), size) : -XEN_ENOMEM;
}

/* Where it lies, RAM of one piece above kernel and initrd. */
static int write_start_info(struct builder *b)
{
    const struct boot_module *initrd = &b->bi->module[1];
    struct start_block *s = &b->start;
    gpaddr_t base = find_place(
        b, b->initrd_gpa ? b->initrd_gpa + (initrd->end - initrd->start) : b->kernel.end, sizeof(*s));

    b->why = "no room for dom0's start information";
    if (!base)
        return -XEN_ENOMEM;
    s->info = (struct hvm_start_info){.magic = XEN_HVM_START_MAGIC_VALUE,
                                      .version = 1,
                                      .flags = SIF_PRIVILEGED | SIF_INITDOMAIN,
                                      .nr_modules = b->initrd_gpa ? 1 : 0,
                                      .modlist_paddr = base + offsetof(struct start_block, initrd),
                                      .cmdline_paddr = base + offsetof(struct start_block, cmdline),
                                      .rsdp_paddr = b->acpi_gpa,
                                      .memmap_paddr = base + offsetof(struct start_block, map),
                                      .memmap_entries = b->nr_map};
    s->initrd = (struct hvm_modlist_entry){.paddr = b->initrd_gpa, .size = initrd->end - initrd->start};
    for (unsigned i = 0; i < b->nr_map; i++)
        s->map[i] = (struct hvm_memmap_table_entry){
            .addr = b->map[i].addr, .size = b->map[i].size, .type = b->map[i].type};
    memcpy(s->cmdline, b->bi->module[0].cmdline, sizeof(s->cmdline));
    b->info_gpa = base;
    return copy_to_gpa(b->d, base, s, sizeof(*s));
}

static int write_acpi(struct builder *b)
{
    scratch(buf, b->acpi_size);
    int64_t used;

    b->why = "no room for dom0's ACPI tables";
    if (!buf.p)
        return -XEN_ENOMEM;
    used = acpi_build(&acpi_info, b->d->max_vcpus, b->acpi_gpa, buf.p, buf.size);
    return used < 0 ? (int)used : copy_to_gpa(b->d, b->acpi_gpa, buf.p, buf.size);
}

static int publish_memory_map(struct builder *b)
{
    b->d->e820 = kzalloc(b->nr_map * sizeof(b->map[0]));
    if (!b->d->e820)
        return -XEN_ENOMEM;
    memcpy(b->d->e820, b->map, b->nr_map * sizeof(b->map[0]));
    b->d->nr_e820 = b->nr_map;
    return 0;
}

/* Registers at the PVH entry point: 32-bit protected mode, no paging, ebx the start info. */
static void set_entry_state(struct builder *b)
{
    struct vcpu *v = b->d->vcpu[0];
    struct cpu_state s;

    virt->get_state(v, &s);
    for (unsigned i = 0; i < NR_SEGS; i++)
        s.seg[i] = (struct segment){0, 0xc93, 0xffffffff, 0};
    s.seg[SEG_CS] = (struct segment){8, 0xc9b, 0xffffffff, 0};
    s.seg[SEG_TR] = (struct segment){0, 0x08b, 0x67, 0};
    s.seg[SEG_LDTR] = (struct segment){0, 0x082, 0, 0};
    s.seg[SEG_GDTR] = s.seg[SEG_IDTR] = (struct segment){0};
    s.cr0 = X86_CR0_PE | X86_CR0_ET;
    s.rip = b->kernel.entry;
    s.rflags = 2;
    virt->set_state(v, &s);
    memset(&v->regs, 0, sizeof(v->regs));
    v->regs.rbx = b->info_gpa;
}

static uint64_t memory_wanted(const char *cmdline)
{
    uint64_t available = page_counts.free << PAGE_SHIFT, reserve, bytes;
    char val[64] = "";

    /* tables, dom0's own page tables and a little for the hypervisor stay back */
    reserve = MIN(available / 16, 64ull << 20) + (available >> 9);
    available -= MIN(available, reserve);
    cmdline_get(cmdline, "dom0_mem", val, sizeof(val));
    if (!cmdline_dom0_mem(val, available, &bytes))
        return bytes;
    pr_warn("dom0_mem=%s is not a size; dom0 gets all memory\n", val);
    return available;
}

static struct domain *new_dom0(const char *cmdline, int *rc)
{
    unsigned vcpus = (unsigned)MIN(cmdline_number(cmdline, "dom0_max_vcpus", nr_cpus), MAX_VCPUS);
    struct xen_domctl_createdomain c = {.max_vcpus = vcpus ? vcpus : 1,
                                        .max_evtchn_port = ~0u,
                                        .max_grant_frames = -1,
                                        .max_maptrack_frames = -1};

    return domain_create(0, &c, rc);
}

static void free_frames(paddr_t start, paddr_t end)
{
    for (; start < end; start += PAGE_SIZE)
        page_free(mfn_of(start), 0);
}

/* Modules may lie where a one-to-one dom0's RAM must be: copy them out of the way first. */
static int move_modules(struct boot_info *bi)
{
    for (unsigned i = 0; i < bi->nr_modules; i++) {
        struct boot_module *m = &bi->module[i];
        uint64_t size = m->end - m->start;
        paddr_t old = ROUND_DOWN(m->start, PAGE_SIZE), old_end = ROUND_UP(m->end, PAGE_SIZE);
        unsigned order = doublings(PAGE_SIZE, size);
        mfn_t to = page_alloc_top(order);

        if (!mfn_valid_value(to))
            return -XEN_ENOMEM;
        memcpy(mfn_to_va(to), pa_to_va(m->start), size);
        m->start = mfn_pa(to);
        m->end = m->start + size;
        free_frames(ROUND_UP(m->end, PAGE_SIZE), m->start + (PAGE_SIZE << order));
        page_add_ram(old, old_end, true);
    }
    return 0;
}

static void free_modules(const struct builder *b)
{
    for (unsigned i = 0; i < b->bi->nr_modules; i++) {
        const struct boot_module *m = &b->bi->module[i];

        if (b->d->direct_mapped)
            free_frames(m->start, m->end);
        else
            page_add_ram(m->start, ROUND_UP(m->end, PAGE_SIZE), true);
    }
}

static int attach_devices(struct builder *b)
{
    int rc;

    b->why = "the virtual IO-APICs could not be made";
    rc = vioapic_init(b->d);
    if (rc)
        return rc;
    b->why = "the PCI configuration space could not be taken over";
    rc = vpci_init(b->d, &acpi_info);
    if (rc)
        return rc;
    b->why = "the legacy devices could not be set up";
    return legacy_init(b->d, &acpi_info);
}

static int build(struct builder *b)
{
    struct domain *d = b->d;
    int rc;

    b->why = "not enough memory for its virtual CPUs";
    rc = domain_set_max_vcpus(d, d->max_vcpus);
    if (rc)
        return rc;
    b->why = "its memory map could not be built; is dom0_mem= too small?";
    if (!build_memory(b) || map_firmware(b))
        return -XEN_ENOMEM;
    d->max_pages = d->tot_pages;
    rc = load_kernel(b);
    rc = rc ? rc : load_initrd(b);
    rc = rc ? rc : write_acpi(b);
    rc = rc ? rc : write_start_info(b);
    rc = rc ? rc : publish_memory_map(b);
    rc = rc ? rc : attach_devices(b);
    if (!rc)
        set_entry_state(b);
    return rc;
}

int dom0_build(const struct boot_info *bi, const char **why)
{
    static struct builder b __attribute__((section(".bss.init")));
    int rc;

    *why = "no kernel: the boot loader must load a Linux kernel as first module";
    if (!bi->nr_modules)
        return -XEN_ENOENT;
    if (!iommu) {
        pr_warn("*** NO IOMMU: dom0 is mapped one to one and its devices reach all memory. No protection "
                "from devices,\n");
        pr_warn("*** no passthrough. Switch the IOMMU (AMD-Vi, VT-d) on in the firmware, or do not trust "
                "this machine.\n");
        *why = "not enough memory to move the boot modules";
        rc = move_modules(&boot_info);
        if (rc)
            return rc;
    }
    b.bi = bi;
    b.d = new_dom0(bi->cmdline, &rc);
    *why = "not enough memory for its records";
    if (!b.d)
        return rc;
    dom0 = b.d;
    b.d->direct_mapped = !iommu;
    b.pages_left = memory_wanted(bi->cmdline) >> PAGE_SHIFT;
    rc = build(&b);
    *why = b.why;
    if (rc)
        return rc;
    free_modules(&b);
    if (iommu)
        iommu_enable();
    pr_info("dom0: %lu MiB, %u vCPUs, kernel entry %lx, start info %lx\n", b.d->tot_pages >> 8,
            b.d->max_vcpus, b.kernel.entry, b.info_gpa);
    return 0;
}
