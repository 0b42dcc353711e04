/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Linux' bzImage container (Documentation/x86/boot.rst): a real-mode part, then one that holds the packed
 * ELF. */
#include "bh/kernel_image.h"
#include "bh/bytes.h"
#include <asm/bootparam.h>

#define SETUP_HEADER 0x1f1u

int bzimage_payload(const uint8_t *image, size_t len, const uint8_t **payload, size_t *payload_len,
                    size_t *unpacked_len)
{
    struct setup_header h;
    uint64_t offset;

    if (!range_within(SETUP_HEADER, sizeof(h), len))
        return -XEN_ENOSYS;
    memcpy(&h, image + SETUP_HEADER, sizeof(h));
    if (h.boot_flag != 0xaa55 || memcmp(&h.header, "HdrS", 4))
        return -XEN_ENOSYS;
    if (h.version < 0x208) /* which brought the payload's place, relative to the protected-mode part */
        return -XEN_EINVAL;
    offset = ((h.setup_sects ? h.setup_sects : 4u) + 1) * 512ull + h.payload_offset;
    if (h.payload_length < 8 || !range_within(offset, h.payload_length, len))
        return -XEN_EINVAL;
    /* The kernel's build appends the unpacked size. */
    *payload = image + offset;
    *payload_len = h.payload_length - 4;
    *unpacked_len = read_le32(*payload + *payload_len);
    return 0;
}
