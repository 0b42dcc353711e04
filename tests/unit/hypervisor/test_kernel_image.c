/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ELF and bzImage parsing: made-up images, and real kernels where there are any (/boot, or HV_KERNELS="file
 * file"). */
#include "hvtest.h"
#include "bh/decompress.h"
#include "bh/kernel_image.h"
#include "bh/lib.h"
#include "bh/xen.h"
#include <glob.h>
#include <time.h>

#define IMAGE_SIZE 0x1000

static uint8_t image[IMAGE_SIZE];
static struct kernel_image ki;
static const char *why;

static void w16(size_t at, uint64_t v)
{
    memcpy(image + at, &(uint16_t){(uint16_t)v}, 2);
}
static void w32(size_t at, uint64_t v)
{
    memcpy(image + at, &(uint32_t){(uint32_t)v}, 4);
}
static void w64(size_t at, uint64_t v)
{
    memcpy(image + at, &v, 8);
}

static void phdr(unsigned i, uint32_t type, uint64_t offset, uint64_t paddr, uint64_t file_size,
                 uint64_t mem_size)
{
    size_t at = 64 + 56ul * i;

    w32(at, type);
    w64(at + 8, offset);
    w64(at + 24, paddr);
    w64(at + 32, file_size);
    w64(at + 40, mem_size);
}

/* Two segments, a foreign note, and the entry note at 0x300. */
static int setup(void **state)
{
    (void)state;
    memset(image, 0, sizeof(image));
    memcpy(image,
           "\x7f"
           "ELF\2\1\1",
           7);
    w16(16, 2);
    w16(18, 62);
    w64(32, 64);
    w16(54, 56);
    w16(56, 3);
    phdr(0, 1, 0x400, 0x1000000, 0x200, 0x1000);
    phdr(1, 1, 0x600, 0x1001000, 0x100, 0x200);
    phdr(2, 4, 0x300, 0, 0x34, 0x34);
    w32(0x300, 4);
    w32(0x304, 3);
    w32(0x308, 18);
    memcpy(image + 0x30c, "GNU", 4);
    w32(0x314, 4);
    w32(0x318, 8);
    w32(0x31c, 18);
    memcpy(image + 0x320, "Xen", 4);
    w64(0x324, 0x1000200);
    w64(0x32c, 0);
    return 0;
}

static void accepts_a_kernel(void **state)
{
    (void)state;
    assert_int_equal(elf_kernel_parse(image, sizeof(image), &ki, &why), 0);
    assert_int_equal(ki.nr_segments, 2);
    assert_int_equal(ki.entry, 0x1000200);
    assert_int_equal(ki.start, 0x1000000);
    assert_int_equal(ki.end, 0x1001200);
    assert_int_equal(ki.segment[1].file_offset, 0x600);
    w32(0x318, 4); /* a 32-bit entry */
    assert_int_equal(elf_kernel_parse(image, sizeof(image), &ki, &why), 0);
    assert_int_equal(ki.entry, 0x1000200);
}

static void refused(size_t len, const char *reason)
{
    assert_int_equal(elf_kernel_parse(image, len, &ki, &why), -XEN_EINVAL);
    assert_string_equal(why, reason);
    setup(NULL);
}

static void refuses_broken_kernels(void **state)
{
    (void)state;
    refused(63, "the kernel is not an ELF64 file");
    image[4] = 1;
    refused(sizeof(image), "the kernel is not an ELF64 file");
    w16(18, 3);
    refused(sizeof(image), "the kernel is not for x86-64");
    w64(32, ~0ull - 10);
    refused(sizeof(image), "the kernel's program headers are broken");
    w16(56, 65535);
    refused(sizeof(image), "the kernel's program headers are broken");
    refused(0x5ff, "the kernel file is truncated");
    w64(64 + 8, ~0ull - 0x100);
    refused(sizeof(image), "the kernel file is truncated");
    phdr(0, 1, 0x400, 0x1000000, 0x200, 0x1ff);
    refused(sizeof(image), "a segment of the kernel is too large or lies above 4 GiB");
    phdr(0, 1, 0x400, ~0ull - 0x100, 0x200, 0x1000);
    refused(sizeof(image), "a segment of the kernel is too large or lies above 4 GiB");
    phdr(0, 1, 0x400, 0x1000000, 0x200, 0x1001);
    refused(sizeof(image), "segments of the kernel overlap");
    w16(56, 1);
    refused(sizeof(image), "the kernel has no PVH entry point (CONFIG_PVH)");
    w32(0x31c, 17);
    refused(sizeof(image), "the kernel has no PVH entry point (CONFIG_PVH)");
    w32(0x314, 0xffffffff);
    refused(sizeof(image), "the kernel has no PVH entry point (CONFIG_PVH)");
    w64(0x324, 0x1001200);
    refused(sizeof(image), "the kernel's PVH entry point lies outside the kernel");
    w32(64, 6);
    w32(64 + 56, 6);
    refused(sizeof(image), "the kernel has nothing to load");
}

static void refuses_too_many_segments(void **state)
{
    (void)state;
    w16(56, KERNEL_MAX_SEGMENTS + 1);
    w64(32, 0x400);
    for (unsigned i = 0; i <= KERNEL_MAX_SEGMENTS; i++) {
        w32(0x400 + 56 * i, 1);
        w64(0x400 + 56 * i + 24, 0x1000000 + i * 0x1000);
        w64(0x400 + 56 * i + 40, 0x1000);
    }
    refused(sizeof(image), "the kernel has too many segments");
}

static void bzimage_header(void **state)
{
    const uint8_t *payload;
    size_t len, unpacked;

    (void)state;
    memset(image, 0, sizeof(image));
    assert_int_equal(bzimage_payload(image, sizeof(image), &payload, &len, &unpacked), -XEN_ENOSYS);
    w16(0x1fe, 0xaa55);
    memcpy(image + 0x202, "HdrS", 4);
    w16(0x206, 0x20f);
    image[0x1f1] = 1;
    w32(0x248, 0x100);
    w32(0x24c, 0x80);
    w32(0x400 + 0x17c, 12345);
    assert_int_equal(bzimage_payload(image, sizeof(image), &payload, &len, &unpacked), 0);
    assert_ptr_equal(payload, image + 0x500);
    assert_int_equal(len, 0x7c);
    assert_int_equal(unpacked, 12345);
    assert_int_equal(bzimage_payload(image, 0x57f, &payload, &len, &unpacked), -XEN_EINVAL);
    assert_int_equal(bzimage_payload(image, 0x24f, &payload, &len, &unpacked), -XEN_ENOSYS);
    w32(0x248, 0xffffffff);
    assert_int_equal(bzimage_payload(image, sizeof(image), &payload, &len, &unpacked), -XEN_EINVAL);
    w16(0x206, 0x207);
    assert_int_equal(bzimage_payload(image, sizeof(image), &payload, &len, &unpacked), -XEN_EINVAL);
}

static void check_kernel(const char *path)
{
    static uint64_t scratch[DECOMPRESS_SCRATCH / 8];
    FILE *f = fopen(path, "rb");
    uint8_t *file = malloc(64 << 20), *elf;
    const uint8_t *payload;
    size_t len, unpacked;
    clock_t start;

    assert_non_null(f);
    len = fread(file, 1, 64 << 20, f);
    fclose(f);
    assert_int_equal(bzimage_payload(file, len, &payload, &len, &unpacked), 0);
    elf = malloc(unpacked);
    start = clock();
    assert_int_equal(decompress(payload, len, elf, unpacked, scratch), 0);
    assert_int_equal(elf_kernel_parse(elf, unpacked, &ki, &why), 0);
    print_message("%s: %zu bytes in %.2f s, %u segments, 0x%llx-0x%llx, entry 0x%llx\n", path, unpacked,
                  (double)(clock() - start) / CLOCKS_PER_SEC, ki.nr_segments, (unsigned long long)ki.start,
                  (unsigned long long)ki.end, (unsigned long long)ki.entry);
    free(elf);
    free(file);
}

static void real_kernels(void **state)
{
    const char *env = getenv("HV_KERNELS");
    char *list, *save = NULL;
    glob_t found;

    (void)state;
    if (env) {
        list = strdup(env);
        for (char *path = strtok_r(list, " ", &save); path; path = strtok_r(NULL, " ", &save))
            check_kernel(path);
        free(list);
        return;
    }
    if (glob("/boot/vmlinuz-*", 0, NULL, &found))
        skip();
    for (size_t i = 0; i < found.gl_pathc; i++)
        check_kernel(found.gl_pathv[i]);
    globfree(&found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(accepts_a_kernel, setup),
        cmocka_unit_test_setup(refuses_broken_kernels, setup),
        cmocka_unit_test_setup(refuses_too_many_segments, setup),
        cmocka_unit_test(bzimage_header),
        cmocka_unit_test(real_kernels),
    };

    return cmocka_run_group_tests_name("kernel_image", tests, NULL, NULL);
}
