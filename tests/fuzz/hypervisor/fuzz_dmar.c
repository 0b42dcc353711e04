/* SPDX-License-Identifier: GPL-2.0-or-later */
/* DMAR tables: whatever is accepted is consistent. */
#include "fuzz.h"
#include "bh/dmar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct dmar t;
    const char *why = NULL;

    if (dmar_parse(data, size, &t, &why)) {
        CHECK(why);
        return 0;
    }
    CHECK(t.nr_units > 0 && t.nr_units <= DMAR_MAX_UNITS);
    for (unsigned i = 0; i < t.nr_scopes; i++)
        CHECK(t.scope[i].unit < t.nr_units && t.scope[i].path_len > 0 &&
              t.scope[i].path_len <= DMAR_MAX_PATH);
    for (unsigned i = 0; i < t.nr_regions; i++)
        CHECK(t.region[i].start < t.region[i].end);
    return 0;
}
