/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ELF64 kernels with Xen's PVH entry note (ELF specification; xen/elfnote.h). Nothing is copied or relocated
 * here. */
#include "bh/kernel_image.h"
#include "bh/bytes.h"
#include <xen/elfnote.h>

#define ELF_HEADER_SIZE  64
#define PHDR_SIZE        56
#define MAX_PHDRS        64
#define EM_X86_64        62
#define PT_LOAD          1u
#define PT_NOTE          4u
#define NOTE_HEADER_SIZE 12

struct phdr {
    uint32_t type;
    uint64_t offset, paddr, file_size, mem_size;
};

static int check_header(const uint8_t *elf, size_t len, const char **why)
{
    static const uint8_t ident[] = {0x7f, 'E', 'L', 'F', 2 /* 64-bit */, 1 /* little-endian */,
                                    1 /* version */};

    if (len < ELF_HEADER_SIZE || memcmp(elf, ident, sizeof(ident)))
        return refuse(why, "the kernel is not an ELF64 file");
    if (read_le16(elf + 18) != EM_X86_64)
        return refuse(why, "the kernel is not for x86-64");
    if (read_le16(elf + 54) != PHDR_SIZE || !read_le16(elf + 56) || read_le16(elf + 56) > MAX_PHDRS ||
        !range_within(read_le64(elf + 32), (uint64_t)PHDR_SIZE * read_le16(elf + 56), len))
        return refuse(why, "the kernel's program headers are broken");
    return 0;
}

static struct phdr read_phdr(const uint8_t *elf, unsigned i)
{
    const uint8_t *p = elf + read_le64(elf + 32) + (size_t)i * PHDR_SIZE;

    return (struct phdr){.type = read_le32(p),
                         .offset = read_le64(p + 8),
                         .paddr = read_le64(p + 24),
                         .file_size = read_le64(p + 32),
                         .mem_size = read_le64(p + 40)};
}

static bool overlaps(const struct kernel_segment *s, const struct phdr *ph)
{
    return ph->paddr < s->gpa + s->mem_size && s->gpa < ph->paddr + ph->mem_size;
}

static int add_segment(struct kernel_image *out, const struct phdr *ph, const char **why)
{
    if (!ph->mem_size)
        return 0;
    if (ph->mem_size < ph->file_size || ph->mem_size > UINT32_MAX || ph->paddr > UINT32_MAX)
        return refuse(why, "a segment of the kernel is too large or lies above 4 GiB");
    if (out->nr_segments == KERNEL_MAX_SEGMENTS)
        return refuse(why, "the kernel has too many segments");
    for (unsigned i = 0; i < out->nr_segments; i++)
        if (overlaps(&out->segment[i], ph))
            return refuse(why, "segments of the kernel overlap");
    if (!out->nr_segments || ph->paddr < out->start)
        out->start = ph->paddr;
    out->end = MAX(out->end, ph->paddr + ph->mem_size);
    out->segment[out->nr_segments++] = (struct kernel_segment){
        .gpa = ph->paddr, .file_offset = ph->offset, .file_size = ph->file_size, .mem_size = ph->mem_size};
    return 0;
}

/* Look for the PVH entry among the notes; true when *entry has been set. Broken notes end the search. */
static bool find_entry_note(const uint8_t *notes, uint64_t len, gpaddr_t *entry)
{
    uint64_t pos = 0;

    while (range_within(pos, NOTE_HEADER_SIZE, len)) {
        const uint8_t *note = notes + pos;
        uint64_t name_size = read_le32(note), desc_size = read_le32(note + 4);
        uint64_t desc = pos + NOTE_HEADER_SIZE + ROUND_UP(name_size, 4);

        if (!range_within(desc, desc_size, len))
            return false;
        if (read_le32(note + 8) == XEN_ELFNOTE_PHYS32_ENTRY && name_size == 4 &&
            !memcmp(note + NOTE_HEADER_SIZE, "Xen", 4) && (desc_size == 4 || desc_size == 8)) {
            *entry = desc_size == 8 ? read_le64(notes + desc) : read_le32(notes + desc);
            return true;
        }
        pos = desc + ROUND_UP(desc_size, 4);
    }
    return false;
}

int elf_kernel_parse(const uint8_t *elf, size_t len, struct kernel_image *out, const char **why)
{
    bool has_entry = false;
    int rc;

    memset(out, 0, sizeof(*out));
    rc = check_header(elf, len, why);
    for (unsigned i = 0; !rc && i < read_le16(elf + 56); i++) {
        struct phdr ph = read_phdr(elf, i);

        if (ph.type != PT_LOAD && ph.type != PT_NOTE)
            continue;
        if (!range_within(ph.offset, ph.file_size, len))
            return refuse(why, "the kernel file is truncated");
        if (ph.type == PT_LOAD)
            rc = add_segment(out, &ph, why);
        else if (!has_entry)
            has_entry = find_entry_note(elf + ph.offset, ph.file_size, &out->entry);
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
