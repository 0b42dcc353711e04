/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuzz.h"
#include "bh/decompress.h"
#include "bh/xen.h"

#define OUT_CAP 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint64_t scratch[DECOMPRESS_SCRATCH / 8];
    uint8_t *out = malloc(OUT_CAP); /* from the heap: ASan sees a byte too far */
    int rc = decompress(data, size, out, OUT_CAP, scratch);

    CHECK(rc == 0 || rc == -XEN_EINVAL || rc == -XEN_E2BIG || rc == -XEN_ENOSYS);
    free(out);
    return 0;
}
