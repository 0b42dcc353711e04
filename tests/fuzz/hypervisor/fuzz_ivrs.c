/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IVRS tables: whatever is accepted is consistent. */
#include "fuzz.h"
#include "bh/ivrs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ivrs t;
    const char *why = NULL;

    if (ivrs_parse(data, size, &t, &why)) {
        CHECK(why);
        return 0;
    }
    CHECK(t.nr_units > 0 && t.nr_units <= IVRS_MAX_UNITS);
    for (unsigned i = 0; i < t.nr_ranges; i++) {
        const struct ivrs_range *r = &t.range[i];

        CHECK(r->first <= r->last && r->unit < t.nr_units && r->last <= t.unit[r->unit].last_devid);
        CHECK(ivrs_find(&t, t.unit[r->unit].segment, r->first));
    }
    for (unsigned i = 0; i < t.nr_specials; i++)
        CHECK(t.special[i].devid <= t.unit[t.special[i].unit].last_devid);
    for (unsigned i = 0; i < t.nr_regions; i++)
        CHECK(t.region[i].start < t.region[i].end);
    return 0;
}
