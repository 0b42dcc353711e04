/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Host tables made here → acpi_parse; dom0's tables by acpi_build, read back by the same parser. */
#include "hvtest.h"
#include "bh/acpi.h"
#include "bh/acpi_build.h"
#include "bh/lib.h"
#include "bh/xen.h"

#define MEM_SIZE 0x120000

static uint8_t *mem;
static struct acpi_info info;
static const char *why;
static paddr_t next_table;

static const void *map(paddr_t pa, size_t len)
{
    return pa <= MEM_SIZE && len <= MEM_SIZE - pa ? mem + pa : NULL;
}

static void w16(paddr_t at, uint64_t v)
{
    memcpy(mem + at, &(uint16_t){(uint16_t)v}, 2);
}
static void w32(paddr_t at, uint64_t v)
{
    memcpy(mem + at, &(uint32_t){(uint32_t)v}, 4);
}
static void w64(paddr_t at, uint64_t v)
{
    memcpy(mem + at, &v, 8);
}

static void checksum(paddr_t at, size_t len, size_t field)
{
    uint8_t sum = 0;

    mem[at + field] = 0;
    for (size_t i = 0; i < len; i++)
        sum = (uint8_t)(sum + mem[at + i]);
    mem[at + field] = (uint8_t)-sum;
}

static paddr_t table(const char *signature, const void *body, size_t len)
{
    paddr_t at = next_table;

    next_table += (36 + len + 15) & ~15ul;
    memcpy(mem + at, signature, 4);
    w32(at + 4, 36 + len);
    mem[at + 8] = 1;
    if (len)
        memcpy(mem + at + 36, body, len);
    checksum(at, 36 + len, 9);
    return at;
}

static const uint8_t madt_body[] = {
    0, 0,  0xe0, 0xfe, 1, 0, 0,    0,                             /* LAPIC address, flags */
    0, 8,  0,    0,    1, 0, 0,    0,                             /* CPU 0 */
    0, 8,  1,    2,    1, 0, 0,    0,                             /* CPU 2 */
    0, 8,  2,    4,    0, 0, 0,    0,                             /* disabled */
    0, 8,  3,    0xff, 1, 0, 0,    0,                             /* stands for an x2APIC entry */
    9, 16, 0,    0,    0, 1, 0,    0,    1,  0, 0, 0, 7, 0, 0, 0, /* x2APIC id 256 */
    9, 16, 0,    0,    2, 0, 0,    0,    1,  0, 0, 0, 8, 0, 0, 0, /* id 2 once more */
    1, 12, 5,    0,    0, 0, 0xc0, 0xfe, 24, 0, 0, 0,             /* IO-APIC */
    2, 10, 0,    0,    2, 0, 0,    0,    0,  0,                   /* IRQ 0 → GSI 2 */
    2, 10, 0,    9,    9, 0, 0,    0,    13, 0,                   /* IRQ 9: level, high */
    4, 6,  0xff, 0,    0, 1,                                      /* an NMI: not decoded */
};

static const uint8_t mcfg_body[] = {
    0, 0, 0, 0,    0, 0, 0, 0, /* reserved */
    0, 0, 0, 0xb0, 0, 0, 0, 0, 0, 0, 0, 255, 0, 0, 0, 0,
    0, 0, 0, 0xc0, 0, 0, 0, 0, 1, 0, 9, 3,   0, 0, 0, 0, /* buses the wrong way round */
};

static const uint8_t srat_body[] = {
    1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* reserved */
    /* CPU 2: domain 0x01000007; CPU 0: the same, disabled; id 256: domain 3 */
    0, 16, 7, 2, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 16, 7, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 2, 24,
    0, 0, 3, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    /* 1 GiB at 4 GiB of domain 3; a range that is off; one that wraps */
    1, 40, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 1, 40, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 40, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 0, 0, 0, 0, 0, 0, 0, 1,
    0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 40, 4, 0, /* cut off */
};

static paddr_t make_fadt(size_t len)
{
    uint8_t f[244] = {0};

    memcpy(f + 36, &(uint32_t){0x7ff0000}, 4);
    memcpy(f + 40, &(uint32_t){0x7fe0000}, 4);
    f[46] = 9;
    memcpy(f + 56, &(uint32_t){0x600}, 4);
    memcpy(f + 64, &(uint32_t){0x604}, 4);
    memcpy(f + 76, &(uint32_t){0x608}, 4);
    f[88] = 4;
    f[89] = 2;
    f[91] = 4;
    memcpy(f + 112, &(uint32_t){1 << 10 | 1 << 8}, 4);
    memcpy(f + 116, (uint8_t[]){1, 8, 0, 1, 0xf9, 0x0c}, 6);
    f[128] = 0x0f;
    memcpy(f + 140, &(uint64_t){0x17fe0000}, 8);
    memcpy(f + 208, (uint8_t[]){1, 32, 0, 3, 8, 0xb0}, 6);
    return table("FACP", f + 36, len - 36);
}

static paddr_t make_hpet(void)
{
    uint8_t h[20] = {0};

    memcpy(h + 8, &(uint64_t){0xfed00000}, 8);
    return table("HPET", h, sizeof(h));
}

/* RSDP at 0xe1230 with both root tables; they list all tables made before. */
static void make_roots(const paddr_t *tables, unsigned n, uint8_t revision)
{
    uint32_t narrow[16];
    uint64_t wide[16];
    paddr_t rsdp = 0xe1230;

    for (unsigned i = 0; i < n; i++)
        narrow[i] = (uint32_t)(wide[i] = tables[i]);
    memcpy(mem + rsdp, "RSD PTR ", 8);
    mem[rsdp + 15] = revision;
    w32(rsdp + 16, table("RSDT", narrow, 4 * n));
    w32(rsdp + 20, 36);
    w64(rsdp + 24, table("XSDT", wide, 8 * n));
    checksum(rsdp, 20, 8);
    checksum(rsdp, 36, 32);
}

static void make_host(uint8_t revision)
{
    paddr_t tables[7];

    tables[0] = make_fadt(244);
    tables[1] = table("APIC", madt_body, sizeof(madt_body));
    tables[2] = make_hpet();
    tables[3] = table("MCFG", mcfg_body, sizeof(mcfg_body));
    tables[4] = table("SSDT", "aml", 3);
    tables[5] = table("SSDT", "more aml", 8);
    tables[6] = table("SRAT", srat_body, sizeof(srat_body));
    make_roots(tables, 7, revision);
}

static int setup(void **state)
{
    (void)state;
    mem = calloc(1, MEM_SIZE);
    next_table = 0x100000;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(mem);
    return 0;
}

static void check_host(void)
{
    assert_int_equal(info.nr_tables, 7);
    assert_int_equal(info.nr_cpus, 3);
    assert_int_equal(info.apic_id[0], 0);
    assert_int_equal(info.apic_id[1], 2);
    assert_int_equal(info.apic_id[2], 256);
    assert_int_equal(info.nr_nodes, 2);
    assert_int_equal(info.proximity[0], 0x01000007);
    assert_int_equal(info.proximity[1], 3);
    assert_int_equal(info.cpu_node[1], 0);
    assert_int_equal(info.cpu_node[2], 1);
    assert_int_equal(info.nr_memory, 1);
    assert_int_equal(info.memory[0].start, 1ull << 32);
    assert_int_equal(info.memory[0].end, (1ull << 32) + (1ull << 30));
    assert_int_equal(info.memory[0].node, 1);
    assert_int_equal(info.lapic_address, 0xfee00000);
    assert_int_equal(info.nr_ioapics, 1);
    assert_int_equal(info.ioapic[0].id, 5);
    assert_int_equal(info.ioapic[0].address, 0xfec00000);
    assert_int_equal(info.ioapic[0].gsi_base, 24);
    assert_int_equal(info.nr_isos, 2);
    assert_int_equal(info.iso[0].gsi, 2);
    assert_int_equal(info.iso[1].flags, 13);
    assert_int_equal(info.nr_mcfg, 1);
    assert_int_equal(info.mcfg[0].address, 0xb0000000);
    assert_int_equal(info.mcfg[0].bus_end, 255);
    assert_int_equal(info.pm_timer.address, 0xb008);
    assert_true(info.pm_timer_32bit);
    assert_true(info.reset_supported);
    assert_int_equal(info.reset_reg.address, 0xcf9);
    assert_int_equal(info.reset_value, 15);
    assert_int_equal(info.hpet_address, 0xfed00000);
}

static void parses_xsdt(void **state)
{
    (void)state;
    make_host(2);
    assert_int_equal(acpi_find_rsdp(map), 0xe1230);
    assert_int_equal(acpi_parse(map, 0xe1230, NULL, 0, &info, &why), 0);
    check_host();
    assert_int_equal(acpi_find_table(&info, "SSDT", 1), 5);
    assert_int_equal(acpi_find_table(&info, "SSDT", 2), -1);
    assert_int_equal(acpi_find_table(&info, "DMAR", 0), -1);
}

static void parses_rsdt_without_xsdt(void **state)
{
    (void)state;
    make_host(0);
    assert_int_equal(acpi_parse(map, 0xe1230, NULL, 0, &info, &why), 0);
    check_host();
}

static void broken_xsdt_falls_back_to_rsdt(void **state)
{
    uint64_t xsdt;

    (void)state;
    make_host(2);
    memcpy(&xsdt, mem + 0xe1230 + 24, 8);
    mem[xsdt + 20]++;
    assert_int_equal(acpi_parse(map, 0xe1230, NULL, 0, &info, &why), 0);
    check_host();
    mem[0xe1230 + 33]++; /* the second half's checksum */
    assert_int_equal(acpi_parse(map, 0xe1230, NULL, 0, &info, &why), 0);
    check_host();
}

static void takes_the_loaders_copy(void **state)
{
    uint8_t copy[36];

    (void)state;
    make_host(2);
    memcpy(copy, mem + 0xe1230, 36);
    assert_int_equal(acpi_parse(map, 0, copy, 36, &info, &why), 0);
    check_host();
    assert_int_equal(acpi_parse(map, 0, copy, 20, &info, &why), 0);
    check_host();
    assert_int_equal(acpi_parse(map, 0, copy, 19, &info, &why), -XEN_EINVAL);
    assert_int_equal(acpi_parse(map, 0, NULL, 0, &info, &why), -XEN_EINVAL);
}

static void finds_the_rsdp_in_the_ebda(void **state)
{
    (void)state;
    make_host(0);
    assert_int_equal(acpi_find_rsdp(map), 0xe1230);
    w16(0x40e, 0x9fc0);
    memcpy(mem + 0x9fc20, mem + 0xe1230, 20);
    assert_int_equal(acpi_find_rsdp(map), 0x9fc20);
    mem[0x9fc20 + 9]++;
    assert_int_equal(acpi_find_rsdp(map), 0xe1230);
    mem[0xe1230]++;
    assert_int_equal(acpi_find_rsdp(map), 0);
}

static void tables_with_bad_sums_are_left_out(void **state)
{
    paddr_t tables[4];

    (void)state;
    tables[0] = table("APIC", madt_body, sizeof(madt_body));
    tables[1] = make_hpet();
    mem[tables[1] + 10]++;
    tables[2] = 0xffff0000;
    tables[3] = table("SSDT", "", 0);
    make_roots(tables, 4, 2);
    assert_int_equal(acpi_parse(map, 0xe1230, NULL, 0, &info, &why), 0);
    assert_int_equal(info.nr_tables, 2);
    assert_int_equal(info.hpet_address, 0);
    assert_memory_equal(info.table[1].signature, "SSDT", 4);
}

static void short_fadt_uses_ports(void **state)
{
    paddr_t tables[2];

    (void)state;
    tables[0] = table("APIC", madt_body, sizeof(madt_body));
    tables[1] = make_fadt(116);
    make_roots(tables, 2, 0);
    assert_int_equal(acpi_parse(map, 0xe1230, NULL, 0, &info, &why), 0);
    assert_int_equal(info.pm_timer.address, 0x608);
    assert_int_equal(info.pm_timer.width, 32);
    assert_false(info.reset_supported);
}

static void no_madt_is_an_error(void **state)
{
    paddr_t tables[1];

    (void)state;
    tables[0] = make_hpet();
    make_roots(tables, 1, 2);
    assert_int_equal(acpi_parse(map, 0xe1230, NULL, 0, &info, &why), -XEN_EINVAL);
    assert_string_equal(why, "ACPI's interrupt controller table (MADT) is missing or lists no CPU");
}

#define DOM0_TABLES 0x80000

static void dom0_tables_read_back(void **state)
{
    static struct acpi_info dom0;
    int64_t used;

    (void)state;
    make_host(2);
    assert_int_equal(acpi_parse(map, 0xe1230, NULL, 0, &info, &why), 0);
    used = acpi_build(&info, 3, DOM0_TABLES, mem + DOM0_TABLES, 4096);
    assert_true(used > 0 && (size_t)used <= acpi_build_max_size(3));
    assert_int_equal(acpi_parse(map, DOM0_TABLES, NULL, 0, &dom0, &why), 0);
    assert_int_equal(dom0.nr_tables, 5); /* MADT first, FADT, MCFG, two SSDT; no HPET */
    assert_memory_equal(dom0.table[0].signature, "APIC", 4);
    assert_int_equal(dom0.hpet_address, 0);
    assert_int_equal(acpi_find_table(&dom0, "HPET", 0), -1);
    assert_int_equal(dom0.table[1].address, info.table[0].address);
    assert_int_equal(dom0.nr_cpus, 3);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(dom0.apic_id[i], 2 * i);
    assert_int_equal(dom0.lapic_address, 0xfee00000);
    assert_memory_equal(dom0.ioapic, info.ioapic, sizeof(info.ioapic));
    assert_int_equal(dom0.nr_isos, 2);
    assert_int_equal(dom0.iso[1].flags, 13);
    assert_int_equal(mem[DOM0_TABLES + 15], 2);
}

static void dom0_tables_need_room(void **state)
{
    int64_t used;

    (void)state;
    make_host(2);
    assert_int_equal(acpi_parse(map, 0xe1230, NULL, 0, &info, &why), 0);
    used = acpi_build(&info, 8, DOM0_TABLES, mem + DOM0_TABLES, 4096);
    for (int64_t size = 0; size < used; size++) {
        uint8_t *exact = calloc(1, (size_t)size + 1);

        assert_int_equal(acpi_build(&info, 8, DOM0_TABLES, exact, (size_t)size), -XEN_ENOSPC);
        free(exact);
    }
    assert_int_equal(acpi_build(&info, 8, DOM0_TABLES, mem + DOM0_TABLES, (size_t)used), used);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(parses_xsdt, setup, teardown),
        cmocka_unit_test_setup_teardown(parses_rsdt_without_xsdt, setup, teardown),
        cmocka_unit_test_setup_teardown(broken_xsdt_falls_back_to_rsdt, setup, teardown),
        cmocka_unit_test_setup_teardown(takes_the_loaders_copy, setup, teardown),
        cmocka_unit_test_setup_teardown(finds_the_rsdp_in_the_ebda, setup, teardown),
        cmocka_unit_test_setup_teardown(tables_with_bad_sums_are_left_out, setup, teardown),
        cmocka_unit_test_setup_teardown(short_fadt_uses_ports, setup, teardown),
        cmocka_unit_test_setup_teardown(no_madt_is_an_error, setup, teardown),
        cmocka_unit_test_setup_teardown(dom0_tables_read_back, setup, teardown),
        cmocka_unit_test_setup_teardown(dom0_tables_need_room, setup, teardown),
    };

    return cmocka_run_group_tests_name("acpi", tests, NULL, NULL);
}
