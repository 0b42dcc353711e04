/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hvtest.h"
#include "bh/boot.h"
#include "bh/lib.h"
#include "bh/xen.h"

#define MB1 0x2badb002u
#define MB2 0x36d76289u

/* Physical memory of the test: 64 KiB from address 0; what lies beyond cannot be mapped. */
static uint8_t mem[65536];
static struct boot_info info;
static const char *why;

static const void *phys(paddr_t pa, size_t len)
{
    return pa <= sizeof(mem) && len <= sizeof(mem) - pa ? mem + pa : NULL;
}

static int setup(void **state)
{
    (void)state;
    memset(mem, 0, sizeof(mem));
    memset(&info, 0x5a, sizeof(info));
    return 0;
}

static void w32(size_t at, uint64_t v)
{
    memcpy(mem + at, &(uint32_t){(uint32_t)v}, 4);
}
static void w64(size_t at, uint64_t v)
{
    memcpy(mem + at, &v, 8);
}

struct range {
    uint64_t addr, size;
    uint32_t type;
};

static void mb1_mmap(size_t at, const struct range *r, size_t n)
{
    for (size_t i = 0; i < n; i++, at += 24) {
        w32(at, 20);
        w64(at + 4, r[i].addr);
        w64(at + 12, r[i].size);
        w32(at + 20, r[i].type);
    }
}

/* A block at 0x1000 as QEMU leaves it, with one memory range unless told otherwise. */
static void mb1_block(const char *loader, const char *cmdline, const struct range *r, size_t n)
{
    static const struct range one = {0, 0x100000, E820_RAM};

    w32(0x1000, 1 << 9 | 1 << 2 | 1 << 6);
    w32(0x1000 + 64, 0x2000);
    strcpy((char *)mem + 0x2000, loader);
    w32(0x1000 + 16, 0x2100);
    strcpy((char *)mem + 0x2100, cmdline);
    w32(0x1000 + 44, (r ? n : 1) * 24);
    w32(0x1000 + 48, 0x4000);
    mb1_mmap(0x4000, r ? r : &one, r ? n : 1);
}

static void check_e820(const struct range *want, size_t n)
{
    assert_int_equal(info.nr_e820, n);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(info.e820[i].addr, want[i].addr);
        assert_int_equal(info.e820[i].size, want[i].size);
        assert_int_equal(info.e820[i].type, want[i].type);
    }
}

static void mb1_strings_and_modules(void **state)
{
    (void)state;
    mb1_block("qemu", "/boot/bulkhead dom0_mem=1G  noreboot", NULL, 0);
    w32(0x1000, 1 << 9 | 1 << 6 | 1 << 3 | 1 << 2);
    w32(0x1000 + 20, 2);
    w32(0x1000 + 24, 0x3000);
    w32(0x3000, 0x100000);
    w32(0x3004, 0x180000);
    w32(0x3008, 0x3100);
    strcpy((char *)mem + 0x3100, "vmlinuz root=/dev/sda1 quiet");
    w32(0x3010, 0x200000);
    w32(0x3014, 0x200001);
    assert_int_equal(multiboot_parse(MB1, 0x1000, phys, &info, &why), 0);
    assert_string_equal(info.loader, "qemu");
    assert_string_equal(info.cmdline, "dom0_mem=1G  noreboot");
    assert_int_equal(info.nr_modules, 2);
    assert_int_equal(info.module[0].start, 0x100000);
    assert_int_equal(info.module[0].end, 0x180000);
    assert_string_equal(info.module[0].cmdline, "root=/dev/sda1 quiet");
    assert_int_equal(info.module[1].end, 0x200001);
    assert_string_equal(info.module[1].cmdline, "");
    assert_int_equal(info.fb.type, 0xff);
}

static void loaders_name_rule(void **state)
{
    static const struct {
        const char *loader, *cmdline, *want;
    } t[] = {
        {"GRUB 2.06-13", "noreboot a", "noreboot a"},
        {"GRUB 2.06-13", "placeholder noreboot", "noreboot"},
        {"GRUB 2.06-13", "placeholder", ""},
        {"GRUB 2.06-13", "placeholders", "placeholders"},
        {"GNU GRUB 0.97", "/bulkhead a", "a"},
        {"GRUB 0.97", "/bulkhead a", "a"},
        {"qemu", "bulkhead", ""},
        {"qemu", "", ""},
    };

    for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
        setup(state);
        mb1_block(t[i].loader, t[i].cmdline, NULL, 0);
        assert_int_equal(multiboot_parse(MB1, 0x1000, phys, &info, &why), 0);
        assert_string_equal(info.cmdline, t[i].want);
    }
}

static void e820_is_sorted_and_overlaps_resolved(void **state)
{
    static const struct range in[] = {
        {0x100000, 0x700000, E820_RAM}, {0, 0xa0000, E820_RAM},       {0x9f000, 0x61000, E820_RESERVED},
        {0x300000, 0x1000, E820_ACPI},  {0x300800, 0x1000, E820_NVS}, {0x800000, 0x100000, E820_RAM},
        {0x880000, 0, E820_RESERVED},   {0xa00000, 0x1000, 77},       {~0ull - 0xfff, 0x5000, E820_RESERVED},
    };
    static const struct range want[] = {
        {0, 0x9f000, E820_RAM},
        {0x9f000, 0x61000, E820_RESERVED},
        {0x100000, 0x200000, E820_RAM},
        {0x300000, 0x800, E820_ACPI},
        {0x300800, 0x1000, E820_NVS},
        {0x301800, 0x5fe800, E820_RAM},
        {0xa00000, 0x1000, E820_RESERVED},
        {~0ull - 0xfff, 0xfff, E820_RESERVED},
    };

    (void)state;
    mb1_block("qemu", "x", in, ARRAY_SIZE(in));
    assert_int_equal(multiboot_parse(MB1, 0x1000, phys, &info, &why), 0);
    check_e820(want, ARRAY_SIZE(want));
}

static void e820_too_many_ranges_keeps_the_first(void **state)
{
    struct range in[200];

    (void)state;
    for (uint32_t i = 0; i < 200; i++)
        in[i] = (struct range){0x10000ull * (199 - i), 0x1000, E820_RAM};
    mb1_block("qemu", "x", in, ARRAY_SIZE(in));
    assert_int_equal(multiboot_parse(MB1, 0x1000, phys, &info, &why), 0);
    assert_int_equal(info.nr_e820, BOOT_MAX_E820);
    assert_int_equal(info.e820[127].addr, 0x7f0000);
}

static void mb1_broken_map_is_refused(void **state)
{
    (void)state;
    mb1_block("qemu", "x", NULL, 0);
    w32(0x1000, 1 | 1 << 6);
    w32(0x1004, 639);
    w32(0x1008, 0x1000);
    w32(0x4000, 0xffffffff); /* the entry's size */
    assert_int_equal(multiboot_parse(MB1, 0x1000, phys, &info, &why), -XEN_EINVAL);
    assert_string_equal(why, "the boot loader gave no memory map");
}

static void mb1_refusals(void **state)
{
    mb1_block("qemu", "x", NULL, 0);
    assert_int_equal(multiboot_parse(0, 0x1000, phys, &info, &why), -XEN_EINVAL);
    assert_string_equal(why, "not started by a Multiboot loader");
    assert_int_equal(multiboot_parse(MB1, 0xffffffff, phys, &info, &why), -XEN_EINVAL);
    w32(0x1000, 1 << 3 | 1 << 6);
    w32(0x1000 + 20, 9);
    w32(0x1000 + 24, 0x3000);
    assert_int_equal(multiboot_parse(MB1, 0x1000, phys, &info, &why), -XEN_EINVAL);
    assert_string_equal(why, "too many boot modules");
    w32(0x3000, 1);
    assert_int_equal(multiboot_parse(MB1, 0x1000, phys, &info, &why), -XEN_EINVAL);
    assert_string_equal(why, "a boot module ends before it starts");
    w32(0x1000 + 24, 0xfffff000);
    assert_int_equal(multiboot_parse(MB1, 0x1000, phys, &info, &why), -XEN_EINVAL);
    setup(state);
    assert_int_equal(multiboot_parse(MB1, 0x1000, phys, &info, &why), -XEN_EINVAL);
    assert_string_equal(why, "the boot loader gave no memory map");
}

static void mb1_endless_string_is_cut(void **state)
{
    (void)state;
    mb1_block("GRUB 2.06", "", NULL, 0);
    w32(0x1000 + 16, 0x8000);
    memset(mem + 0x8000, 'a', 0x8000);
    assert_int_equal(multiboot_parse(MB1, 0x1000, phys, &info, &why), 0);
    assert_int_equal(strlen(info.cmdline), BOOT_CMDLINE_MAX - 1);
    w32(0x1000 + 16, 0xfff0); /* runs into the end of memory */
    assert_int_equal(multiboot_parse(MB1, 0x1000, phys, &info, &why), 0);
    assert_int_equal(strlen(info.cmdline), 16);
}

static size_t mb2_end;

static void mb2_tag(uint32_t type, const void *body, size_t len)
{
    w32(mb2_end, type);
    w32(mb2_end + 4, len + 8);
    memcpy(mem + mb2_end + 8, body, len);
    mb2_end += (len + 8 + 7) & ~7ul;
    w32(0x1000, mb2_end - 0x1000);
}

static void mb2_start(void)
{
    uint8_t map[8 + 24] = {24, 0, 0, 0};

    mb2_end = 0x1008;
    memcpy(map + 8, &(uint64_t){0x100000}, 8);
    memcpy(map + 16, &(uint64_t){0x40000000}, 8);
    map[24] = E820_RAM;
    mb2_tag(2, "GRUB 2.06", 10);
    mb2_tag(6, map, sizeof(map));
}

static void mb2_all_tags(void **state)
{
    uint8_t fb[32] = {0}, module[40] = {0}, rsdp[36] = "RSD PTR ";

    (void)state;
    mb2_start();
    mb2_tag(1, "placeholder console=com1", 25);
    memcpy(module, &(uint32_t[]){0x1000000, 0x1200000}, 8);
    strcpy((char *)module + 8, "root=/dev/sda1");
    mb2_tag(3, module, sizeof(module));
    memcpy(fb, &(uint64_t){0xfd000000}, 8);
    memcpy(fb + 8, &(uint32_t[]){5120, 1280, 800}, 12);
    memcpy(fb + 20, (uint8_t[]){32, 1, 0, 0, 16, 8, 8, 8, 0, 8}, 10);
    mb2_tag(8, fb, sizeof(fb));
    mb2_tag(15, rsdp, 36);
    mb2_tag(14, rsdp, 20);
    mb2_tag(12, &(uint64_t){0x7f000000}, 8);
    mb2_tag(4, &(uint32_t[]){640, 1024}, 8);
    mb2_tag(0x999, "later", 5);
    mb2_tag(0, "", 0);
    mb2_tag(1, "behind the end", 15);
    assert_int_equal(multiboot_parse(MB2, 0x1000, phys, &info, &why), 0);
    assert_string_equal(info.cmdline, "console=com1");
    assert_int_equal(info.nr_modules, 1);
    assert_int_equal(info.module[0].end, 0x1200000);
    assert_string_equal(info.module[0].cmdline, "root=/dev/sda1");
    assert_int_equal(info.fb.addr, 0xfd000000);
    assert_int_equal(info.fb.width, 1280);
    assert_int_equal(info.fb.bpp, 32);
    assert_int_equal(info.fb.colour[0], 16);
    assert_int_equal(info.fb.colour[5], 8);
    assert_int_equal(info.rsdp_copy_len, 36);
    assert_memory_equal(info.rsdp_copy, "RSD PTR ", 8);
    assert_true(info.efi);
    check_e820((struct range[]){{0x100000, 0x40000000, E820_RAM}}, 1);
}

static void mb2_refusals(void **state)
{
    mb2_start();
    w32(mb2_end, 1);
    w32(mb2_end + 4, 0x100);
    w32(0x1000, mb2_end + 16 - 0x1000);
    assert_int_equal(multiboot_parse(MB2, 0x1000, phys, &info, &why), -XEN_EINVAL);
    w32(mb2_end + 4, 7);
    assert_int_equal(multiboot_parse(MB2, 0x1000, phys, &info, &why), -XEN_EINVAL);
    mb2_start();
    mb2_tag(3, "abc", 3);
    assert_int_equal(multiboot_parse(MB2, 0x1000, phys, &info, &why), -XEN_EINVAL);
    assert_string_equal(why, "a Multiboot 2 tag is too short");
    mb2_start();
    mb2_tag(6, &(uint32_t[]){3, 0}, 8);
    assert_int_equal(multiboot_parse(MB2, 0x1000, phys, &info, &why), -XEN_EINVAL);
    w32(0x1000, 0xffffffff);
    assert_int_equal(multiboot_parse(MB2, 0x1000, phys, &info, &why), -XEN_EINVAL);
    setup(state);
    assert_int_equal(multiboot_parse(MB2, 0x1000, phys, &info, &why), -XEN_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(mb1_strings_and_modules, setup),
        cmocka_unit_test_setup(loaders_name_rule, setup),
        cmocka_unit_test_setup(e820_is_sorted_and_overlaps_resolved, setup),
        cmocka_unit_test_setup(e820_too_many_ranges_keeps_the_first, setup),
        cmocka_unit_test_setup(mb1_broken_map_is_refused, setup),
        cmocka_unit_test_setup(mb1_refusals, setup),
        cmocka_unit_test_setup(mb1_endless_string_is_cut, setup),
        cmocka_unit_test_setup(mb2_all_tags, setup),
        cmocka_unit_test_setup(mb2_refusals, setup),
    };

    return cmocka_run_group_tests_name("multiboot", tests, NULL, NULL);
}
