/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Volume files: blank, copy, import. Any thread. */
#include "volume.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dm_error.h"
#include "store.h"
#include "worker.h"

guint64 volume_allocated(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? (guint64)st.st_blocks * S_BLKSIZE : 0;
}

gboolean volume_create_blank(const char *path, guint64 size, GError **error)
{
    if (unlink(path) < 0 && errno != ENOENT)
        return dm_error_errno(error, "%s", path);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return dm_error_errno(error, "%s", path);
    gboolean ok = ftruncate(fd, (off_t)size) == 0;
    if (!ok) {
        dm_error_errno(error, "%s: make %" G_GUINT64_FORMAT " bytes", path, size);
        unlink(path);
    }
    close(fd);
    return ok;
}

/* One run of data; copy_file_range fails with EXDEV and friends on odd file systems: then by hand. */
static gboolean copy_run(int in, int out, off_t from, off_t end)
{
    static const size_t chunk = 1 << 20;
    g_autofree char *buffer = NULL;
    while (from < end) {
        off_t a = from, b = from;
        size_t want = (size_t)MIN(end - from, (off_t)chunk * 64);
        ssize_t n = buffer ? -1 : copy_file_range(in, &a, out, &b, want, 0);
        if (n < 0 && !buffer && errno != ENOSPC && errno != EDQUOT && errno != EIO)
            buffer = g_malloc(chunk);
        if (n < 0 && buffer) {
            n = pread(in, buffer, MIN(want, chunk), from);
            if (n > 0)
                n = pwrite(out, buffer, (size_t)n, from);
        }
        if (n < 0)
            return FALSE;
        if (n == 0)
            break;
        worker_copied((guint64)n);
        from += n;
    }
    return TRUE;
}

static gboolean copy_data(int in, int out, off_t size)
{
    if (ioctl(out, FICLONE, in) == 0) {
        struct stat st;
        worker_copied(fstat(in, &st) == 0 ? (guint64)st.st_blocks * S_BLKSIZE : 0);
        return TRUE;
    }
    if (ftruncate(out, size) < 0)
        return FALSE;
    for (off_t pos = 0; pos < size;) {
        off_t data = lseek(in, pos, SEEK_DATA);
        if (data < 0 && errno == ENXIO)
            return TRUE;
        off_t hole = data < 0 ? -1 : lseek(in, data, SEEK_HOLE);
        if (data < 0 || hole < 0) {
            data = pos;
            hole = size;
        }
        if (!copy_run(in, out, data, hole))
            return FALSE;
        pos = hole;
    }
    return TRUE;
}

gboolean volume_copy(const char *from, const char *to, GError **error)
{
    struct stat st;
    int in = open(from, O_RDONLY | O_CLOEXEC);
    if (in < 0 || fstat(in, &st) < 0) {
        dm_error_errno(error, "%s", from);
        if (in >= 0)
            close(in);
        return FALSE;
    }
    int out = open(to, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    gboolean ok = out >= 0 && copy_data(in, out, st.st_size) && fsync(out) == 0;
    if (!ok)
        dm_error_errno(error, "copy %s to %s", from, to);
    if (!ok && out >= 0)
        unlink(to);
    if (out >= 0)
        close(out);
    close(in);
    return ok;
}

gboolean volume_replace(const char *from, const char *to, GError **error)
{
    g_autofree char *temporary = g_strconcat(to, ".new", NULL);
    unlink(temporary);
    if (!volume_copy(from, temporary, error))
        return FALSE;
    if (rename(temporary, to) == 0)
        return TRUE;
    dm_error_errno(error, "%s", to);
    unlink(temporary);
    return FALSE;
}

gboolean volume_reflink(const char *from, const char *to)
{
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = in < 0 ? -1 : open(to, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    gboolean ok = out >= 0 && ioctl(out, FICLONE, in) == 0;
    if (out >= 0)
        close(out);
    if (out >= 0 && !ok)
        unlink(to);
    if (in >= 0)
        close(in);
    return ok;
}

static gboolean copy_stream(int in, int out, guint64 size, guint64 *got)
{
    static const size_t chunk = 1 << 18;
    g_autofree char *buffer = g_malloc(chunk);
    *got = 0;
    for (;;) {
        ssize_t n = read(in, buffer, chunk);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n == 0;
        if (size && *got + (guint64)n > size) {
            errno = EFBIG;
            return FALSE;
        }
        if (pwrite(out, buffer, (size_t)n, (off_t)*got) != n)
            return FALSE;
        *got += (guint64)n;
        worker_copied((guint64)n);
    }
}

gboolean volume_import_fd(const char *path, int fd, guint64 size, GError **error)
{
    struct stat old = {0};
    g_autofree char *temporary = g_strconcat(path, ".import", NULL);
    guint64 got = 0;
    worker_expect(size);
    stat(path, &old);
    unlink(temporary);
    int out = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (out < 0)
        return dm_error_errno(error, "%s", temporary);
    gboolean ok = copy_stream(fd, out, size, &got);
    if (!ok)
        dm_error_errno(error, "import to %s", path);
    else if (size && got != size)
        ok = dm_fail(error, DM_ERROR_STORAGE,
                     "import to %s: %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT
                     " bytes came; the old volume is kept",
                     path, got, size);
    guint64 whole = MAX(size ? size : got, size ? 0 : (guint64)old.st_size);
    if (ok && (ftruncate(out, (off_t)whole) < 0 || fsync(out) < 0 || rename(temporary, path) < 0))
        ok = dm_error_errno(error, "import to %s", path);
    if (!ok)
        unlink(temporary);
    close(out);
    return ok;
}

/* A read-only image is shared by a hard link, a link to the live medium by another one; a copy where neither
 * can be. */
static gboolean share_image(const char *from, const char *to, GError **error)
{
    g_autofree char *target = g_file_read_link(from, NULL);
    if (!(target && g_path_is_absolute(target) && symlink(target, to) == 0) &&
        linkat(AT_FDCWD, from, AT_FDCWD, to, AT_SYMLINK_FOLLOW) < 0)
        return volume_copy(from, to, error);
    worker_copied(volume_allocated(from));
    return TRUE;
}

void volume_expect(const char *dir)
{
    static const char *const files[] = {"private.img", "upper.img", "root.img"};
    g_autofree char *upper = volume_committed_upper(dir);
    for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path = g_build_filename(dir, files[i], NULL);
        worker_expect(volume_allocated(path));
    }
    worker_expect(upper ? volume_allocated(upper) : 0);
}

gboolean volume_clone_dir(const char *from, const char *to, GError **error)
{
    static const char *const kept[] = {"private.img", "upper.img", "firewall", "notes", "appmenus"};
    store_remove_tree(to, NULL);
    if (mkdir(to, 0750) < 0)
        return dm_error_errno(error, "%s", to);
    gboolean ok = TRUE;
    for (guint i = 0; ok && i < G_N_ELEMENTS(kept); i++) {
        g_autofree char *a = g_build_filename(from, kept[i], NULL), *b = g_build_filename(to, kept[i], NULL);
        ok = access(a, F_OK) < 0 || volume_copy(a, b, error);
    }
    g_autofree char *a = g_build_filename(from, "root.img", NULL),
                    *b = g_build_filename(to, "root.img", NULL);
    ok = ok && (access(a, F_OK) < 0 || share_image(a, b, error));
    if (!ok)
        store_remove_tree(to, NULL);
    return ok;
}

/* What a template has besides its images: list of applications, kernel. */
static gboolean copy_rest(const char *from, const char *to, GError **error)
{
    g_autofree char *menus = g_build_filename(from, "appmenus", NULL),
                    *new_menus = g_build_filename(to, "appmenus", NULL);
    if (access(menus, F_OK) == 0 && access(new_menus, F_OK) < 0 && !share_image(menus, new_menus, error))
        return FALSE;
    g_autofree char *a = g_build_filename(from, "kernel", NULL), *b = g_build_filename(to, "kernel", NULL);
    g_autoptr(GDir) dir = g_dir_open(a, 0, NULL);
    if (!dir)
        return TRUE;
    if (mkdir(b, 0755) < 0)
        return dm_error_errno(error, "%s", b);
    for (const char *name; (name = g_dir_read_name(dir));) {
        g_autofree char *x = g_build_filename(a, name, NULL), *y = g_build_filename(b, name, NULL);
        if (!share_image(x, y, error))
            return FALSE;
    }
    return TRUE;
}

gboolean volume_clone_template(const char *from, const char *to, GError **error)
{
    g_autofree char *parent = g_path_get_dirname(to), *base = g_path_get_basename(to);
    g_autofree char *hidden = g_strdup_printf("%s/.new-%s", parent, base);
    store_remove_tree(hidden, NULL);
    if (mkdir(hidden, 0755) < 0)
        return dm_error_errno(error, "%s", hidden);
    g_autofree char *upper = volume_committed_upper(from);
    g_autofree char *new_upper = g_build_filename(hidden, "upper-1.img", NULL);
    g_autofree char *a = g_build_filename(from, "root.img", NULL),
                    *b = g_build_filename(hidden, "root.img", NULL);
    if (share_image(a, b, error) && (!upper || volume_copy(upper, new_upper, error)) &&
        copy_rest(from, hidden, error) && store_sync_dir(hidden, error) && store_rename(hidden, to, error))
        return TRUE;
    store_remove_tree(hidden, NULL);
    return FALSE;
}

gboolean volume_root_from_template(const char *template_dir, const char *dir, GError **error)
{
    g_autofree char *upper = volume_committed_upper(template_dir);
    g_autofree char *to_upper = g_build_filename(dir, "upper.img", NULL);
    g_autofree char *from = g_build_filename(template_dir, "root.img", NULL);
    g_autofree char *to = g_build_filename(dir, "root.img", NULL);
    if (access(from, R_OK) < 0)
        return dm_error_errno(error, "%s", from);
    return share_image(from, to, error) && (!upper || volume_copy(upper, to_upper, error)) &&
           copy_rest(template_dir, dir, error);
}
