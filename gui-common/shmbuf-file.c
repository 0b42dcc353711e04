/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shared buffers without Xen, for tests: each buffer is a file $GUI_SHM_DIR/shm.DOMID.NUMBER, a grant
 * reference is NUMBER << 17 | page. References may be mapped in any order and mixture, as with real grants; a
 * page that does not exist fails.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gui-protocol.h"
#include "shmbuf-range.h"
#include "shmbuf.h"

#define PAGE_BITS  17
#define PAGE_MASK  ((1u << PAGE_BITS) - 1)
#define MAX_NUMBER (1u << (32 - PAGE_BITS))

static_assert(GUI_MAX_GRANTS <= PAGE_MASK, "a page number fits in its bits");

struct shmbuf_exporter {
    int dir_fd;
    unsigned domid;
    uint32_t next; /* file number to try first */
};

struct shmbuf_importer {
    int dir_fd;
    unsigned domid;
};

static int open_dir(void)
{
    const char *dir = getenv("GUI_SHM_DIR");
    int fd = open(dir ? dir : "/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return fd < 0 ? -errno : fd;
}

static void file_name(char name[32], unsigned domid, uint32_t number)
{
    snprintf(name, 32, "shm.%u.%u", domid, number);
}

int shmbuf_exporter_open(uint16_t peer, struct shmbuf_exporter **out)
{
    const char *own = getenv("VCHAN_DOMAIN");
    struct shmbuf_exporter *exporter;
    int fd = open_dir();

    (void)peer;
    if (fd < 0)
        return fd;
    exporter = calloc(1, sizeof(*exporter));
    if (!exporter) {
        close(fd);
        return -ENOMEM;
    }
    exporter->dir_fd = fd;
    exporter->domid = own ? (unsigned)atoi(own) : 0;
    *out = exporter;
    return 0;
}

void shmbuf_exporter_close(struct shmbuf_exporter *exporter)
{
    if (!exporter)
        return;
    close(exporter->dir_fd);
    free(exporter);
}

/* A new file under the next free number. Returns its fd or -errno. */
static int create_file(struct shmbuf_exporter *exporter, uint32_t *number)
{
    char name[32];

    for (uint32_t tries = 0; tries < MAX_NUMBER; tries++) {
        int fd;

        *number = exporter->next;
        exporter->next = (exporter->next + 1) % MAX_NUMBER;
        file_name(name, exporter->domid, *number);
        fd = openat(exporter->dir_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd >= 0 || errno != EEXIST)
            return fd < 0 ? -errno : fd;
    }
    return -ENOSPC;
}

static void remove_file(struct shmbuf_exporter *exporter, uint32_t number)
{
    char name[32];

    file_name(name, exporter->domid, number);
    unlinkat(exporter->dir_fd, name, 0);
}

int shmbuf_alloc(struct shmbuf_exporter *exporter, size_t pages, struct shmbuf *out)
{
    uint32_t number;
    int fd, err = 0;

    memset(out, 0, sizeof(*out));
    if (!pages || pages > GUI_MAX_GRANTS)
        return -EINVAL;
    fd = create_file(exporter, &number);
    if (fd < 0)
        return fd;
    out->data = MAP_FAILED;
    out->refs = calloc(pages, sizeof(*out->refs));
    if (!out->refs)
        err = -ENOMEM;
    else if (ftruncate(fd, (off_t)(pages * SHMBUF_PAGE_SIZE)))
        err = -errno;
    else
        out->data = mmap(NULL, pages * SHMBUF_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (!err && out->data == MAP_FAILED)
        err = -errno;
    close(fd);
    if (err) {
        remove_file(exporter, number);
        free(out->refs);
        memset(out, 0, sizeof(*out));
        return err;
    }
    for (size_t i = 0; i < pages; i++)
        out->refs[i] = number << PAGE_BITS | (uint32_t)i;
    out->pages = pages;
    out->backend[0] = number;
    return 0;
}

void shmbuf_free(struct shmbuf_exporter *exporter, struct shmbuf *buf)
{
    if (!buf->data)
        return;
    remove_file(exporter, (uint32_t)buf->backend[0]);
    munmap(buf->data, buf->pages * SHMBUF_PAGE_SIZE);
    free(buf->refs);
    memset(buf, 0, sizeof(*buf));
}

int shmbuf_importer_open(uint16_t granter, struct shmbuf_importer **out)
{
    struct shmbuf_importer *importer;
    int fd = open_dir();

    if (fd < 0)
        return fd;
    importer = calloc(1, sizeof(*importer));
    if (!importer) {
        close(fd);
        return -ENOMEM;
    }
    importer->dir_fd = fd;
    importer->domid = granter;
    *out = importer;
    return 0;
}

void shmbuf_importer_close(struct shmbuf_importer *importer)
{
    if (!importer)
        return;
    close(importer->dir_fd);
    free(importer);
}

/* The file of a reference, for reading. */
static int open_file(struct shmbuf_importer *importer, uint32_t ref)
{
    char name[32];

    file_name(name, importer->domid, ref >> PAGE_BITS);
    return openat(importer->dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
}

static struct shmbuf_piece piece_of(uint32_t ref, size_t count)
{
    return (struct shmbuf_piece){(uint64_t)(ref & PAGE_MASK) * SHMBUF_PAGE_SIZE, count};
}

/* Map references that follow each other in one file. */
static int map_run(struct shmbuf_importer *importer, struct shmbuf_map *map, size_t at, size_t count)
{
    struct shmbuf_piece piece = piece_of(map->refs[at], count);
    int fd = open_file(importer, map->refs[at]), err;

    if (fd < 0)
        return -EINVAL;
    err = shmbuf_range_check(fd, &piece);
    if (!err)
        err = shmbuf_range_place(map, at, fd, &piece);
    close(fd);
    return err;
}

static size_t run_length(const uint32_t *refs, size_t count)
{
    size_t n = 1;

    while (n < count && refs[n] == refs[n - 1] + 1 && refs[n] >> PAGE_BITS == refs[0] >> PAGE_BITS)
        n++;
    return n;
}

int shmbuf_map(struct shmbuf_importer *importer, const uint32_t *refs, size_t count, struct shmbuf_map *out)
{
    int err = shmbuf_range_reserve(refs, count, out);

    for (size_t done = 0; !err && done < count;) {
        size_t run = run_length(refs + done, count - done);

        err = map_run(importer, out, done, run);
        done += run;
    }
    if (err)
        shmbuf_range_free(out);
    return err;
}

void shmbuf_unmap(struct shmbuf_importer *importer, struct shmbuf_map *map)
{
    (void)importer;
    shmbuf_range_free(map);
}

/* One descriptor is enough for pages of one file, in order. */
int shmbuf_share(struct shmbuf_importer *importer, const struct shmbuf_map *map, struct shmbuf_share *out)
{
    memset(out, 0, sizeof(*out));
    if (!map->pages || run_length(map->refs, map->pages) < map->pages)
        return -ENOTSUP;
    out->fd = open_file(importer, map->refs[0]);
    if (out->fd < 0)
        return -errno;
    out->pieces[0] = piece_of(map->refs[0], map->pages);
    out->piece_count = 1;
    return 0;
}

void shmbuf_unshare(struct shmbuf_importer *importer, struct shmbuf_share *share)
{
    (void)importer;
    share->piece_count = 0;
}

int shmbuf_range_check(int fd, const struct shmbuf_piece *untrusted_piece)
{
    uint64_t bytes = untrusted_piece->pages * SHMBUF_PAGE_SIZE;
    struct stat st;

    if (fstat(fd, &st) || !S_ISREG(st.st_mode))
        return -EACCES;
    if (bytes > (uint64_t)st.st_size || untrusted_piece->offset > (uint64_t)st.st_size - bytes)
        return -EINVAL;
    return 0;
}
