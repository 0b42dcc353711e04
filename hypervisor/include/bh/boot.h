/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the boot loader handed over, in one form for Multiboot 1 and 2 (boot/multiboot.c fills it), and the
 * command line (boot/cmdline.c). Pointers are machine physical addresses; boot memory stays until dom0 is
 * built.
 */
#pragma once

#include "bh/types.h"

#define BOOT_MAX_MODULES 8
#define BOOT_MAX_E820    128
#define BOOT_CMDLINE_MAX 2048

/* e820 types (ACPI specification, table "Address Range Types") */
enum { E820_RAM = 1, E820_RESERVED = 2, E820_ACPI = 3, E820_NVS = 4, E820_UNUSABLE = 5 };

struct e820_entry {
    uint64_t addr, size;
    uint32_t type;
} __packed_struct;

struct boot_module {
    paddr_t start, end;             /* bytes, end exclusive */
    char cmdline[BOOT_CMDLINE_MAX]; /* words after the module's name for MB1 (QEMU, GRUB), as given */
};

/* as Multiboot has them; FB_NONE: the loader said nothing */
enum { FB_RGB = 1, FB_TEXT = 2, FB_NONE = 0xff };

struct boot_framebuffer { /* linear pixels, or text memory with width and height in characters */
    paddr_t addr;
    uint32_t pitch, width, height;
    uint8_t bpp, type;
    uint8_t colour[6]; /* position and size of red, green, blue */
};

struct boot_info {
    char cmdline[BOOT_CMDLINE_MAX];
    char loader[64];
    unsigned nr_modules, nr_e820;
    struct boot_module module[BOOT_MAX_MODULES];
    /* sorted, overlaps resolved (non-RAM wins), page unaligned as given */
    struct e820_entry e820[BOOT_MAX_E820];
    paddr_t rsdp; /* 0: search the BIOS areas. For MB2 the RSDP copy's content is in rsdp_copy */
    uint8_t rsdp_copy[64];
    unsigned rsdp_copy_len; /* 0: none */
    bool efi;
    struct boot_framebuffer fb;
};

/* Append [start, end) to a map in ascending order, of *nr entries that may become max: to its last entry
 * where it only goes on. False: no room. */
bool e820_append(struct e820_entry *map, unsigned *nr, unsigned max, uint64_t start, uint64_t end,
                 uint32_t type);
/* Parse the loader's information block. `phys` maps a machine address range for reading, NULL if impossible.
 * 0, or -XEN_EINVAL with *why pointing to a static sentence. */
int multiboot_parse(uint32_t magic, paddr_t info, const void *(*phys)(paddr_t pa, size_t len),
                    struct boot_info *out, const char **why);
