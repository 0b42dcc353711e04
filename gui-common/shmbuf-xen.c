/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shared buffers by Linux' grant devices. The interface is the kernel's (xen/sys/gntalloc.h, gntdev.h): an
 * ioctl makes or names the grants and answers an offset, mmap at that offset maps them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xen/sys/gntalloc.h>
#include <xen/sys/gntdev.h>

#include "gui-protocol.h"
#include "shmbuf-range.h"
#include "shmbuf.h"

/* gntdev refuses more than 64 Ki grants in one map (its parameter "limit"); a large buffer takes several. */
#define MAP_CHUNK 16384
#define GNTDEV    "/dev/xen/gntdev"

static_assert((GUI_MAX_GRANTS + MAP_CHUNK - 1) / MAP_CHUNK <= SHMBUF_MAX_PIECES, "a piece for each chunk");

struct shmbuf_exporter {
    int fd;
    uint16_t peer;
};

struct shmbuf_importer {
    int fd;
    uint16_t granter;
};

int shmbuf_exporter_open(uint16_t peer, struct shmbuf_exporter **out)
{
    struct shmbuf_exporter *exporter = calloc(1, sizeof(*exporter));

    if (!exporter)
        return -ENOMEM;
    exporter->peer = peer;
    exporter->fd = open("/dev/xen/gntalloc", O_RDWR | O_CLOEXEC);
    if (exporter->fd < 0) {
        int err = -errno;

        free(exporter);
        return err;
    }
    *out = exporter;
    return 0;
}

void shmbuf_exporter_close(struct shmbuf_exporter *exporter)
{
    if (!exporter)
        return;
    close(exporter->fd);
    free(exporter);
}

static void dealloc_grants(int fd, uint64_t index, size_t pages)
{
    struct ioctl_gntalloc_dealloc_gref op = {.index = index, .count = (uint32_t)pages};

    ioctl(fd, IOCTL_GNTALLOC_DEALLOC_GREF, &op);
}

/* The ioctl's structure ends in the answered references: its memory becomes buf->refs. */
static int alloc_grants(struct shmbuf_exporter *exporter, size_t pages, struct shmbuf *out)
{
    struct ioctl_gntalloc_alloc_gref *op = calloc(1, sizeof(*op) + pages * sizeof(uint32_t));
    uint32_t *refs = calloc(pages, sizeof(*refs));
    int err = 0;

    if (!op || !refs) {
        err = -ENOMEM;
        goto done;
    }
    op->domid = exporter->peer;
    op->flags = 0; /* read-only for the peer */
    op->count = (uint32_t)pages;
    if (ioctl(exporter->fd, IOCTL_GNTALLOC_ALLOC_GREF, op)) {
        err = -errno;
        goto done;
    }
    memcpy(refs, op->gref_ids, pages * sizeof(*refs));
    out->refs = refs;
    out->pages = pages;
    out->backend[0] = op->index;
    refs = NULL;
done:
    free(op);
    free(refs);
    return err;
}

int shmbuf_alloc(struct shmbuf_exporter *exporter, size_t pages, struct shmbuf *out)
{
    int err;

    memset(out, 0, sizeof(*out));
    if (!pages || pages > GUI_MAX_GRANTS)
        return -EINVAL;
    err = alloc_grants(exporter, pages, out);
    if (err)
        return err;
    out->data = mmap(NULL, pages * SHMBUF_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, exporter->fd,
                     (off_t)out->backend[0]);
    if (out->data == MAP_FAILED) {
        err = -errno;
        dealloc_grants(exporter->fd, out->backend[0], pages);
        free(out->refs);
        memset(out, 0, sizeof(*out));
    }
    return err;
}

void shmbuf_free(struct shmbuf_exporter *exporter, struct shmbuf *buf)
{
    if (!buf->data)
        return;
    munmap(buf->data, buf->pages * SHMBUF_PAGE_SIZE);
    dealloc_grants(exporter->fd, buf->backend[0], buf->pages);
    free(buf->refs);
    memset(buf, 0, sizeof(*buf));
}

int shmbuf_importer_open(uint16_t granter, struct shmbuf_importer **out)
{
    struct shmbuf_importer *importer = calloc(1, sizeof(*importer));

    if (!importer)
        return -ENOMEM;
    importer->granter = granter;
    importer->fd = open(GNTDEV, O_RDWR | O_CLOEXEC);
    if (importer->fd < 0) {
        int err = -errno;

        free(importer);
        return err;
    }
    *out = importer;
    return 0;
}

void shmbuf_importer_close(struct shmbuf_importer *importer)
{
    if (!importer)
        return;
    close(importer->fd);
    free(importer);
}

static void forget_chunk(struct shmbuf_importer *importer, const struct shmbuf_piece *piece)
{
    struct ioctl_gntdev_unmap_grant_ref op = {.index = piece->offset, .count = (uint32_t)piece->pages};

    ioctl(importer->fd, IOCTL_GNTDEV_UNMAP_GRANT_REF, &op);
}

/* Name one chunk of grants: the offset at which mmap() maps them. */
static int name_chunk(struct shmbuf_importer *importer, const uint32_t *refs, size_t count,
                      struct shmbuf_piece *piece)
{
    struct ioctl_gntdev_map_grant_ref *op = calloc(1, sizeof(*op) + count * sizeof(op->refs[0]));
    int err = 0;

    if (!op)
        return -ENOMEM;
    op->count = (uint32_t)count;
    for (size_t i = 0; i < count; i++) {
        op->refs[i].domid = importer->granter;
        op->refs[i].ref = refs[i];
    }
    if (ioctl(importer->fd, IOCTL_GNTDEV_MAP_GRANT_REF, op))
        err = -errno;
    *piece = (struct shmbuf_piece){op->index, count};
    free(op);
    return err;
}

/*
 * Map one chunk at the range's page `at`. Its name is forgotten at once: the kernel keeps the grants mapped
 * as long as the mapping lives, so that munmap() alone undoes everything.
 */
static int map_chunk(struct shmbuf_importer *importer, struct shmbuf_map *map, size_t at, size_t count)
{
    struct shmbuf_piece piece;
    int err = name_chunk(importer, map->refs + at, count, &piece);

    if (err)
        return err;
    err = shmbuf_range_place(map, at, importer->fd, &piece);
    forget_chunk(importer, &piece);
    return err;
}

static size_t chunk_at(const struct shmbuf_map *map, size_t at)
{
    return map->pages - at < MAP_CHUNK ? map->pages - at : MAP_CHUNK;
}

int shmbuf_map(struct shmbuf_importer *importer, const uint32_t *refs, size_t count, struct shmbuf_map *out)
{
    int err = shmbuf_range_reserve(refs, count, out);

    for (size_t at = 0; !err && at < count; at += MAP_CHUNK)
        err = map_chunk(importer, out, at, chunk_at(out, at));
    if (err)
        shmbuf_range_free(out);
    return err;
}

void shmbuf_unmap(struct shmbuf_importer *importer, struct shmbuf_map *map)
{
    (void)importer;
    shmbuf_range_free(map);
}

/* What has a name can be mapped once, so the pages get second names for the other process. */
int shmbuf_share(struct shmbuf_importer *importer, const struct shmbuf_map *map, struct shmbuf_share *out)
{
    int err = 0;

    memset(out, 0, sizeof(*out));
    for (size_t at = 0; !err && at < map->pages; at += MAP_CHUNK) {
        err = name_chunk(importer, map->refs + at, chunk_at(map, at), &out->pieces[out->piece_count]);
        out->piece_count += !err;
    }
    out->fd = err ? -1 : fcntl(importer->fd, F_DUPFD_CLOEXEC, 0);
    if (!err && out->fd < 0)
        err = -errno;
    if (err)
        shmbuf_unshare(importer, out);
    return err;
}

void shmbuf_unshare(struct shmbuf_importer *importer, struct shmbuf_share *share)
{
    for (unsigned i = 0; i < share->piece_count; i++)
        forget_chunk(importer, &share->pieces[i]);
    share->piece_count = 0;
}

/* Whoever has an open gntdev may map grants; the kernel knows which ones by its table of offsets. */
int shmbuf_range_check(int fd, const struct shmbuf_piece *untrusted_piece)
{
    struct stat device, given;

    (void)untrusted_piece;
    if (stat(GNTDEV, &device) || fstat(fd, &given) || !S_ISCHR(given.st_mode) ||
        given.st_rdev != device.st_rdev)
        return -EACCES;
    return 0;
}
