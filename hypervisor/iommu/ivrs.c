/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IVRS parser. Tables may describe one IOMMU by several IVHD blocks (10h, 11h, 40h): the newest counts. */
#include "bh/ivrs.h"
#include "bh/bytes.h"

#define IVRS_HEADER    48u
#define BLOCK_HEADER   24u
#define IVHD_ENTRIES10 24u /* where device entries start */
#define IVHD_ENTRIES11 40u
#define IVMD_LENGTH    32u
#define IVMD_EXCLUSION 8u

enum { IVHD_10 = 0x10, IVHD_11 = 0x11, IVHD_40 = 0x40, IVMD_ALL = 0x20, IVMD_SELECT, IVMD_RANGE };

struct parser {
    struct ivrs *out;
    const char **why;
    unsigned unit;
    /* an open range (start seen, end not yet) */
    bool open;
    struct ivrs_range range;
};

static int range_add(struct parser *p, struct ivrs_range r)
{
    struct ivrs_unit *u = &p->out->unit[p->unit];

    if (r.last < r.first)
        return refuse(p->why, "IVRS: a device range ends before it starts");
    if (p->out->nr_ranges == IVRS_MAX_RANGES)
        return refuse(p->why, "IVRS: too many device entries");
    r.unit = (uint8_t)p->unit;
    p->out->range[p->out->nr_ranges++] = r;
    u->last_devid = MAX(u->last_devid, r.last);
    if (r.alias != IVRS_NO_ALIAS)
        u->last_devid = MAX(u->last_devid, (uint16_t)r.alias);
    return 0;
}

static int special_add(struct parser *p, const uint8_t *e)
{
    struct ivrs_unit *u = &p->out->unit[p->unit];
    struct ivrs_special s = {
        .devid = read_le16(e + 5), .unit = (uint8_t)p->unit, .handle = e[4], .variety = e[7]};

    if (p->out->nr_specials == IVRS_MAX_SPECIALS)
        return refuse(p->why, "IVRS: too many IO-APICs and HPETs");
    p->out->special[p->out->nr_specials++] = s;
    u->last_devid = MAX(u->last_devid, s.devid);
    return range_add(p, (struct ivrs_range){IVRS_NO_ALIAS, s.devid, s.devid, 0, e[3]});
}

static int range_close(struct parser *p, uint16_t last)
{
    if (!p->open)
        return refuse(p->why, "IVRS: a range end without its start");
    p->open = false;
    p->range.last = last;
    return range_add(p, p->range);
}

/* Entry types: specification table "IVHD device entry type codes". */
static int entry_parse(struct parser *p, const uint8_t *e)
{
    struct ivrs_range r = {IVRS_NO_ALIAS, read_le16(e + 1), read_le16(e + 1), 0, e[3]};

    switch (e[0]) {
    case 1: /* all */
        r.first = 0;
        r.last = 0xffff;
        return range_add(p, r);
    case 0x42: /* alias select */
        r.alias = read_le16(e + 5);
        return range_add(p, r);
    case 2:    /* select */
    case 0x46: /* extended select */
        return range_add(p, r);
    case 0x43: /* alias range start */
        r.alias = read_le16(e + 5);
        break;
    case 3:    /* range start */
    case 0x47: /* extended range start */
        break;
    case 4:
        return range_close(p, r.first);
    case 0x48:
        return special_add(p, e);
    default: /* padding, ACPI devices (no PCI device id of their own use to dom0), types to come */
        return 0;
    }
    p->range = r;
    p->open = true;
    return 0;
}

/* Length of an entry, 0: does not fit. */
static size_t entry_length(const uint8_t *e, size_t left)
{
    size_t len = (size_t)4 << (e[0] >> 6);

    if (e[0] == 0xf0) { /* variable: length of the unique id at byte 21 */
        if (left < 22)
            return 0;
        len = 22u + e[21];
    }
    return len <= left ? len : 0;
}

static int ivhd_parse(struct parser *p, const uint8_t *b, size_t len)
{
    size_t off = b[0] == IVHD_10 ? IVHD_ENTRIES10 : IVHD_ENTRIES11;
    struct ivrs_unit u = {.type = b[0],
                          .flags = b[1],
                          .devid = read_le16(b + 4),
                          .base = read_le64(b + 8),
                          .segment = read_le16(b + 16)};
    int rc = 0;

    if (len < off || u.base == 0 || (u.base & (PAGE_SIZE - 1)))
        return refuse(p->why, "IVRS: a broken IVHD block");
    if (p->out->nr_units == IVRS_MAX_UNITS)
        return refuse(p->why, "IVRS: too many IOMMUs");
    p->unit = p->out->nr_units++;
    p->out->unit[p->unit] = u;
    p->open = false;
    while (off < len && !rc) {
        size_t n = entry_length(b + off, len - off);

        if (!n)
            return refuse(p->why, "IVRS: a device entry is cut off");
        rc = entry_parse(p, b + off);
        off += n;
    }
    if (!rc && p->open)
        rc = refuse(p->why, "IVRS: a range start without its end");
    return rc;
}

static int ivmd_parse(struct parser *p, const uint8_t *b, size_t len)
{
    uint64_t start, size;

    if (len < IVMD_LENGTH)
        return refuse(p->why, "IVRS: a broken IVMD block");
    start = read_le64(b + 16);
    size = read_le64(b + 24);
    if (b[1] & IVMD_EXCLUSION || size == 0)
        return 0;
    if (start > UINT64_MAX - size)
        return refuse(p->why, "IVRS: an IVMD range wraps");
    if (p->out->nr_regions == IVRS_MAX_REGIONS)
        return refuse(p->why, "IVRS: too many memory blocks");
    p->out->region[p->out->nr_regions++] = (struct iommu_region){start, start + size};
    return 0;
}

static bool is_ivhd(uint8_t type)
{
    return type == IVHD_10 || type == IVHD_11 || type == IVHD_40;
}

/* A block of a newer type describes the same IOMMU again. */
static bool superseded(const uint8_t *table, size_t len, const uint8_t *b)
{
    size_t n;

    for (size_t off = IVRS_HEADER; off < len; off += n) {
        const uint8_t *o = table + off;

        n = structure_length(table, off, len, BLOCK_HEADER);
        if (!n)
            return false;
        if (is_ivhd(o[0]) && o[0] > b[0] && read_le16(o + 4) == read_le16(b + 4) &&
            read_le16(o + 16) == read_le16(b + 16))
            return true;
    }
    return false;
}

int ivrs_parse(const uint8_t *table, size_t len, struct ivrs *out, const char **why)
{
    struct parser p = {.out = out, .why = why};
    size_t n;

    out->nr_units = out->nr_ranges = out->nr_specials = out->nr_regions = 0;
    if (len < IVRS_HEADER)
        return refuse(why, "IVRS: the table is too short");
    for (size_t off = IVRS_HEADER; off < len; off += n) {
        const uint8_t *b = table + off;
        int rc = 0;

        n = structure_length(table, off, len, BLOCK_HEADER);
        if (!n)
            return refuse(why, "IVRS: a block does not fit the table");
        if (is_ivhd(b[0]) && !superseded(table, len, b))
            rc = ivhd_parse(&p, b, n);
        else if (b[0] >= IVMD_ALL && b[0] <= IVMD_RANGE)
            rc = ivmd_parse(&p, b, n);
        if (rc)
            return rc;
    }
    return out->nr_units ? 0 : refuse(why, "IVRS: no IOMMU in the table");
}

const struct ivrs_range *ivrs_find(const struct ivrs *t, uint16_t segment, uint16_t devid)
{
    for (unsigned i = t->nr_ranges; i-- > 0;)
        if (devid >= t->range[i].first && devid <= t->range[i].last &&
            t->unit[t->range[i].unit].segment == segment)
            return &t->range[i];
    return NULL;
}
