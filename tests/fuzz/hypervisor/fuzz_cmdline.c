/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuzz.h"
#include "bh/cmdline.h"
#include "bh/lib.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const known[] = {"console", "dom0_mem"};
    char *text = malloc(size + 1), value[16];
    const char *cursor = text;
    struct dom0_mem limits;

    memcpy(text, data, size);
    text[size] = '\0';
    for (size_t i = 0; i <= size; i++)
        if (!cmdline_next_unknown(&cursor, known, ARRAY_SIZE(known), value, sizeof(value)))
            break;
    cmdline_bool(text, "smt", true);
    cmdline_size(text, "conring_size", 1);
    cmdline_list_bool(text, "verbose", false);
    CHECK(strlen(cmdline_dom0_part(text)) <= size);
    if (!cmdline_parse_dom0_mem(text, &limits))
        CHECK(dom0_mem_resolve(&limits, 1ull << 32) <= 1ull << 32);
    cursor = text;
    while (cmdline_list_next(&cursor, value, sizeof(value)))
        CHECK(*value && strlen(value) < sizeof(value));
    free(text);
    return 0;
}
