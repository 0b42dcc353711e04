/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * First process of the live dom0: find the medium by its volume label, mount dom0's root image from it with a
 * writable layer in memory, leave the medium mounted at /run/bulkhead/medium (templates and the guests'
 * kernels stand there), and become systemd. Which disk drivers to load is decided by the PCI classes that the
 * machine shows.
 */
#include "../../templates/initramfs/early.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROOT           "/sysroot"
#define MEDIUM         "/medium"
#define STATE          ROOT "/var/lib/bulkhead"
#define VOLUME_LABEL   "BULKHEAD"
#define MEDIUM_WAIT_MS 30000

/* ISO 9660: the primary volume descriptor is sector 16, "CD001" at its byte 1, the volume's name at byte 40.
 */
#define ISO_DESCRIPTOR (16 * 2048)

/* PCI base class and subclass (PCI Code and ID Assignment 1.11), and the module group that drives such a
 * device. */
static const struct {
    const char *class;
    const char *group;
} drivers[] = {
    {"0x0108", "nvme"},
    {"0x0106", "ahci"},
    {"0x0c03", "usb"},
    {"0x0101", "ide"},
};

static void load_drivers_for_class(const char *class)
{
    for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++)
        if (strncmp(class, drivers[i].class, strlen(drivers[i].class)) == 0)
            early_load_modules(drivers[i].group);
}

static void read_line(const char *path, char *line, size_t size)
{
    FILE *file = fopen(path, "re");

    line[0] = '\0';
    if (!file)
        return;
    if (!fgets(line, (int)size, file))
        line[0] = '\0';
    fclose(file);
}

static void load_disk_drivers(void)
{
    char path[300], line[32];
    struct dirent *entry;

    DIR *devices = opendir("/sys/bus/pci/devices");
    if (!devices)
        return;
    while ((entry = readdir(devices)) != NULL) {
        snprintf(path, sizeof(path), "/sys/bus/pci/devices/%.64s/class", entry->d_name);
        read_line(path, line, sizeof(line));
        load_drivers_for_class(line);
        snprintf(path, sizeof(path), "/sys/bus/pci/devices/%.64s/vendor", entry->d_name);
        read_line(path, line, sizeof(line));
        if (strncmp(line, "0x1af4", 6) == 0)
            early_load_modules("virtio");
    }
    closedir(devices);
}

static bool has_our_label(const char *device)
{
    char descriptor[128] = "";

    int fd = open(device, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t got = pread(fd, descriptor, sizeof(descriptor), ISO_DESCRIPTOR);
    close(fd);
    return got == (ssize_t)sizeof(descriptor) && memcmp(descriptor + 1, "CD001", 5) == 0 &&
           strncmp(descriptor + 40, VOLUME_LABEL, strlen(VOLUME_LABEL)) == 0;
}

static bool mount_medium(void)
{
    char device[300];
    struct dirent *entry;
    bool found = false;

    DIR *block = opendir("/sys/class/block");
    if (!block)
        return false;
    while (!found && (entry = readdir(block)) != NULL) {
        if (entry->d_name[0] == '.' || strncmp(entry->d_name, "loop", 4) == 0 ||
            strncmp(entry->d_name, "ram", 3) == 0)
            continue;
        snprintf(device, sizeof(device), "/dev/%.255s", entry->d_name);
        found = has_our_label(device) && early_mount(device, MEDIUM, "iso9660", MS_RDONLY, NULL) == 0;
    }
    closedir(block);
    if (found)
        early_log("the medium is %s", device);
    return found;
}

static void find_medium(void)
{
    for (unsigned int waited = 0; !mount_medium(); waited += 50) {
        if (waited >= MEDIUM_WAIT_MS)
            early_fail("no medium with the label " VOLUME_LABEL " was found");
        usleep(50000);
    }
}

static void mount_root(void)
{
    char loop[32];

    if (early_loop(MEDIUM "/live/dom0.img", loop) != 0)
        early_fail("cannot set up dom0's root image");
    if (early_mount(loop, "/image", "erofs", MS_RDONLY, NULL) != 0)
        early_fail("dom0's root image is damaged; run the medium check from the boot menu");
    early_mount("changes", "/changes", "tmpfs", 0, "mode=0755,size=75%");
    early_mkdirs("/changes/upper");
    early_mkdirs("/changes/work");
    if (early_mount("root", ROOT, "overlay", 0,
                    "lowerdir=/image,upperdir=/changes/upper,workdir=/changes/work") != 0)
        early_fail("cannot put dom0's root together");
}

static void link_to_medium(const char *directory, const char *name)
{
    char target[600], link[600];

    snprintf(target, sizeof(target), "/run/bulkhead/medium/bulkhead/%.300s%.200s", directory, name);
    snprintf(link, sizeof(link), STATE "/%.300s%.200s", directory, name);
    if (symlink(target, link) != 0)
        early_log("cannot make %s", link);
}

/* Call `visit` with `prefix` and the name of each entry of the medium's directory bulkhead/`prefix`. */
static void for_each_on_medium(const char *prefix, void (*visit)(const char *prefix, const char *name))
{
    char path[600];
    struct dirent *entry;

    snprintf(path, sizeof(path), MEDIUM "/bulkhead/%.300s", prefix);
    DIR *directory = opendir(path);
    if (!directory)
        return;
    while ((entry = readdir(directory)) != NULL)
        if (entry->d_name[0] != '.')
            visit(prefix, entry->d_name);
    closedir(directory);
}

/* A directory of its own, with links to the files: changes of the template are kept beside them. */
static void link_template(const char *prefix, const char *name)
{
    char directory[600], path[700];

    snprintf(directory, sizeof(directory), "%.200s%.200s/", prefix, name);
    snprintf(path, sizeof(path), STATE "/%s", directory);
    early_mkdirs(path);
    for_each_on_medium(directory, link_to_medium);
}

/*
 * The domains' disks are files here. In memory, like all of the live system, but not below the overlay: a
 * loop device would believe that an overlay can do direct I/O, and every read of it would fail. Templates and
 * kernels are links to the medium.
 */
static void mount_state(void)
{
    early_mount("state", STATE, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=75%");
    link_to_medium("", "kernels");
    for_each_on_medium("templates/", link_template);
}

int main(void)
{
    umask(022);
    early_mount_kernel_filesystems();
    early_log("kernel is up");
    early_load_modules("core");
    load_disk_drivers();
    early_device_nodes();
    early_log("modules are loaded");
    find_medium();
    mount_root();
    mount_state();
    early_mount("run", ROOT "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=20%");
    early_mount(MEDIUM, ROOT "/run/bulkhead/medium", NULL, MS_MOVE, NULL);
    early_log("starting systemd");
    int error = early_switch_root(ROOT);
    early_fail("cannot start dom0's /sbin/init: %s", strerror(-error));
}
