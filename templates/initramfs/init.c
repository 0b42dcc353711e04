/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * First process of an app domain. It puts the root together from the disks that the domain manager attaches
 * (the contract is in docs/templates.md), and becomes systemd:
 *
 *   xvda  template's root image, read-only (erofs, squashfs)    xvdd  kernel modules image, optional
 *   xvdb  private: /rw, with home and usrlocal below            xvde  upper: the root's changes
 *   xvdc  volatile: swap                                        xvdf  the template's committed upper,
 * read-only, optional
 *
 * The disks' contents are this domain's own affair: whatever is wrong with them harms this domain only.
 */
#include "bind_dirs.h"
#include "early.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/utsname.h>
#include <unistd.h>

#define ROOT         "/sysroot"
#define DISK_WAIT_MS 20000
#define PAGE         4096

/* A disk counts as blank when its first 64 KiB are zero: every file system has its superblock there. */
static bool disk_is_blank(const char *device)
{
    static char buffer[65536];

    int fd = open(device, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t got = read(fd, buffer, sizeof(buffer));
    close(fd);
    return got > 0 && buffer[0] == 0 && memcmp(buffer, buffer + 1, (size_t)got - 1) == 0;
}

static int make_ext4(const char *device, const char *label)
{
    char *arguments[] = {"/sbin/mke2fs",
                         "-q",
                         "-F",
                         "-t",
                         "ext4",
                         "-m",
                         "0",
                         "-L",
                         (char *)label,
                         "-E",
                         "nodiscard,lazy_itable_init=1,lazy_journal_init=1,packed_meta_blocks=1",
                         (char *)device,
                         NULL};

    early_mount("/dev", "/template/dev", NULL, MS_BIND, NULL);
    int error = early_run_in("/template", arguments);
    umount2("/template/dev", MNT_DETACH);
    return error;
}

static int mount_writable(const char *device, const char *label, const char *target)
{
    if (disk_is_blank(device) && make_ext4(device, label) == 0)
        early_log("made a file system on %s", device);
    return early_mount(device, target, "ext4", MS_NODEV, "noinit_itable");
}

static void mount_template(void)
{
    static const char *const types[] = {"erofs", "ext4", "squashfs"};

    if (!early_wait_for("/dev/xvda", DISK_WAIT_MS))
        early_fail("the root disk xvda did not appear");
    early_mkdirs("/template");
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        early_load_modules(types[i]); /* a group for what our own images do not need; most have none */
        if (mount("/dev/xvda", "/template", types[i], MS_RDONLY, NULL) == 0)
            return;
    }
    early_fail("xvda holds no file system that can be mounted");
}

/* Template below, its committed changes in the middle, this domain's own changes on top. */
static void mount_root(void)
{
    const char *lower = "/template";
    char options[256];

    if (access("/dev/xvdf", F_OK) == 0 &&
        early_mount("/dev/xvdf", "/committed", "ext4", MS_RDONLY, "noload") == 0)
        lower = "/committed/upper:/template";
    if (access("/dev/xvde", F_OK) != 0 || mount_writable("/dev/xvde", "upper", "/changes") != 0) {
        early_log("no upper disk: changes to the root are kept in memory");
        early_mount("changes", "/changes", "tmpfs", 0, "mode=0755");
    }
    early_mkdirs("/changes/upper");
    early_mkdirs("/changes/work");
    snprintf(options, sizeof(options), "lowerdir=%s,upperdir=/changes/upper,workdir=/changes/work", lower);
    if (early_mount("root", ROOT, "overlay", 0, options) != 0)
        early_fail("cannot put the root together");
}

/* First use of a private disk: the template's homes, and the directories that people of Qubes know. */
static void fill_private(void)
{
    char *homes[] = {"/bin/cp", "-a", "/home", "/rw/home", NULL};
    char *local[] = {"/bin/cp", "-a", "/usr/local", "/rw/usrlocal", NULL};

    early_run_in(ROOT, homes);
    early_run_in(ROOT, local);
    early_mkdirs(ROOT "/rw/bind-dirs");
    early_mkdirs(ROOT "/rw/config");
}

static void mount_private(void)
{
    if (access("/dev/xvdb", F_OK) != 0 || mount_writable("/dev/xvdb", "private", ROOT "/rw") != 0)
        return;
    if (access(ROOT "/rw/config", F_OK) != 0)
        fill_private();
    early_mount(ROOT "/rw/home", ROOT "/home", NULL, MS_BIND, NULL);
    early_mount(ROOT "/rw/usrlocal", ROOT "/usr/local", NULL, MS_BIND, NULL);
}

/* What mkswap writes: version and size at 1024, the signature at the end of the first page. */
static void enable_swap(const char *device)
{
    static uint8_t page[PAGE];
    uint32_t header[2] = {1, 0};
    uint64_t bytes = 0;

    int fd = open(device, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return;
    if (ioctl(fd, BLKGETSIZE64, &bytes) == 0 && bytes >= 16 * PAGE) {
        header[1] = (uint32_t)(bytes / PAGE - 1);
        memcpy(page + 1024, header, sizeof(header));
        memcpy(page + PAGE - 10, "SWAPSPACE2", 10);
        if (write(fd, page, PAGE) != PAGE || fsync(fd) != 0 || swapon(device, 0) != 0)
            early_log("no swap on %s: %s", device, strerror(errno));
    }
    close(fd);
}

static void mount_modules(void)
{
    struct utsname kernel;
    char target[256];

    if (access("/dev/xvdd", F_OK) != 0 || uname(&kernel) != 0)
        return;
    snprintf(target, sizeof(target), ROOT "/lib/modules/%s", kernel.release);
    early_mount("/dev/xvdd", target, "erofs", MS_RDONLY, NULL);
}

/* xenstore's wire header, xen/io/xs_wire.h; type 2 is "read". */
struct store_message {
    uint32_t type, request, transaction, length;
};

#define STORE_KEY_MAX 64

/* Read a key from xenstore, whose relative paths begin at the domain's own directory. */
static int read_store(const char *key, char *value, size_t size)
{
    struct {
        struct store_message header;
        char key[STORE_KEY_MAX];
    } request = {.header = {.type = 2, .length = (uint32_t)strlen(key) + 1}};
    struct store_message answer;
    const size_t request_size = sizeof(request.header) + request.header.length;

    snprintf(request.key, sizeof(request.key), "%s", key);
    int fd = open("/dev/xen/xenbus", O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int result = -EIO;
    if (write(fd, &request, request_size) == (ssize_t)request_size &&
        read(fd, &answer, sizeof(answer)) == (ssize_t)sizeof(answer) && answer.type == 2 &&
        answer.length < size && read(fd, value, answer.length) == (ssize_t)answer.length) {
        value[answer.length] = '\0';
        result = answer.length > 0 ? 0 : -ENOENT;
    }
    close(fd);
    return result;
}

/* Where all of the root is kept there is nothing to keep besides. */
static bool keeps_only_rw(void)
{
    char persistence[16];

    return read_store("qubesdb/qubes-vm-persistence", persistence, sizeof(persistence)) == 0 &&
           strcmp(persistence, "rw-only") == 0;
}

/* systemd keeps a host name that is set when there is no /etc/hostname. */
static void set_host_name(void)
{
    char name[64];

    if (read_store("name", name, sizeof(name)) != 0)
        return;
    sethostname(name, strlen(name));
    FILE *hosts = fopen(ROOT "/etc/hosts", "we");
    if (!hosts)
        return;
    fprintf(hosts, "127.0.0.1 localhost\n127.0.1.1 %s\n::1 localhost\n", name);
    fclose(hosts);
}

int main(void)
{
    umask(022);
    early_mount_kernel_filesystems();
    early_log("kernel is up");
    early_load_modules("core");
    early_device_nodes();
    early_log("modules are loaded");
    mount_template();
    mount_root();
    early_log("root is mounted");
    mount_private();
    if (keeps_only_rw())
        bind_dirs_mount(ROOT);
    enable_swap("/dev/xvdc");
    mount_modules();
    set_host_name();
    early_log("starting systemd");
    int error = early_switch_root(ROOT);
    early_fail("cannot start the template's /sbin/init: %s", strerror(-error));
}
