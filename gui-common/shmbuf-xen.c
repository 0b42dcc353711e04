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

static void forget_grants(int fd, const struct shmbuf_piece *piece)
{
    struct ioctl_gntdev_unmap_grant_ref op = {.index = piece->offset, .count = (uint32_t)piece->pages};

    ioctl(fd, IOCTL_GNTDEV_UNMAP_GRANT_REF, &op);
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

/* The offsets stay known to the kernel as long as the map lives, so that the X server can use them, too. */
int shmbuf_map(struct shmbuf_importer *importer, const uint32_t *refs, size_t count, struct shmbuf_map *out)
{
    int err = shmbuf_range_reserve(count, out);

    for (size_t done = 0; !err && done < count; done += MAP_CHUNK) {
        size_t chunk = count - done < MAP_CHUNK ? count - done : MAP_CHUNK;
        struct shmbuf_piece *piece = &out->pieces[out->piece_count];

        err = name_chunk(importer, refs + done, chunk, piece);
        if (err)
            break;
        out->piece_count++;
        err = shmbuf_range_place(out, done, importer->fd, piece);
    }
    if (err)
        shmbuf_unmap(importer, out);
    return err;
}

void shmbuf_unmap(struct shmbuf_importer *importer, struct shmbuf_map *map)
{
    for (unsigned i = 0; importer && i < map->piece_count; i++)
        forget_grants(importer->fd, &map->pieces[i]);
    shmbuf_range_free(map);
}

int shmbuf_share(struct shmbuf_importer *importer, const struct shmbuf_map *map)
{
    int fd;

    if (!map->piece_count)
        return -ENOTSUP;
    fd = fcntl(importer->fd, F_DUPFD_CLOEXEC, 0);
    return fd < 0 ? -errno : fd;
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
