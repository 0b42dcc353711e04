/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shared pixel buffers: the agent allocates pages and hands out grant references (export), the daemon maps a
 * list of references read-only (import). Two backends, chosen at link time: shmbuf-xen.c    /dev/xen/gntalloc
 * and /dev/xen/gntdev shmbuf-file.c   for tests: pages of files in $GUI_SHM_DIR (default /tmp); the granting
 * domain is $VCHAN_DOMAIN
 *
 * Not thread-safe. Errors are negative errno.
 */
#ifndef SHMBUF_H
#define SHMBUF_H

#include <stddef.h>
#include <stdint.h>

#define SHMBUF_PAGE_SIZE 4096

/* ---- the granting side ---- */

struct shmbuf_exporter; /* a handle on the backend */

struct shmbuf {
    void *data; /* pages * SHMBUF_PAGE_SIZE bytes, zeroed, page-aligned, readable and writable */
    size_t pages;
    uint32_t *refs;      /* `pages` grant references, in order */
    uint64_t backend[2]; /* the backend's own */
};

/* Buffers that domain `peer` may map, read-only. 0, or -errno; *out is closed by shmbuf_exporter_close(). */
int shmbuf_exporter_open(uint16_t peer, struct shmbuf_exporter **out);

/* All buffers must have been freed. NULL is fine. */
void shmbuf_exporter_close(struct shmbuf_exporter *exporter);

/* Allocate and grant `pages` pages (1…98304). -ENOMEM, -ENOSPC: the kernel's or the domain's limit of grants.
 */
int shmbuf_alloc(struct shmbuf_exporter *exporter, size_t pages, struct shmbuf *out);

/*
 * Unmap and take the grants back. A page that the peer still has mapped stays allocated until the peer lets
 * go: the kernel sees to it.
 */
void shmbuf_free(struct shmbuf_exporter *exporter, struct shmbuf *buf);

/* ---- the mapping side ---- */

struct shmbuf_importer;

struct shmbuf_map {
    const void *data; /* pages * SHMBUF_PAGE_SIZE bytes, read-only; the granter may change them at any time */
    size_t pages;
    uint32_t *refs; /* as they were mapped */
};

/* Maps grants of domain `granter`. 0, or -errno; *out is closed by shmbuf_importer_close(). */
int shmbuf_importer_open(uint16_t granter, struct shmbuf_importer **out);

/* All maps must have been unmapped. NULL is fine. */
void shmbuf_importer_close(struct shmbuf_importer *importer);

/*
 * Map `count` pages (1…98304), granted by `refs`, as one range. All or nothing: -EINVAL or the kernel's error
 * if one of them is not granted. The references are untrusted: the hypervisor checks them.
 */
int shmbuf_map(struct shmbuf_importer *importer, const uint32_t *refs, size_t count, struct shmbuf_map *out);

/* Undo shmbuf_map(); a zeroed structure is fine. */
void shmbuf_unmap(struct shmbuf_importer *importer, struct shmbuf_map *map);

/* ---- the same pages in a second process, dom0's X server ---- */

/* What one mmap() maps. */
struct shmbuf_piece {
    uint64_t offset; /* bytes */
    uint64_t pages;
};

#define SHMBUF_MAX_PIECES 6

/* How another process maps a buffer. */
struct shmbuf_share {
    int fd;
    unsigned piece_count;
    struct shmbuf_piece pieces[SHMBUF_MAX_PIECES];
};

/*
 * Offer what is mapped here to the process that is given out->fd and the pieces; out->fd is the caller's to
 * close. 0, -ENOTSUP (this buffer cannot be offered) or the kernel's error.
 */
int shmbuf_share(struct shmbuf_importer *importer, const struct shmbuf_map *map, struct shmbuf_share *out);

/* Take the offer back. Who has adopted it keeps it. */
void shmbuf_unshare(struct shmbuf_importer *importer, struct shmbuf_share *share);

/*
 * Map, as one range, what a process that is not believed says that it offers: `fd`, which stays the caller's,
 * and pieces. -EACCES if fd is not the backend's, -EINVAL or the kernel's error if there is no such offer. No
 * right to map grants is needed, nor given. Undo by shmbuf_unmap() with importer NULL.
 */
int shmbuf_adopt(int fd, const struct shmbuf_piece *untrusted_pieces, size_t count, struct shmbuf_map *out);

#endif
