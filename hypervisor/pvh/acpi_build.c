/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dom0's ACPI tables (ACPI specification 6.5, sections 5.2.5 RSDP, 5.2.8 XSDT, 5.2.12 MADT). See
 * bh/acpi_build.h. */
#include "bh/acpi_build.h"
#include "bh/bytes.h"
#include "bh/xen.h"

#define RSDP_SIZE     36
#define HEADER_SIZE   sizeof(struct acpi_sdt_header)
#define LAPIC_ADDRESS 0xfee00000u

/* The part of the buffer that is written so far; `len` goes on when there is no more room. */
struct builder {
    uint8_t *buf;
    size_t size, len;
};

static void put(struct builder *b, const void *bytes, size_t n)
{
    if (range_within(b->len, n, b->size))
        memcpy(b->buf + b->len, bytes, n);
    b->len += n;
}

static void put8(struct builder *b, uint8_t v)
{
    put(b, &v, 1);
}
static void put16(struct builder *b, uint16_t v)
{
    put(b, &v, 2);
}
static void put32(struct builder *b, uint32_t v)
{
    put(b, &v, 4);
}
static void put64(struct builder *b, uint64_t v)
{
    put(b, &v, 8);
}

static void align(struct builder *b)
{
    while (b->len % 8)
        put8(b, 0);
}

static void set_checksum(struct builder *b, size_t start, size_t len, size_t at)
{
    uint8_t sum = 0;

    if (b->len > b->size)
        return;
    b->buf[at] = 0;
    for (size_t i = start; i < start + len; i++)
        sum = (uint8_t)(sum + b->buf[i]);
    b->buf[at] = (uint8_t)(0 - sum);
}

static size_t table_start(struct builder *b, const char *signature, uint8_t revision)
{
    struct acpi_sdt_header h = {.revision = revision, .oem_revision = 1, .creator_revision = 1};
    size_t start;

    align(b);
    start = b->len;
    memcpy(h.signature, signature, 4);
    memcpy(h.oem_id, "BLKHD ", 6);
    memcpy(h.oem_table_id, "BULKHEAD", 8);
    memcpy(&h.creator_id, "BLKH", 4);
    put(b, &h, sizeof(h));
    return start;
}

static void table_finish(struct builder *b, size_t start)
{
    if (b->len > b->size)
        return;
    write_le32(b->buf + start + offsetof(struct acpi_sdt_header, length), (uint32_t)(b->len - start));
    set_checksum(b, start, b->len - start, start + offsetof(struct acpi_sdt_header, checksum));
}

static void put_ioapic(struct builder *b, const struct acpi_ioapic *ioapic)
{
    put8(b, 1);
    put8(b, 12);
    put8(b, ioapic->id);
    put8(b, 0);
    put32(b, ioapic->address);
    put32(b, ioapic->gsi_base);
}

static void put_override(struct builder *b, const struct acpi_iso *iso)
{
    put8(b, 2);
    put8(b, 10);
    put8(b, 0); /* ISA */
    put8(b, iso->bus_irq);
    put32(b, iso->gsi);
    put16(b, iso->flags);
}

static void put_x2apic(struct builder *b, uint32_t uid)
{
    put8(b, 9);
    put8(b, 16);
    put16(b, 0);
    put32(b, 2 * uid);
    put32(b, 1); /* enabled */
    put32(b, uid);
}

static size_t build_madt(struct builder *b, const struct acpi_info *host, unsigned nr_vcpus)
{
    size_t start = table_start(b, "APIC", 4);

    put32(b, LAPIC_ADDRESS);
    put32(b, 0); /* flags: no pair of 8259 */
    for (unsigned i = 0; i < host->nr_ioapics; i++)
        put_ioapic(b, &host->ioapic[i]);
    for (unsigned i = 0; i < nr_vcpus; i++)
        put_x2apic(b, i);
    for (unsigned i = 0; i < host->nr_isos; i++)
        put_override(b, &host->iso[i]);
    table_finish(b, start);
    return start;
}

static bool table_is_allowed(const char *signature)
{
    static const char allowed[][5] = {"FACP", "SSDT", "PSDT", "SBST", "MCFG",
                                      "SLIC", "MSDM", "WDAT", "FPDT", "S3PT"};

    for (unsigned i = 0; i < ARRAY_SIZE(allowed); i++)
        if (!memcmp(signature, allowed[i], 4))
            return true;
    return false;
}

static size_t build_xsdt(struct builder *b, const struct acpi_info *host, gpaddr_t madt)
{
    size_t start = table_start(b, "XSDT", 1);

    put64(b, madt);
    for (unsigned i = 0; i < host->nr_tables; i++)
        if (table_is_allowed(host->table[i].signature))
            put64(b, host->table[i].address);
    table_finish(b, start);
    return start;
}

static void put_rsdp(struct builder *b)
{
    put(b, "RSD PTR ", 8);
    put8(b, 0); /* checksum of the first 20 bytes */
    put(b, "BLKHD ", 6);
    put8(b, 2);  /* revision */
    put32(b, 0); /* no RSDT */
    put32(b, RSDP_SIZE);
    put64(b, 0); /* XSDT: not yet known */
    put32(b, 0); /* checksum of the whole, reserved */
}

int64_t acpi_build(const struct acpi_info *host, unsigned nr_vcpus, gpaddr_t address, void *buf, size_t size)
{
    struct builder b = {.buf = buf, .size = size};
    size_t madt, xsdt;

    put_rsdp(&b);
    madt = build_madt(&b, host, nr_vcpus);
    xsdt = build_xsdt(&b, host, address + madt);
    if (b.len > size)
        return -XEN_ENOSPC;
    memcpy(b.buf + 24, &(uint64_t){address + xsdt}, 8);
    set_checksum(&b, 0, 20, 8);
    set_checksum(&b, 0, RSDP_SIZE, 32);
    return (int64_t)b.len;
}
