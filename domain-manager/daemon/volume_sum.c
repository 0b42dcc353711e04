/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SHA-256 of files with holes. What is summed: for each block of 4 KiB that is not all zero, its number (64
 * bits, little endian) and its bytes, and at the end the file's size (the same way). So a hole costs nothing,
 * and it does not matter whether zeros are stored or not. */
#include "volume.h"

#include <errno.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dm_error.h"
#include "worker.h"

#define BLOCK 4096
#define CHUNK (256 * BLOCK)

static void sum_number(GChecksum *sum, guint64 n)
{
    n = GUINT64_TO_LE(n);
    g_checksum_update(sum, (const guchar *)&n, sizeof n);
}

static gboolean is_zero(const char *block)
{
    return block[0] == 0 && memcmp(block, block + 1, BLOCK - 1) == 0;
}

static gboolean write_run(int out, const char *data, size_t from, size_t end, off_t at)
{
    while (out >= 0 && from < end) {
        ssize_t n = pwrite(out, data + from, end - from, at + (off_t)from);
        if (n < 0)
            return FALSE;
        from += (size_t)n;
    }
    return TRUE;
}

/* Blocks of which the file has `size` bytes; those that are not zero are summed and written to out (-1:
 * nowhere). */
static gboolean take_blocks(GChecksum *sum, int out, const char *data, off_t at, size_t size)
{
    size_t run = 0; /* start of what is not written yet */
    for (size_t i = 0; i < size; i += BLOCK) {
        if (is_zero(data + i)) {
            if (!write_run(out, data, run, i, at))
                return FALSE;
            run = i + BLOCK;
            continue;
        }
        sum_number(sum, (guint64)(at + (off_t)i) / BLOCK);
        g_checksum_update(sum, (const guchar *)data + i, BLOCK);
    }
    return run >= size || write_run(out, data, run, size, at);
}

static gboolean read_chunk(int in, char *data, off_t at, size_t n)
{
    for (size_t got = 0; got < n;) {
        ssize_t r = pread(in, data + got, n - got, at + (off_t)got);
        if (r < 0 && errno == EINTR)
            continue;
        if (r == 0)
            errno = EIO; /* it has become shorter */
        if (r <= 0)
            return FALSE;
        got += (size_t)r;
    }
    memset(data + n, 0, CHUNK - n);
    return TRUE;
}

static gboolean take_file(GChecksum *sum, int in, int out, off_t size)
{
    g_autofree char *data = g_malloc(CHUNK);
    off_t at = 0;
    while (at < size) {
        off_t next = lseek(in, at, SEEK_DATA);
        if (next < 0 && errno == ENXIO)
            break;
        at = next < 0 ? at : next / BLOCK * BLOCK;
        off_t hole = lseek(in, MAX(next, at), SEEK_HOLE);
        off_t end = hole < 0 ? size : MIN((hole + BLOCK - 1) / BLOCK * BLOCK, size);
        for (; at < end; at += CHUNK) {
            size_t n = (size_t)MIN(end - at, CHUNK);
            if (!read_chunk(in, data, at, n) || !take_blocks(sum, out, data, at, n))
                return FALSE;
            worker_copied(n);
        }
        at = end;
    }
    sum_number(sum, (guint64)size);
    return TRUE;
}

char *volume_copy_sum(int in, int out, GError **error)
{
    struct stat st;
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    gboolean ok = fstat(in, &st) == 0;
    gboolean shared = ok && out >= 0 && ioctl(out, FICLONE, in) == 0;
    ok = ok && (out < 0 || shared || ftruncate(out, st.st_size) == 0);
    ok = ok && take_file(sum, shared ? out : in, shared ? -1 : out, st.st_size) &&
         (out < 0 || fsync(out) == 0);
    if (!ok)
        dm_error_errno(error, out < 0 ? "read" : "copy");
    return ok ? g_strdup(g_checksum_get_string(sum)) : NULL;
}

char *volume_sum_text(const char *text, gsize size)
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    gsize whole = (size + BLOCK - 1) / BLOCK * BLOCK;
    g_autofree char *blocks = g_malloc0(whole + 1);
    memcpy(blocks, text, size);
    take_blocks(sum, -1, blocks, 0, size);
    sum_number(sum, size);
    return g_strdup(g_checksum_get_string(sum));
}
