/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dom0's ACPI tables (ACPI specification 6.5, sections 5.2.5 RSDP, 5.2.8 XSDT, 5.2.12 MADT). See
 * bh/acpi_build.h. */
#include "bh/acpi_build.h"
#include "bh/bytes.h"

#define LAPIC_ADDRESS 0xfee00000u

struct rsdp {
    char signature[8];
    uint8_t checksum; /* of what revision 0 had */
    char oem_id[6];
    uint8_t revision;
    uint32_t rsdt, length;
    uint64_t xsdt;
    uint8_t extended_checksum, reserved[3];
} __packed_struct;

/* Entries of the MADT */
struct madt_ioapic {
    uint8_t type, length, id, reserved;
    uint32_t address, gsi_base;
} __packed_struct;
struct madt_iso {
    uint8_t type, length, bus, bus_irq;
    uint32_t gsi;
    uint16_t flags;
} __packed_struct;
struct madt_x2apic {
    uint8_t type, length, reserved[2];
    uint32_t id, flags, uid;
} __packed_struct;

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

static size_t table_start(struct builder *b, const char *signature, uint8_t revision)
{
    struct acpi_sdt_header h = {.revision = revision, .oem_revision = 1, .creator_revision = 1};
    size_t start = b->len = ROUND_UP(b->len, 8);

    memcpy(h.signature, signature, 4);
    memcpy(h.oem_id, "BLKHD ", 6);
    memcpy(h.oem_table_id, "BULKHEAD", 8);
    memcpy(&h.creator_id, "BLKH", 4);
    put(b, &h, sizeof(h));
    return start;
}

static void table_finish(struct builder *b, size_t start)
{
    struct acpi_sdt_header *h = (void *)(b->buf + start);

    if (b->len > b->size)
        return;
    h->length = (uint32_t)(b->len - start);
    h->checksum = acpi_checksum(h, h->length);
}

static size_t build_madt(struct builder *b, const struct acpi_info *host, unsigned nr_vcpus)
{
    static const uint32_t address_and_flags[] = {LAPIC_ADDRESS, 0 /* no pair of 8259 */};
    size_t start = table_start(b, "APIC", 4);

    put(b, address_and_flags, sizeof(address_and_flags));
    for (unsigned i = 0; i < host->nr_ioapics; i++) {
        const struct acpi_ioapic *a = &host->ioapic[i];
        struct madt_ioapic e = {1, sizeof(e), a->id, 0, a->address, a->gsi_base};

        put(b, &e, sizeof(e));
    }
    for (unsigned i = 0; i < nr_vcpus; i++) {
        struct madt_x2apic e = {9, sizeof(e), {0}, 2 * i, 1 /* enabled */, i};

        put(b, &e, sizeof(e));
    }
    for (unsigned i = 0; i < host->nr_isos; i++) {
        const struct acpi_iso *o = &host->iso[i];
        struct madt_iso e = {2, sizeof(e), 0 /* ISA */, o->bus_irq, o->gsi, o->flags};

        put(b, &e, sizeof(e));
    }
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

    put(b, &madt, sizeof(madt));
    for (unsigned i = 0; i < host->nr_tables; i++)
        if (table_is_allowed(host->table[i].signature))
            put(b, &host->table[i].address, sizeof(host->table[i].address));
    table_finish(b, start);
    return start;
}

int64_t acpi_build(const struct acpi_info *host, unsigned nr_vcpus, gpaddr_t address, void *buf, size_t size)
{
    struct rsdp rsdp = {.revision = 2, .length = sizeof(rsdp)};
    struct builder b = {.buf = buf, .size = size, .len = sizeof(rsdp)};
    size_t madt = build_madt(&b, host, nr_vcpus);

    rsdp.xsdt = address + build_xsdt(&b, host, address + madt);
    if (b.len > size)
        return -XEN_ENOSPC;
    memcpy(rsdp.signature, "RSD PTR ", 8);
    memcpy(rsdp.oem_id, "BLKHD ", 6);
    rsdp.checksum = acpi_checksum(&rsdp, ACPI_RSDP_SIZE_V1);
    rsdp.extended_checksum = acpi_checksum(&rsdp, sizeof(rsdp));
    memcpy(buf, &rsdp, sizeof(rsdp));
    return (int64_t)b.len;
}
