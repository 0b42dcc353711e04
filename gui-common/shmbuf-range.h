/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the backends of shmbuf.h share: one range of addresses filled by several mappings, read-only.
 */
#ifndef SHMBUF_RANGE_H
#define SHMBUF_RANGE_H

#include "shmbuf.h"

/* Reserve addresses for `pages` pages (1…98304) in *out, which keeps a copy of refs (NULL: none). 0 or
 * -errno. */
int shmbuf_range_reserve(const uint32_t *refs, size_t pages, struct shmbuf_map *out);

/* Map the piece of `fd` at the range's page `at`. 0 or -errno. */
int shmbuf_range_place(struct shmbuf_map *map, size_t at, int fd, const struct shmbuf_piece *piece);

/* Unmap everything and zero the structure; a zeroed one is fine. */
void shmbuf_range_free(struct shmbuf_map *map);

/*
 * The backend's: may `fd`, given by a process that is not believed, be mapped like this? The number of pages
 * is in range. 0, -EACCES (not a descriptor of this backend) or -EINVAL.
 */
int shmbuf_range_check(int fd, const struct shmbuf_piece *untrusted_piece);

#endif
