/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Input: a byte that chooses the protocol, then physical memory from 0x1000 on; the block is at its start. */
#include "fuzz.h"
#include "bh/boot.h"
#include "bh/lib.h"
#include "bh/xen.h"

#define BASE 0x1000u

static const uint8_t *memory;
static size_t memory_size;

static const void *phys(paddr_t pa, size_t len)
{
    if (pa < BASE || pa - BASE > memory_size || len > memory_size - (pa - BASE))
        return NULL;
    return memory + (pa - BASE);
}

static void check_map(const struct boot_info *info)
{
    CHECK(info->nr_e820 > 0 && info->nr_e820 <= BOOT_MAX_E820);
    for (unsigned i = 0; i < info->nr_e820; i++) {
        const struct e820_entry *e = &info->e820[i];

        CHECK(e->size && e->addr + e->size > e->addr && e->type >= E820_RAM && e->type <= E820_UNUSABLE);
        CHECK(!i || info->e820[i - 1].addr + info->e820[i - 1].size <= e->addr);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct boot_info info;
    const char *why = NULL;
    int rc;

    if (!size)
        return 0;
    memory = data + 1;
    memory_size = size - 1;
    rc = multiboot_parse(data[0] & 1 ? 0x36d76289 : 0x2badb002, BASE, phys, &info, &why);
    CHECK(rc == 0 || (rc == -XEN_EINVAL && why && *why));
    if (rc)
        return 0;
    check_map(&info);
    CHECK(info.nr_modules <= BOOT_MAX_MODULES && strnlen(info.cmdline, BOOT_CMDLINE_MAX) < BOOT_CMDLINE_MAX);
    for (unsigned i = 0; i < info.nr_modules; i++)
        CHECK(info.module[i].start <= info.module[i].end &&
              strnlen(info.module[i].cmdline, BOOT_CMDLINE_MAX) < BOOT_CMDLINE_MAX);
    return 0;
}
