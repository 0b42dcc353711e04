/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "early.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/loop.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void log_line(const char *level, const char *format, va_list arguments)
{
    struct timespec now;
    char text[512], line[600];

    clock_gettime(CLOCK_BOOTTIME, &now);
    vsnprintf(text, sizeof(text), format, arguments);
    int length = snprintf(line, sizeof(line), "%sinit: %ld.%02ld %s\n", level, (long)now.tv_sec,
                          now.tv_nsec / 10000000, text);
    int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    if (write(fd, line, (size_t)length) < 0)
        (void)0; /* nowhere to complain to */
    close(fd);
}

void early_log(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    log_line("<5>", format, arguments);
    va_end(arguments);
}

void early_fail(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    log_line("<0>", format, arguments);
    va_end(arguments);
    for (;;)
        pause();
}

int early_mkdirs(const char *path)
{
    char copy[512];

    if (snprintf(copy, sizeof(copy), "%s", path) >= (int)sizeof(copy))
        return -ENAMETOOLONG;
    for (char *slash = copy + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        mkdir(copy, 0755);
        *slash = '/';
    }
    if (mkdir(copy, 0755) != 0 && errno != EEXIST)
        return -errno;
    return 0;
}

int early_mount(const char *source, const char *target, const char *type, unsigned long flags,
                const char *options)
{
    early_mkdirs(target);
    if (mount(source, target, type, flags, options) == 0)
        return 0;
    int error = errno;
    early_log("cannot mount %s on %s (%s): %s", source, target, type ? type : "bind", strerror(error));
    return -error;
}

int early_move(const char *mount_point, const char *new_root)
{
    char target[512];

    snprintf(target, sizeof(target), "%s%s", new_root, mount_point);
    return early_mount(mount_point, target, NULL, MS_MOVE, NULL);
}

void early_mount_kernel_filesystems(void)
{
    mkdir("/dev", 0755);
    mount("dev", "/dev", "devtmpfs", MS_NOSUID, "mode=0755"); /* the kernel may have done it already */
    early_mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
    early_mount("sys", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
}

void early_device_nodes(void)
{
    static const char *const xen[] = {"gntalloc", "gntdev", "evtchn", "xenbus", "privcmd", "hypercall"};
    const gid_t qubes = 98; /* templates/stage-root makes the group with this number, as Qubes has it */
    char path[64];

    mkdir("/dev/net", 0755);
    mknod("/dev/net/tun", S_IFCHR | 0666, makedev(10, 200));
    mknod("/dev/fuse", S_IFCHR | 0666, makedev(10, 229));
    mknod("/dev/loop-control", S_IFCHR | 0660, makedev(10, 237));
    for (size_t i = 0; i < sizeof(xen) / sizeof(xen[0]); i++) {
        snprintf(path, sizeof(path), "/dev/xen/%s", xen[i]);
        if (chown(path, 0, qubes) == 0)
            chmod(path, 0660);
    }
}

/* The line is a file name, and after a blank perhaps the module's parameters. */
static int load_module(char *line)
{
    char path[300], *parameters = strchr(line, ' ');

    if (parameters)
        *parameters++ = '\0';
    snprintf(path, sizeof(path), "/modules/%s", line);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int result =
        syscall(SYS_finit_module, fd, parameters ? parameters : "", 0) == 0 || errno == EEXIST ? 0 : -errno;
    close(fd);
    return result;
}

int early_load_modules(const char *group)
{
    char path[300], name[256];
    int failures = 0;

    snprintf(path, sizeof(path), "/modules/%s.list", group);
    FILE *list = fopen(path, "re");
    if (!list)
        return 0;
    while (fgets(name, sizeof(name), list)) {
        name[strcspn(name, "\n")] = '\0';
        int error = name[0] ? load_module(name) : 0;
        if (error == 0)
            continue;
        early_log("module %s: %s", name, strerror(-error));
        failures++;
    }
    fclose(list);
    return failures;
}

bool early_wait_for(const char *path, unsigned int milliseconds)
{
    const struct timespec pause = {.tv_nsec = 10000000};

    for (unsigned int waited = 0; access(path, F_OK) != 0; waited += 10) {
        if (waited >= milliseconds)
            return false;
        nanosleep(&pause, NULL);
    }
    return true;
}

bool early_word(const char *word, char *value, size_t size)
{
    char line[4096], *rest = line, *token;
    size_t length = strlen(word);

    FILE *file = fopen("/proc/cmdline", "re");
    if (!file)
        return false;
    bool found = false;
    if (!fgets(line, sizeof(line), file))
        line[0] = '\0';
    fclose(file);
    while ((token = strsep(&rest, " \n")) != NULL) {
        if (strncmp(token, word, length) != 0 || (token[length] != '\0' && token[length] != '='))
            continue;
        found = true;
        if (value && token[length] == '=')
            snprintf(value, size, "%s", token + length + 1);
    }
    return found;
}

int early_loop(const char *file, char device[32])
{
    struct loop_config config = {.info = {.lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR}};

    int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    if (control < 0)
        return -errno;
    int number = ioctl(control, LOOP_CTL_GET_FREE);
    close(control);
    if (number < 0)
        return -errno;
    snprintf(device, 32, "/dev/loop%d", number);
    int backing = open(file, O_RDONLY | O_CLOEXEC), loop = open(device, O_RDONLY | O_CLOEXEC), result = 0;
    config.fd = (__u32)backing;
    snprintf((char *)config.info.lo_file_name, LO_NAME_SIZE, "%s", file);
    if (backing < 0 || loop < 0 || ioctl(loop, LOOP_CONFIGURE, &config) != 0)
        result = -errno;
    /* the loop descriptor stays open: AUTOCLEAR would undo the device before it is mounted */
    close(backing);
    return result;
}

int early_run_in(const char *root, char *const arguments[])
{
    int status = 0;

    pid_t child = fork();
    if (child == 0) {
        if (chroot(root) == 0 && chdir("/") == 0)
            execv(arguments[0], arguments);
        _exit(127);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
        early_log("%s failed with status %x", arguments[0], (unsigned int)status);
        return -EIO;
    }
    return 0;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status;
    (void)kind;
    if (where->level > 0)
        remove(path);
    return 0;
}

int early_switch_root(const char *new_root)
{
    char *arguments[] = {"/sbin/init", NULL};

    early_move("/dev", new_root);
    early_move("/sys", new_root);
    early_move("/proc", new_root);
    nftw("/", remove_entry, 16, FTW_MOUNT | FTW_PHYS | FTW_DEPTH);
    if (chdir(new_root) != 0 || mount(".", "/", NULL, MS_MOVE, NULL) != 0 || chroot(".") != 0 ||
        chdir("/") != 0)
        return -errno;
    execv(arguments[0], arguments);
    return -errno;
}
