/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shmbuf-range.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "gui-protocol.h"

static int keep_refs(const uint32_t *refs, struct shmbuf_map *map)
{
    if (!refs)
        return 0;
    map->refs = malloc(map->pages * sizeof(*refs));
    if (!map->refs)
        return -ENOMEM;
    memcpy(map->refs, refs, map->pages * sizeof(*refs));
    return 0;
}

int shmbuf_range_reserve(const uint32_t *refs, size_t pages, struct shmbuf_map *out)
{
    void *base;
    int err;

    memset(out, 0, sizeof(*out));
    if (!pages || pages > GUI_MAX_GRANTS)
        return -EINVAL;
    base =
        mmap(NULL, pages * SHMBUF_PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED)
        return -errno;
    out->data = base;
    out->pages = pages;
    err = keep_refs(refs, out);
    if (err)
        shmbuf_range_free(out);
    return err;
}

int shmbuf_range_place(struct shmbuf_map *map, size_t at, int fd, const struct shmbuf_piece *piece)
{
    char *to = (char *)map->data + at * SHMBUF_PAGE_SIZE;

    if (mmap(to, piece->pages * SHMBUF_PAGE_SIZE, PROT_READ, MAP_SHARED | MAP_FIXED, fd,
             (off_t)piece->offset) == MAP_FAILED)
        return -errno;
    return 0;
}

void shmbuf_range_free(struct shmbuf_map *map)
{
    if (map->data)
        munmap((void *)map->data, map->pages * SHMBUF_PAGE_SIZE);
    free(map->refs);
    memset(map, 0, sizeof(*map));
}

/* The sum of the pieces' pages, 0 if one of them or the sum is out of range. */
static size_t total_pages(const struct shmbuf_piece *untrusted_pieces, size_t count)
{
    size_t pages = 0;

    for (size_t i = 0; i < count; i++) {
        const struct shmbuf_piece *untrusted = &untrusted_pieces[i];

        if (!untrusted->pages || untrusted->pages > GUI_MAX_GRANTS - pages || untrusted->offset > INT64_MAX ||
            untrusted->offset % SHMBUF_PAGE_SIZE)
            return 0;
        pages += untrusted->pages;
    }
    return pages;
}

int shmbuf_adopt(int fd, const struct shmbuf_piece *untrusted_pieces, size_t count, struct shmbuf_map *out)
{
    size_t pages = count <= SHMBUF_MAX_PIECES ? total_pages(untrusted_pieces, count) : 0, at = 0;
    int err = shmbuf_range_reserve(NULL, pages, out);

    for (size_t i = 0; !err && i < count; i++) {
        err = shmbuf_range_check(fd, &untrusted_pieces[i]);
        if (!err)
            err = shmbuf_range_place(out, at, fd, &untrusted_pieces[i]);
        at += untrusted_pieces[i].pages;
    }
    if (err)
        shmbuf_range_free(out);
    return err;
}
