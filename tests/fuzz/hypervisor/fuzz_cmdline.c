/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuzz.h"
#include "bh/cmdline.h"
#include "bh/lib.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const known[] = {"console", "dom0_mem"};
    char *text = malloc(size + 1), value[16];
    const char *cursor = text;
    uint64_t bytes;

    memcpy(text, data, size);
    text[size] = '\0';
    for (size_t i = 0; i <= size; i++)
        if (!cmdline_next_unknown(&cursor, known, ARRAY_SIZE(known), value, sizeof(value)))
            break;
    cmdline_bool(text, "smt", true);
    cmdline_number(text, "com1", 1);
    cmdline_list_has(text, "vga");
    if (!cmdline_dom0_mem(text, 1ull << 32, &bytes))
        CHECK(bytes <= 1ull << 32);
    free(text);
    return 0;
}
