/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Input: a mode byte, then up to 15 instruction bytes. A decoded instruction must decode the same from just
 * its bytes. */
#include "fuzz.h"
#include "bh/insn.h"
#include "bh/lib.h"
#include "bh/xen.h"

static void check_fields(const struct insn *insn, unsigned len)
{
    CHECK(insn->length >= 1 && insn->length <= len && insn->reg < 16);
    CHECK(insn->size == 1 || insn->size == 2 || insn->size == 4 || insn->size == 8);
    CHECK(insn->dest_size >= insn->size && insn->dest_size <= 8);
    CHECK(!insn->reg_high8 || (insn->reg < 4 && insn->size == 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct insn insn, again;
    unsigned len;
    int rc;

    if (size < 1)
        return 0;
    len = size - 1 < 15 ? (unsigned)size - 1 : 15;
    rc = insn_decode(data + 1, len, data[0] & 1, &insn);
    CHECK(rc == 0 || rc == -XEN_EOPNOTSUPP || (rc == -XEN_EFAULT && len < 15));
    if (rc)
        return 0;
    check_fields(&insn, len);
    CHECK(insn_decode(data + 1, insn.length, data[0] & 1, &again) == 0 && again.length == insn.length);
    if (insn.length > 1)
        CHECK(insn_decode(data + 1, insn.length - 1u, data[0] & 1, &again) != 0);
    return 0;
}
