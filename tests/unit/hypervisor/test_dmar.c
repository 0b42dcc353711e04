/* SPDX-License-Identifier: GPL-2.0-or-later */
/* DMAR tables, as firmware writes them and broken. */
#include "hvtest.h"
#include "bh/dmar.h"
#include "bh/xen.h"

static struct dmar out;
static const char *why;
static uint8_t t[16384];
static size_t len;

static void begin(uint8_t flags)
{
    memset(t, 0, sizeof(t));
    t[36] = 47;
    t[37] = flags;
    len = 48;
}

static void structure(uint16_t type, const uint8_t *body, size_t n)
{
    uint16_t total = (uint16_t)(n + 4);

    memcpy(t + len, &type, 2);
    memcpy(t + len + 2, &total, 2);
    memcpy(t + len + 4, body, n);
    len += total;
}

static int parse(void)
{
    why = NULL;
    return dmar_parse(t, len, &out, &why);
}

static const uint8_t drhd[] = {
    1, 0,  0, 0, 0, 0,    0xd9, 0xfe, 0, 0, 0, 0, /* INCLUDE_PCI_ALL, segment 0, 0xfed90000 */
    3, 8,  0, 0, 2, 0xf0, 0x1f, 0,                /* IO-APIC 2 at f0:1f.0 */
    1, 10, 0, 0, 0, 0,    0x1c, 4,    0, 1,       /* endpoint behind 00:1c.4 */
};

static void rmrr_body(uint8_t *b, uint64_t start, uint64_t limit)
{
    memset(b, 0, 20);
    memcpy(b + 4, &start, 8);
    memcpy(b + 12, &limit, 8);
}

static void test_good(void **state)
{
    uint8_t rmrr[20];

    (void)state;
    begin(3);
    structure(0, drhd, sizeof(drhd));
    rmrr_body(rmrr, 0x7d800000, 0x7fffffff);
    structure(1, rmrr, sizeof(rmrr));
    structure(2, rmrr, sizeof(rmrr)); /* ATSR: passed over */
    assert_int_equal(parse(), 0);
    assert_true(out.intr_remap);
    assert_true(out.x2apic_opt_out);
    assert_int_equal(out.nr_units, 1);
    assert_int_equal(out.unit[0].base, 0xfed90000);
    assert_true(out.unit[0].include_all);
    assert_int_equal(out.nr_scopes, 2);
    assert_int_equal(out.scope[0].type, DMAR_IOAPIC);
    assert_int_equal(out.scope[0].enumeration, 2);
    assert_int_equal(out.scope[0].bus, 0xf0);
    assert_int_equal(out.scope[0].path[0], 0xf8);
    assert_int_equal(out.scope[1].path_len, 2);
    assert_int_equal(out.scope[1].path[0], 0xe4);
    assert_int_equal(out.scope[1].path[1], 1);
    assert_int_equal(out.nr_regions, 1);
    assert_int_equal(out.region[0].start, 0x7d800000);
    assert_int_equal(out.region[0].end, 0x80000000);
}

static void test_every_cut(void **state)
{
    size_t full;

    (void)state;
    begin(1);
    structure(0, drhd, sizeof(drhd));
    full = len;
    for (len = 0; len < full; len++) {
        assert_int_equal(parse(), -XEN_EINVAL);
        assert_non_null(why);
    }
}

static void test_every_byte(void **state)
{
    size_t full;

    (void)state;
    begin(1);
    structure(0, drhd, sizeof(drhd));
    full = len;
    for (size_t i = 36; i < full; i++)
        for (unsigned v = 0; v < 256; v++) {
            uint8_t saved = t[i];

            t[i] = (uint8_t)v;
            parse();
            t[i] = saved;
        }
    assert_int_equal(parse(), 0);
}

static void test_broken(void **state)
{
    uint8_t b[64];

    (void)state;
    begin(1);
    rmrr_body(b, 0x2000, 0x1000);
    structure(1, b, 20);
    assert_int_equal(parse(), -XEN_EINVAL);
    begin(1);
    memcpy(b, drhd, sizeof(drhd));
    b[18] = 0x20; /* device 32 */
    structure(0, b, sizeof(drhd));
    assert_int_equal(parse(), -XEN_EINVAL);
    begin(1);
    memcpy(b, drhd, sizeof(drhd));
    memset(b + 4, 0, 8); /* no base address */
    structure(0, b, sizeof(drhd));
    assert_int_equal(parse(), -XEN_EINVAL);
    begin(1);
    for (unsigned i = 0; i <= DMAR_MAX_UNITS; i++)
        structure(0, drhd, 12);
    assert_int_equal(parse(), -XEN_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_every_cut),
        cmocka_unit_test(test_every_byte),
        cmocka_unit_test(test_broken),
    };

    return cmocka_run_group_tests_name("dmar", tests, NULL, NULL);
}
