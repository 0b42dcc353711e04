/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shmbuf-fake.h"

#include <errno.h>
#include <string.h>

#include "../../../gui-common/shmbuf.h"

size_t shmbuf_fake_pages;
static const char one_page[SHMBUF_PAGE_SIZE];

int shmbuf_map(struct shmbuf_importer *importer, const uint32_t *refs, size_t count, struct shmbuf_map *out)
{
    (void)importer;
    memset(out, 0, sizeof(*out));
    for (size_t i = 0; i < count; i++) {
        if (refs[i] == SHMBUF_FAKE_BAD_REF)
            return -EINVAL;
    }
    /* The model never looks at pixels. */
    out->data = one_page;
    out->pages = count;
    shmbuf_fake_pages += count;
    return 0;
}

void shmbuf_unmap(struct shmbuf_importer *importer, struct shmbuf_map *map)
{
    (void)importer;
    shmbuf_fake_pages -= map->pages;
    memset(map, 0, sizeof(*map));
}
