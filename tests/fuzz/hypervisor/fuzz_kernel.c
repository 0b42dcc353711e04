/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuzz.h"
#include "bh/kernel_image.h"
#include "bh/xen.h"

static void check_elf(const uint8_t *data, size_t size)
{
    struct kernel_image image;
    const char *why = NULL;
    int rc = elf_kernel_parse(data, size, &image, &why);

    CHECK(rc == 0 || (rc == -XEN_EINVAL && why && *why));
    if (rc)
        return;
    CHECK(image.nr_segments && image.nr_segments <= KERNEL_MAX_SEGMENTS);
    CHECK(image.entry >= image.start && image.entry < image.end && image.end <= 2ull << 32);
    for (unsigned i = 0; i < image.nr_segments; i++) {
        const struct kernel_segment *s = &image.segment[i];

        CHECK(s->file_size <= s->mem_size && s->file_size <= size && s->file_offset <= size - s->file_size);
        CHECK(s->gpa >= image.start && s->gpa + s->mem_size <= image.end);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *payload;
    size_t len, unpacked;

    if (!bzimage_payload(data, size, &payload, &len, &unpacked))
        CHECK(payload >= data && len <= size && payload + len <= data + size);
    check_elf(data, size);
    return 0;
}
