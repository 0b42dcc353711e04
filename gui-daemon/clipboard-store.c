/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "clipboard-store.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../gui-common/gui-protocol.h"

#define DEFAULT_DIR "/var/run/qubes"
#define CONTENT     "qubes-clipboard.bin"
#define SOURCE      CONTENT ".source"
#define XEVENT      CONTENT ".xevent"
#define METADATA    CONTENT ".metadata"
#define LOCK        "appviewer.lock"

void clipboard_store_init(struct clipboard_store *store, const char *dir)
{
    const char *from_env = getenv("QUBES_CLIPBOARD_DIR");
    struct group *group = getgrnam("qubes");

    if (!dir)
        dir = from_env ? from_env : DEFAULT_DIR;
    store->dir = g_strdup(dir);
    store->group = group ? (int)group->gr_gid : -1;
    store->lock_fd = -1;
}

void clipboard_store_free(struct clipboard_store *store)
{
    clipboard_store_unlock(store);
    g_free(store->dir);
}

static int open_file(struct clipboard_store *store, const char *name, int flags)
{
    g_autofree char *path = g_build_filename(store->dir, name, NULL);
    mode_t mask = umask(0007);
    int fd = open(path, flags | O_NOFOLLOW | O_CLOEXEC, 0660);

    umask(mask);
    if (fd < 0)
        return -errno;
    /* Not the owner, or not in the group: the directory's own group does then. */
    if ((flags & O_CREAT) && store->group >= 0 && fchown(fd, (uid_t)-1, (gid_t)store->group))
        errno = 0;
    return fd;
}

int clipboard_store_lock(struct clipboard_store *store)
{
    int fd = open_file(store, LOCK, O_RDWR | O_CREAT);

    if (fd < 0)
        return fd;
    if (flock(fd, LOCK_EX)) {
        int err = -errno;

        close(fd);
        return err;
    }
    store->lock_fd = fd;
    return 0;
}

void clipboard_store_unlock(struct clipboard_store *store)
{
    if (store->lock_fd >= 0)
        close(store->lock_fd);
    store->lock_fd = -1;
}

static int write_file(struct clipboard_store *store, const char *name, const void *bytes, size_t length)
{
    int fd = open_file(store, name, O_WRONLY | O_CREAT | O_TRUNC), err = 0;
    const char *from = bytes;

    if (fd < 0)
        return fd;
    while (length && !err) {
        ssize_t put = write(fd, from, length);

        if (put < 0) {
            err = errno == EINTR ? 0 : -errno;
            continue;
        }
        from += put;
        length -= (size_t)put;
    }
    close(fd);
    return err;
}

/* At most `size` bytes; the count, or -errno. A missing file is empty. */
static ssize_t read_file(struct clipboard_store *store, const char *name, void *bytes, size_t size)
{
    int fd = open_file(store, name, O_RDONLY);
    size_t have = 0;
    ssize_t got = 1;

    if (fd < 0)
        return fd == -ENOENT ? 0 : fd;
    while (have < size && got) {
        got = read(fd, (char *)bytes + have, size - have);
        if (got < 0 && errno != EINTR) {
            got = -errno;
            close(fd);
            return got;
        }
        have += got > 0 ? (size_t)got : 0;
    }
    close(fd);
    return (ssize_t)have;
}

int clipboard_store_read(struct clipboard_store *store, bool bytes, struct clipboard_entry *entry)
{
    char time[16] = "";
    ssize_t got;

    memset(entry, 0, sizeof(*entry));
    got = read_file(store, SOURCE, entry->source, sizeof(entry->source) - 1);
    if (got < 0)
        return (int)got;
    entry->source[strcspn(entry->source, "\n")] = 0;
    got = read_file(store, XEVENT, time, sizeof(time) - 1);
    if (got < 0)
        return (int)got;
    entry->time = (uint32_t)strtoul(time, NULL, 10);
    if (!bytes)
        return 0;
    entry->bytes = g_malloc(GUI_CLIPBOARD_MAX);
    got = read_file(store, CONTENT, entry->bytes, GUI_CLIPBOARD_MAX);
    entry->length = got > 0 ? (size_t)got : 0;
    return got < 0 ? (int)got : 0;
}

void clipboard_entry_free(struct clipboard_entry *entry)
{
    g_free(entry->bytes);
    memset(entry, 0, sizeof(*entry));
}

static int write_time(struct clipboard_store *store, uint32_t time)
{
    char text[16];

    g_snprintf(text, sizeof(text), "%u", time);
    return write_file(store, XEVENT, text, strlen(text));
}

/* The source goes last and is emptied first: content without a source is never pasted. */
int clipboard_store_write(struct clipboard_store *store, const char *source, uint32_t time, const void *bytes,
                          size_t length)
{
    int err = write_file(store, SOURCE, "", 0);

    if (!err)
        err = write_file(store, CONTENT, bytes, length);
    if (!err)
        err = write_time(store, time);
    if (!err)
        err = write_file(store, SOURCE, source, strlen(source));
    return err;
}

int clipboard_store_wipe(struct clipboard_store *store, uint32_t time)
{
    return clipboard_store_write(store, "", time, "", 0);
}

void clipboard_store_metadata(struct clipboard_store *store, const struct clipboard_event *event)
{
    g_autofree char *text = g_strdup_printf(
        "{\n\"vmname\":\"%s\",\n\"xevent_timestamp\":%u,\n\"successful\":%d,\n\"copy_action\":%d,\n"
        "\"paste_action\":%d,\n\"malformed_request\":0,\n\"cleared\":%d,\n\"qrexec_clipboard\":0,\n"
        "\"sent_size\":%zu,\n\"buffer_size\":%zu\n}\n",
        event->domain, event->time, event->successful, event->copy, event->paste, event->cleared,
        event->sent_size, event->buffer_size);

    /* Only for display: a failure changes nothing. */
    (void)!write_file(store, METADATA, text, strlen(text));
}

bool clipboard_time_after(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) > 0;
}
