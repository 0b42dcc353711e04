/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ELF64 kernels with Xen's PVH entry note (ELF specification; xen/elfnote.h). Nothing is copied or relocated
 * here. */
#include "bh/kernel_image.h"
#include "bh/bytes.h"
#include <elf.h>
#include <xen/elfnote.h>

#define MAX_PHDRS 64

static int read_header(const uint8_t *elf, size_t len, Elf64_Ehdr *h, const char **why)
{
    static const uint8_t ident[] = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT};

    if (len < sizeof(*h) || memcmp(elf, ident, sizeof(ident)))
        return refuse(why, "the kernel is not an ELF64 file");
    memcpy(h, elf, sizeof(*h));
    if (h->e_machine != EM_X86_64)
        return refuse(why, "the kernel is not for x86-64");
    if (h->e_phentsize != sizeof(Elf64_Phdr) || !h->e_phnum || h->e_phnum > MAX_PHDRS ||
        !range_within(h->e_phoff, sizeof(Elf64_Phdr) * h->e_phnum, len))
        return refuse(why, "the kernel's program headers are broken");
    return 0;
}

static bool overlaps(const struct kernel_segment *s, const Elf64_Phdr *ph)
{
    return ph->p_paddr < s->gpa + s->mem_size && s->gpa < ph->p_paddr + ph->p_memsz;
}

static int add_segment(struct kernel_image *out, const Elf64_Phdr *ph, const char **why)
{
    if (!ph->p_memsz)
        return 0;
    if (ph->p_memsz < ph->p_filesz || ph->p_memsz > UINT32_MAX || ph->p_paddr > UINT32_MAX)
        return refuse(why, "a segment of the kernel is too large or lies above 4 GiB");
    if (out->nr_segments == KERNEL_MAX_SEGMENTS)
        return refuse(why, "the kernel has too many segments");
    for (unsigned i = 0; i < out->nr_segments; i++)
        if (overlaps(&out->segment[i], ph))
            return refuse(why, "segments of the kernel overlap");
    if (!out->nr_segments || ph->p_paddr < out->start)
        out->start = ph->p_paddr;
    out->end = MAX(out->end, ph->p_paddr + ph->p_memsz);
    out->segment[out->nr_segments++] = (struct kernel_segment){
        .gpa = ph->p_paddr, .file_offset = ph->p_offset, .file_size = ph->p_filesz, .mem_size = ph->p_memsz};
    return 0;
}

/* Look for the PVH entry among the notes; true when *entry has been set. Broken notes end the search. */
static bool find_entry_note(const uint8_t *notes, uint64_t len, gpaddr_t *entry)
{
    uint64_t pos = 0;

    while (range_within(pos, sizeof(Elf64_Nhdr), len)) {
        const uint8_t *name = notes + pos + sizeof(Elf64_Nhdr);
        Elf64_Nhdr n;
        uint64_t desc;

        memcpy(&n, notes + pos, sizeof(n));
        desc = pos + sizeof(n) + ROUND_UP((uint64_t)n.n_namesz, 4);
        if (!range_within(desc, n.n_descsz, len))
            return false;
        if (n.n_type == XEN_ELFNOTE_PHYS32_ENTRY && n.n_namesz == 4 && !memcmp(name, "Xen", 4) &&
            (n.n_descsz == 4 || n.n_descsz == 8)) {
            *entry = n.n_descsz == 8 ? read_le64(notes + desc) : read_le32(notes + desc);
            return true;
        }
        pos = desc + ROUND_UP((uint64_t)n.n_descsz, 4);
    }
    return false;
}

int elf_kernel_parse(const uint8_t *elf, size_t len, struct kernel_image *out, const char **why)
{
    bool has_entry = false;
    Elf64_Ehdr h;
    Elf64_Phdr ph;
    int rc;

    memset(out, 0, sizeof(*out));
    rc = read_header(elf, len, &h, why);
    for (unsigned i = 0; !rc && i < h.e_phnum; i++) {
        memcpy(&ph, elf + h.e_phoff + i * sizeof(ph), sizeof(ph));
        if (ph.p_type != PT_LOAD && ph.p_type != PT_NOTE)
            continue;
        if (!range_within(ph.p_offset, ph.p_filesz, len))
            return refuse(why, "the kernel file is truncated");
        if (ph.p_type == PT_LOAD)
            rc = add_segment(out, &ph, why);
        else if (!has_entry)
            has_entry = find_entry_note(elf + ph.p_offset, ph.p_filesz, &out->entry);
    }
    if (rc)
        return rc;
    if (!out->nr_segments)
        return refuse(why, "the kernel has nothing to load");
    if (!has_entry)
        return refuse(why, "the kernel has no PVH entry point (CONFIG_PVH)");
    if (out->entry < out->start || out->entry >= out->end)
        return refuse(why, "the kernel's PVH entry point lies outside the kernel");
    return 0;
}
