/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Find, check and decode ACPI tables (ACPI specification 6.5, chapter 5). See bh/acpi.h. */
#include "bh/acpi.h"
#include "bh/bytes.h"

#define RSDP_SIZE_V2   36
#define TABLE_SIZE_MAX (16u * 1024 * 1024)
#define HEADER_SIZE    sizeof(struct acpi_sdt_header)

uint8_t acpi_checksum(const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    uint8_t sum = 0;

    while (len--)
        sum = (uint8_t)(sum - *p++);
    return sum;
}

/* The whole table at `pa`, or NULL unless its length is sane, readable, and the checksum right. */
static const uint8_t *map_table(acpi_map_fn map, paddr_t pa, const char *signature, uint32_t *len)
{
    const uint8_t *p = pa ? map(pa, HEADER_SIZE) : NULL;

    if (!p || (signature && memcmp(p, signature, 4)))
        return NULL;
    *len = read_le32(p + 4);
    if (*len < HEADER_SIZE || *len > TABLE_SIZE_MAX)
        return NULL;
    p = map(pa, *len);
    return p && !acpi_checksum(p, *len) ? p : NULL;
}

static bool rsdp_v1_valid(const uint8_t *p, size_t len)
{
    return len >= ACPI_RSDP_SIZE_V1 && !memcmp(p, "RSD PTR ", 8) && !acpi_checksum(p, ACPI_RSDP_SIZE_V1);
}

/* Physical addresses of the root tables; xsdt is 0 when the RSDP is of revision 0 or its second half is bad.
 */
struct root {
    paddr_t rsdt, xsdt;
};

static bool read_rsdp(acpi_map_fn map, paddr_t rsdp, const uint8_t *copy, size_t len, struct root *root)
{
    const uint8_t *p = rsdp ? map(rsdp, RSDP_SIZE_V2) : copy;

    if (rsdp)
        len = RSDP_SIZE_V2;
    if (!p || !rsdp_v1_valid(p, len))
        return false;
    *root = (struct root){.rsdt = read_le32(p + 16)};
    if (p[15] >= 2 && len >= RSDP_SIZE_V2 && read_le32(p + 20) == RSDP_SIZE_V2 &&
        !acpi_checksum(p, RSDP_SIZE_V2))
        root->xsdt = read_le64(p + 24);
    return true;
}

static void add_table(acpi_map_fn map, paddr_t pa, struct acpi_info *out)
{
    uint32_t len;
    const uint8_t *p = map_table(map, pa, NULL, &len);

    if (!p || out->nr_tables == ACPI_MAX_TABLES)
        return;
    memcpy(out->table[out->nr_tables].signature, p, 4);
    out->table[out->nr_tables].address = pa;
    out->table[out->nr_tables].length = len;
    out->nr_tables++;
}

/* Tables of the XSDT, or where that is missing or broken (SeaBIOS), of the RSDT. */
static bool list_tables(acpi_map_fn map, const struct root *root, struct acpi_info *out)
{
    uint32_t len, entry_size = 8;
    const uint8_t *p = map_table(map, root->xsdt, "XSDT", &len);
    paddr_t pa = root->xsdt;

    if (!p) {
        p = map_table(map, root->rsdt, "RSDT", &len);
        pa = root->rsdt;
        entry_size = 4;
    }
    if (!p)
        return false;
    for (uint32_t offset = HEADER_SIZE; len - offset >= entry_size; offset += entry_size) {
        p = map(pa, len); /* the callback may reuse its window */
        if (!p)
            return false;
        add_table(map, entry_size == 8 ? read_le64(p + offset) : read_le32(p + offset), out);
    }
    return true;
}

int acpi_find_table(const struct acpi_info *info, const char signature[4], unsigned nth)
{
    for (unsigned i = 0; i < info->nr_tables; i++)
        if (!memcmp(info->table[i].signature, signature, 4) && nth-- == 0)
            return (int)i;
    return -1;
}

/* CPUs may be listed both as local APIC and as x2APIC. */
static void add_cpu(struct acpi_info *out, uint32_t apic_id, uint32_t flags)
{
    if (!(flags & 1) || out->nr_cpus == ACPI_MAX_CPUS)
        return;
    for (unsigned i = 0; i < out->nr_cpus; i++)
        if (out->apic_id[i] == apic_id)
            return;
    out->apic_id[out->nr_cpus++] = apic_id;
}

static void madt_lapic(const uint8_t *e, struct acpi_info *out)
{
    if (e[3] != 0xff)
        add_cpu(out, e[3], read_le32(e + 4));
}

static void madt_x2apic(const uint8_t *e, struct acpi_info *out)
{
    add_cpu(out, read_le32(e + 4), read_le32(e + 8));
}

static void madt_ioapic(const uint8_t *e, struct acpi_info *out)
{
    if (out->nr_ioapics < ACPI_MAX_IOAPICS)
        out->ioapic[out->nr_ioapics++] =
            (struct acpi_ioapic){.id = e[2], .address = read_le32(e + 4), .gsi_base = read_le32(e + 8)};
}

static void madt_iso(const uint8_t *e, struct acpi_info *out)
{
    if (!e[2] && out->nr_isos < ACPI_MAX_ISO) /* bus 0: ISA */
        out->iso[out->nr_isos++] =
            (struct acpi_iso){.bus_irq = e[3], .gsi = read_le32(e + 4), .flags = read_le16(e + 8)};
}

static void madt_lapic_address(const uint8_t *e, struct acpi_info *out)
{
    out->lapic_address = read_le64(e + 4);
}

/* A table of entries that start with their type and length. */
struct entry_type {
    uint8_t type, min_len;
    void (*decode)(const uint8_t *entry, struct acpi_info *out);
};

static void decode_entries(const uint8_t *p, uint32_t len, uint32_t first, const struct entry_type *types,
                           unsigned nr_types, struct acpi_info *out)
{
    for (uint32_t offset = first; len > offset && len - offset >= 2;) {
        const uint8_t *e = p + offset;
        uint8_t entry_len = e[1];

        if (entry_len < 2 || entry_len > len - offset)
            return;
        for (unsigned i = 0; i < nr_types; i++)
            if (types[i].type == e[0] && entry_len >= types[i].min_len)
                types[i].decode(e, out);
        offset += entry_len;
    }
}

static void decode_madt(const uint8_t *p, uint32_t len, struct acpi_info *out)
{
    static const struct entry_type types[] = {
        {0, 8, madt_lapic},          {1, 12, madt_ioapic}, {2, 10, madt_iso},
        {5, 12, madt_lapic_address}, {9, 16, madt_x2apic},
    };

    if (len < 44)
        return;
    out->lapic_address = read_le32(p + 36);
    decode_entries(p, len, 44, types, ARRAY_SIZE(types), out);
}

/* The node of a proximity domain, -1: too many. */
static int node_of(struct acpi_info *out, uint32_t proximity)
{
    for (unsigned i = 0; i < out->nr_nodes; i++)
        if (out->proximity[i] == proximity)
            return (int)i;
    if (out->nr_nodes == ACPI_MAX_NODES)
        return -1;
    out->proximity[out->nr_nodes] = proximity;
    return (int)out->nr_nodes++;
}

static void set_cpu_node(struct acpi_info *out, uint32_t apic_id, uint32_t proximity)
{
    for (unsigned i = 0; i < out->nr_cpus; i++)
        if (out->apic_id[i] == apic_id) {
            int node = node_of(out, proximity);

            out->cpu_node[i] = (uint8_t)MAX(node, 0);
        }
}

static void srat_lapic(const uint8_t *e, struct acpi_info *out)
{
    if (read_le32(e + 4) & 1)
        set_cpu_node(out, e[3], e[2] | (uint32_t)e[9] << 8 | (uint32_t)e[10] << 16 | (uint32_t)e[11] << 24);
}

static void srat_x2apic(const uint8_t *e, struct acpi_info *out)
{
    if (read_le32(e + 12) & 1)
        set_cpu_node(out, read_le32(e + 8), read_le32(e + 4));
}

static void srat_memory(const uint8_t *e, struct acpi_info *out)
{
    uint64_t start = read_le64(e + 8), size = read_le64(e + 16);
    int node;

    if (!(read_le32(e + 28) & 1) || !size || size > UINT64_MAX - start || out->nr_memory == ACPI_MAX_MEMORY)
        return;
    node = node_of(out, read_le32(e + 2));
    if (node >= 0)
        out->memory[out->nr_memory++] = (struct acpi_memory){start, start + size, (uint8_t)node};
}

static void decode_srat(const uint8_t *p, uint32_t len, struct acpi_info *out)
{
    static const struct entry_type types[] = {
        {0, 16, srat_lapic}, {1, 40, srat_memory}, {2, 24, srat_x2apic}};

    decode_entries(p, len, 48, types, ARRAY_SIZE(types), out);
}

static void decode_mcfg(const uint8_t *p, uint32_t len, struct acpi_info *out)
{
    for (uint32_t offset = 44; len >= 44 && len - offset >= 16; offset += 16) {
        const uint8_t *e = p + offset;

        if (e[10] > e[11] || out->nr_mcfg == ACPI_MAX_MCFG)
            continue;
        out->mcfg[out->nr_mcfg++] = (struct acpi_mcfg_segment){
            .address = read_le64(e), .segment = read_le16(e + 8), .bus_start = e[10], .bus_end = e[11]};
    }
}

/* Registers come twice: a 32-bit port with its length in bytes, and, where the table is long enough, a GAS.
 */
static void decode_fadt(const uint8_t *p, uint32_t len, struct acpi_info *out)
{
    uint32_t flags;

    if (len < 116) /* ACPI 1.0's size */
        return;
    flags = read_le32(p + 112);
    if (len >= 208 + sizeof(out->pm_timer))
        memcpy(&out->pm_timer, p + 208, sizeof(out->pm_timer));
    if (!out->pm_timer.address)
        out->pm_timer =
            (struct acpi_gas){.space = 1, .width = (uint8_t)(p[91] * 8), .address = read_le32(p + 76)};
    out->pm_timer_32bit = flags & BIT(8);
    if (len >= 129) {
        memcpy(&out->reset_reg, p + 116, sizeof(out->reset_reg));
        out->reset_value = p[128];
        out->reset_supported = (flags & BIT(10)) && out->reset_reg.address;
    }
}

static void decode_hpet(const uint8_t *p, uint32_t len, struct acpi_info *out)
{
    if (len >= 56 && p[40] == 0) /* in memory space */
        out->hpet_address = read_le64(p + 44);
}

static const struct {
    char signature[5];
    void (*decode)(const uint8_t *table, uint32_t len, struct acpi_info *out);
} decoders[] = {{"APIC", decode_madt},
                {"MCFG", decode_mcfg},
                {"FACP", decode_fadt},
                {"HPET", decode_hpet},
                {"SRAT", decode_srat}};

int acpi_parse(acpi_map_fn map, paddr_t rsdp, const void *rsdp_copy, size_t len, struct acpi_info *out,
               const char **why)
{
    struct root root;

    memset(out, 0, sizeof(*out));
    *why = "";
    if (!read_rsdp(map, rsdp, rsdp_copy, len, &root))
        return refuse(why, "ACPI's root pointer (RSDP) is missing or broken");
    if (!list_tables(map, &root, out))
        return refuse(why, "ACPI's root table (XSDT or RSDT) is missing or broken");
    for (unsigned i = 0; i < ARRAY_SIZE(decoders); i++) {
        int index = acpi_find_table(out, decoders[i].signature, 0);
        uint32_t table_len;
        const uint8_t *p = index < 0 ? NULL : map_table(map, out->table[index].address, NULL, &table_len);

        if (p)
            decoders[i].decode(p, table_len, out);
    }
    if (!out->nr_cpus || !out->lapic_address)
        return refuse(why, "ACPI's interrupt controller table (MADT) is missing or lists no CPU");
    return 0;
}

static paddr_t scan_for_rsdp(acpi_map_fn map, paddr_t start, size_t len)
{
    const uint8_t *p = map(start, len);

    for (size_t offset = 0; p && offset + ACPI_RSDP_SIZE_V1 <= len; offset += 16)
        if (rsdp_v1_valid(p + offset, ACPI_RSDP_SIZE_V1))
            return start + offset;
    return 0;
}

paddr_t acpi_find_rsdp(acpi_map_fn map)
{
    const void *segment = map(0x40e, 2); /* the BIOS data area's pointer to the EBDA */
    paddr_t ebda = segment ? (paddr_t)read_le16(segment) << 4 : 0, rsdp = 0;

    if (ebda >= 0x400)
        rsdp = scan_for_rsdp(map, ebda, 1024);
    return rsdp ? rsdp : scan_for_rsdp(map, 0xe0000, 0x20000);
}
