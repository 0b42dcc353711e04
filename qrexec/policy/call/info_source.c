/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "info_source.h"
#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define TIMEOUT_SECONDS 5
#define MAX_ANSWER      (16u << 20)

static int send_call(int fd, const char *method, const char *dest, const char *payload)
{
    char header[512];
    int len = snprintf(header, sizeof(header), "%s dom0 name %s", method, dest);

    if (len < 0 || (size_t)len >= sizeof(header))
        return -ENAMETOOLONG;
    int status = stream_write(fd, header, (size_t)len + 1); /* with its NUL */
    if (!status && payload)
        status = stream_write(fd, payload, strlen(payload));
    if (!status && shutdown(fd, SHUT_WR) < 0)
        status = -errno;
    return status;
}

/* The whole answer into a buffer that is kept between calls. */
static int exchange(const char *path, const char *method, const char *dest, const char *payload,
                    char **buffer, size_t *room, size_t *len)
{
    int fd = stream_connect(path, TIMEOUT_SECONDS);
    if (fd < 0)
        return fd;
    int status = send_call(fd, method, dest, payload);
    if (!status)
        status = stream_read_all(fd, buffer, room, len, MAX_ANSWER);
    close(fd);
    if (!status && (*len < 2 || (*buffer)[1] != '\0' || (*buffer)[0] != '0'))
        status = -EPROTO;
    return status;
}

int info_source_admin_call(const char *socket_path, const char *method, const char *dest, const char *payload,
                           char **answer, size_t *len)
{
    size_t room = 0;

    *answer = NULL;
    int status = exchange(socket_path, method, dest, payload, answer, &room, len);
    if (status < 0) {
        free(*answer);
        *answer = NULL;
        return status;
    }
    *len -= 2;
    memmove(*answer, *answer + 2, *len);
    (*answer)[*len] = '\0'; /* the two bytes moved away leave room */
    return 0;
}

static void swap_buffers(struct info_source *source, size_t len)
{
    char *raw = source->raw;
    size_t room = source->raw_room;

    source->raw = source->spare;
    source->raw_room = source->spare_room;
    source->raw_len = len;
    source->spare = raw;
    source->spare_room = room;
}

static const struct system_info *replace(struct info_source *source, struct system_info *info)
{
    if (!info)
        return NULL;
    system_info_free(source->info);
    source->info = info;
    return info;
}

static const struct system_info *ask_manager(struct info_source *source, char *error, size_t error_size)
{
    const char *path = source->socket ? source->socket : INFO_SOURCE_SOCKET;
    size_t len;
    int status =
        exchange(path, "internal.GetSystemInfo+", "dom0", NULL, &source->spare, &source->spare_room, &len);

    if (status < 0) {
        snprintf(error, error_size, "%s: %s", path, strerror(-status));
        return NULL;
    }
    if (source->info && len == source->raw_len && !memcmp(source->spare, source->raw, len))
        return source->info;
    struct system_info *info = system_info_parse(source->spare + 2, len - 2, error, error_size);
    if (info)
        swap_buffers(source, len);
    return replace(source, info);
}

static const struct system_info *read_file(struct info_source *source, char *error, size_t error_size)
{
    struct stat status;

    if (stat(source->file, &status) < 0) {
        snprintf(error, error_size, "%s: %s", source->file, strerror(errno));
        return NULL;
    }
    if (source->info && source->file_size == status.st_size &&
        source->file_time.tv_sec == status.st_mtim.tv_sec &&
        source->file_time.tv_nsec == status.st_mtim.tv_nsec)
        return source->info;
    source->file_size = status.st_size;
    source->file_time = status.st_mtim;
    const struct system_info *info = replace(source, system_info_read(source->file, error, error_size));
    if (!info)
        source->file_size = -1; /* read again next time */
    return info;
}

const struct system_info *info_source_get(struct info_source *source, char *error, size_t error_size)
{
    return source->file ? read_file(source, error, error_size) : ask_manager(source, error, error_size);
}

void info_source_clear(struct info_source *source)
{
    system_info_free(source->info);
    free(source->raw);
    free(source->spare);
    *source = (struct info_source){0};
}
