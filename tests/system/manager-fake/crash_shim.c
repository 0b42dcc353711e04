/* SPDX-License-Identifier: GPL-2.0-or-later */
/* LD_PRELOAD library: counts the calls that change files; at the Nth the process dies as by a power cut, or
 * the call fails as on a full disk. Armed when $CRASH_FILE appears with "die N" or "full N"; the count is
 * written to $CRASH_FILE.count when it has not come to N. $COPY_MS: how long each copy takes, as on a slow
 * disk. $DISK_FREE: bytes that file systems say are free. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int limit, count;
static bool full;

/* True: this call must fail with ENOSPC. */
static bool strike(bool grows)
{
    char text[32] = "";
    const char *path = getenv("CRASH_FILE");
    bool fail = false;
    pthread_mutex_lock(&lock);
    if (!limit && path) {
        static int (*real_open)(const char *, int, ...);
        if (!real_open)
            *(void **)&real_open = dlsym(RTLD_NEXT, "open64");
        int fd = real_open(path, O_RDONLY);
        if (fd >= 0) {
            if (read(fd, text, sizeof text - 1) > 0)
                limit = atoi(strchr(text, ' '));
            full = text[0] == 'f';
            close(fd);
        }
    }
    if (limit && (grows || !full) && ++count >= limit) {
        if (!full)
            _exit(99);
        fail = count == limit;
    }
    pthread_mutex_unlock(&lock);
    if (fail)
        errno = ENOSPC;
    return fail;
}

#define REAL(name, type)                                                                                     \
    static type real;                                                                                        \
    if (!real)                                                                                               \
    *(void **)&real = dlsym(RTLD_NEXT, name)

typedef ssize_t (*write_fn)(int, const void *, size_t);
typedef ssize_t (*pwrite_fn)(int, const void *, size_t, off_t);
typedef int (*fd_fn)(int);
typedef int (*path_fn)(const char *);
typedef int (*two_fn)(const char *, const char *);
typedef int (*mode_fn)(const char *, mode_t);
typedef int (*size_fn)(int, off_t);
typedef int (*open_fn)(const char *, int, ...);

static bool is_file(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && fd > 2;
}

ssize_t write(int fd, const void *data, size_t size)
{
    REAL("write", write_fn);
    return is_file(fd) && strike(true) ? -1 : real(fd, data, size);
}

static void wait_as_slow_disk(void)
{
    const char *ms = getenv("COPY_MS");
    if (ms)
        usleep((useconds_t)atoi(ms) * 1000);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off_t at)
{
    REAL("pwrite64", pwrite_fn);
    wait_as_slow_disk();
    return strike(true) ? -1 : real(fd, data, size, at);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at)
{
    return pwrite64(fd, data, size, at);
}

ssize_t copy_file_range(int in, off_t *a, int out, off_t *b, size_t n, unsigned flags)
{
    static ssize_t (*real)(int, off_t *, int, off_t *, size_t, unsigned);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "copy_file_range");
    wait_as_slow_disk();
    return strike(true) ? -1 : real(in, a, out, b, n, flags);
}

/* A slow disk has no reflinks. */
int ioctl(int fd, unsigned long request, ...)
{
    static int (*real)(int, unsigned long, void *);
    va_list ap;
    va_start(ap, request);
    void *argument = va_arg(ap, void *);
    va_end(ap);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "ioctl");
    if (request != FICLONE || !getenv("COPY_MS"))
        return real(fd, request, argument);
    errno = EOPNOTSUPP;
    return -1;
}

int fsync(int fd)
{
    REAL("fsync", fd_fn);
    return strike(true) ? -1 : real(fd);
}

int statvfs64(const char *path, struct statvfs64 *st)
{
    static int (*real)(const char *, struct statvfs64 *);
    const char *free_bytes = getenv("DISK_FREE");
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "statvfs64");
    int r = real(path, st);
    if (r == 0 && free_bytes)
        st->f_bavail = (fsblkcnt64_t)atoll(free_bytes) / st->f_frsize;
    return r;
}

int statvfs(const char *path, struct statvfs *st)
{
    struct statvfs64 wide;
    int r = statvfs64(path, &wide);
    memcpy(st, &wide, sizeof *st); /* the same on 64 bits */
    return r;
}

int unlink(const char *path)
{
    REAL("unlink", path_fn);
    strike(false);
    return real(path);
}

int rename(const char *from, const char *to)
{
    REAL("rename", two_fn);
    return strike(true) ? -1 : real(from, to);
}

int renameat2(int a, const char *from, int b, const char *to, unsigned flags)
{
    static int (*real)(int, const char *, int, const char *, unsigned);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "renameat2");
    return strike(true) ? -1 : real(a, from, b, to, flags);
}

int mkdir(const char *path, mode_t mode)
{
    REAL("mkdir", mode_fn);
    return strike(true) ? -1 : real(path, mode);
}

int ftruncate64(int fd, off_t size)
{
    REAL("ftruncate64", size_fn);
    return strike(true) ? -1 : real(fd, size);
}

int ftruncate(int fd, off_t size)
{
    return ftruncate64(fd, size);
}

static int do_open(const char *name, const char *path, int flags, mode_t mode)
{
    open_fn real = NULL;
    *(void **)&real = dlsym(RTLD_NEXT, name);
    return flags & O_CREAT && strike(true) ? -1 : real(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    va_list ap;
    va_start(ap, flags);
    mode_t mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0;
    va_end(ap);
    return do_open("open64", path, flags, mode);
}

int open(const char *path, int flags, ...)
{
    va_list ap;
    va_start(ap, flags);
    mode_t mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0;
    va_end(ap);
    return do_open("open", path, flags, mode);
}

__attribute__((destructor)) static void report(void)
{
    const char *path = getenv("CRASH_FILE");
    char name[512];
    if (!path || !limit)
        return;
    snprintf(name, sizeof name, "%s.count", path);
    FILE *f = fopen(name, "w");
    if (f) {
        fprintf(f, "%d\n", count);
        fclose(f);
    }
}
