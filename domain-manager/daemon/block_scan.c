/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "block_scan.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define CLASS_DIR   "/sys/class/block"
#define SECTOR_SIZE 512

static char *read_attribute(const char *name, const char *attribute)
{
    g_autofree char *path = g_strdup_printf(CLASS_DIR "/%s/%s", name, attribute);
    char *text = NULL;
    g_file_get_contents(path, &text, NULL, NULL);
    return text ? g_strstrip(text) : NULL;
}

/* Volumes of domains are loop devices that clear themselves: those that a person has made do not. */
static gboolean is_volume(const char *name)
{
    g_autofree char *clears_itself = read_attribute(name, "loop/autoclear");
    return g_strcmp0(clears_itself, "1") == 0;
}

/* An exclusive open fails while a file system or any other user in dom0 holds it, or a part of it. */
static gboolean is_free(const char *path)
{
    int fd = open(path, O_RDONLY | O_EXCL | O_CLOEXEC);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

/* What the device says of itself goes to people's screens: printable, short, no quotes. */
static void describe(const char *name, char *to, size_t size)
{
    g_autofree char *model = read_attribute(name, "device/model"),
                    *file = read_attribute(name, "loop/backing_file");
    g_strlcpy(to, model ? model : file ? file : "", size);
    for (char *p = to; *p; p++)
        if (!g_ascii_isprint(*p) || *p == '\'')
            *p = '_';
}

GArray *block_scan(void)
{
    GArray *found = g_array_new(FALSE, TRUE, sizeof(struct backend_block));
    g_autoptr(GDir) dir = g_dir_open(CLASS_DIR, 0, NULL);
    for (const char *name; dir && (name = g_dir_read_name(dir));) {
        struct backend_block block = {0};
        g_autofree char *sectors = read_attribute(name, "size"), *read_only = read_attribute(name, "ro");
        g_strlcpy(block.name, name, sizeof block.name);
        g_snprintf(block.path, sizeof block.path, "/dev/%s", name);
        block.size = sectors ? g_ascii_strtoull(sectors, NULL, 10) * SECTOR_SIZE : 0;
        block.writable = g_strcmp0(read_only, "0") == 0;
        if (!block.size || strlen(name) >= sizeof block.name || is_volume(name) || !is_free(block.path))
            continue;
        describe(name, block.description, sizeof block.description);
        g_array_append_val(found, block);
    }
    return found;
}

gboolean block_number(const char *path, unsigned *major_number, unsigned *minor_number)
{
    struct stat st;
    if (stat(path, &st) < 0)
        return FALSE;
    if (!S_ISBLK(st.st_mode)) {
        errno = ENOTBLK;
        return FALSE;
    }
    *major_number = major(st.st_rdev);
    *minor_number = minor(st.st_rdev);
    return TRUE;
}
