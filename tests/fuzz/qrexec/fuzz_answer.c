/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The policy's answer. */
#include <stdint.h>
#include <stdlib.h>

#include "answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct answer a;
    int ret = answer_parse((const char *)data, size, &a);

    if (a.allow && (ret < 0 || !a.user || !*a.target || !a.requested_target))
        abort();
    return 0;
}
