/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Look-up in a table made by mksyms itself from the list below (see module.mk). */
#include "hvtest.h"
#include "bh/lib.h"
#include "bh/symbols.h"

/* What the linker script defines in the image; only their addresses matter. */
const char __image_start[0x4000], __init_start[0x1000];

static const struct {
    bool init;
    uint64_t at;
    const char *name; /* NULL: no function there */
    uint64_t offset;
} t[] = {
    {false, 0x0, NULL, 0},
    {false, 0xff, NULL, 0},
    {false, 0x100, "gnttab_copy", 0},
    {false, 0x17f, "gnttab_copy", 0x7f},
    {false, 0x180, "gnttab_map", 0},
    {false, 0x190, "gnttab_map_one", 0}, /* .part.0 is left out */
    {false, 0x2180, "p2m_lookup", 0},    /* a distance of two bytes */
    {false, 0x2fff, "p2m_lookup", 0xe7f},
    {false, 0x3000, NULL, 0}, /* behind __text_end */
    {true, 0x10, "boot_main", 0},
    {true, 0xfff, "boot_main", 0xfef},
    {true, 0x0, NULL, 0},
};

static void finds_functions(void **state)
{
    char name[SYMBOL_NAME_MAX];

    (void)state;
    assert_int_equal(nr_symbol_ranges, 2);
    for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
        uint64_t offset = 77, address = (uintptr_t)(t[i].init ? __init_start : __image_start) + t[i].at;
        const char *found = symbol_lookup_in(&symbol_ranges[t[i].init], address, &offset, name, sizeof(name));

        if (!t[i].name) {
            assert_null(found);
            continue;
        }
        assert_non_null(found);
        assert_string_equal(name, t[i].name);
        assert_int_equal(offset, t[i].offset);
        assert_ptr_equal(symbol_lookup(address, &offset, name, 4), name);
        assert_int_equal(strlen(name), 3);
    }
}

static void outside_everything(void **state)
{
    char name[8];
    uint64_t offset;

    (void)state;
    assert_null(symbol_lookup(0, &offset, name, sizeof(name)));
    assert_null(symbol_lookup(UINT64_MAX, &offset, name, sizeof(name)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(finds_functions),
                                       cmocka_unit_test(outside_everything)};

    return cmocka_run_group_tests_name("symbols", tests, NULL, NULL);
}
