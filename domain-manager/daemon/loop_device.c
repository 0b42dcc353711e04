/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "loop_device.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "dm_error.h"

#define TRIES 64

static int open_free(struct loop_device *loop, gboolean writable, GError **error)
{
    int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    if (control < 0) {
        dm_error_errno(error, "/dev/loop-control (module loop)");
        return -1;
    }
    loop->number = ioctl(control, LOOP_CTL_GET_FREE);
    close(control);
    if (loop->number < 0) {
        dm_error_errno(error, "no free loop device");
        return -1;
    }
    snprintf(loop->path, sizeof loop->path, "/dev/loop%d", loop->number);
    int fd = -1;
    for (int i = 0; i < 50 && fd < 0; i++) { /* devtmpfs makes the node a moment later */
        fd = open(loop->path, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC);
        if (fd < 0)
            g_usleep(2000);
    }
    if (fd < 0)
        dm_error_errno(error, "%s", loop->path);
    return fd;
}

static int configure(int fd, int file, gboolean writable, gboolean direct, const char *name)
{
    struct loop_config config = {.fd = (unsigned)file};
    config.info.lo_flags =
        LO_FLAGS_AUTOCLEAR | (writable ? 0 : LO_FLAGS_READ_ONLY) | (direct ? LO_FLAGS_DIRECT_IO : 0);
    snprintf((char *)config.info.lo_file_name, LO_NAME_SIZE, "%s", name);
    return ioctl(fd, LOOP_CONFIGURE, &config);
}

gboolean loop_device_attach(struct loop_device *loop, const char *file, gboolean writable, GError **error)
{
    struct stat st;
    int backing = open(file, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC);
    gboolean ok = FALSE;
    loop->fd = -1;
    if (backing < 0)
        return dm_error_errno(error, "%s", file);
    for (int i = 0; i < TRIES && !ok; i++) { /* another thread may take the free one first */
        int fd = open_free(loop, writable, error);
        if (fd < 0)
            break;
        ok = (writable && configure(fd, backing, writable, TRUE, file) == 0) ||
             configure(fd, backing, writable, FALSE, file) == 0;
        if (ok) {
            loop->fd = fd;
        } else {
            int saved = errno;
            close(fd);
            errno = saved;
            if (saved != EBUSY || i + 1 == TRIES) {
                dm_error_errno(error, "%s on %s", file, loop->path);
                break;
            }
        }
    }
    close(backing);
    if (ok && fstat(loop->fd, &st) == 0) {
        loop->major = major(st.st_rdev);
        loop->minor = minor(st.st_rdev);
    }
    return ok;
}

void loop_device_close(struct loop_device *loop)
{
    if (loop->fd >= 0)
        close(loop->fd);
    loop->fd = -1;
}
