/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Linux' bzImage container (Documentation/x86/boot.rst): a real-mode part, then one that holds the packed
 * ELF. */
#include "bh/kernel_image.h"
#include "bh/bytes.h"

enum {
    SETUP_SECTS =
        0x1f1, /* size of the real-mode part behind the boot sector, in 512-byte sectors; 0 means 4 */
    BOOT_FLAG = 0x1fe,
    HEADER_MAGIC = 0x202,
    BOOT_VERSION = 0x206,
    PAYLOAD_OFFSET = 0x248, /* since version 2.08, relative to the protected-mode part */
    PAYLOAD_LENGTH = 0x24c,
    HEADER_END = 0x250
};

int bzimage_payload(const uint8_t *image, size_t len, const uint8_t **payload, size_t *payload_len,
                    size_t *unpacked_len)
{
    uint64_t offset, size;
    unsigned sectors;

    if (len < HEADER_END || read_le16(image + BOOT_FLAG) != 0xaa55 || memcmp(image + HEADER_MAGIC, "HdrS", 4))
        return -XEN_ENOSYS;
    if (read_le16(image + BOOT_VERSION) < 0x208)
        return -XEN_EINVAL;
    sectors = image[SETUP_SECTS] ? image[SETUP_SECTS] : 4;
    offset = (sectors + 1) * 512ull + read_le32(image + PAYLOAD_OFFSET);
    size = read_le32(image + PAYLOAD_LENGTH);
    if (size < 8 || !range_within(offset, size, len))
        return -XEN_EINVAL;
    /* The kernel's build appends the unpacked size. */
    *unpacked_len = read_le32(image + offset + size - 4);
    *payload = image + offset;
    *payload_len = size - 4;
    return 0;
}
