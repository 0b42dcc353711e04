/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IVRS tables, as firmware writes them and broken. */
#include "hvtest.h"
#include "bh/ivrs.h"
#include "bh/xen.h"

static struct ivrs out;
static const char *why;
static uint8_t t[4096];
static size_t len;

static void put(const void *bytes, size_t n)
{
    memcpy(t + len, bytes, n);
    len += n;
}

static void begin(void)
{
    memset(t, 0, sizeof(t));
    len = 48;
}

/* An IVHD of a type with its device entries. */
static void ivhd(uint8_t type, uint16_t devid, const uint8_t *entries, size_t n)
{
    uint8_t b[40] = {type, IVHD_COHERENT | IVHD_HT_TUN};
    size_t header = type == 0x10 ? 24 : 40;

    b[2] = (uint8_t)(header + n);
    b[3] = (uint8_t)((header + n) >> 8);
    b[4] = (uint8_t)devid;
    b[5] = (uint8_t)(devid >> 8);
    b[6] = 0x40;
    b[10] = 0xd8; /* base 0xfed80000 */
    b[11] = 0xfe;
    put(b, header);
    if (n)
        put(entries, n);
}

static void ivmd(uint8_t flags, uint64_t start, uint64_t size)
{
    uint8_t b[32] = {0x21, flags, 32};

    memcpy(b + 16, &start, 8);
    memcpy(b + 24, &size, 8);
    put(b, sizeof(b));
}

static int parse(void)
{
    why = NULL;
    return ivrs_parse(t, len, &out, &why);
}

static const uint8_t entries[] = {
    2,    0x08, 0x00, 0x80,                /* select 00:01.0 */
    3,    0x10, 0x00, 0x00,                /* range 00:02.0 … */
    4,    0xff, 0x00, 0x00,                /* … 00:1f.7 */
    0x42, 0x00, 0x05, 0,    0, 0x20, 0, 0, /* 05:00.0 speaks as 00:04.0 */
    0x48, 0,    0,    0xd7, 2, 0xa0, 0, 1, /* IO-APIC 2 is 00:14.0 */
    0x48, 0,    0,    0,    0, 0xa1, 0, 2, /* HPET 0 */
    0,    0,    0,    0,                   /* padding */
};

static void test_entries(void **state)
{
    const struct ivrs_range *r;

    (void)state;
    begin();
    ivhd(0x10, 0x0002, entries, sizeof(entries));
    ivmd(1, 0x7f000000, 0x2000);
    ivmd(8, 0x80000000, 0x2000); /* exclusion range: not a unity map */
    assert_int_equal(parse(), 0);
    assert_int_equal(out.nr_units, 1);
    assert_int_equal(out.unit[0].base, 0xfed80000);
    assert_int_equal(out.unit[0].flags, IVHD_COHERENT | IVHD_HT_TUN);
    assert_int_equal(out.unit[0].last_devid, 0x500);
    r = ivrs_find(&out, 0, 0x20);
    assert_non_null(r);
    assert_int_equal(r->alias, IVRS_NO_ALIAS);
    assert_int_equal(ivrs_find(&out, 0, 0x500)->alias, 0x20);
    assert_int_equal(ivrs_find(&out, 0, 0x08)->settings, 0x80);
    assert_null(ivrs_find(&out, 0, 0x501));
    assert_null(ivrs_find(&out, 1, 0x20));
    assert_int_equal(out.nr_specials, 2);
    assert_int_equal(out.special[0].variety, IVHD_IOAPIC);
    assert_int_equal(out.special[0].handle, 2);
    assert_int_equal(out.special[0].devid, 0xa0);
    assert_int_equal(ivrs_find(&out, 0, 0xa0)->settings, 0xd7);
    assert_int_equal(out.nr_regions, 1);
    assert_int_equal(out.region[0].end, 0x7f002000);
}

static void test_newest_type(void **state)
{
    static const uint8_t all[] = {1, 0, 0, 0};
    static const uint8_t one[] = {2, 0x08, 0, 0};
    static const uint8_t acpi[26] = {0xf0, 0x40, [21] = 4}; /* an ACPI device with a 4-byte unique id */
    uint8_t both[30];

    (void)state;
    begin();
    ivhd(0x10, 2, one, sizeof(one));
    ivhd(0x11, 2, one, sizeof(one));
    memcpy(both, acpi, 26);
    memcpy(both + 26, all, 4);
    ivhd(0x40, 2, both, sizeof(both));
    assert_int_equal(parse(), 0);
    assert_int_equal(out.nr_units, 1);
    assert_int_equal(out.unit[0].type, 0x40);
    assert_int_equal(out.nr_ranges, 1);
    assert_int_equal(out.range[0].last, 0xffff);
}

static void test_every_cut(void **state)
{
    size_t full;

    (void)state;
    begin();
    ivhd(0x10, 2, entries, sizeof(entries));
    full = len;
    for (len = 0; len < full; len++) {
        assert_int_equal(parse(), -XEN_EINVAL);
        assert_non_null(why);
    }
}

static void test_broken(void **state)
{
    static const struct {
        uint8_t bytes[8];
        size_t n;
    } bad[] = {
        {{4, 0x10, 0, 0}, 4},                /* end without start */
        {{3, 0x10, 0, 0}, 4},                /* start without end */
        {{3, 0x10, 0, 0, 4, 0x08, 0, 0}, 8}, /* backwards */
        {{0x42, 0, 0, 0}, 4},                /* half an entry */
        {{0xf0, 0, 0, 0, 0, 0, 0, 0}, 8},    /* variable entry without its length */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        begin();
        ivhd(0x10, 2, bad[i].bytes, bad[i].n);
        assert_int_equal(parse(), -XEN_EINVAL);
        assert_non_null(why);
    }
    begin();
    ivmd(1, ~0ull - 4, 0x1000);
    assert_int_equal(parse(), -XEN_EINVAL);
    begin();
    ivhd(0x10, 2, entries, sizeof(entries));
    t[50] = 4; /* block shorter than its header */
    assert_int_equal(parse(), -XEN_EINVAL);
}

static void test_too_many(void **state)
{
    static uint8_t many[4 * (IVRS_MAX_RANGES + 1)], table[sizeof(many) + 128];
    uint16_t n = 24 + sizeof(many);

    (void)state;
    for (size_t i = 0; i < sizeof(many); i += 4)
        many[i] = 2;
    begin();
    ivhd(0x10, 2, NULL, 0);
    memcpy(t + 50, &n, 2);
    memcpy(table, t, len);
    memcpy(table + len, many, sizeof(many));
    assert_int_equal(ivrs_parse(table, len + sizeof(many), &out, &why), -XEN_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entries), cmocka_unit_test(test_newest_type), cmocka_unit_test(test_every_cut),
        cmocka_unit_test(test_broken),  cmocka_unit_test(test_too_many),
    };

    return cmocka_run_group_tests_name("ivrs", tests, NULL, NULL);
}
