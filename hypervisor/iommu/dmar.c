/* SPDX-License-Identifier: GPL-2.0-or-later */
/* DMAR parser: remapping units (DRHD) with their device scopes, and reserved memory (RMRR). */
#include "bh/dmar.h"
#include "bh/bytes.h"

#define DMAR_HEADER   48u
#define DRHD_SCOPES   16u
#define RMRR_LENGTH   24u
#define SCOPE_PATH    6u
#define FLAG_INTR     1u
#define FLAG_OPT_OUT  2u
#define FLAG_INCLUDE  1u
#define MAX_DEVICE_NR 31u
#define MAX_FUNCTION  7u

enum { DMAR_DRHD = 0, DMAR_RMRR = 1 };

static int scope_parse(const uint8_t *s, size_t len, struct dmar *out, unsigned unit, const char **why)
{
    struct dmar_scope sc = {.unit = (uint8_t)unit, .type = s[0], .enumeration = s[4], .bus = s[5]};
    size_t hops = (len - SCOPE_PATH) / 2;

    if (hops == 0 || hops > DMAR_MAX_PATH)
        return refuse(why, "DMAR: a device path has no or too many hops");
    if (out->nr_scopes == DMAR_MAX_SCOPES)
        return refuse(why, "DMAR: too many device scopes");
    for (size_t i = 0; i < hops; i++) {
        const uint8_t *hop = s + SCOPE_PATH + 2 * i;

        if (hop[0] > MAX_DEVICE_NR || hop[1] > MAX_FUNCTION)
            return refuse(why, "DMAR: a device path names no possible device");
        sc.path[i] = (uint8_t)((hop[0] << 3) | hop[1]);
    }
    sc.path_len = (uint8_t)hops;
    out->scope[out->nr_scopes++] = sc;
    return 0;
}

static int drhd_parse(const uint8_t *b, size_t len, struct dmar *out, const char **why)
{
    unsigned unit = out->nr_units;
    int rc = 0;

    if (len < DRHD_SCOPES)
        return refuse(why, "DMAR: a broken DRHD");
    if (unit == DMAR_MAX_UNITS)
        return refuse(why, "DMAR: too many remapping units");
    out->unit[unit] = (struct dmar_unit){read_le64(b + 8), read_le16(b + 6), b[4] & FLAG_INCLUDE};
    if (!out->unit[unit].base || (out->unit[unit].base & (PAGE_SIZE - 1)))
        return refuse(why, "DMAR: a remapping unit without address");
    out->nr_units++;
    for (size_t off = DRHD_SCOPES; off < len && !rc;) {
        size_t n = len - off >= SCOPE_PATH ? b[off + 1] : 0;

        if (n < SCOPE_PATH || n > len - off)
            return refuse(why, "DMAR: a device scope does not fit");
        rc = scope_parse(b + off, n, out, unit, why);
        off += n;
    }
    return rc;
}

static int rmrr_parse(const uint8_t *b, size_t len, struct dmar *out, const char **why)
{
    uint64_t start, limit;

    if (len < RMRR_LENGTH)
        return refuse(why, "DMAR: a broken RMRR");
    start = read_le64(b + 8);
    limit = read_le64(b + 16);
    if (limit < start || limit == UINT64_MAX)
        return refuse(why, "DMAR: a reserved range ends before it starts");
    if (out->nr_regions == DMAR_MAX_REGIONS)
        return refuse(why, "DMAR: too many reserved ranges");
    out->region[out->nr_regions++] = (struct iommu_region){start, limit + 1};
    return 0;
}

int dmar_parse(const uint8_t *table, size_t len, struct dmar *out, const char **why)
{
    size_t n;

    out->nr_units = out->nr_scopes = out->nr_regions = 0;
    if (len < DMAR_HEADER)
        return refuse(why, "DMAR: the table is too short");
    out->intr_remap = table[37] & FLAG_INTR;
    out->x2apic_opt_out = table[37] & FLAG_OPT_OUT;
    for (size_t off = DMAR_HEADER; off < len; off += n) {
        const uint8_t *b = table + off;
        int rc = 0;

        n = structure_length(table, off, len, 4);
        if (!n)
            return refuse(why, "DMAR: a structure does not fit the table");
        if (read_le16(b) == DMAR_DRHD)
            rc = drhd_parse(b, n, out, why);
        else if (read_le16(b) == DMAR_RMRR)
            rc = rmrr_parse(b, n, out, why);
        if (rc)
            return rc;
    }
    return out->nr_units ? 0 : refuse(why, "DMAR: no remapping unit in the table");
}
