/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A dom0 kernel: bzImage or ELF64 with the Xen PVH entry note. Pure logic over memory. */
#pragma once

#include "bh/types.h"

#define KERNEL_MAX_SEGMENTS 16

struct kernel_segment { /* a PT_LOAD: file bytes then zeroes up to mem_size, at guest physical gpa */
    gpaddr_t gpa;
    uint64_t file_offset, file_size, mem_size;
};
struct kernel_image {
    unsigned nr_segments;
    struct kernel_segment segment[KERNEL_MAX_SEGMENTS];
    gpaddr_t entry;      /* XEN_ELFNOTE_PHYS32_ENTRY (18): 32-bit protected mode */
    gpaddr_t start, end; /* span of all segments */
};

/* If `image` is a bzImage, find its compressed payload. 0; -XEN_ENOSYS: not a bzImage; -XEN_EINVAL broken. */
int bzimage_payload(const uint8_t *image, size_t len, const uint8_t **payload, size_t *payload_len,
                    size_t *unpacked_len);
/* Decode an ELF64 kernel. Every offset and size is checked against len. 0 or -XEN_EINVAL with *why set. */
int elf_kernel_parse(const uint8_t *elf, size_t len, struct kernel_image *out, const char **why);
